"""The functions, classes and comprehensions of a source file, in MicroPython's order.

The compiler hands them out in the order in which it comes across them, which is mostly that of
the text. An .mpy file keeps the order, so the two can be laid side by side.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Scope:
    """One scope; `is_function` is False for a module and for the body of a class."""

    name: str
    is_function: bool
    children: list[Scope] = field(default_factory=list)


class _Walk(ast.NodeVisitor):
    """Collects the scopes directly inside one scope."""

    def __init__(self) -> None:
        self.found: list[Scope] = []

    def _all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _add(self, name: str, body: Iterable[ast.AST], is_function: bool = True) -> None:
        self.found.append(Scope(name, is_function, _inside(body)))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._all(node.decorator_list)
        self._all([*node.args.defaults, *node.args.kw_defaults])
        self._add(node.name, node.body)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._all([*node.args.defaults, *node.args.kw_defaults])
        self._add("<lambda>", [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._all(node.decorator_list)
        self._add(node.name, node.body, False)
        self._all([*node.bases, *node.keywords])

    def _comprehension(
        self, name: str, generators: list[ast.comprehension], results: Iterable[ast.AST]
    ) -> None:
        inner: list[ast.AST] = [*generators[0].ifs]
        for more in generators[1:]:
            inner += [more.iter, *more.ifs]
        self._add(name, [*inner, *results])
        self.visit(generators[0].iter)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension("<listcomp>", node.generators, [node.elt])

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehension("<setcomp>", node.generators, [node.elt])

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension("<genexpr>", node.generators, [node.elt])

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension("<dictcomp>", node.generators, [node.key, node.value])

    def visit_Assign(self, node: ast.Assign) -> None:
        self._all([node.value, *node.targets])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._all([node.value, node.target])  # the annotation is not compiled

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._all([node.test, node.body, node.orelse])

    def visit_While(self, node: ast.While) -> None:
        self._all([*node.body, node.test, *node.orelse])  # the test stands at the end of the loop

    def visit_If(self, node: ast.If) -> None:
        if is_type_checking(node):
            self._all(node.orelse)
        else:
            self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        """Nothing: left out at -O3."""


def is_type_checking(node: ast.If) -> bool:
    """Whether this is `if TYPE_CHECKING:`, which no interpreter runs."""
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _inside(body: Iterable[ast.AST]) -> list[Scope]:
    walk = _Walk()
    for node in body:
        walk.visit(node)
    return walk.found


def of_module(tree: ast.Module) -> Scope:
    """All scopes of a parsed file, as a tree."""
    return Scope("<module>", False, _inside(tree.body))
