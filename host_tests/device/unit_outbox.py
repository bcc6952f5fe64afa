"""The ring of the outbox beside a plain list that does the same, on MicroPython and CPython.

    unit_outbox.py SEED STEPS [drop]

runs random steps on rings of many sizes and prints OK; or the seed and size that went wrong.
With "drop" messages that were never sent are also given up.
"""

import random
import sys

from umqtt_full.errors import LimitError
from umqtt_full.session import Session
from unit_rig import publish

SIZES = (64, 65, 70, 96, 100, 127, 128, 200, 256, 333, 512, 1024)
TOPICS = (b"t", "t", "a/b", b"a/topic/of/24/characters", "\u00e9\u20ac")
LENGTHS = (0, 1, 2, 15, 16, 17, 30, 31, 32, 33, 48, 63, 64, 65, 100, 128, 200, 300)
AWAITED = (1, 0x40, 0x50)


class Entry:
    """What the list keeps of a message."""

    def __init__(self, packet_id, qos, body):
        self.packet_id = packet_id
        self.qos = qos
        self.body = body  # arguments of `publish`, without DUP
        self.dup = self.sent = False

    def data(self):
        """The packet as it has to be written."""
        topic, payload, retain = self.body
        return publish(topic, payload, self.qos, self.packet_id, retain, self.dup)


