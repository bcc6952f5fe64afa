"""Cut the power at every block write of the flash, boot, and see that nothing is lost or doubled.

Arguments: messages out, messages in; "twice": the power goes again soon after the boot. Some
handlers publish. MicroPython only (littlefs). Prints how many cuts were tried; ends with OK.
"""

import os
import sys

from power_world import Broker, Flash, mount
from umqtt_full.resume import attach
from umqtt_full.session import Session
from umqtt_full.store import Store

OUT = int(sys.argv[1])  # messages of the client, QoS 1 and 2 by turns
IN = int(sys.argv[2])  # messages of the broker
TWICE = len(sys.argv) > 3


class PowerLost(BaseException):
    """In a handler: an OSError there would be the handler's, and the session would go on."""


class Node:
    """A session with a store, the wire to the broker, and the application's handler."""

    def __init__(self, broker, handled, store):
        self.broker = broker
        self.session = Session("node", tx_size=512, rx_size=128, read_size=64, window=4)
        attach(store, self.session, "broker", 1883)
        self.handled = handled
        self.session.subscriptions.add("cmd", 2, self._handle)
        self.session.open()

    def _handle(self, m):
        """Where the power goes in it, it has not handled the message."""
        payload = bytes(m.payload)
        if payload[-1] & 3 == 1:
            try:
                self.session.publish("log", b"1:log", 2)
                self.session.publish("log", b"1:log", 2)  # the first is on flash
            except OSError:
                raise PowerLost from None
        self.handled.append(payload)

    def pump(self):
        """Move bytes both ways until nothing moves."""
        moved = True
        while moved:
            moved = self._flush()
            data = self.broker.take()
            while data:
                moved = True
                part = data[:64]
                data = data[64:]
                self.session.rx_window[: len(part)] = part
                n = len(part)
                while self.session.feed(n):
                    self._flush()
                    n = 0
                self._flush()

    def _flush(self):
        session = self.session
        moved = False
        n = session.tx_window()
        while n:
            moved = True
            data = bytes(session.tx_buf[session.tx_off : session.tx_off + n])
            session.sent(n)
            self.broker.feed(data)
            n = session.tx_window()
        return moved


def message(i):
    return b"%d:%d" % (1 + i % 2, i)


class Story:
    """What the application and the broker mean to do, and how far they have come."""

    def __init__(self):
        self.flash = Flash()
        self.broker = Broker()
        self.handled = []
        self.accepted = []
        self.next_out = 0
        self.next_in = 0
        self.dead = []  # stores of dead nodes, kept so that the collector does not close them

    def _free(self, node, packet_id):
        """The broker ends what uses this id since a cut."""
        if self.broker.uses(packet_id):
            self.broker.release()
            node.pump()

    def run(self, fresh):
        """From power-on to the end of the story, or to a power cut (OSError)."""
        mount(self.flash, fresh)
        store = None
        try:
            store = Store("/flash/mqtt", 4096, 512)
            node = Node(self.broker, self.handled, store)
            node.pump()
            while self.next_out < OUT or self.next_in < IN:
                if self.next_out < OUT:
                    i = self.next_out
                    self.next_out += 1  # it is not published again: its fate is not known
                    qos = 1 + i % 2
                    if node.session.publish("t", message(i), qos << 1) >= 0:
                        self.accepted.append(message(i))
                if self.next_in < IN:
                    i = self.next_in
                    self._free(node, 1 + i % 5)
                    self.next_in += 1
                    self.broker.send(1 + i % 5, 1 + i % 2, message(i))  # ids again
                if self.next_out % 3 != 1:  # some are in flight together
                    node.pump()
                if self.next_in % 4 == 0:
                    self.broker.release()
                    node.pump()
            self.broker.release()
            node.pump()
            return node
        finally:
            self.broker.cut()
            self.flash = self.flash.reborn()
            if store:
                self.dead.append(store)
            try:
                os.umount("/flash")
            except OSError as exc:
                if exc.errno != 5:
                    raise


def firsts(payloads, qos):
    """The payloads of one QoS in the order in which they first came."""
    seen = []
    for payload in payloads:
        if payload[0] == 0x30 + qos and payload not in seen:
            seen.append(payload)
    return seen


def check(name, got, wanted, k):
    """Wanted: each at QoS 1 at least once, at QoS 2 once; in order."""
    for payload in wanted:
        n = got.count(payload)
        if n < 1 or (payload[0] == 0x32 and n != 1):
            raise AssertionError("cut %d: %s %r came %d times: %r" % (k, name, payload, n, got))
    for qos in (1, 2):
        order = [p for p in firsts(got, qos) if p in wanted]
        if order != [p for p in wanted if p[0] == 0x30 + qos]:
            raise AssertionError("cut %d: %s out of order: %r" % (k, name, got))
        for payload in got:
            if payload[0] == 0x32 and got.count(payload) != 1:
                raise AssertionError("cut %d: %s doubled: %r" % (k, name, got))


def tell(story, k):
    """Boot after the cut, finish the story and check both directions."""
    story.broker.lose_pubrecs()
    if TWICE:
        story.flash.left = 1 + k * 7 % 31
        try:
            story.run(fresh=False)
        except (OSError, PowerLost):
            pass
        story.broker.lose_pubrecs()
    node = story.run(fresh=False)
    check("out", story.broker.delivered, story.accepted, k)
    check("in", story.handled, [message(i) for i in range(story.next_in)], k)
    session = node.session
    if story.broker.outgoing or session.outbox.head != session.outbox.tail or session.released.n:
        raise AssertionError("cut %d: something is left over" % k)


def new_story():
    """A story whose file system is made; the count of operations begins behind that."""
    story = Story()
    mount(story.flash, True)
    os.umount("/flash")
    story.flash.operations = story.flash.erases = 0
    return story


def main():
    whole = new_story()
    flash = whole.flash
    whole.run(fresh=False)
    check("out", whole.broker.delivered, whole.accepted, 0)
    cuts = 0
    for k in range(1, flash.operations + 1):
        story = new_story()
        story.flash.left = k
        try:
            story.run(fresh=False)
        except (OSError, PowerLost):
            cuts += 1
        tell(story, k)
    print("cuts %d of %d block operations, %d erases" % (cuts, flash.operations, flash.erases))
    print("OK" if cuts >= flash.operations - 1 else "too few cuts")


sys.exit(main())
