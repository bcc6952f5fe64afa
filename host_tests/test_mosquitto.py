"""The library against a real mosquitto; paho-mqtt is the independent other side."""

from __future__ import annotations

import base64
import hashlib
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from broker_core import be_late
from paho.mqtt.enums import CallbackAPIVersion
from running import PYTHONS, Scripted

from tools.broker import Broker

WAIT_S = 20.0
BIG = b"0123456789abcdef" * 1000


@pytest.fixture(params=PYTHONS)
def interpreter(request: pytest.FixtureRequest) -> str:
    """Each Python with each front end."""
    return str(request.param)


class Observer:
    """A paho client that keeps what it receives as (topic, payload, qos, retain)."""

    def __init__(self, broker: Broker, prefix: str, clean: bool = True) -> None:
        self.prefix = prefix
        self._dice = random.Random(prefix)
        self.seen: list[tuple[str, bytes, int, bool]] = []
        self._subscribed = threading.Event()
        version = CallbackAPIVersion.VERSION2
        self.client = paho.Client(version, f"{prefix}-observer", clean_session=clean)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_message = self._message
        self.client.on_connect = self._connected
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        self.wait_until_subscribed()

    def _connected(self, *_: Any) -> None:
        self.client.subscribe(f"{self.prefix}/#", 2)

    def _message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        be_late(self._dice)
        topic = message.topic.removeprefix(self.prefix)
        self.seen.append((topic, bytes(message.payload), message.qos, bool(message.retain)))

    def wait_until_subscribed(self) -> None:
        """Wait until its subscription holds (again)."""
        assert self._subscribed.wait(WAIT_S), "the observer cannot subscribe"
        self._subscribed.clear()

    def publish(self, topic: str, payload: bytes, qos: int = 0) -> None:
        """Publish under the prefix and wait until it is acknowledged."""
        self.client.publish(f"{self.prefix}{topic}", payload, qos).wait_for_publish(WAIT_S)

    def wait(self, done: Callable[[], bool]) -> None:
        """Wait until the condition holds for what was seen."""
        deadline = time.monotonic() + WAIT_S
        while not done():
            assert time.monotonic() < deadline, f"the observer saw {self.seen[-30:]}"
            time.sleep(0.01)

    def wait_for(self, last: dict[str, bytes]) -> None:
        """Wait until these payloads have come under these topics.

        At QoS 2 paho hands a message on with PUBREL, so one at QoS 1 behind it may be first.
        """
        self.wait(lambda: all(last[topic] in self.payloads(topic) for topic in last))

    def payloads(self, topic: str) -> list[bytes]:
        """The payloads seen under one topic."""
        return [payload for where, payload, _, _ in self.seen if where == topic]

    def close(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()


class Run(Scripted):
    """The library's side, in a process; `reach` and `release` meet it at its `sync` steps."""

    def __init__(self, interpreter: str, broker: Broker, name: str, prefix: str) -> None:
        super().__init__(interpreter, "mosquitto", name, broker.host, broker.port, prefix)
        self._reached: dict[str, threading.Event] = {}
        self._ended = threading.Event()
        self.on_sync = lambda tag: self._event(tag).set()
        self.on_end = self._ended.set
        self.start()

    def _event(self, tag: str) -> threading.Event:
        return self._reached.setdefault(tag, threading.Event())

    def reach(self, tag: str) -> None:
        """Wait until it comes to that step, where it waits."""
        while not self._event(tag).wait(0.05):
            assert not self._ended.is_set(), self.finish()

    def meet(self, tag: str) -> None:
        """Wait until it comes to that step, and let it go on."""
        self.reach(tag)
        self.release(tag)

    def end(self) -> None:
        """It must end by itself, and well."""
        problem = self.finish(WAIT_S * 2)
        assert not problem, problem


def new_prefix() -> str:
    """A name that no other test uses at the same broker."""
    return f"t{uuid.uuid4().hex[:10]}"


@contextmanager
def both(interpreter: str, broker: Broker, name: str, clean: bool = True) -> Iterator[Any]:
    """The library and its observer."""
    prefix = new_prefix()
    observer = Observer(broker, prefix, clean)
    run = Run(interpreter, broker, name, prefix)
    try:
        yield run, observer
    finally:
        run.kill()
        observer.close()


@pytest.fixture
def persistent() -> Iterator[Broker]:
    """A broker of ours that keeps its state over a restart."""
    yield from own_broker(persistence=True)


@pytest.fixture
def forgetful() -> Iterator[Broker]:
    """A broker of ours that loses its state when it ends."""
    yield from own_broker(persistence=False)


def own_broker(persistence: bool) -> Iterator[Broker]:
    """A broker that may be killed; with MQTT_TEST_BROKER there is none, so the test is skipped."""
    if Broker().is_external:
        pytest.skip("this test restarts the broker, which that of MQTT_TEST_BROKER must not be")
    with Broker(persistence=persistence) as broker:
        yield broker


def test_publishes_at_each_qos(interpreter: str, mosquitto: Broker) -> None:
    with both(interpreter, mosquitto, "publishes_at_each_qos") as (run, observer):
        run.end()
        observer.wait(lambda: len(observer.seen) >= 3)
        assert observer.seen == [
            ("/0", b"zero", 0, False),
            ("/1", b"one", 1, False),
            ("/2", "zwölf".encode(), 2, False),
        ]


def test_receives_at_each_qos(interpreter: str, mosquitto: Broker) -> None:
    with both(interpreter, mosquitto, "receives_at_each_qos") as (run, observer):
        run.meet("subscribed")
        for qos in (0, 1, 2):
            observer.publish(f"/{qos}", b"%d" % qos, qos)
        run.reach("unsubscribed")
        observer.publish("/1", b"late", 1)
        run.release("unsubscribed")
        run.end()


def test_retained_message_is_kept_and_cleared(interpreter: str, mosquitto: Broker) -> None:
    with both(interpreter, mosquitto, "retains") as (run, observer):
        run.reach("kept")
        late = Observer(mosquitto, observer.prefix)
        late.wait(lambda: late.seen == [("/kept", b"old", 1, True)])
        run.release("kept")
        run.end()
        late.wait(lambda: late.seen[1:] == [("/kept", b"", 1, False)])
        late.close()


def test_will_is_sent_when_the_link_is_closed(interpreter: str, mosquitto: Broker) -> None:
    with both(interpreter, mosquitto, "leaves_a_will") as (run, observer):
        run.reach("online")
        observer.wait(lambda: observer.payloads("/status") == [b"online"])
        run.release("online")
        run.end()
        observer.wait(lambda: observer.payloads("/status") == [b"online", b"offline"])
        observer.client.publish(f"{observer.prefix}/status", b"", 1, True).wait_for_publish(5)


def test_will_is_not_sent_after_disconnect(interpreter: str, mosquitto: Broker) -> None:
    with both(interpreter, mosquitto, "leaves_no_will_when_it_disconnects") as (run, observer):
        run.end()
        observer.wait(lambda: bool(observer.payloads("/end")))
        assert observer.payloads("/status") == []


def test_wildcards(interpreter: str, mosquitto: Broker) -> None:
    with both(interpreter, mosquitto, "routes_by_wildcards") as (run, observer):
        run.meet("subscribed")
        for topic, payload in (("/a/x", b"1"), ("/a/y", b"2"), ("/b", b"3"), ("/b/c/d", b"4")):
            observer.publish(topic, payload, 1)
        run.end()


def test_overlapping_filters(interpreter: str, mosquitto: Broker) -> None:
    with both(interpreter, mosquitto, "overlapping_filters") as (run, observer):
        run.meet("subscribed")
        observer.publish("/a", b"x", 2)
        run.end()


def test_payloads_larger_than_the_buffers(interpreter: str, mosquitto: Broker) -> None:
    with both(interpreter, mosquitto, "large_payloads") as (run, observer):
        run.reach("sent")
        observer.wait(lambda: observer.payloads("/out") == [BIG] * 3)
        observer.publish("/in", BIG, 1)
        run.release("sent")
        run.reach("unread")
        observer.publish("/unread", BIG, 2)
        run.release("unread")
        run.end()


def test_many_in_flight_arrive_once_and_in_order(interpreter: str, mosquitto: Broker) -> None:
    with both(interpreter, mosquitto, "many_in_flight") as (run, observer):
        run.end()
        observer.wait_for({"/2": b"last", "/1": b"last"})
        numbers = [b"%d" % number for number in range(1, 201)]
        assert observer.payloads("/2") == [*numbers[:100], b"last"]
        assert observer.payloads("/1") == [*numbers[100:], b"last"]


def test_many_inbound_arrive_once_and_in_order(interpreter: str, mosquitto: Broker) -> None:
    with both(interpreter, mosquitto, "many_inbound") as (run, observer):
        run.meet("subscribed")
        for number in range(1, 201):
            observer.client.publish(f"{observer.prefix}/n", b"%d" % number, 2)
        run.end()


def test_broker_killed_between_publishes_loses_nothing(
    interpreter: str, persistent: Broker
) -> None:
    with both(interpreter, persistent, "publishes_over_a_restart", clean=False) as pair:
        run, observer = pair
        run.reach("killed")
        observer.wait(lambda: len(observer.seen) == 10)
        persistent.kill()
        run.release("killed")
        time.sleep(0.5)
        persistent.start()
        run.end()
        observer.wait_for({"/2": b"20", "/1": b"30"})
        # a mosquitto that was killed may give its own subscribers again what they had at QoS 2
        once = list(dict.fromkeys(observer.payloads("/2")))
        assert once == [b"%d" % number for number in range(1, 21)]
        assert observer.payloads("/1") == [b"%d" % number for number in range(21, 31)]


def test_broker_restarted_amid_publishes_loses_nothing(
    interpreter: str, persistent: Broker
) -> None:
    with both(interpreter, persistent, "publishes_while_the_broker_dies", clean=False) as pair:
        run, observer = pair
        run.meet("go")
        observer.wait(lambda: len(observer.seen) > 50)
        persistent.restart()
        run.end()
        observer.wait(lambda: b"300" in observer.payloads("/n"))
        assert observer.payloads("/n") == [b"%d" % number for number in range(1, 301)]


def test_queue_is_sent_to_a_broker_that_forgot_all(interpreter: str, forgetful: Broker) -> None:
    with both(interpreter, forgetful, "publishes_over_a_restart") as (run, observer):
        run.reach("killed")
        observer.wait(lambda: len(observer.seen) == 10)
        forgetful.kill()
        forgetful.start()
        observer.wait_until_subscribed()
        run.release("killed")
        run.end()
        observer.wait_for({"/2": b"20", "/1": b"30"})
        assert observer.payloads("/2") == [b"%d" % number for number in range(1, 21)]
        assert observer.payloads("/1") == [b"%d" % number for number in range(21, 31)]


def test_subscriptions_are_made_again_at_a_broker_that_forgot_all(
    interpreter: str, forgetful: Broker
) -> None:
    with both(interpreter, forgetful, "resubscribes_after_a_restart") as (run, observer):
        run.reach("restarted")
        forgetful.kill()
        forgetful.start()
        observer.wait_until_subscribed()
        run.release("restarted")
        run.reach("subscribed")
        observer.publish("/in", b"again", 2)
        run.release("subscribed")
        run.end()


def test_messages_wait_at_a_broker_that_was_killed(interpreter: str, persistent: Broker) -> None:
    with both(interpreter, persistent, "receives_over_a_restart", clean=False) as (run, observer):
        run.reach("restarted")
        for number in range(1, 11):
            observer.publish("/in", b"%d" % number, 2)
        persistent.restart()
        observer.wait_until_subscribed()
        for number in range(11, 21):
            observer.publish("/in", b"%d" % number, 2)
        run.release("restarted")
        run.end()


def test_empty_client_id(interpreter: str, mosquitto: Broker) -> None:
    with both(interpreter, mosquitto, "empty_client_id") as (run, observer):
        run.end()
        observer.wait(lambda: observer.payloads("/x") == [b"1"])


def test_session_goes_on_at_the_broker(interpreter: str, mosquitto: Broker) -> None:
    with both(interpreter, mosquitto, "session_goes_on") as (run, observer):
        run.reach("away")
        observer.publish("/in", b"kept", 1)
        run.release("away")
        run.end()


def password_line(name: str, password: str) -> str:
    """A line of mosquitto's password file."""
    salt = b"0123456789ab"
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    encoded = [base64.b64encode(part).decode() for part in (salt, digest)]
    return f"{name}:$7$101${encoded[0]}${encoded[1]}\n"


def test_username_and_password(interpreter: str, tmp_path: Path) -> None:
    if Broker().is_external:
        pytest.skip("this test sets a password, which that of MQTT_TEST_BROKER cannot be told")
    passwords = tmp_path / "passwords"
    passwords.write_text(password_line("me", "päss"), encoding="utf-8")
    passwords.chmod(0o600)
    lines = [f"password_file {passwords}"]
    with Broker(config_lines=lines, allow_anonymous=False) as broker:
        run = Run(interpreter, broker, "login", new_prefix())
        run.end()
