"""Checks the table of `vectors.py` on MicroPython and CPython.

    vector_runner.py GROUP          out, in, invalid or connack

prints a line for each vector that is wrong, then how many cases were run, then OK if none was.
"""

import gc
import sys

import vectors
from umqtt_full.errors import MQTTError, ProtocolError, ReasonError
from umqtt_full.will import Will
from unit_rig import CONNACK, Rig, copied

TAIL = b"\x30\x07\x00\x04tail\x21"
TAIL_MESSAGE = ("tail", b"!", 0, False, False, 0)

# read_size, rx_size, with a handler that streams
MODES = (
    (512, 1024, False),  # handled where they were read
    (8, 1024, False),  # gathered
    (16, 300, False),
    (64, 250, True),
    (8, 16, False),  # drained where they are longer
    (64, 16, False),
    (512, 30, False),
    (8, 30, True),  # streamed where they are longer
    (16, 17, True),
    (64, 16, True),
)
LARGE_MODES = ((512, 2100000, False), (512, 1024, False), (512, 1024, True))


def spread(pieces):
    """The bytes or str that a literal of the table stands for."""
    if isinstance(pieces, (bytes, str)):
        return pieces
    if len(pieces) == 2 and isinstance(pieces[1], int):
        return pieces[0] * pieces[1]
    return b"".join([spread(piece) for piece in pieces])


def text(pieces):
    """A literal as str."""
    data = spread(pieces)
    return data if isinstance(data, str) else data.decode()


def connect_options(fields):
    """Keyword arguments of a session for a "connect" vector."""
    options = dict(fields)
    options["client_id"] = spread(fields["client_id"])
    if "will" in fields:
        options["will"] = Will(*fields["will"])
    return options


def call(rig, name, arguments):
    """Do what a step of the table says."""
    session = rig.session
    if name == "publish":
        rig.publish(spread(arguments[0]), spread(arguments[1]), arguments[2], arguments[3])
    elif name == "subscribe":
        for topic_filter, qos in arguments:
            rig.subscribe(spread(topic_filter), qos)
    elif name == "unsubscribe":
        for topic_filter in arguments:
            session.subscriptions.remove(topic_filter)
    elif name == "ping":
        session.poll(0)
        session.poll(30000)
    elif name == "disconnect":
        session.disconnect()
    else:  # "id"
        session.ids.next = arguments


class Reader(Rig):
    """A connected rig in one mode, ready for the bytes of a vector."""

    def __init__(self, mode, before):
        super().__init__(read_size=mode[0], rx_size=mode[1])
        self.open = False
        self.payload = bytearray()
        if mode[2]:
            self.subscribe("#", 0, self.on_piece, True)
            self.subscribe("$SYS/#", 0, self.on_piece, True)
        self.connect()
        if mode[2]:
            self.feed(b"\x90\x04\x00\x01\x00\x00")
            self.session.ids.next = 1
        for name, arguments in before:
            call(self, name, arguments)
        self.drain()

    def on_piece(self, message):
        """Join the pieces; they must follow each other."""
        if not self.open:
            self.payload = bytearray()
            self.open = True
        if message.offset != len(self.payload):
            raise ValueError("piece out of place")
        self.payload += message.payload
        if len(self.payload) == message.total:
            self.open = False
            whole = copied(message)
            self.messages.append((whole[0], bytes(self.payload)) + whole[2:])

    def ids_left(self):
        """The packet ids in use, of those that the table speaks of."""
        return self.pending(1, 2, 3, 7, 9, 65535)


def cuts(size, mode):
    """Where a packet of `size` bytes is cut: everywhere, or where it matters."""
    if size <= 40:
        return range(1, size)
    places = list(range(1, 9)) + [size - 9, size - 2, size - 1]
    for border in (mode[0], mode[1], 127, 130):
        places += [border - 1, border, border + 1]
    return sorted({place for place in places if 0 < place < size})


