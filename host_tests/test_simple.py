"""umqtt_full.simple and .robust: programs written for umqtt's modules, and their API.

The programs in `programs/` are run unmodified but for the import line.
"""

from __future__ import annotations

import contextlib
import inspect
import re
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from running import HERE, Device
from test_mosquitto import Observer, new_prefix, persistent  # noqa: F401
from umqtt_full import robust, simple

from tools.broker import Broker
from tools.ports import HOST


class Program(Device):
    """A program with its import line changed."""

    def __init__(self, interpreter: str, folder: Path, name: str, broker: Broker, prefix: str):
        text = (HERE / "programs" / f"{name}.py").read_text(encoding="utf-8")
        changed, count = re.subn(r"^from umqtt\.", "from umqtt_full.", text, flags=re.M)
        assert count == 1
        path = folder / f"{name}.py"
        path.write_text(changed, encoding="utf-8")
        super().__init__(interpreter, str(path), broker.host, str(broker.port), prefix)
        self._reached: dict[str, threading.Event] = {}
        self._event = lambda tag: self._reached.setdefault(tag, threading.Event())
        self.on_sync = lambda tag: self._event(tag).set()
        self.start()

    def reach(self, tag: str) -> None:
        """Wait until it prints that it is there."""
        assert self._event(tag).wait(20), self.output

    def said(self, word: str) -> list[str]:
        """What it printed after that word."""
        return [line[len(word) + 1 :] for line in self.output if line.startswith(word + " ")]


def ends_well(program: Program) -> None:
    problem = program.finish(30)
    assert not problem, problem
    assert "TWO AT ONCE" not in program.output


def test_publishes(interpreter: str, tmp_path: Path, mosquitto: Broker) -> None:
    prefix = new_prefix()
    observer = Observer(mosquitto, prefix)
    ends_well(Program(interpreter, tmp_path, "publishes", mosquitto, prefix))
    observer.wait(lambda: len(observer.seen) == 4)
    expected = [("/hello", b"hello", 0), ("/reading", b"21.5", 0), ("/sure", b"at least once", 1),
                ("/once", b"exactly once", 2)]  # fmt: skip
    assert [item[:3] for item in observer.seen] == expected
    observer.publish("/reading", b"")
    observer.close()


@pytest.mark.parametrize("name", ["waits", "checks"])
def test_one_message_a_call(
    interpreter: str, name: str, tmp_path: Path, mosquitto: Broker
) -> None:
    prefix = new_prefix()
    observer = Observer(mosquitto, prefix)
    program = Program(interpreter, tmp_path, name, mosquitto, prefix)
    program.reach("subscribed")
    for number in range(3):
        observer.client.publish(f"{prefix}/in", b"%d" % number, 1)
    ends_well(program)
    assert program.said("SEEN") == [f"{prefix}/in {number}" for number in range(3)]
    observer.close()


def test_will(interpreter: str, tmp_path: Path, mosquitto: Broker) -> None:
    prefix = new_prefix()
    observer = Observer(mosquitto, prefix)
    ends_well(Program(interpreter, tmp_path, "will", mosquitto, prefix))
    observer.wait(lambda: observer.payloads("/status") == [b"here", b"gone"])
    observer.close()


def test_session_is_kept(interpreter: str, tmp_path: Path, mosquitto: Broker) -> None:
    prefix = new_prefix()
    observer = Observer(mosquitto, prefix)
    program = Program(interpreter, tmp_path, "keeps_its_session", mosquitto, prefix)
    program.reach("away")
    for number in range(2):
        observer.publish("/in", b"%d" % number, 1)
    program.release("away")
    ends_well(program)
    assert program.said("PRESENT") == ["0", "1", "0"]
    assert program.said("SEEN") == [f"{prefix}/in 0", f"{prefix}/in 1"]
    observer.close()


def test_robust_survives_a_restart(
    interpreter: str,
    tmp_path: Path,
    persistent: Broker,  # noqa: F811
) -> None:
    prefix = new_prefix()
    observer = Observer(persistent, prefix, clean=False)
    program = Program(interpreter, tmp_path, "survives", persistent, prefix)
    program.reach("restart")
    persistent.kill()
    program.release("restart")
    persistent.start()
    program.reach("again")
    observer.wait(lambda: b"5" in observer.payloads("/out"))
    numbers = [b"%d" % number for number in range(6)]
    assert sorted(set(observer.payloads("/out"))) == numbers
    observer.publish("/in", b"after", 1)
    program.release("again")
    ends_well(program)
    assert program.said("SEEN") == [f"{prefix}/in after"]
    assert program.said("mqtt:") and observer.seen
    observer.close()


SIGNATURES = {
    "__init__": "(self, client_id, server, port=0, user=None, password=None, keepalive=0, "
    "ssl=None, ssl_params={})",
    "set_callback": "(self, f)",
    "set_last_will": "(self, topic, msg, retain=False, qos=0)",
    "connect": "(self, clean_session=True, timeout=None)",
    "disconnect": "(self)",
    "ping": "(self)",
    "publish": "(self, topic, msg, retain=False, qos=0)",
    "subscribe": "(self, topic, qos=0)",
    "unsubscribe": "(self, topic)",
    "wait_msg": "(self)",
    "check_msg": "(self)",
}
ROBUST = {
    "delay": "(self, i)",
    "log": "(self, in_reconnect, e)",
    "reconnect": "(self)",
    "publish": SIGNATURES["publish"],
    "wait_msg": "(self)",
    "check_msg": "(self, attempts=2)",
}


