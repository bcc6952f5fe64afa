"""What a scenario looks at when steps have been run: messages, events, writes."""

import streams


class Mismatch(Exception):
    """A step did not come out as the scenario says."""


def check(true, text):
    """Raise `Mismatch` unless it is true."""
    if not true:
        raise Mismatch(text)


class Looking:
    """Steps that compare what was recorded with what must have been."""

    def __init__(self):
        self.received = []  # (filter, topic, payload, qos, retain, dup, offset, total)
        self.properties = []  # of each message, in 5.0
        self.happened = []

    def do_messages(self, expected):
        """All messages since the last look: (topic, payload, qos, retain, dup), or a start."""
        self.compare(self.received, expected, 1)

    def do_properties(self, expected):
        """The properties of all messages since the last look."""
        check(self.properties == expected, "properties %r" % (self.properties,))
        self.properties.clear()

    def do_first_properties(self, expected):
        """The properties of the first of them."""
        check(self.properties[0] == expected, "properties %r" % (self.properties[0],))

    def do_handled(self, expected):
        """The same with the filter of the handler in front (None: on_message)."""
        self.compare(self.received, expected, 0)

    def do_messages_in_any_order(self, kinds, times):
        """Each of these (topic, payload) so often, and nothing else."""
        seen = [item[1:3] for item in self.received]
        check(len(seen) == times * len(kinds), "got %r" % (seen,))
        check(all(seen.count(one) == times for one in kinds), "got %r" % (seen,))
        self.received.clear()

    def do_handled_in_any_order(self, expected):
        """The same in an order that is left to the library."""
        seen = [item[: len(expected[0])] for item in self.received]
        check(len(seen) == len(expected), "got %r" % (seen,))
        check(all(one in seen for one in expected), "got %r" % (seen,))
        self.received.clear()

    def do_pieces(self, expected):
        """The same as (offset, total, payload)."""
        self.compare([(item[6], item[7], item[2]) for item in self.received], expected, 0)
        self.received.clear()

    def do_joined(self, topic, payload, *rest):
        """The pieces of one streamed message: in order, no gap, the whole; then the rest."""
        whole = b""
        while self.received and len(whole) < len(payload):
            item = self.received.pop(0)
            check(item[1] == topic and item[6] == len(whole), "piece %r" % (item[1:],))
            check(item[7] == len(payload), "total is %d" % item[7])
            whole += item[2]
        check(whole == payload, "%d bytes, or others" % len(whole))
        self.do_messages(list(rest))

    def do_check_count(self, count):
        """So many messages have come, and their payloads are 1, 2, 3, …"""
        payloads = [item[2] for item in self.received]
        check(payloads == [b"%d" % (n + 1) for n in range(count)], "got %r" % (payloads,))
        self.received.clear()

    def do_forget(self):
        """Do not look at the messages so far."""
        self.received.clear()

    def do_writes(self, sizes):
        """The sizes of all writes since the last look, on a `counted` stream."""
        check(streams.writes == sizes, "writes of %r bytes" % (streams.writes,))
        streams.writes.clear()

    def do_events(self, expected):
        """All events since the last look."""
        self.compare(self.happened, expected, 0)

    def compare(self, seen, expected, start):
        """Each expected tuple is the beginning of the seen one, from column `start`."""
        same = len(seen) == len(expected)
        for index in range(len(seen) if same else 0):
            same = same and seen[index][start : start + len(expected[index])] == expected[index]
        check(same, "expected %r, got %r" % (expected, [item[start:] for item in seen]))
        seen.clear()
