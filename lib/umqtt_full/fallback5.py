"""Go on with MQTT 3.1.1 after a broker has refused MQTT 5; loaded only when that happens."""

from micropython import const

from .packet import body, encode_length
from .properties import block_end
from .session import Session

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from .connect5 import Connection5
    from .outbox import Outbox
    from .outbox5 import Outbox5

_HEAD = const(6)
_QOS = const(3)  # bits of the Subscription Options


def fall_back(old: "Connection5") -> Session:
    """Return a session of 3.1.1 that goes on with what `old` has.

    Properties, options and identifiers are dropped. Packet ids stay, and what is under way: the
    broker may have kept the session, if it spoke MQTT 5 before.
    """
    client_id, username, password, keep_alive, clean_start, will = old.arguments
    if will is not None:
        from .will import Will

        will = Will(will.topic, will.payload, will.qos, will.retain)
    new = Session(
        client_id,
        username=username,
        password=password,
        keep_alive=keep_alive,
        # without an id, or an expiry, a session ends with its connection: 3.1.1 calls that clean
        clean_session=bool(clean_start or not client_id or not old.session_expiry_interval),
        will=will,
        ping_timeout_ms=old.ping_timeout_ms,
        tx_size=len(old.outbox.buf),
        rx_size=len(old.buf),
        read_size=len(old.rx_window),
        window=old.window,
        maximum_packet_size=old.outbox.ours,
    )
    new.on_up = old.on_up
    new.on_done = old.on_done
    table = new.subscriptions
    table.all = old.subscriptions.all
    table.gates = old.subscriptions.gates
    table.on_message = old.subscriptions.on_message
    table.on_error = old.subscriptions.on_error
    for s in table.all:
        s.block = b""
        s.identifier = 0
        s.options &= _QOS
    new.unsure = old.unsure
    new.received = old.received
    new.released = old.released
    new.ids.update(old.ids)
    new.ids.next = old.ids.next
    new.oversized = old.oversized
    new.outbox.dropped = old.outbox.dropped
    _move(old.outbox, new.outbox)
    return new


def _move(old: "Outbox5", new: "Outbox") -> None:
    """Copy the records, without properties, so they fit; what is lent stays lent."""
    p = old.head
    while p != old.tail:
        state = old.buf[p + 3]
        if state:
            packet = old.buf[p + _HEAD : p + _HEAD + old.length(p)]
            i = body(packet)
            n = i + 2 + (packet[i] << 8 | packet[i + 1]) + (2 if packet[0] & 6 else 0)
            rest = packet[i:n] + packet[block_end(packet, n, len(packet)) :]
            head = bytearray(5)
            head[0] = packet[0]
            n = encode_length(head, 1, len(rest) + len(old.lent.get(p, b"")))
            packet = head[:n] + rest
            at = new._reserve(len(packet), 0)
            new.buf[at : at + len(packet)] = packet
            new.packet_id = old.buf[p + 4] << 8 | old.buf[p + 5]
            if p in old.lent:
                new.lent[at - _HEAD] = old.lent[p]
            new._commit(at, at + len(packet), state)
        p = old.after(p)
