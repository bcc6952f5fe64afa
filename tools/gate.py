"""A TCP door in front of a broker, which can be frozen and cut while connections go through it.

A frozen gate passes nothing on, in either direction, and closes nothing: what a broker has
received by then it can work off and save. A cut resets every connection, with all that was
under way, and refuses new ones until the gate is opened.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading

from tools.ports import HOST, free_port

_RESET = struct.pack("ii", 1, 0)
_CHUNK = 4096


class Gate(threading.Thread):
    """Listens at `port` and passes on to `target`, until it is closed."""

    def __init__(self, target: int) -> None:
        super().__init__(daemon=True)
        self.host = HOST
        self.port = free_port()
        self.state = "open"
        self.cuts = 0
        self.tap: list[bytes] | None = None  # a list here collects what the broker sends
        self._from_broker: set[socket.socket] = set()
        self._target = target
        self._ended = False
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((HOST, self.port))
        self._listener.listen(16)
        self._lock = threading.Lock()
        self.start()

    def freeze(self) -> None:
        """Pass nothing on from now."""
        self._set("frozen")

    def cut(self) -> None:
        """Reset all connections and refuse others."""
        self._set("cut")
        with self._lock:
            self.cuts += 1
            for one in list(self._pairs):
                self._drop(one)

    def open(self) -> None:
        """Pass on again."""
        self._set("open")

    def close(self) -> None:
        """End it."""
        self._ended = True
        self.cut()
        self.join(5)
        self._listener.close()

    def _set(self, state: str) -> None:
        with self._lock:
            self.state = state

    def run(self) -> None:
        """Serve; looks at its state 100 times a second at least."""
        while not self._ended:
            with selectors.DefaultSelector() as selector:
                self._watch(selector)
                for key, _ in selector.select(0.01):
                    with self._lock:
                        self._serve(key.fileobj)  # type: ignore[arg-type]

    def _watch(self, selector: selectors.BaseSelector) -> None:
        with self._lock:
            selector.register(self._listener, selectors.EVENT_READ)
            if self.state == "open":
                for one in self._pairs:
                    selector.register(one, selectors.EVENT_READ)

    def _serve(self, ready: socket.socket) -> None:
        if ready is self._listener:
            self._accept()
        elif self.state == "open" and ready in self._pairs:
            try:
                data = ready.recv(_CHUNK)
                self.passes(data, ready in self._from_broker)
                self._pairs[ready].sendall(data)
            except OSError:
                self._drop(ready)
            else:
                if not data:
                    self._drop(ready, reset=False)

    def passes(self, data: bytes, from_broker: bool) -> None:
        """Bytes are about to be passed on; for whoever wants to look at them."""
        if self.tap is not None and from_broker:
            self.tap.append(data)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        far = socket.socket()
        try:
            if self.state != "open":
                raise ConnectionRefusedError
            far.connect((HOST, self._target))
        except OSError:
            far.close()
            self._reset(near)
            return
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.settimeout(2)
        self._pairs[near] = far
        self._pairs[far] = near
        self._from_broker.add(far)

    def _drop(self, one: socket.socket, reset: bool = True) -> None:
        """Close a connection on both sides, as the one that ended it did."""
        other = self._pairs.pop(one, None)
        if other is not None:
            self._pairs.pop(other, None)
            self._from_broker -= {one, other}
            for end in (one, other):
                if reset:
                    self._reset(end)
                else:
                    end.close()

    @staticmethod
    def _reset(one: socket.socket) -> None:
        with contextlib.suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        one.close()
