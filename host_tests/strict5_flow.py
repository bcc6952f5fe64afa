"""What an MQTT 5.0 client may do over a session and its connections, packet after packet.

`Flow.received` is told each packet of the client, `Flow.sent` each one of the broker. Ids, order,
resending, the quota, topic aliases and what the broker's CONNACK announced are judged here.
"""

from __future__ import annotations

from typing import Any

from strict_base import Packet, Violation

_UNTIL = {"SUBSCRIBE": "SUBACK", "UNSUBSCRIBE": "UNSUBACK"}


class Limits:
    """What a CONNACK allows; what it does not mention has the value of the standard."""

    def __init__(self, properties: Any = ()) -> None:
        told = dict(properties or ())
        self.receive_maximum: int = told.get("receive_maximum", 65535)
        self.maximum_qos: int = told.get("maximum_qos", 2)
        self.retain: int = told.get("retain_available", 1)
        self.packet_size: int = told.get("maximum_packet_size", 2**32)
        self.aliases: int | None = told.get("topic_alias_maximum")
        self.wildcards: int = told.get("wildcard_subscription_available", 1)
        self.identifiers: int = told.get("subscription_identifier_available", 1)
        self.shared: int = told.get("shared_subscription_available", 1)


class Connection:
    """What begins anew with each connection."""

    def __init__(self, connect: Packet) -> None:
        own = connect.get("properties", {})
        self.method: str | None = own.get("authentication_method")
        self.limits = Limits()
        self.accepted = False
        self.quota = 65535
        self.aliases: dict[int, str] = {}
        self.published: set[int] = set()  # ids of PUBLISH packets of the client seen here
        self.released: set[int] = set()  # … of PUBREL packets that nothing here asked for
        self.owed: list[tuple[str, int]] = []  # acks that the client has to send, in order
        self.challenged = False
        self.last_again = -1  # place of the last PUBLISH that was sent again
        self.exact = True  # the broker's packets are all known


