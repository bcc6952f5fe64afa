"""Scenarios by name, on MicroPython and CPython.

A scenario with "cases" stands for several: {"label": {"@x": value}, ...} gives one for each
label, named NAME.label, in which each "@x" is replaced by its value.
"""


def replaced(item, values):
    """A copy of nested literals with the names replaced."""
    if isinstance(item, str):
        return values.get(item, item)
    if isinstance(item, (tuple, list)):
        return type(item)([replaced(part, values) for part in item])
    if isinstance(item, dict):
        return {key: replaced(part, values) for key, part in item.items()}
    return item


def prefixed(item, prefix):
    """A copy of nested literals with "{p}" in each text replaced."""
    if isinstance(item, str):
        return item.replace("{p}", prefix)
    if isinstance(item, (tuple, list)):
        return type(item)([prefixed(part, prefix) for part in item])
    if isinstance(item, dict):
        return {key: prefixed(part, prefix) for key, part in item.items()}
    return item


def expand(scenario):
    """The scenarios that one entry of a table stands for."""
    cases = scenario.get("cases")
    if cases is None:
        return [scenario]
    plain = {key: part for key, part in scenario.items() if key not in ("cases", "name")}
    expanded = []
    for label, values in cases.items():
        one = replaced(plain, values)
        one["name"] = scenario["name"] + "." + label
        expanded.append(one)
    return expanded


def table(group):
    """All scenarios of a group, expanded."""
    module = getattr(__import__("scenarios." + group), group)
    return [one for entry in module.SCENARIOS for one in expand(entry)]


def find(group, name):
    """The scenario of that name."""
    module = getattr(__import__("scenarios." + group), group)
    for entry in module.SCENARIOS:
        if entry["name"] == name.split(".")[0]:
            for one in expand(entry):
                if one["name"] == name:
                    return one
    raise ValueError("no scenario %s in %s" % (name, group))
