"""How a connection of MQTT 5 begins and ends: CONNECT, CONNACK, AUTH and DISCONNECT.

What CONNACK says bounds what is sent: quota, packet size, QoS, RETAIN, aliases, kinds of filters.
"""

from micropython import const

from .aliases import Aliases
from .errors import LimitError, MQTTError, ProtocolError, ReasonError
from .message5 import Message5, Reader
from .outbox5 import Outbox5, check_text
from .packet import encode_connect, encode_packet
from .properties import check_properties, decode_properties, encode_properties, named, wrong
from .session import Session
from .subscriptions5 import CheckingSubscriptions5, Subscriptions5
from .topic import encode_text

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .will import Will

    Hook = Callable[[bytes | None], bytes | None]

_DISCONNECT = const(0xE0)
_AUTH = const(0xF0)
_CONNACK = const(0x20)
_CLOSED = const(0)
_CONNECTING = const(1)
_ENDING = const(3)
_NEVER = const(0xFFFFFFFF)
_LARGEST = const(268435460)

_CONTINUE = const(0x18)
_REAUTHENTICATE = const(0x19)
_UNSPECIFIED = const(0x80)
_MALFORMED = const(0x81)
_UNSUPPORTED_VERSION = const(0x84)
_TOO_LARGE = const(0x95)

# reason codes of CONNACK besides 0, of the broker's DISCONNECT, and of ours
_REFUSED = b"\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8c\x90\x95\x97\x99\x9a\x9b\x9c\x9d\x9f"
_ENDED = (
    b"\0\x80\x81\x82\x83\x87\x89\x8b\x8d\x8e\x8f\x90\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d"
    b"\x9e\x9f\xa0\xa1\xa2"
)
_LEFT = b"\0\4\x80\x81\x82\x83\x90\x93\x94\x95\x96\x97\x98\x99"


