"""The walls of the design, kept by reading the source: `python3 -m tools.layers`.

- Imports of the library run downwards only (`RANKS`); nothing is imported by a computed name, but
  by `__init__`, which any function may ask for a name that it loads.
- The blocking and the asyncio front end do not know each other.
- The rooms of the protocol (`PURE`) import each other, and nothing that talks or tells time.
- Optional rooms are imported inside the function that first needs them.
- `_cpython` and `_cpython_tls` are loaded by CPython only.
- A private constant that several modules repeat has one value.
- The firmware meets a board through `board` alone.
- Files have at most 400 lines.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import scopes, workspace

LIBRARY = "umqtt_full"
# A module imports modules of a lower rank only. A new module has to be placed here.
RANKS = {
    **dict.fromkeys(("_cpython", "errors", "reason", "wrong"), 0),
    **dict.fromkeys(("topic", "ids", "net", "segments", "drop"), 1),
    "_cpython_tls": 1,
    **dict.fromkeys(("packet", "tls", "waits", "ws"), 2),
    **dict.fromkeys(("inbox", "ring", "properties", "subscriptions", "workers"), 3),
    **dict.fromkeys(("keep_alive", "long", "messages", "reason5", "upload", "will"), 3),
    "outbox": 4,
    **dict.fromkeys(("aliases", "message5", "outbox5", "subscriptions5", "asking", "session"), 5),
    **dict.fromkeys(("arguments", "fallback5", "resume", "store"), 6),
    "connect5": 7,
    "session5": 8,
    "link": 9,
    **dict.fromkeys(("client", "supervisor"), 10),
    "aio": 11,
    "__init__": 12,
    **dict.fromkeys(("endpoint", "simple"), 13),
    "robust": 14,
}
FIVE = (  # MQTT 5
    *("properties", "aliases", "message5", "outbox5", "subscriptions5", "connect5", "session5"),
    *("reason5", "fallback5"),
)
PURE = (
    *("errors", "reason", "wrong", "topic", "ids", "packet", "inbox", "ring", "outbox"),
    *("subscriptions", "keep_alive", "long", "asking", "session", "will", "drop", *FIVE),
)
OPTIONAL = (
    *("asking", "long", "tls", "ws", "store", "resume", "upload", "will", "reason", "wrong"),
    *("arguments", "drop", "endpoint", *FIVE),
)
MAX_LINES = 400
_FRONT_ENDS = (
    ("client", "simple", "robust"),
    ("aio", "supervisor", "messages", "waits", "workers"),
)
_PURE_IMPORTS = ("micropython", "struct", "array", "sys")
_PORT_ONLY = ("boards", "esp32", "rp2", "sim")


@dataclass(frozen=True)
class Import:
    """One module that a file imports, and where: these decide whether it may."""

    module: str  # "errors" for a sibling, else the dotted name
    sibling: bool
    line: int
    in_function: bool
    typing_only: bool
    cpython_only: bool


class _Imports(ast.NodeVisitor):
    """Collects the imports of a file."""

    def __init__(self, package: str | None) -> None:
        self.found: list[Import] = []
        self.computed: list[int] = []
        self._package = package
        self._function = self._typing = self._cpython = False

    def _add(self, name: str, line: int, level: int = 0) -> None:
        parts = name.split(".")
        sibling = level > 0
        if not sibling and parts[0] == self._package:
            sibling, parts = True, parts[1:] or ["__init__"]
        module = parts[0] if sibling else name
        self.found.append(
            Import(module, sibling, line, self._function, self._typing, self._cpython)
        )

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module in (None, self._package):  # from . import errors
            for alias in node.names:
                self._add(alias.name, node.lineno, 1)
        else:
            self._add(node.module or "", node.lineno, node.level)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id == "__import__":
            self.computed.append(node.lineno)
        self.generic_visit(node)

    def _in_function(self, node: ast.AST) -> None:
        before, self._function = self._function, True
        self.generic_visit(node)
        self._function = before

    visit_FunctionDef = _in_function  # noqa: N815
    visit_AsyncFunctionDef = _in_function  # noqa: N815
    visit_Lambda = _in_function  # noqa: N815

    def visit_If(self, node: ast.If) -> None:
        before = self._typing, self._cpython
        self._typing |= scopes.is_type_checking(node)
        self._cpython |= "implementation.name == 'cpython'" in ast.unparse(node.test)
        for one in node.body:
            self.visit(one)
        self._typing, self._cpython = before
        for one in node.orelse:
            self.visit(one)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        before = self._cpython
        self._cpython |= node.type is not None and ast.unparse(node.type) == "ImportError"
        self.generic_visit(node)
        self._cpython = before


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path, package: str | None = None) -> list[Import]:
    """The imports of a file; modules of `package` are its siblings."""
    visitor = _Imports(package)
    visitor.visit(_parse(path))
    return visitor.found


# ---------------------------------------------------------------- the library


def _sibling_problem(name: str, one: Import) -> str | None:
    if one.module not in RANKS:
        return f"imports {one.module}, which has no place in RANKS of tools/layers.py"
    if one.typing_only:
        return None  # nothing is loaded
    if one.module.startswith("_cpython") and not (one.cpython_only or name == "_cpython_tls"):
        return f"imports {one.module} where a board would load it"
    among = name in FIVE and one.module in FIVE  # loaded together
    if one.module in OPTIONAL and not one.in_function and not among:
        return f"imports the optional {one.module} at its head; import it where it is needed"
    if name in PURE and one.module not in PURE and one.module != "_cpython":
        return f"imports {one.module}, but belongs to the protocol, which does no I/O"
    if any(name in a and one.module in b for a in _FRONT_ENDS for b in _FRONT_ENDS if a != b):
        return f"imports {one.module}, which belongs to the other front end"
    if name == "__init__" or (one.module in ("__init__", *OPTIONAL) and one.in_function):
        return None
    if RANKS[one.module] >= RANKS[name]:
        return f"imports {one.module}, which does not lie below it"
    return None


def _outside_problem(name: str, one: Import) -> str | None:
    if name in PURE and not one.typing_only and one.module not in _PURE_IMPORTS:
        return f"imports {one.module}; the protocol imports only {', '.join(_PURE_IMPORTS)}"
    return None


def import_problems(library: Path) -> Iterator[str]:
    """What the library's modules import against the rules."""
    for path in sorted(library.glob("*.py")):
        name = path.stem
        if name not in RANKS:
            yield f"{path.name}: has no place in RANKS of tools/layers.py"
            continue
        visitor = _Imports(LIBRARY)
        visitor.visit(_parse(path))
        for one in visitor.found:
            check = _sibling_problem if one.sibling else _outside_problem
            problem = check(name, one)
            if problem:
                yield f"{path.name}:{one.line}: {problem}"
        if name != "__init__":
            for line in visitor.computed:
                yield f"{path.name}:{line}: imports by a computed name, which hides from this test"
    yield from _room_problems(library)


