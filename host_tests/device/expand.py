"""Scenarios by name, on MicroPython and CPython.

The group "connect@5" is the group "connect" for MQTT 5.0. Where an entry is another one there, it
has "in_5": a text says why it does not exist, a dict ("why", and the keys that are replaced; of
"cases" those that are named, None leaves one out; "new": further options of the client) what
differs. All scenarios of 5.0 have "version": 5; so do the groups whose module has VERSION = 5.

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


# Reason codes of CONNACK: those of 3.1.1 as 5.0 has them.
RETURN_CODES = {1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87}
CODES = ("return_code", "reason_code")


def recoded(item):
    """A copy of nested literals with CONNACK's return codes as those of 5.0."""
    if isinstance(item, (tuple, list)):
        return type(item)([recoded(part) for part in item])
    if isinstance(item, dict):
        return {
            key: RETURN_CODES.get(part, part) if key in CODES else recoded(part)
            for key, part in item.items()
        }
    return item


def in_5(entry):
    """An entry of 3.1.1 for 5.0; None if there is none."""
    change = entry.get("in_5", {})
    if isinstance(change, str):
        return None
    one = {key: part for key, part in entry.items() if key not in ("in_5", "covers")}
    one.update(change)
    if "cases" in change:
        one["cases"] = {}
        labels = list(entry.get("cases", ()))
        for label in labels + [one for one in change["cases"] if one not in labels]:
            changed = change["cases"].get(label, {})
            if changed is not None:
                one["cases"][label] = dict(entry.get("cases", {}).get(label, {}))
                one["cases"][label].update(changed)
    return one


def expand(scenario, version=4):
    """The scenarios that one entry of a table stands for."""
    if version == 5:
        scenario = in_5(scenario)
        if scenario is None:
            return []
    cases = scenario.get("cases")
    plain = {key: part for key, part in scenario.items() if key not in ("cases", "name", "in_5")}
    expanded = []
    for label, values in {None: {}}.items() if cases is None else cases.items():
        one = replaced(plain, values)
        one["name"] = scenario["name"] + ("" if label is None else "." + label)
        expanded.append(one)
    return expanded


def finished(scenarios, version, native):
    """The same with their version; codes of CONNACK as it has them."""
    if version == 4:
        return scenarios
    for one in scenarios:
        one["version"] = version
        one["native"] = native  # its hex is that of 5.0
    return scenarios if native else [recoded(one) for one in scenarios]


def entries(group):
    """The entries of a group, its version, and whether it was written for that."""
    name, _, version = group.partition("@")
    module = getattr(__import__("scenarios." + name), name)
    own = getattr(module, "VERSION", 4)
    return module.SCENARIOS, int(version or own), own == int(version or own)


def table(group):
    """All scenarios of a group, expanded."""
    found, version, native = entries(group)
    changed = 4 if native else version
    return finished([one for entry in found for one in expand(entry, changed)], version, native)


def find(group, name):
    """The scenario of that name."""
    found, version, native = entries(group)
    for entry in found:
        if entry["name"] == name.split(".")[0]:
            some = expand(entry, 4 if native else version)
            for one in finished(some, version, native):
                if one["name"] == name:
                    return one
    raise ValueError("no scenario %s in %s" % (name, group))
