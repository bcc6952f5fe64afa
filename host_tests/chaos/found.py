"""Histories that failed once, made short: each is a defect that must not come back.

The first group failed for the library; the second for these models, which asked for too much.
"""

# fmt: off
from __future__ import annotations

from .history import History


def _history(seed: int, config: dict[str, object], *steps: list[object]) -> History:
    return {"seed": seed, "config": config, "steps": list(steps)}


FOUND: dict[str, History] = {
    "a blocked client with acks to write and more to read does not spin": _history(
        183, {"window": 1},
        ["on", 0, 1, False, 0], ["net", "room", 1], ["poll", 950],
        ["incoming", 0, 2, 151, False, 4], ["poll", 950],
    ),
    "a connection that ends before CONNECT is out does not spin": _history(
        2129, {},
        ["net", "room", 1], ["next", "down", 0, "fin"], ["connect", 7939],
    ),
    "an id of a session that was lost unseen is another message's": _history(
        1506, {"backoff": 100},
        ["in", 176, ["garbage", 3]], ["nowait", 0, 0, 176, False, False], ["on", 1, 2, False, 0],
        ["net", "delay", [400, 3]], ["poll", 26], ["incoming", 1, 2, 276, False, 1],
        ["poll", 976], ["restart", False, "fin"], ["idle", 29976], ["unsubscribe", 3, 976],
        ["strike", "stall"],
    ),
    "CONNECT counts for the keep alive when CONNACK is slow": _history(
        1530, {"keep_alive": 3},
        ["mood", "delay", 1866], ["poll", 4867],
    ),
    "the time of a part that was written is not that of the next look": _history(
        1008667, {},
        ["nowait", 3, 2, 265, False, False], ["net", "room", 20], ["next", "down", 5, "stall"],
        ["poll", 4966], ["publish", 2, 1, 10, False, 4966, False], ["poll", 966],
    ),
    "nor with tasks that write": _history(
        1020785, {"front": "async"},
        ["net", "writes", [100000, 1, 0]], ["connect", 7970],
        ["nowait", 2, 1, 100, False, False], ["net", "room", 12], ["poll", 4998],
        ["strike", "stall"], ["publish", 2, 2, 700, False, 4971, False], ["poll", 19971],
    ),
    "what is not begun is no part that was written": _history(
        1029019, {"front": "async"},
        ["connect", 7959], ["arm", "up", 0, "stall"], ["publish", 0, 1, 0, False, 0, False],
        ["wait", 0, 4998], ["in", 1, ["net", "room", 20]], ["cancel", 2, ["wait", 1, 0]],
        ["subscribe", [1, 3], 1, 960], ["subscribe", [2], 0, 0],
    ),
    "a QoS 0 message that a connection takes with it is counted": _history(
        80, {"front": "async"},
        ["net", "room", 1], ["connect", 7933], ["restart", False, "fin"],
        ["publish", 3, 0, 700, False, 934, False],
    ),
    "a handler that comes amid a long message does not get its rest": _history(
        2013726, {"rx": 32},
        ["net", "chunk", [7, 1]], ["on", 1, 0, True, 0],
        ["publish", 2, 1, 299, False, 962, False], ["incoming", 1, 2, 273, False, 1],
        ["poll", 32], ["on", 2, 0, True, 0],
    ),
    "a handler may close while what came is read behind a late turn": _history(
        5015984, {"keep_alive": 3},
        ["in", 2965, ["incoming", 1, 2, 20, True, 1]], ["in", 165, ["mood", "pings", False]],
        ["handler", "*", 1, "close", 0], ["poll", 4966], ["subscribe", [0, 1, 2, 3], 0, 0],
        ["publish", 0, 0, 0, False, 0, False], ["idle", 29966], ["poll", 4966],
    ),
    "a message that was held back is handled though nothing can be written": _history(
        20013030, {"tx": 160, "timeout": 1000, "front": "async"},
        ["on", 1, 0, False, 1], ["net", "room", 1], ["connect", 7973],
        ["publish", 3, 1, 9, False, 974, False],
        ["task", ["publish", 2, 2, 1, True, 1000, True]],
        ["incoming", 1, 0, 0, False, 2], ["in", 1, ["strike", "stall"]], ["poll", 0],
        ["nowait", 0, 1, 0, False, False], ["nowait", 1, 1, 57, False, False],
    ),
    "a write of which nothing is taken is no sign of life": _history(
        30030894, {},
        ["on", 1, 0, False, 0], ["net", "writes", [100000, 0]], ["connect", 7977],
        ["arm", "down", 35, "stall"], ["subscribe", [2], 0, 977],
        ["nowait", 1, 2, 38, False, False], ["poll", 2],
        ["in", 1, ["incoming", 2, 1, 300, False, 2]], ["wait", 1, 478], ["wait", 0, 4978],
        ["publish", 3, 0, 200, False, 29, False],
    ),
    "a PUBCOMP for an id that is unknown takes no place of Receive Maximum": _history(
        30045221, {"read": 512, "quota_in": 3, "version": 5},
        ["subscribe", [3], 1, 953], ["incoming", 0, 1, 0, False, 1], ["stray", "PUBREL", False],
        ["incoming", 2, 2, 163, False, 2], ["restart", False, "fin"],
    ),
    "what a handler publishes within a publish changes nothing of the outer message": _history(
        40003590, {"tx": 64},
        ["subscribe", [3], 1, 2480], ["publish", 0, 1, 0, False, 0, False],
        ["incoming", 1, 2, 92, False, 1], ["idle", 29961], ["handler", "*", 1, "publish", 1],
        ["publish", 2, 0, 261, False, 0, False],
    ),
    "a QoS 0 message is not written behind DISCONNECT": _history(
        3212, {"keep": True, "front": "async"},
        ["connect", 7852], ["task", ["disconnect"]],
        ["task", ["publish", 2, 0, 1, False, 50, False]],
    ),
    "a refusal is told to somebody when the call that waited is over": _history(
        213, {"tx": 64, "version": 5},
        ["publish", 0, 1, 0, False, 0, False], ["mood", "refuse", 151],
        ["nowait", 3, 0, 0, False, False],
    ),
    "MQTT 5: publish raises a refusal that came in a read in which a handler closes": _history(
        100006771, {"read": 8, "version": 5},
        ["mood", "refuse", 128], ["subscribe", [2], 0, 956], ["nowait", 0, 0, 0, False, False],
        ["in", 1, ["incoming", 1, 2, 20, True, 1]], ["handler", "*", 1, "close", 0],
        ["publish", 2, 2, 20, False, 7, False],
    ),
    "models: PUBREC with the id of a message whose ack was perhaps read": _history(
        101857, {},
        ["poll", 3], ["connack", 1], ["publish", 3, 1, 20, False, 0, False], ["idle", 29960],
        ["publish", 2, 1, 700, False, 961, False], ["stray", "PUBREC", True],
    ),
    "models: a write in vain tries the message whose id it bears": _history(
        102962, {"tx": 64},
        ["nowait", 0, 0, 0, False, False], ["net", "writes", [2, 5, 0]],
        ["nowait", 0, 1, 295, False, False], ["nowait", 0, 1, 245, False, False],
        ["disconnect"], ["connect", 7945], ["restart", True, "fin"],
    ),
    "models: a second PUBCOMP does not make the first doubtful": _history(
        112044, {"window": 1},
        ["on", 3, 2, False, 0], ["in", 177, ["mood", "times", 3]], ["net", "room", 1],
        ["net", "reads", [2]], ["publish", 1, 1, 300, False, 4978, False],
        ["incoming", 3, 2, 680, False, 1], ["nowait", 0, 0, 0, False, False],
        ["publish", 0, 2, 20, False, 4979, False], ["publish", 0, 1, 0, False, 0, False],
        ["disconnect"],
    ),
    "models: a CONNACK that refuses ends no message": _history(
        2020070, {},
        ["nowait", 1, 2, 268, False, False], ["poll", 18], ["connack", 1],
        ["restart", False, "rst"], ["poll", 19968], ["in", 0, ["renumber"]],
        ["nowait", 0, 2, 170, False, False], ["poll", 1], ["nowait", 0, 1, 99, False, False],
    ),
    "models: a handler may write before the rest of what was read is handled": _history(
        3087273, {},
        ["handler", "*", 1, "publish", 1], ["subscribe", [3], 1, 917],
        ["incoming", 0, 0, 0, False, 1], ["garbage", 0], ["poll", 1],
    ),
    "models: what is doubtful is new to a new session too": _history(
        3096622, {},
        ["net", "room", 1], ["connect", 454], ["nowait", 0, 1, 0, False, False], ["disconnect"],
        ["on", 0, 0, False, 0], ["connack", 1], ["connect", 7954], ["restart", False, "fin"],
        ["connect", 454], ["disconnect"],
    ),
    "models: an ack that comes again must not find another message": _history(
        3080177, {"read": 16, "front": "async"},
        ["connect", 0], ["mood", "times", 3], ["nowait", 0, 2, 175, False, False],
        ["publish", 1, 1, 60, False, 975, False], ["renumber"],
        ["publish", 3, 1, 35, False, 0, False], ["arm", "up", 31, "fin"],
        ["publish", 0, 2, 699, False, 4975, False],
    ),
    "models: a stray ack must not find another message under its id": _history(
        60040170, {},
        ["in", 169, ["incoming", 1, 0, 300, False, 12]], ["in", 2969, ["stray", "PUBREC", True]],
        ["subscribe", [2], 0, 4969], ["publish", 1, 2, 169, False, 0, False],
        ["nowait", 0, 1, 0, False, False], ["idle", 29970], ["renumber"],
        ["nowait", 1, 2, 170, False, False],
    ),
    "models: an id that is given again had its PUBCOMP": _history(
        70072777, {"tx": 160, "front": "async"},
        ["connect", 7975], ["in", 4, ["garbage", 7]], ["nowait", 3, 2, 36, False, False],
        ["cancel", 475, ["nowait", 3, 1, 130, False, True]],
        ["publish", 0, 2, 0, False, 0, False], ["renumber"],
        ["publish", 1, 2, 300, False, 0, False],
    ),
    "models: what was read is left unread when a handler writes to a dead link": _history(
        50020963, {},
        ["on", 3, 0, False, 0], ["handler", "#", 1, "block", 274], ["on", 0, 0, False, 0],
        ["in", 87, ["restart", False, "rst"]], ["publish", 1, 2, 130, False, 975, False],
        ["nowait", 0, 1, 0, False, False], ["incoming", 0, 2, 35, False, 1],
        ["handler", "a", 1, "publish", 0], ["subscribe", [0, 3], 0, 4975],
    ),
    "models: what was read before DISCONNECT is perhaps left unread": _history(
        5019906, {"read": 512, "front": "async"},
        ["on", 3, 1, False, 3], ["connect", 7957], ["unsubscribe", 0, 957],
        ["in", 0, ["incoming", 3, 1, 60, False, 12]], ["publish", 0, 2, 0, False, 0, False],
        ["cancel", 10, ["unsubscribe", 2, 0]], ["disconnect"],
    ),
    "models: what is held back comes before what is not": _history(
        6045450, {"front": "async"},
        ["connect", 7971], ["subscribe", [3], 2, 972], ["mood", "hold", True],
        ["incoming", 1, 0, 0, True, 1], ["mood", "hold", False], ["on", 1, 0, False, 0],
        ["publish", 3, 2, 130, False, 972, False],
    ),
    "models: good weather takes back a silence that was planned": _history(
        118724, {"keep_alive": 0, "front": "async"},
        ["connect", 7838], ["arm", "down", 1, "stall"], ["garbage", 0],
    ),
    "models: CONNACK that comes first is no violation": _history(
        1019862, {"keep_alive": 3, "connect_timeout": 1000},
        ["on", 0, 0, False, 0], ["subscribe", [1, 3], 0, 964], ["mood", "delay", 1964],
        ["subscribe", [0, 1, 2, 3], 2, 964], ["poll", 4964], ["garbage", 6],
    ),
    "models: MQTT 5: what was refused once may come behind what was not": _history(
        4439, {"tx": 160, "version": 5},
        ["mood", "refuse", 1], ["nowait", 0, 2, 0, False, False], ["mood", "hold", True],
        ["nowait", 3, 0, 89, False, False], ["mood", "refuse", 0],
        ["publish", 3, 2, 0, False, 960, False], ["restart", False, "rst"],
    ),
    "models: MQTT 5: what was sent in a lost session is not in the new one": _history(
        8606, {"version": 5},
        ["connect", 7968], ["in", 0, ["net", "writes", [0, 100000]]], ["subscribe", [3], 0, 0],
        ["nowait", 0, 2, 268, False, False], ["restart", False, "rst"],
        ["publish", 3, 0, 10, False, 4969, False], ["connect", 468], ["arm", "up", 0, "rst"],
    ),
    "models: MQTT 5: the order of what is sent again, of which an ack is in doubt": _history(
        12464, {"version": 5},
        ["nowait", 2, 2, 1, False, False], ["publish", 0, 0, 0, False, 950, False],
        ["idle", 29950], ["publish", 0, 1, 0, False, 0, False], ["net", "room", 1],
        ["disconnect"],
    ),
    "models: MQTT 5: a violation is one before all of it has come": _history(
        1052, {"version": 5},
        ["net", "chunk", [100000, 1]], ["in", 88, ["garbage", 4]], ["poll", 4888],
    ),
}