class Checks:
    """Runs the cases of a vector and keeps what was wrong."""

    def __init__(self):
        self.cases = 0
        self.wrong = []

    def expect(self, where, found, wanted):
        """Compare, and keep a short line if they differ."""
        self.cases += 1
        if found != wanted:
            self.wrong.append("%s: %.200r instead of %.200r" % (where, found, wanted))

    # outgoing

    def out(self, vector):
        """The exact bytes of one packet, written at once and byte by byte."""
        name, verb, arguments, pieces = vector
        wanted = spread(pieces)
        for most in (None, 1, 7) if len(wanted) < 5000 else (None, 4096):
            for tx_size in (100, 2048):
                if verb == "connect":
                    rig = Rig(**connect_options(arguments))
                    rig.session.open()
                    where = (name, most)
                else:
                    if verb == "publish" and len(spread(arguments[0])) > tx_size:
                        tx_size = 70000
                    rig = Rig(tx_size=tx_size)
                    rig.connect()
                    call(rig, verb, arguments)
                    where = (name, most, tx_size)
                self.expect(where, rig.drain(most), wanted)

    # incoming

    def incoming(self, vector):
        """One packet in all modes and all ways of cutting the stream."""
        name, before, pieces, _, _, _ = vector
        data = spread(pieces)
        for mode in MODES if len(data) < 70000 else LARGE_MODES:
            if len(data) > 500 and mode[0] < 64:
                continue
            self._whole(vector, mode, data, b"")
            self._whole(vector, mode, data, TAIL)
            if len(data) > 1000:
                continue
            for cut in cuts(len(data), mode):
                reader = Reader(mode, before)
                reader.feed(data[:cut])
                self._silent((name, mode, "cut", cut), reader)
                reader.feed(data[cut:] + TAIL)
                self._result((name, mode, "cut", cut), vector, mode, reader, data, True)

    def _whole(self, vector, mode, data, tail):
        for most in (None, 1) if len(data) < 1000 else (None,):
            reader = Reader(mode, vector[1])
            reader.feed(data + tail, most)
            self._result((vector[0], mode, most, tail), vector, mode, reader, data, bool(tail))

    def _silent(self, where, reader):
        """Part of a packet: nothing is handed on, nothing is answered."""
        self.expect(where, (reader.messages, reader.drain()), ([], b""))

    def _result(self, where, vector, mode, reader, data, tail):
        delivered, replied, left = vector[3:]
        wanted = []
        if delivered is not None:
            wanted.append((text(delivered[0]), spread(delivered[1])) + delivered[2:])
            small = mode[2] and len(data) - len(wanted[0][1]) <= mode[1]
            if reader.session.oversized and len(data) > mode[1] and not small:
                wanted = []  # too long for this buffer, and not streamed
        dropped = (delivered is not None) - len(wanted)
        wanted += [TAIL_MESSAGE] * tail
        found = (reader.messages, reader.session.oversized, reader.exchange(b""))
        self.expect(where, found, (wanted, dropped, replied))
        self.expect((where, "ids"), reader.ids_left(), list(left))

    def invalid(self, vector):
        """A packet that breaks a rule: ProtocolError, no handler called, no answer."""
        name, before, pieces, why = vector
        data = spread(pieces)
        for mode in MODES:
            for tail in (b"", TAIL):
                for most in (None, 1, 3):
                    reader = Reader(mode, before)
                    error = None
                    try:
                        reader.feed(data + tail, most)
                    except MQTTError as exc:
                        error = exc
                    where = (name, mode, most, why)
                    self.expect(where, isinstance(error, ProtocolError), True)
                    self._silent(where, reader)

    def connack(self, vector):
        """The first packet of a connection."""
        pieces, clean_session, wanted = vector
        data = spread(pieces)
        for read_size, rx_size in ((512, 1024), (8, 16)):
            for most in (None, 1):
                rig = Rig(clean_session=clean_session, read_size=read_size, rx_size=rx_size)
                rig.session.open()
                rig.drain()
                self.expect((data[:9], most), first_answer(rig, data, most), wanted)
                if not isinstance(wanted, bool):
                    rig.session.close()
                    self.expect((data[:9], "again"), rig.connect(CONNACK), b"")
                    self.expect((data[:9], "again"), rig.session.connected, True)


def first_answer(rig, data, most):
    """What became of a session whose first packet is `data`."""
    try:
        rig.feed(data, most)
    except ReasonError as exc:
        return exc.reason_code
    except ProtocolError:
        return "ProtocolError" if not rig.messages and not rig.drain() else "went on"
    return rig.session.session_present if rig.session.connected else "not connected"


def main(group):
    """Run one group of the table."""
    checks = Checks()
    table, check = {
        "out": (vectors.OUT, checks.out),
        "in": (vectors.IN, checks.incoming),
        "invalid": (vectors.INVALID, checks.invalid),
        "connack": (vectors.CONNACKS, checks.connack),
    }[group]
    for vector in table:
        gc.collect()
        try:
            check(vector)
        except Exception as exc:
            checks.wrong.append("%r: %r" % (vector[0], exc))
    for line in checks.wrong[:30]:
        print(line)
    print("%d vectors, %d cases, %d wrong" % (len(table), checks.cases, len(checks.wrong)))
    if not checks.wrong:
        print("OK")
    return len(checks.wrong)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
