"""One fuzz case: bytes of a hostile or broken peer go into a session. MicroPython and CPython.

The first two bytes of a case choose the sizes, whether CONNACK came before, whether a handler
streams, and how the rest is cut into reads; the rest is the stream. `run` returns a `Result`;
whatever breaks a rule that holds for any stream is a `Broken`.
"""

from array import array

from umqtt_full.errors import LimitError, ProtocolError, ReasonError
from umqtt_full.packet import Message
from unit_rig import Rig, ack, publish

SIZES = ((8, 16), (512, 1024), (16, 64), (64, 16), (8, 300), (33, 40), (512, 4096), (200, 130))
WINDOW = 16
STEPS = 8  # turns that the session may ask for at most per byte that it was given
PARTS = (
    "Session",
    "Ids",
    "Received",
    "IdList",
    "Outbox",
    "Subscriptions",
    "Subscription",
    "KeepAlive",
)
OUTCOMES = ("parsed", "ProtocolError", "ReasonError", "LimitError")
BEFORE = 0x08  # in the first byte: CONNACK has not come
STREAM = 0x10
CLEAN = 0x20
WHOLE = 255  # as second byte: reads as large as they can be


class Broken(Exception):
    """The session did what it must not do, whatever the peer sends."""


class Result:
    """What a case came to."""

    def __init__(self, rig):
        self.outcome = "parsed"
        self.messages = rig.messages
        self.replies = b""
        self.pieces = 0


def pick(data):
    """(read_size, rx_size), flags and the size of a read, as the case's first bytes say."""
    first = data[0] if data else 0
    sizes = SIZES[first & 7]
    step = data[1] if len(data) > 1 else WHOLE
    return sizes, first, sizes[0] if step == WHOLE else 1 + step % sizes[0]


def prepared(sizes, flags):
    """A session in which each kind of answer is awaited, or one that has just sent CONNECT."""
    rig = Rig(
        read_size=sizes[0], rx_size=sizes[1], window=WINDOW, clean_session=bool(flags & CLEAN)
    )
    if flags & BEFORE:
        rig.session.open()
        rig.drain()
        return rig
    rig.connect()
    rig.publish("t", b"x", 1)
    rig.publish("t", b"x", 2)
    rig.drain()
    rig.subscribe("a", 1)
    rig.subscribe("a/#", 1, rig._keep, bool(flags & STREAM))
    rig.session.tx_window()  # the order of the ids is the order of these lines
    rig.drain()
    rig.session.subscriptions.remove("b")
    rig.drain()
    return rig


def feed(rig, data, step):
    """Give the stream in reads of `step` bytes; what is written in between is kept."""
    window = rig.session.rx_window
    turns = STEPS * len(data) + 64
    for at in range(0, len(data), step):
        part = data[at : at + step]
        window[: len(part)] = part
        paused = rig.session.feed(len(part))
        while paused:
            rig.written += rig.drain()
            paused = rig.session.feed(0)
            turns -= 1
            if turns < 0:
                raise Broken("the session does not go on")


def footprint(thing, seen, depth=5):
    """How many bytes and entries hang on a session, whatever its attributes are called."""
    if id(thing) in seen:
        return 0
    seen.add(id(thing))
    if isinstance(thing, (bytes, bytearray, str, array)):
        return len(thing)
    if isinstance(thing, (list, tuple)):
        return len(thing) + sum([footprint(one, seen, depth - 1) for one in thing])
    if isinstance(thing, dict):
        return len(thing) + sum([footprint(one, seen, depth - 1) for one in thing.values()])
    if depth and type(thing).__name__ in PARTS:
        return footprint(thing.__dict__, seen, depth - 1)
    return 0


def run(data):
    """Feed one case, and check what must hold whatever it was."""
    sizes, flags, step = pick(data)
    stream = data[2:]
    rig = prepared(sizes, flags)
    result = Result(rig)
    before = footprint(rig.session, set())
    try:
        feed(rig, stream, step)
    except (ProtocolError, ReasonError, LimitError) as error:
        result.outcome = type(error).__name__
    if result.outcome == "ReasonError" and (not flags & BEFORE or rig.session.connected):
        raise Broken("ReasonError of a connection that was accepted")
    result.replies = rig.written + rig.drain()
    result.messages = list(rig.messages)
    check(result, rig, sizes, flags, len(stream))
    rig.session.message = Message()  # it may still point to what it was read from
    if footprint(rig.session, set()) > before + len(stream):
        raise Broken("the session has grown by more than it was given")
    reusable(rig)
    return result


def check(result, rig, sizes, flags, size):
    """Sizes of everything that could grow."""
    session = rig.session
    if len(session.buf) != sizes[1] or len(session.rx_window) != sizes[0]:
        raise Broken("an RX buffer has grown")
    if len(session.outbox.buf) != 1024:
        raise Broken("the outbox has grown")
    if len(session.subscriptions.all) > 3 or len(session.outbox.lent) > 0:
        raise Broken("a table has grown")
    if len(result.replies) > 2 * size + 64:
        raise Broken("answered more than it was asked")
    if len(rig.messages) > size // (1 if flags & STREAM else 5):
        raise Broken("handed on more than it was given")
    if rig.messages and not session.connected:
        raise Broken("handed on a message before CONNACK")


def reusable(rig):
    """The object must serve the next connection."""
    rig.written = b""
    rig.reconnect(b"\x20\x02\x00\x00")
    if rig.exchange(publish(b"t", b"x", 1, 9)) != ack(0x40, 9):
        raise Broken("the session cannot be used again")