class Connection5(Session):
    """The arguments of a session in MQTT 5, and how its connections begin and end.

    `clean_start` begins a new session with each connection. `session_expiry_interval` in seconds;
    by default a session never expires, with `clean_start` it ends with its connection.
    `properties` of CONNECT by name, see `properties`; `receive_maximum` is 32 by default, and
    `maximum_packet_size` is `rx_size` while no handler streams (None: not announced).
    `topic_aliases` as `Aliases` has it. With `check_payload_format` what claims to be text and is
    not UTF-8 is refused with 0x99. `accept_session` takes a session that the broker has and this
    client knows nothing of, which the standard forbids [MQTT-3.2.2-4]: without it, it is ended and
    a new one begun. `authentication` is (method, hook): `hook(data)` answers the data of the
    broker's AUTH, `hook(None)` gives that of CONNECT; it raises to refuse. `fallback`: go on with
    MQTT 3.1.1, without properties, when the broker does not speak MQTT 5.
    The other arguments are those of `Session`.
    """

    version = 5
    outbox: Outbox5
    subscriptions: Subscriptions5
    message: Message5
    _outbox, _subscriptions = Outbox5, Subscriptions5

    def __init__(
        self,
        client_id: str | bytes,
        *,
        clean_start: bool = False,
        session_expiry_interval: int | None = None,
        properties: "dict[str, Any] | None" = None,
        topic_aliases: "int | list[str | bytes]" = 0,
        check_payload_format: bool = False,
        accept_session: bool = False,
        authentication: "tuple[str, Hook] | None" = None,
        fallback: bool = False,
        **options: "Any",
    ) -> None:
        if "clean_session" in options:
            raise ValueError("clean_session is 3.1.1's, with version=5 it is clean_start")
        self._announced: dict[str, Any] = {"receive_maximum": 32}
        self._announced.update(named(properties))
        if session_expiry_interval is None:
            session_expiry_interval = 0 if clean_start else _NEVER
        if session_expiry_interval:
            self._announced["session_expiry_interval"] = session_expiry_interval
        self.session_expiry_interval = session_expiry_interval
        if fallback and (
            authentication or (options.get("password") and not options.get("username"))
        ):
            raise ValueError("3.1.1 has no authentication and no password without a username")
        self.fallback = fallback
        self._mute = 0  # times that the broker closed instead of answering CONNECT, …
        # … -1: it has answered one in MQTT 5, 2: it has only 3.1.1
        self.ping_timeout_ms = options.get("ping_timeout_ms")
        self._authentication = authentication
        self._opening = False  # the hook is called for a connection, not to check arguments
        self._rx_size = options.get("rx_size", 1024)
        self._begin_clean = False  # the broker has a session that is not ours
        self.arguments: tuple[Any, ...] = ()
        if check_payload_format:
            self._subscriptions = CheckingSubscriptions5
        super().__init__(client_id, clean_session=clean_start, **options)
        self.reader = Reader(check_payload_format)
        self.reader.alias_maximum = self._announced.get("topic_alias_maximum", 0)
        self.message = Message5(self.reader)
        self.aliases = Aliases(topic_aliases)
        self.outbox.aliased = bool(topic_aliases)
        self.acks = bytearray(5 * self.window + 16)
        self.acks_most = len(self.acks) - 12
        self.connack: dict[str, Any] = {}  # properties of the last CONNACK
        self.refused = {}
        self.known = accept_session  # is there a session that the broker may have kept?
        self._asked_keep_alive = self.keep_alive
        self.open_in = 0  # QoS 2 messages received that await PUBREL …
        self._closing = 0  # … and, at most, whose PUBCOMP is among the owed acks
        self._content = 0  # where the rest of a packet is whose head is written first
        self._queued: list[bytes] = []  # AUTH or DISCONNECT
        self._reauthenticating = False

    # connecting

    def _encode_connect(self, *arguments: "Any") -> bytearray:
        """Return CONNECT (3.1); it is made anew for each connection."""
        client_id, username, password, keep_alive, clean_start, will = arguments
        self.arguments = arguments
        more = dict(self._announced)
        if "maximum_packet_size" not in more:
            more["maximum_packet_size"] = self._rx_size
        if more["maximum_packet_size"] is None:
            more.pop("maximum_packet_size")
        if "authentication_method" in more or "authentication_data" in more:
            raise ValueError("enhanced authentication needs authentication=(method, hook)")
        if self._authentication is not None and self._opening:
            self._add_authentication(more, None)
        self._largest = more.get("maximum_packet_size", 0)
        return encode_connect(
            client_id,
            username,
            password,
            keep_alive,
            bool(clean_start or self._begin_clean),
            will,
            5,
            encode_properties(1, more),
            _will_block(will),
        )

    def _add_authentication(self, more: "dict[str, Any]", data: bytes | None) -> None:
        method, hook = self._authentication  # type: ignore[misc]
        more["authentication_method"] = method
        try:
            answer = hook(data)
        except Exception as exc:
            raise wrong("authentication ended by its hook: " + repr(exc), _UNSPECIFIED) from exc
        if answer is not None:
            more["authentication_data"] = answer

    def open(self) -> None:
        """A transport is there: CONNECT is the first packet on it [MQTT-3.1.0-1]."""
        self.again = False
        if "maximum_packet_size" not in self._announced:
            for s in self.subscriptions.all:
                if s.stream:  # it takes what is longer than the RX buffer
                    self._announced["maximum_packet_size"] = None
        self._opening = True
        self.connect_packet = self._encode_connect(*self.arguments)
        self.reader.announce(self._largest)
        self.reader.begin()
        super().open()

    def close(self) -> None:
        """The transport is gone: what is owed is forgotten, what is unacknowledged kept."""
        self.aliases.end()
        self._content = 0
        self._queued = []
        self._reauthenticating = False
        self.subscriptions.connack = {}
        super().close()

    def begins(self, header: int) -> None:
        """A packet begins: before CONNACK it can only be that, or AUTH if that was asked for."""
        if self.state == _CONNECTING and (header != _AUTH or self._authentication is None):
            if header & 0xF0 != _CONNACK:
                raise wrong("packet " + hex(header) + " before CONNACK")
            super().begins(header)

    def _connack5(self, buf: bytearray, i: int, end: int) -> None:
        if self.state != _CONNECTING:
            raise wrong("second CONNACK")
        if end - i == 2:  # a broker of 3.1.1 refuses so
            raise self._unsupported({})
        flags = buf[i]
        code = buf[i + 1]
        properties = read_block(buf, 2, i + 2, end)
        if flags > 1 or (flags and (code or self.clean_session or self._begin_clean)):
            raise wrong("CONNACK flags " + hex(flags))  # [MQTT-3.2.2-1], [MQTT-3.2.2-6]
        if code:
            check_code(code, _REFUSED, "CONNACK")
            if code == _UNSUPPORTED_VERSION:
                raise self._unsupported(properties)
        self._mute = -1
        if code:
            self.state = _ENDING  # no session was made
            raise ReasonError(code, properties.get("reason_string", ""), properties)
        if flags and not self.known and not self.unsure:
            self._begin_clean = self.again = True
            self.state = _ENDING
            raise wrong("the broker has a session that this client knows nothing of", 0)
        self._take_limits(properties)
        self._begin_clean = False
        self.known = True
        if self.store is not None:
            self.store.note()
        for packet_id, code in self.outbox.unfit():
            self._refuse(packet_id, ReasonError(code, "", {}))
        self._accepted(bool(flags))

    def _unsupported(self, properties: "dict[str, Any]") -> ReasonError:
        """The broker does not speak MQTT 5: connect with 3.1.1 if that was asked for."""
        self.state = _ENDING
        self.again = self.fallback
        self._mute = 2
        return ReasonError(_UNSUPPORTED_VERSION, properties.get("reason_string", ""), properties)

    def successor(self) -> Session:
        """Return the session that is to connect `again`."""
        self.again = False
        if self._mute < 2:
            return self
        from .fallback5 import fall_back

        return fall_back(self)

    def _take_limits(self, connack: "dict[str, Any]") -> None:
        """Keep to what the broker said (3.2.2.3)."""
        if "assigned_client_identifier" in connack:
            client_id = connack["assigned_client_identifier"]
            self.client_id = encode_text(client_id, "client_id")
            self.arguments = (client_id,) + self.arguments[1:]
        elif not self.client_id:
            raise wrong("CONNACK assigns no client identifier")  # [MQTT-3.2.2-16]
        self._finish(self._check_authentication(connack))
        self.connack = self.subscriptions.connack = connack
        self.keep_alive = connack.get("server_keep_alive", self._asked_keep_alive)
        self._keep.set(self.keep_alive)
        self._most = min(self.window, connack.get("receive_maximum", 65535))
        self.outbox.limit(connack)
        most = connack.get("topic_alias_maximum", 0)
        self.aliases.begin(most, self.outbox.maximum_packet_size)

    def _refuse(self, packet_id: int, exc: ReasonError) -> None:
        """A message of ours will not be delivered: whoever waits for it is told, or `on_error`."""
        self.refused[packet_id] = exc
        if packet_id:
            self.done(packet_id)

    def disconnect(self, reason_code: int = 0, properties: "dict[str, Any] | None" = None) -> None:
        """Queue DISCONNECT: what is half written is finished, then nothing follows it.

        ValueError: a client may not send this reason code, or these properties (3.14.2).
        """
        if reason_code not in list(_LEFT):
            raise ValueError("reason_code of a client's DISCONNECT is one of %s" % list(_LEFT))
        properties = dict(named(properties))
        if "server_reference" in properties:
            raise ValueError("server_reference is the broker's")
        if properties.get("session_expiry_interval") and not self.session_expiry_interval:
            raise ValueError("the session ends with its connection, as CONNECT said")
        data = bytes((reason_code,)) if reason_code or properties else b""
        more = encode_properties(14, properties) if properties else b""
        packet = encode_packet(_DISCONNECT, data + more)
        if len(packet) > self.connack.get("maximum_packet_size", _LARGEST):
            for name in ("reason_string", "user_property"):  # [MQTT-3.14.2-3], [MQTT-3.14.2-4]
                properties.pop(name, None)
            packet = encode_packet(_DISCONNECT, data + encode_properties(14, properties))
        self._settle()
        self._queued = [packet]
        self.state = _ENDING
        self.connected = False

    def farewell(self, exc: BaseException, write: "Callable[[bytes, int, int], object]") -> None:
        """Tell the broker why we close, as far as the stream takes it; some ends need no word."""
        code = getattr(exc, "reason_code", _TOO_LARGE)
        if self.fallback and self._mute >= 0 and self.state == _CONNECTING and not self.writing:
            if isinstance(exc, OSError) and "no CONNACK" not in exc.args:
                self._mute += 1  # so some brokers refuse a version that they do not speak; one
                self.again = True  # that does is away, and the session is not to be given up
        told = isinstance(exc, (ProtocolError, LimitError))
        if self.state == _CLOSED or self.writing or not told:
            return
        packet = encode_packet(_DISCONNECT, bytes((code,)) if code else b"")
        try:
            write(packet, 0, len(packet))
        except (OSError, MQTTError):
            self._queued = []  # the stream takes nothing any more

    def _ended(self, buf: bytearray, i: int, end: int) -> None:
        """The broker ends the connection and says why (3.14)."""
        code = buf[i] if end > i else 0
        properties = read_block(buf, 14, i + 1, end) if end > i + 1 else {}
        check_code(code, _ENDED, "DISCONNECT")
        if "session_expiry_interval" in properties:
            raise wrong("session_expiry_interval in the broker's DISCONNECT")  # [MQTT-3.14.2-2]
        raise ReasonError(code, properties.get("reason_string", ""), properties)

    # authentication (4.12)

    def reauthenticate(self) -> None:
        """Begin a re-authentication; what the hook gives for None goes with it."""
        if self._authentication is None or not self.connected:
            raise ValueError("needs authentication=(method, hook) and a connection")
        self._queue_auth(_REAUTHENTICATE, None)
        self._reauthenticating = True

    def _queue_auth(self, code: int, data: bytes | None) -> None:
        more: dict[str, Any] = {}
        self._add_authentication(more, data)
        packet = encode_packet(_AUTH, bytes((code,)) + encode_properties(15, more))
        if self.connected and len(packet) > self.connack.get("maximum_packet_size", _LARGEST):
            raise ReasonError(_TOO_LARGE, "AUTH of %d bytes" % len(packet), {})
        self._queued.append(packet)

    def _check_authentication(self, properties: "dict[str, Any]") -> bytes | None:
        """Return the data that came; the method has to be that of CONNECT."""
        method = properties.get("authentication_method")
        mine = self._authentication[0] if self._authentication else None
        if method != mine:
            raise wrong("authentication method %r instead of %r" % (method, mine))
        data = properties.get("authentication_data")
        if data is not None and method is None:
            raise wrong("authentication data without a method")
        return data

    def _auth(self, buf: bytearray, i: int, end: int) -> None:
        code = buf[i] if end > i else 0
        properties = read_block(buf, 15, i + 1, end) if end > i + 1 else {}
        data = self._check_authentication(properties)
        if self._authentication is None or (self.connected and not self._reauthenticating):
            raise wrong("AUTH that was not asked for")
        if code == _CONTINUE:
            self._queue_auth(_CONTINUE, data)
        elif code == 0 and self.connected:
            self._reauthenticating = False
            self._finish(data)
        else:
            raise wrong("AUTH with reason code " + hex(code))

    def _finish(self, data: bytes | None) -> None:
        """Let the hook see the last data of the broker, which it may refuse."""
        if data is not None:
            self._add_authentication({}, data)


def read_block(buf: bytearray, where: int, i: int, end: int) -> "dict[str, Any]":
    """Return the properties that fill the rest of a packet."""
    if check_properties(where, buf, i, end) != end:
        raise wrong("bytes behind the properties", _MALFORMED)
    return decode_properties(where, buf, i, end)


def check_code(code: int, allowed: bytes, what: str) -> None:
    """Raise ProtocolError unless a packet may have this reason code."""
    if code not in allowed:
        raise wrong(what + " with reason code " + hex(code))


def _will_block(will: "Will | None") -> bytes:
    if will is None:
        return b""
    block = encode_properties(0, will.properties)
    if will.properties and will.properties.get("payload_format_indicator"):
        check_text(will.payload)
    return block
