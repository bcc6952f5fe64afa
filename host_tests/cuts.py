"""Every flow, cut at every byte in each direction. Runs on both Pythons.

A case is a history of `chaos.engine`: it connects, arms one fault at byte k, and plays a flow;
then the network is good again and both ends have to come to rest with nothing lost.
"""

from chaos.engine import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from chaos.engine import Simulation

KINDS = ("fin", "rst", "stall")
FRONTS = ("client", "async")
VERSIONS = (4, 5)
CONFIG = {"keep_alive": 2, "backoff": 100, "backoff_max": 200, "connect_timeout": 700}
CONFIG_5 = {"version": 5, "aliases": 2, "aliases_in": 2, "quota": 3, "wordy": True}
HERE = None  # where a flow arms its fault

_OPEN: tuple["Any", ...] = (["on", 0, 2, False, 0], ["connect", 3000], ["poll", 20])


def _out(qos: int) -> "Any":
    return _OPEN + (HERE, ["publish", 0, qos, 12, False, 1500, False], ["poll", 20])


def _in(qos: int) -> "Any":
    return _OPEN + (HERE, ["incoming", 0, qos, 12, False, 1], ["poll", 20])


FLOWS: dict[str, "Any"] = {
    "connect": (HERE, ["on", 0, 2, False, 0], ["connect", 3000], ["poll", 20]),
    "subscribe": _OPEN + (HERE, ["subscribe", [1, 2], 1, 1500], ["poll", 20]),
    "unsubscribe": _OPEN + (HERE, ["unsubscribe", 0, 1500], ["poll", 20]),
    "publish_out_0": _out(0),
    "publish_out_1": _out(1),
    "publish_out_2": _out(2),
    "publish_in_0": _in(0),
    "publish_in_1": _in(1),
    "publish_in_2": _in(2),
    "ping": _OPEN + (HERE, ["poll", 2500]),
    "disconnect": _OPEN + (HERE, ["nowait", 0, 1, 5, False, False], ["disconnect"]),
    "resume": _OPEN
    + (
        ["mood", "hold", True],
        ["nowait", 0, 1, 12, False, False],
        ["nowait", 0, 2, 12, False, False],
        ["incoming", 0, 2, 12, False, 2],
        ["poll", 20],
        ["release"],
        ["strike", "rst"],
        HERE,
        ["poll", 1000],
    ),
}
_LONG: tuple["Any", ...] = (
    ["publish", 3, 1, 12, False, 1500, False],
    ["incoming", 3, 1, 12, False, 1],
)
FLOWS_5: dict[str, "Any"] = dict(FLOWS)
FLOWS_5["alias"] = (
    (["on", 3, 2, False, 0], ["connect", 3000], ["poll", 20])
    + _LONG
    + (["poll", 20], HERE)
    + _LONG
) + (["poll", 20],)
FLOWS_5["refused"] = _OPEN + (["mood", "refuse", 0x97],) + _out(2)[3:]
_NEXT = ("connect", "resume")  # the fault is for the next connection


def flows(version: int) -> "Any":
    """The flows of a version, by name."""
    return FLOWS_5 if version == 5 else FLOWS


def config_of(front: str, version: int) -> "Any":
    """The configuration of each case."""
    config: dict[str, Any] = dict(CONFIG)
    if version == 5:
        config.update(CONFIG_5)
    config["front"] = front
    return config


def history(flow: str, front: str, fault: "Any", kept: bool, version: int = 4) -> "Any":
    """One case; `fault` None: the flow without one."""
    steps = []
    for step in flows(version)[flow]:
        if step is not HERE:
            steps.append(step)
        elif fault is not None:
            steps.append(["mood", "forgets", not kept])
            steps.append(["next" if flow in _NEXT else "arm"] + list(fault))
    return {"seed": 1, "config": config_of(front, version), "steps": steps}


def lengths(flow: str, front: str, version: int = 4) -> tuple[int, int]:
    """How many bytes the flow sends up and down when nothing goes wrong."""
    steps = flows(version)[flow]
    sizes = []
    for part in (steps[: steps.index(HERE)], steps):
        sim = run(
            {
                "seed": 1,
                "config": config_of(front, version),
                "steps": [step for step in part if step is not HERE] + [["measure"]],
            }
        )
        sizes.append(sim.measured)
    if flow in _NEXT:
        return sizes[1][0], sizes[1][1]
    return sizes[1][0] - sizes[0][0], sizes[1][1] - sizes[0][1]


def cases(front: str, version: int = 4) -> "Iterator[Any]":
    """All cases of a front end: (name, history)."""
    for flow in flows(version):
        for i, count in enumerate(lengths(flow, front, version)):
            way = ("up", "down")[i]
            for k in range(count + 1):
                for kind in KINDS:
                    for kept in (False, True):
                        name = "%s %s, %s at %s byte %d of %d, session present %d" % (
                            front, flow, kind, way, k, count, kept,
                        )  # fmt: skip
                        yield name, history(flow, front, (way, k, kind), kept, version)


def play(
    front: str, part: int, parts: int, seen: "Any", version: int = 4
) -> tuple[int, list[str]]:
    """Run one in `parts` of the cases; `seen(sim)` looks at each. How many, and what failed."""
    count = 0
    wrong = []
    number = 0
    for name, one in cases(front, version):
        number += 1
        if number % parts != part:
            continue
        count += 1
        sim: Simulation = run(one)
        seen(sim)
        if sim.world.failure is not None:
            wrong.append("%s: %s %s" % ((name,) + sim.world.failure))
    return count, wrong