def signature(function: object) -> str:
    """Names and defaults, without annotations."""
    signed = inspect.signature(function)  # type: ignore[arg-type]
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in signed.parameters.values()]
    return str(inspect.Signature(plain))


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature_of_simple(name: str) -> None:
    assert signature(getattr(simple.MQTTClient, name)) == SIGNATURES[name]


@pytest.mark.parametrize("name", ROBUST)
def test_signature_of_robust(name: str) -> None:
    assert signature(getattr(robust.MQTTClient, name)) == ROBUST[name]


def test_nothing_public_is_added() -> None:
    """Only umqtt's names are public, so that a subclass of a user may take any other."""
    public = {name for name in dir(simple.MQTTClient) if not name.startswith("_")}
    assert public == set(SIGNATURES) - {"__init__"}
    more = {name for name in dir(robust.MQTTClient) if not name.startswith("_")} - public
    assert more == {"DELAY", "DEBUG", "delay", "log", "reconnect"}
    assert (robust.MQTTClient.DELAY, robust.MQTTClient.DEBUG) == (2, False)
    assert issubclass(robust.MQTTClient, simple.MQTTClient)


def test_attributes() -> None:
    """Those that umqtt.simple's instances have, with its values."""
    client = simple.MQTTClient("id", "host", user="u", password="p", keepalive=7)
    expected: dict[str, object] = {
        "client_id": "id", "sock": None, "server": "host", "port": 1883, "ssl": None,
        "ssl_params": {}, "pid": 0, "cb": None, "user": "u", "pswd": "p", "keepalive": 7,
        "lw_topic": None, "lw_qos": 0, "lw_retain": False,
    }  # fmt: skip
    assert {name: getattr(client, name) for name in expected} == expected
    assert hasattr(client, "lw_msg")
    assert simple.MQTTClient("id", "host", ssl=True).port == 8883
    client.set_last_will("t", b"m", True, 1)
    assert (client.lw_topic, client.lw_msg, client.lw_qos, client.lw_retain) == (
        "t",
        b"m",
        1,
        True,
    )
    assert issubclass(simple.MQTTException, Exception)
    assert sys.modules["umqtt_full.simple"] is simple


@pytest.mark.parametrize("length", [300, 3000])
def test_wait_msg_returns_when_the_message_is_whole(length: int) -> None:
    """However many segments it came in, and whether or not the buffer is too short for it."""
    body = b"\0\1t" + b"A" * length
    packet = bytes((0x30, len(body) & 127 | 128, len(body) >> 7)) + body
    got: list[int] = []

    def broker() -> None:
        with listener.accept()[0] as link:
            for answer in (b"\x20\2\0\0", b"\x90\3\0\1\0"):
                link.recv(1000)
                link.sendall(answer)
            for part in (packet[:1], packet[1 : length // 2], packet[length // 2 :]):
                time.sleep(0.1)
                link.sendall(part)
            link.recv(1000)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=broker, daemon=True)
        thread.start()
        client = simple.MQTTClient("c", "127.0.0.1", listener.getsockname()[1])
        client.set_callback(lambda topic, message: got.append(len(message)))
        client.connect()
        client.subscribe("t")
        assert client.wait_msg() == 0x30
        assert got == [length]
        client.disconnect()
        thread.join(5)


class Forgetful(threading.Thread):
    """A broker that keeps no session: on each connection its message at QoS 2 has the id 1."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server((HOST, 0))
        self.port: int = self.listener.getsockname()[1]
        self.heard: list[bytes] = []

    def run(self) -> None:
        """Two connections, which the client ends; what comes on the second one is kept."""
        for payload in (b"first", b"second"):
            peer, _ = self.listener.accept()
            with peer, contextlib.suppress(ConnectionError):
                peer.recv(200)
                head = b"\x20\2\0\0" + bytes((0x34, 5 + len(payload))) + b"\0\1t\0\1"
                peer.sendall(head + payload)
                while data := peer.recv(200):
                    if payload == b"second":
                        self.heard.append(data)
        self.listener.close()


@pytest.mark.parametrize("module", [simple, robust])
def test_a_callback_may_connect_again(module: Any) -> None:
    """What the callback was called for is of another connection then: nothing of it goes on."""
    broker = Forgetful()
    broker.start()
    client = module.MQTTClient("c", HOST, broker.port, keepalive=10)
    got = []

    def heard(topic: bytes, message: bytes) -> None:
        got.append(message)
        if message == b"first":
            client.reconnect() if module is robust else client.connect(False)

    client.set_callback(heard)
    client.connect()
    client.wait_msg()
    client.wait_msg()
    assert got == [b"first", b"second"]
    client.check_msg()
    client.disconnect()
    broker.join(5)
    assert b"".join(broker.heard) == b"\x50\2\0\1\xe0\0"
