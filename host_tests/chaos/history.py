"""Makes random histories: what the application, the broker and the network do."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

Step = list[Any]
History = dict[str, Any]

KINDS = ("fin", "rst", "stall")
SIZES = (0, 1, 10, 20, 60, 130, 200, 300, 700)
_CONFIG: dict[str, tuple[Any, ...]] = {
    "reconnect": (True, True, False),
    "clean": (False, False, False, True),
    "keep_alive": (10, 10, 3, 60, 0),
    "tx": (64, 100, 160, 256, 512, 1024),
    "rx": (32, 64, 256, 256, 1024),
    "read": (8, 16, 64, 64, 512),
    "window": (1, 2, 4, 16),
    "backoff": (100, 500),
    "backoff_max": (1000, 4000),
    "connect_timeout": (1000, 3000),
    "timeout": (1000, 5000),
    "ticks": (1000, 1000, (1 << 30) - 3000),
    "next_id": (1, 1, 65534),
    "full": ("wait", "wait", "raise", "drop"),
    "keep": (False, True),
}


def _publish(r: Random) -> Step:
    return ["publish", r.randrange(4), r.randrange(3), r.choice(SIZES), r.random() < 0.1,
            r.choice((0, 50, 1000, 5000)), r.random() < 0.3]  # fmt: skip


def _nowait(r: Random) -> Step:
    return ["nowait", r.randrange(4), r.randrange(3), r.choice(SIZES), False, r.random() < 0.2]


def _subscribe(r: Random) -> Step:
    filters = sorted(r.sample(range(4), r.choice((1, 1, 2, 4))))
    return ["subscribe", filters, r.randrange(3), r.choice((0, 1000, 5000))]


def _on(r: Random) -> Step:
    queue = r.choice((0, 0, 1, 3))
    return ["on", r.randrange(4), r.choice((1, 2, 2)), not queue and r.random() < 0.3, queue]


def _incoming(r: Random) -> Step:
    return ["incoming", r.randrange(4), r.choice((0, 1, 2, 2)), r.choice(SIZES[1:]),
            r.random() < 0.1, r.choice((1, 1, 2, 5, 12))]  # fmt: skip


def _handler(r: Random) -> Step:
    what = r.choice(("raise", "block", "publish", "publish", "close"))
    value = {"block": r.choice((1, 300, 4000)), "publish": r.randrange(3)}.get(what, 0)
    return ["handler", r.choice(("*", "a", "b/+", "#")), r.choice((1, 2)), what, value]


def _arm(r: Random) -> Step:
    return ["arm", r.choice(("up", "down")), _offset(r), r.choice(KINDS)]


def _offset(r: Random) -> int:
    return r.choice((r.randrange(8), r.randrange(60), r.randrange(400)))


def _next(r: Random) -> Step:
    return ["next", r.choice(("up", "down")), _offset(r), r.choice(KINDS)]


def _net(r: Random) -> Step:
    name = r.choice(("delay", "chunk", "reads", "writes", "room"))
    if name == "delay":
        value: Any = [r.choice((1, 3, 30, 400)), r.choice((1, 3, 30, 400))]
    elif name == "chunk":
        value = [r.choice((1, 7, 100000)), r.choice((1, 7, 100000))]
    elif name == "room":
        value = r.choice((1, 5, 20, 20000))
    else:
        sizes = (1, 2, 3, 9, 100000) if name == "reads" else (0, 1, 2, 5, 100000)
        value = [r.choice(sizes) for _ in range(r.choice((1, 2, 3)))]
        value += [100000] if set(value) == {0} else []
    return ["net", name, value]


def _mood(r: Random) -> Step:
    name, values = r.choice((
        ("delay", (0, 5, 100, 2000)), ("hold", (True, False)), ("times", (2, 3, 1)),
        ("grant", (0, 1, 0x80, 2)), ("early", (True,)), ("pings", (False, True)),
    ))  # fmt: skip
    return ["mood", name, r.choice(values)]


def _connack(r: Random) -> Step:
    return ["connack", r.choice((1, 2, 3, 3, 4, 5, "silent", "silent", "bad"))]


_APPLICATION: tuple[tuple[int, Callable[[Random], Step]], ...] = (
    (10, _publish),
    (12, _nowait),
    (4, _subscribe),
    (2, _on),
    (2, lambda r: ["unsubscribe", r.randrange(4), r.choice((0, 1000))]),
    (4, lambda r: ["wait", r.randrange(3), r.choice((0, 500, 5000))]),
    (14, lambda r: ["poll", r.choice((0, 1, 3, 50, 1000, 5000, 20000))]),
    (5, lambda r: ["connect", r.choice((0, 500, 8000))]),
    (1, lambda r: ["disconnect"]),
    (1, lambda r: ["close"]),
    (1, lambda r: ["ping"]),
    (2, lambda r: ["idle", r.choice((10, 1000, 30000))]),
    (3, _handler),
)
_WEATHER: tuple[tuple[int, Callable[[Random], Step]], ...] = (
    (10, _incoming),
    (8, _arm),
    (4, _next),
    (2, lambda r: ["strike", r.choice(KINDS)]),
    (4, lambda r: ["restart", r.random() < 0.5, r.choice(("fin", "rst"))]),
    (1, lambda r: ["takeover", r.choice(("fin", "rst"))]),
    (5, _net),
    (4, _mood),
    (2, lambda r: ["release"]),
    (1, _connack),
    (1, lambda r: ["dial", r.choice(("raise", "refuse", "hole", 200, 2000))]),
    (
        4,
        lambda r: ["stray", r.choice(("PUBACK", "PUBREC", "PUBREL", "PUBCOMP")), r.random() < 0.6],
    ),
    (1, lambda r: ["garbage", r.randrange(10)]),
    (2, lambda r: ["again"]),
    (2, lambda r: ["renumber"]),
)


def _pick(r: Random, table: tuple[tuple[int, Callable[[Random], Step]], ...]) -> Step:
    at = r.randrange(sum(weight for weight, _ in table))
    for weight, make in table:
        at -= weight
        if at < 0:
            return make(r)
    raise AssertionError


def _step(r: Random, front: str) -> Step:
    if r.random() < 0.4:
        step = _pick(r, _WEATHER)
        return ["in", r.choice((1, 10, 200, 3000)), step] if r.random() < 0.4 else step
    step = _pick(r, _APPLICATION)
    if front == "async" and step[0] not in ("handler", "on", "idle") and r.random() < 0.4:
        if r.random() < 0.5:
            return ["task", step]
        return ["cancel", r.choice((0, 1, 2, 3, 10, 500)), step]
    return step


_CONFIG_5: dict[str, tuple[Any, ...]] = {
    "aliases": (0, 2, 2),
    "aliases_in": (0, 2),
    "quota": (0, 3),
    "quota_in": (0, 3),
    "bound": (True, False),
    "wordy": (False, True),
}
_ONLY_5: tuple[tuple[int, Callable[[Random], Step]], ...] = (
    (3, lambda r: ["mood", "refuse", r.choice((0x80, 0x97, 0x97))]),
    (2, lambda r: ["mood", "refuse", 0]),
    (1, lambda r: ["garbage", r.randrange(10, 16)]),
    (2, lambda r: ["takeover", "fin"]),
    (2, lambda r: ["stray", r.choice(("PUBREC", "PUBREL")), False]),
    (3, lambda r: ["nowait", 3, r.randrange(3), r.choice(SIZES), False, False]),
)


def make(seed: int, version: int = 4) -> History:
    """The history with this number; with MQTT 5 the same one, and what only 5 has."""
    history = _make(seed)
    if version == 5:
        r = Random(f"5:{seed}")
        history["config"].update({name: r.choice(some) for name, some in _CONFIG_5.items()})
        history["config"]["version"] = 5
        if history["config"]["rx"] < 64:  # an alias given by what passes by unread is not known
            history["config"]["aliases_in"] = 0
        steps = history["steps"]
        for _ in range(r.choice((0, 1, 3, 6))):
            steps.insert(r.randrange(len(steps) + 1), _pick(r, _ONLY_5))
    return history


def _make(seed: int) -> History:
    r = Random(seed)
    front = r.choice(("client", "async"))
    config = {name: r.choice(values) for name, values in _CONFIG.items()}
    config["front"] = front
    steps = [_on(r) for _ in range(r.randrange(3))]
    steps += [_net(r) for _ in range(r.choice((0, 0, 1, 2)))]
    steps += [["connect", 8000]]
    steps += [_step(r, front) for _ in range(r.choice((4, 10, 25, 40)))]
    return {"seed": seed, "config": config, "steps": steps}