class Model:
    """An outbox of `size` bytes, its list, and a window of `window` messages."""

    def __init__(self, size, window):
        session = Session("c", tx_size=size)
        self.ids = session.ids
        self.box = session.outbox
        self.window = self.quota = window
        self.queue = []
        self.current = None  # (record, Entry, bytes as they were offered) while half written
        self.refused = 0

    def publish(self, topic, length, qos, retain, as_text=False):
        """Queue a message; the list gets it too unless there is no room."""
        payload = bytes([33 + (length * 7 + i) % 90 for i in range(length)])
        name = topic.encode() if isinstance(topic, str) else topic
        given = payload.decode() if as_text else payload
        free = not self.queue
        small = len(publish(name, b"", 2, 1)) + 8 + 6 <= self.box.size
        if self.current is None:
            self.box.first(self.quota)  # as a session does after each packet
        try:
            packet_id = self.box.publish(topic, given, qos << 1 | retain)
        except LimitError:
            if small:
                raise
            return
        if packet_id < 0:
            self.refused += 1
            if free and small:
                raise ValueError("no room in an empty ring")
        else:
            self.queue.append(Entry(packet_id, qos, (name, payload, bool(retain))))
        self.check()

    def content(self, p):
        """The packet of record `p` as it would be written."""
        box = self.box
        data = bytes(box.buf[p + 6 : p + 6 + box.length(p)])
        return data + bytes(box.lent[p]) if p in box.lent else data

    def expected(self):
        """The entry that is to be written next."""
        for entry in self.queue:
            if not entry.sent and (self.quota or not entry.qos):
                return entry
        return None

    def write(self, whole=True):
        """Write what is due next; unless `whole` only a part, which is then finished first."""
        if self.current is None:
            p = self.box.first(self.quota)
            entry = self.expected()
            if entry is None or p < 0:
                if entry is not None or p >= 0:
                    raise ValueError("written out of turn")
                return
            self.current = (p, entry, self.content(p))
            if self.current[2] != entry.data():
                raise ValueError("bytes differ")
        p, entry, data = self.current
        if self.content(p) != data:
            raise ValueError("changed while half written")
        if whole:
            self.box.sent(p)
            self._sent(entry)
        self.check()

    def _sent(self, entry):
        self.current = None
        entry.sent = True
        if entry.qos:
            self.quota -= 1
        else:
            self.queue.remove(entry)

    def acknowledge(self, n):
        """The ack of one of the sent messages comes, in any order."""
        for entry in self.queue:
            found = self.box.find(AWAITED[entry.qos], entry.packet_id)
            if (found >= 0) != entry.sent or self.box.find(0x70, entry.packet_id) >= 0:
                raise ValueError("an ack finds what does not await it")
        sent = [entry for entry in self.queue if entry.sent]
        if sent:
            entry = sent[n % len(sent)]
            self.box.free(self.box.find(AWAITED[entry.qos], entry.packet_id))
            self.ids.discard(entry.packet_id)
            self.queue.remove(entry)
            self.quota += 1
        self.check()

    def drop(self):
        """The oldest message that was never sent is given up."""
        if self.current is None:
            dropped = self.box.drop()
            unsent = [entry for entry in self.queue if not entry.sent and not entry.dup]
            if dropped != (unsent[0].packet_id if unsent else -1):
                raise ValueError("dropped %d" % dropped)
            if unsent:
                self.ids.discard(dropped)
                self.queue.remove(unsent[0])
        self.check()

    def lose(self, resumed, times=1):
        """The connection ends, `times` times before the broker answers CONNECT again."""
        p, entry = self.current[:2] if self.current else (-1, None)
        for _ in range(times):
            self.box.mark_dup(p)
            p = -1
        if entry is not None and not entry.qos:
            self._sent(entry)
        for other in self.queue:
            other.dup = resumed and (other.dup or other.sent or other is entry)
            other.sent = False
        self.current = None
        self.box.rewind(resumed)
        self.quota = self.window
        self.check()

    def empty(self):
        """Write and acknowledge everything; the whole ring is free again."""
        while self.queue:
            self.write()
            self.acknowledge(0)
        self.publish("t", self.box.size - 6 - 5 - (self.box.size > 135), 0, 0)
        if self.box.lent:
            raise ValueError("lent although it fits")
        self.write()

    def check(self):
        """The records of the ring are the messages of the list, in order, intact."""
        box = self.box
        found = []
        spans = []
        p = box.head
        while p != box.tail:
            if len(spans) > 400:
                raise ValueError("the ring has no end")
            spans.append((p, p + 6 + box.length(p)))
            if box.buf[p + 3]:
                found.append((box.buf[p + 3], box.buf[p + 4] << 8 | box.buf[p + 5]))
                if self.content(p) != self.wanted(len(found) - 1):
                    raise ValueError("record %d of the ring is damaged" % len(found))
            p = box.after(p)
        if found != [(AWAITED[entry.qos], entry.packet_id) for entry in self.queue]:
            raise ValueError("the ring holds %r" % found)
        spans.sort()
        for i in range(1, len(spans)):
            if spans[i][0] < spans[i - 1][1]:
                raise ValueError("records overlap")
        if (spans and spans[-1][1] > box.size) or len(box.buf) != box.size:
            raise ValueError("a record passes the end")
        once = len([entry for entry in self.queue if not entry.qos])
        if box.queued_once != once or len(box.lent) > len(self.queue):
            raise ValueError("counted wrong")

    def wanted(self, i):
        """The bytes of the entry `i` of the list; b"" if there is none."""
        return self.queue[i].data() if i < len(self.queue) else b""


def step(model, rand, drops):
    """One random step."""
    kind = rand(20)
    if kind < 8:
        topic = TOPICS[rand(len(TOPICS))]
        model.publish(topic, LENGTHS[rand(len(LENGTHS))], rand(3), rand(2), rand(3) == 0)
    elif kind < 13:
        model.write(rand(3) > 0)
    elif kind < 18:
        model.acknowledge(rand(3))
    elif drops and rand(4) == 0:
        model.drop()
    elif rand(8) == 0:
        model.lose(rand(2) == 0, 1 + rand(2))
    elif rand(10) == 0:
        model.empty()


def main(seed, steps, drops):
    """Random steps on each size of ring."""
    random.seed(seed)

    def rand(n):
        return random.getrandbits(16) % n

    for size in SIZES:
        model = Model(size, 1 + rand(6))
        for i in range(steps):
            try:
                step(model, rand, drops)
            except Exception as exc:
                print("seed %d, size %d, step %d: %r" % (seed, size, i, exc))
                raise
        model.empty()
    print("OK")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), len(sys.argv) > 3)
