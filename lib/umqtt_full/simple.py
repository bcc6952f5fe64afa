"""umqtt.simple's API on this library: change `umqtt.simple` to `umqtt_full.simple` in one import.

What differs: a call that would hang raises OSError after `timeout` seconds (10 unless `connect` is
told otherwise; `wait_msg` waits for ever, as there), QoS 2 works, packets are never half read, and
a keep alive pings by itself.
"""

import sys
from errno import ECONNRESET, ENOTCONN

import umqtt_full

from .errors import ReasonError
from .net import dial, resolve, stream_of
from .packet import Message, check_topic, set_clean

_PINGRESP = 0xD0

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .client import Client
else:
    Client = umqtt_full.Client  # which loads what it stands on floor by floor


class MQTTException(Exception):
    """The broker refused: the argument is the return code of CONNACK or SUBACK."""


class MQTTClient:
    """umqtt.simple's client; see its documentation for the arguments."""

    def __init__(
        self,
        client_id: str | bytes,
        server: str,
        port: int = 0,
        user: str | bytes | None = None,
        password: str | bytes | None = None,
        keepalive: int = 0,
        ssl: "Any" = None,
        ssl_params: "dict[str, Any]" = {},  # noqa: B006
    ) -> None:
        self.client_id = client_id
        self.server = server
        self.port = port or (8883 if ssl else 1883)
        self.user = user
        self.pswd = password
        self.keepalive = keepalive
        self.ssl = ssl
        self.ssl_params = ssl_params
        self.sock: Any = None
        self.pid = 0
        self.cb: Callable[[bytes, bytes], object] | None = None
        self.lw_topic: str | bytes | None = None
        self.lw_msg: str | bytes = b""
        self.lw_qos = 0
        self.lw_retain = False
        self._client: Client | None = None
        self._some = False  # a message was handled
        self._one = False  # no more than one may be
        self._raised: Exception | None = None
        self._topic = b""  # the topic of the last message: it is well-formed

    def set_callback(self, f: "Callable[[bytes, bytes], object]") -> None:
        """Set what is called with (topic, msg), both bytes, for each message."""
        self.cb = f

    def set_last_will(
        self, topic: str | bytes, msg: str | bytes, retain: bool = False, qos: int = 0
    ) -> None:
        """Set the will of the next `connect`."""
        from .will import Will

        will = Will(topic, msg, qos, retain)
        self.lw_topic = topic
        self.lw_msg = msg
        self.lw_qos = will.qos
        self.lw_retain = retain

    def connect(self, clean_session: bool = True, timeout: float | None = None) -> int:
        """Connect; return session-present as an int. MQTTException(code): refused.

        `timeout` in seconds bounds this and every later call but `wait_msg`, which waits until a
        packet comes, or the keep alive finds the link dead. With `clean_session` False a session
        that was there before is resumed: what was not acknowledged is sent again.
        """
        if self._client is not None:
            self._client.close()
        if self._client is None or clean_session:
            self._client = self._make(clean_session or not self.client_id)
        else:
            set_clean(self._client.session.connect_packet, False)
            self._client.session.clean_session = False
        if timeout is not None:
            self._client.timeout_ms = self._client._limit(int(timeout * 1000))
        self._one = True  # what comes with CONNACK is for the next call
        client = self._client
        within = client._feeding  # a callback, which may connect again, as in umqtt.simple
        client._feeding = client.session.outbox.copies = False
        try:
            return int(client.connect())
        except ReasonError as exc:
            raise MQTTException(exc.reason_code) from None
        finally:
            client._feeding = client.session.outbox.copies = within
            self.sock = client._stream

    def _make(self, clean_session: bool) -> Client:
        will = None
        if self.lw_topic is not None:
            from .will import Will

            will = Will(self.lw_topic, self.lw_msg, self.lw_qos, self.lw_retain)
        client = Client(
            self.client_id,
            self.server,
            self.port,
            username=self.user,
            password=None if self.user is None else self.pswd,
            keep_alive=self.keepalive,
            clean_session=clean_session,
            will=will,
            dial=self._secure if self.ssl else dial,
        )
        client.on_connect = self._pause
        client.on_error = self._error
        client.session.subscriptions.deliver = self._deliver  # type: ignore[method-assign]
        client.session.begin_long = self._grow
        return client

    def _secure(self, host: str, port: int) -> "Any":
        """Dial with TLS as umqtt.simple does: it verifies what `ssl` and `ssl_params` ask for."""
        import socket

        raw = socket.socket()
        try:
            raw.settimeout(10)
            raw.connect(resolve(host, port)[1])
            if self.ssl is True:
                if TYPE_CHECKING or sys.implementation.name == "cpython":
                    from ._cpython_tls import wrap_socket  # since 3.12 the one of ssl is gone
                else:
                    from ssl import wrap_socket
                sock = wrap_socket(raw, **self.ssl_params)
            else:
                sock = self.ssl.wrap_socket(raw, server_hostname=self.server)
            if sys.implementation.name != "cpython":  # whose SSLSocket has taken it over
                raw.setblocking(False)
            sock.setblocking(False)
        except BaseException:
            raw.close()
            raise
        return stream_of(sock)

    def _pause(self, done: object) -> None:
        """What comes behind this packet is for the next call."""
        self._up().session.held = self._one

    def _deliver(self, m: Message, long: bool) -> bool:
        """Give a message to the callback."""
        topic = bytes(memoryview(m.topic_buf)[m.topic_start : m.topic_end])
        if topic != self._topic:
            check_topic(m)
            self._topic = topic
        self._some = True
        self._pause(m)
        self._call(topic, bytes(m.payload))
        return True

    def _call(self, topic: bytes, payload: bytes) -> None:
        """Call the callback; what it raises comes out of the call that runs it."""
        try:
            if self.cb is not None:
                self.cb(topic, payload)
        except Exception as exc:
            self._error(exc)

    def _grow(self, session: "Any") -> None:
        """A message that is longer than the buffer: umqtt.simple gives each one whole."""
        from .long import grow

        grow(session)

    def _error(self, exc: Exception) -> None:
        self._raised = exc

    def _up(self) -> Client:
        if self._client is None:
            raise OSError(ENOTCONN, "connect first")
        return self._client

    def _reraise(self) -> None:
        """What a callback raised comes out of the call that ran it, as in umqtt.simple."""
        exc = self._raised
        self._raised = None
        if exc is not None:
            raise exc

    def disconnect(self) -> None:
        """Send DISCONNECT and close."""
        self._up().disconnect()
        self.sock = None

    def ping(self) -> None:
        """Send a PINGREQ."""
        self._up().ping()

    def publish(
        self, topic: str | bytes, msg: str | bytes, retain: bool = False, qos: int = 0
    ) -> None:
        """Publish; at QoS 1 and 2 return when it is acknowledged."""
        client = self._up()
        self._one = False
        packet_id = client.publish_nowait(topic, msg, qos, retain)
        if packet_id:
            self.pid = packet_id
        if packet_id or client.session.outbox.queued_once:
            self._finish(packet_id)
        if self._raised is not None:
            self._reraise()

    def _finish(self, packet_id: int) -> None:
        self._up().wait(packet_id)

    def subscribe(self, topic: str | bytes, qos: int = 0) -> None:
        """Subscribe; MQTTException(0x80): refused."""
        assert self.cb is not None, "Subscribe callback is not set"
        self._one = False
        try:
            self._up().subscribe(topic, qos)
        except ReasonError as exc:
            raise MQTTException(exc.reason_code) from None
        self._reraise()

    def unsubscribe(self, topic: str | bytes) -> None:
        """Unsubscribe."""
        assert self.cb is not None, "Subscribe callback is not set"
        self._one = False
        self._up().unsubscribe(topic)
        self._reraise()

    def wait_msg(self) -> int | None:
        """Wait for a packet; handle it. Return its first byte, None for a PINGRESP.

        OSError(-1) when the broker has closed the connection.
        """
        while True:
            op = self._take(1000)
            if op >= 0:
                return op or None

    def check_msg(self) -> int | None:
        """Handle a packet if one is there, without waiting; return as `wait_msg` does."""
        op = self._take(0)
        return op if op > 0 else None

    def _take(self, timeout_ms: int) -> int:
        """Take one packet: its first byte, 0 for a PINGRESP, -1 for none."""
        client = self._up()
        self._one = True
        self._some = False
        try:
            client.proceed()
            came = self._some or client.poll(timeout_ms)
        except OSError as exc:
            if exc.errno == ECONNRESET and exc is client.error:
                raise OSError(-1) from None  # what umqtt.simple raises at the end of the stream
            raise
        self._reraise()
        session = client.session
        if self._some:
            return session.message.header
        if not came or session._have or session._skip:  # nothing, or only a part of a packet
            return -1
        return 0 if session.rx_window[0] == _PINGRESP else session.rx_window[0]
