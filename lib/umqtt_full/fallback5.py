"""Go on with MQTT 3.1.1 after a broker has refused MQTT 5; loaded only when that happens."""

from micropython import const

from .packet import body
from .properties import block_end
from .session import Session

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from .connect5 import Connection5
    from .outbox5 import Outbox5

_HEAD = const(6)
_QOS = const(3)  # bits of the Subscription Options


def fall_back(old: "Connection5") -> Session:
    """Return a session of 3.1.1 with the subscriptions and the queued messages of `old`.

    Properties, options and identifiers are dropped; packet ids stay.
    """
    lent = sum([len(payload) + 64 for payload in old.outbox.lent.values()])  # some get copied now
    client_id, username, password, keep_alive, clean_start, will = old.arguments
    if will is not None:
        from .will import Will

        will = Will(will.topic, will.payload, will.qos, will.retain)
    new = Session(
        client_id,
        username=username,
        password=password,
        keep_alive=keep_alive,
        clean_session=bool(clean_start),
        will=will,
        ping_timeout_ms=old.ping_timeout_ms,
        tx_size=len(old.outbox.buf) + lent,
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
    _move(old.outbox, new)
    return new


def _move(box: "Outbox5", new: Session) -> None:
    """Queue what is queued in `box`, with the same packet ids."""
    p = box.head
    while p != box.tail:
        if box.buf[p + 3]:
            packet = bytes(box.buf[p + _HEAD : p + _HEAD + box.length(p)])
            new.ids.next = box.buf[p + 4] << 8 | box.buf[p + 5] or 1
            i = body(packet)
            topic = packet[i + 2 : i + 2 + (packet[i] << 8 | packet[i + 1])]
            i += 2 + len(topic) + (2 if packet[0] & 6 else 0)
            payload = box.lent.get(p, packet[block_end(packet, i, len(packet)) :])
            new.publish(topic, payload, packet[0] & 7)
        p = box.after(p)