class Flow:
    """One session and its connections."""

    def __init__(self) -> None:
        self.awaited: dict[int, str] = {}  # id -> the packet type that ends its use
        self.order: dict[int, int] = {}  # id -> the how manieth message it was
        self.recs: set[int] = set()  # ids of QoS 2 that got a good PUBREC
        self.incoming: set[int] = set()  # ids of QoS 2 of the broker
        self.count = 0
        self.clean = False
        self.open = False
        self.torn = False  # a connection ended without DISCONNECT: packets may be lost unseen
        self.here = Connection({})

    def inexact(self) -> None:
        """The broker sent bytes of which this flow knows nothing."""
        self.here.exact = False

    # ------------------------------------------------------------ of the client

    def received(self, packet: Packet) -> None:
        """Check a packet of the client against what went before."""
        name = packet["type"]
        if name == "CONNECT":
            self.here = Connection(packet)
            self.clean = packet["clean_start"]
            self.torn = self.open
            self.open = True
            return
        authenticating = not self.here.accepted and self.here.method is not None
        if authenticating and name not in ("AUTH", "DISCONNECT"):
            raise Violation("MQTT-3.1.2-30", f"{name} while authenticating")
        if len(packet.get("raw", b"")) > self.here.limits.packet_size:
            raise Violation("MQTT-3.2.2-15", f"{name} of {len(packet['raw'])} bytes")
        check = getattr(self, f"_{name.lower()}", None)
        if check:
            check(packet)

    def _disconnect(self, _packet: Packet) -> None:
        self.open = False

    def _publish(self, packet: Packet) -> None:
        limits, here = self.here.limits, self.here
        if packet["qos"] > limits.maximum_qos:
            raise Violation("MQTT-3.2.2-11", f"QoS {packet['qos']}, at most {limits.maximum_qos}")
        if packet["retain"] and not limits.retain:
            raise Violation("MQTT-3.2.2-14", "retained, but the broker does not retain")
        self._alias(packet)
        if packet["qos"]:
            if not here.quota:
                raise Violation("MQTT-3.3.4-7", f"PUBLISH above {limits.receive_maximum}")
            here.quota -= 1
            self._message(packet)

    def _alias(self, packet: Packet) -> None:
        alias = packet.get("properties", {}).get("topic_alias")
        if alias is None:
            return
        most = self.here.limits.aliases
        if not most:
            raise Violation("MQTT-3.2.2-18", f"alias {alias}, although there are none")
        if alias > most:
            raise Violation("MQTT-3.2.2-17", f"alias {alias} of {most}")
        if packet["topic"]:
            self.here.aliases[alias] = packet["topic"]
        elif alias not in self.here.aliases:
            raise Violation("MQTT-3.3.2-7", f"alias {alias} is not set on this connection")

    def topic(self, packet: Packet) -> str:
        """The topic of a PUBLISH that was received, whatever its alias."""
        alias = packet.get("properties", {}).get("topic_alias")
        known: str = packet["topic"] or self.here.aliases[alias]
        return known

    def _message(self, packet: Packet) -> None:
        packet_id, until = packet["packet_id"], "PUBACK" if packet["qos"] == 1 else "PUBCOMP"
        if packet_id in self.here.published:
            clause = "MQTT-4.4.0-1" if packet["dup"] else "MQTT-2.2.1-3"
            if packet["dup"] or packet_id in self.awaited:
                raise Violation(clause, f"id {packet_id} sent again on a live link")
        if packet["dup"]:
            self._again(packet_id, until)
        else:
            self._take(packet_id, until)
            self.count += 1
            self.order[packet_id] = self.count
        self.here.published.add(packet_id)

    def _again(self, packet_id: int, until: str) -> None:
        if packet_id not in self.awaited and not self.torn:
            raise Violation("MQTT-3.3.1-1", f"DUP, but id {packet_id} is not in flight")
        if packet_id in self.recs:
            raise Violation("MQTT-4.3.3-6", f"PUBLISH {packet_id} again after PUBREC")
        self.awaited.setdefault(packet_id, until)
        if packet_id not in self.order:  # it was lost on its way, behind all that was seen
            self.count += 1
            self.order[packet_id] = self.count
        place = self.order[packet_id]
        if place < self.here.last_again:
            raise Violation("MQTT-4.6.0-1", f"id {packet_id} is sent again out of order")
        self.here.last_again = place

    def _take(self, packet_id: int, until: str) -> None:
        if packet_id in self.awaited:
            raise Violation("MQTT-2.2.1-3", f"id {packet_id} is used twice at a time")
        self.awaited[packet_id] = until

    def _subscribe(self, packet: Packet) -> None:
        limits = self.here.limits
        for topic_filter, _ in packet["filters"]:
            shared = topic_filter.startswith("$share/")
            broken = shared and not limits.shared
            if broken or (("+" in topic_filter or "#" in topic_filter) and not limits.wildcards):
                raise Violation("U5-8", f"the broker does not take {topic_filter!r}")
        if "subscription_identifier" in packet["properties"] and not limits.identifiers:
            raise Violation("U5-8", "the broker takes no subscription identifiers")
        self._take(packet["packet_id"], "SUBACK")

    def _unsubscribe(self, packet: Packet) -> None:
        self._take(packet["packet_id"], "UNSUBACK")

    def _puback(self, packet: Packet) -> None:
        self._pay("PUBACK", packet["packet_id"], "MQTT-4.6.0-2")

    def _pubrec(self, packet: Packet) -> None:
        self._pay("PUBREC", packet["packet_id"], "MQTT-4.6.0-3")
        if packet["reason_code"] >= 0x80:
            self.incoming.discard(packet["packet_id"])

    def _pubcomp(self, packet: Packet) -> None:
        self._pay("PUBCOMP", packet["packet_id"], "MQTT-4.3.3-11")

    def _pay(self, name: str, packet_id: int, order: str) -> None:
        if not self.here.exact:
            return
        of_its_type = [one for one in self.here.owed if one[0] == name]
        if (name, packet_id) not in of_its_type:
            raise Violation("MQTT-2.2.1-5", f"{name} {packet_id}, which nothing asked for")
        if of_its_type[0] != (name, packet_id):
            raise Violation(order, f"{name} {packet_id} before {of_its_type[0][1]}")
        self.here.owed.remove((name, packet_id))

    def _pubrel(self, packet: Packet) -> None:
        packet_id = packet["packet_id"]
        if ("PUBREL", packet_id) in self.here.owed:
            self._pay("PUBREL", packet_id, "MQTT-4.6.0-4")
        elif packet_id in self.recs and packet_id not in self.here.released:
            self.here.released.add(packet_id)  # of an earlier connection
        elif self.here.exact:
            raise Violation("MQTT-4.3.3-4", f"PUBREL {packet_id} without a PUBREC")

    def _auth(self, packet: Packet) -> None:
        if packet["reason_code"] == 0x19 and not self.here.accepted:
            raise Violation("MQTT-4.12.1-1", "re-authentication before CONNACK")
        if packet["reason_code"] == 0x18 and not self.here.challenged and self.here.exact:
            raise Violation("MQTT-4.12.0-3", "AUTH 0x18 that answers nothing")
        self.here.challenged = False

    # ------------------------------------------------------------ of the broker

    def sent(self, name: str, fields: Packet) -> None:
        """Take note of a packet of the broker."""
        packet_id = fields.get("packet_id", 0)
        code: int = fields.get("reason_code") or fields.get("return_code") or 0
        if name == "CONNACK" and not code:
            self._connack(fields)
        elif name == "AUTH":
            self.here.challenged = code == 0x18
        elif name == "PUBLISH":
            self._sent_publish(fields.get("qos", 0), packet_id)
        elif name == "PUBREL":
            self.here.owed.append(("PUBCOMP", packet_id))
            self.incoming.discard(packet_id)
        elif name == "PUBREC":
            self._sent_pubrec(packet_id, code)
        elif self.awaited.get(packet_id) == name:
            self._free(packet_id)

    def _connack(self, fields: Packet) -> None:
        self.here.accepted = True
        self.here.limits = Limits(fields.get("properties"))
        self.here.quota = self.here.limits.receive_maximum
        kept = ("PUBACK", "PUBCOMP") if fields.get("session_present") and not self.clean else ()
        self.awaited = {key: name for key, name in self.awaited.items() if name in kept}
        self.recs &= set(self.awaited)
        self.order = {key: place for key, place in self.order.items() if key in self.awaited}
        if not kept:
            self.incoming.clear()

    def _sent_publish(self, qos: int, packet_id: int) -> None:
        if qos:
            self.here.owed.append(("PUBACK" if qos == 1 else "PUBREC", packet_id))
        if qos == 2:
            self.incoming.add(packet_id)

    def _sent_pubrec(self, packet_id: int, code: int) -> None:
        known = self.awaited.get(packet_id)
        if code >= 0x80:
            if known == "PUBCOMP":
                self._free(packet_id)
            return
        if known in (None, "PUBCOMP"):
            self.here.owed.append(("PUBREL", packet_id))
        if known == "PUBCOMP":
            self.recs.add(packet_id)

    def _free(self, packet_id: int) -> None:
        name = self.awaited.pop(packet_id)
        if name in ("PUBACK", "PUBCOMP"):
            self.here.quota = min(self.here.quota + 1, self.here.limits.receive_maximum)
        self.here.published.discard(packet_id)
        self.recs.discard(packet_id)
        self.order.pop(packet_id, None)
