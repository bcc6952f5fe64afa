"""A session goes on after a loss of power, with what its store has kept."""

from micropython import const

from .errors import LimitError
from .packet import binary, body

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from .outbox import Outbox
    from .session import Session
    from .store import Store

_HEAD = const(6)
_DUP = const(8)
_PUBACK = const(0x40)


def attach(store: "Store", session: "Session", host: str, port: int) -> None:
    """Give a session its store, and what the last run left in it.

    ValueError with Clean Session: the broker would forget its half. OSError: the flash fails.
    """
    if getattr(session, "fallback", False):
        raise ValueError("a store cannot go on with another version: fallback=False")
    if session.clean_session:
        raise ValueError("a store needs clean_session=False")
    key = session.client_id + b"@" + binary(host, "host") + b":" + str(port).encode()
    store.load(key if session.version == 4 else key + b" 5")
    session.store = session.outbox.store = store
    store.session = session
    if store.known():
        session.known = True
    for packet_id, packet in store.messages():
        _restore(session.outbox, packet_id, packet, session.version)
        session.ids.add(packet_id)
    session.acks = bytearray(5 * max(session.window, len(store.released)) + 16)
    for packet_id in store.released:
        session.ids.add(packet_id)
        session.released.add(packet_id)
    if store.doubtful in store.received:  # or the next snapshot would make it certain
        store.received.remove(store.doubtful)
    for packet_id in store.received:
        session.received.add(packet_id)
    session.received.doubt()  # the power may have gone with a CONNACK under way
    session.acks_most = 0  # each ack leaves before anything else is written
    session.ids.next = store.last_packet_id + 1 & 0xFFFF or 1


def _restore(outbox: "Outbox", packet_id: int, packet: bytes, version: int) -> None:
    """Put a PUBLISH that an earlier run has accepted, and may have sent, behind the others."""
    n = len(packet)
    if n + _HEAD > outbox.size:
        n = _payload(packet, version)
    p = outbox._reserve(n, 0)
    if p < 0:
        raise LimitError("tx_size is less than what the store holds")
    whole = memoryview(packet)  # a second copy of a long one might find no room
    outbox.buf[p : p + n] = whole[:n]
    outbox.buf[p] |= _DUP
    if n < len(packet):
        outbox.lent[p - _HEAD] = whole[n:]
    outbox.packet_id = packet_id
    outbox._commit(p, p + n, _PUBACK + ((packet[0] & 4) << 2))


def _payload(packet: bytes, version: int) -> int:
    """Return where the payload of a PUBLISH at QoS 1 or 2 begins."""
    n = body(packet)
    n += 4 + (packet[n] << 8 | packet[n + 1])
    if version == 5:
        from .properties import block_end

        n = block_end(packet, n, len(packet))
    return n