def _room_problems(library: Path) -> Iterator[str]:
    """Public names that `__init__` loads late: each must be where it says."""
    for name, module in rooms(library).items():
        path = library / f"{module}.py"
        if not path.is_file():
            yield f"__init__.py: {name} is said to be in {module}, which does not exist"
        elif name not in _top_level(_parse(path)):
            yield f"__init__.py: {name} is said to be in {module}, which does not define it"


def rooms(library: Path) -> dict[str, str]:
    """The table of public names in `__init__`: name -> module."""
    for node in _parse(library / "__init__.py").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_ROOMS":
            table = ast.literal_eval(node.value)
            return {str(name): str(module) for name, module in table.items()}
    return {}


def _top_level(tree: ast.Module) -> set[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    defined = {node.name for node in tree.body if isinstance(node, kinds)}
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    return defined | {ast.unparse(target) for node in assigned for target in node.targets}


def _constants(path: Path) -> dict[str, object]:
    """The `_X = const(…)` of a file, by value; a private name may stand in an expression."""
    found: dict[str, object] = {}
    for node in _parse(path).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and ast.unparse(node.value.func) == "const"
        ):
            code = compile(ast.Expression(node.value.args[0]), str(path), "eval")
            found[ast.unparse(node.targets[0])] = eval(code, {"__builtins__": {}}, found)
    return found


def constant_problems(library: Path) -> Iterator[str]:
    """Constants of one name that differ between modules."""
    first: dict[str, tuple[str, object]] = {}
    for path in sorted(library.glob("*.py")):
        for name, value in _constants(path).items():
            where, known = first.setdefault(name, (path.name, value))
            if value != known:
                yield f"{path.name}: {name} is {value!r}, in {where} it is {known!r}"


# --------------------------------------------------------------- the firmware


def firmware_problems(firmware: Path, boards: Path) -> Iterator[str]:
    """Imports by which the firmware would know a certain board, or the library's inside."""
    names = {path.stem for path in boards.glob("*/*.py")} - {"board"}
    forbidden = names.union(_PORT_ONLY) - {path.stem for path in firmware.glob("*.py")}
    for path in sorted(firmware.rglob("*.py")):
        for one in imports(path):
            root = one.module.split(".")[0]
            where = f"{path.relative_to(firmware.parent)}:{one.line}"
            if root in forbidden:
                yield f"{where}: imports {one.module}; boards are known through board alone"
            if root == LIBRARY and "._" in one.module:
                yield f"{where}: imports {one.module}, which is private to the library"


# ------------------------------------------------------------------ all files


def length_problems(folders: Sequence[Path], root: Path) -> Iterator[str]:
    """Files that are too long to be read in one go."""
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > MAX_LINES:
                yield f"{path.relative_to(root)}: {lines} lines, at most {MAX_LINES}"


def problems(root: Path) -> list[str]:
    """Everything in the repository that stands against the rules."""
    library = root / "lib" / LIBRARY
    folders = [root / name for name in ("lib", "firmware", "tools", "boards", "host_tests")]
    return [
        *import_problems(library),
        *constant_problems(library),
        *firmware_problems(root / "firmware", root / "boards"),
        *length_problems(folders, root),
    ]


def main() -> int:
    """Print what is wrong; 0 when nothing is."""
    found = problems(workspace.ROOT)
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
