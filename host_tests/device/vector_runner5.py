"""Checks the tables of `vectors5` and `vectors5_properties` on MicroPython and CPython.

    vector_runner5.py GROUP          out, in, invalid, ends, connack, codec or packets

prints as `vector_runner` does.
"""

import gc
import sys

import vectors5
import vectors5_properties as matrix
from umqtt_full.errors import MQTTError, ProtocolError, ReasonError
from umqtt_full.properties import check_properties, decode_properties
from umqtt_full.will import Will
from unit_rig5 import Rig5, connack, copied, frame
from vector_runner import LARGE_MODES, MODES, Checks, cuts, spread, text

TAIL = b"\x30\x08\x00\x04tail\x00\x21"
TAIL_MESSAGE = ("tail", b"!", 0, False, False, 0, {})
ALIASES = connack(b"\x03\x22\x00\x02")
ANNOUNCED = {"topic_alias_maximum": 2, "maximum_packet_size": None}
FEW_MODES = ((512, 1024, False), (8, 1024, False))


def connect_options(fields):
    """Keyword arguments of a session for a "connect" vector."""
    options = dict(fields)
    if "will" in fields:
        options["will"] = Will(*fields["will"])
    return options


def call(rig, name, arguments):
    """Do what a step of the table says."""
    session = rig.session
    if name == "publish":
        topic, payload, qos, retain, properties = arguments
        rig.publish(spread(topic), spread(payload), qos, retain, properties)
    elif name == "subscribe":
        rig.subscribe(arguments[0], arguments[1], **arguments[2])
    elif name == "unsubscribe":
        for topic_filter in arguments:
            session.subscriptions.remove(topic_filter)
    elif name == "ping":
        session.poll(0)
        session.poll(30000)
    elif name == "disconnect":
        session.disconnect(*arguments)
    elif name == "in":
        rig.drain()
        rig.feed(arguments)
        rig.drain()
    elif name == "forget":
        rig.messages.clear()


class Reader(Rig5):
    """A connected rig in one mode, ready for the bytes of a vector."""

    def __init__(self, mode, before, **options):
        super().__init__(read_size=mode[0], rx_size=mode[1], properties=ANNOUNCED, **options)
        self.open = False
        self.payload = bytearray()
        if mode[2]:
            self.subscribe("#", 0, self.on_piece, True)
            self.subscribe("$SYS/#", 0, self.on_piece, True)
        self.connect(ALIASES)
        if mode[2]:
            self.feed(b"\x90\x05\x00\x01\x00\x00\x00")
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


def failure(rig, data, most=None):
    """What feeding it raises, or None."""
    try:
        rig.feed(data, most)
    except MQTTError as exc:
        return exc
    return None


def code_of(error):
    """The reason code of a ProtocolError; what else it is."""
    return error.reason_code if isinstance(error, ProtocolError) else repr(error)


class Checks5(Checks):
    """Runs the cases of a vector and keeps what was wrong."""

    def out(self, vector):
        """The exact bytes of one packet, written at once and byte by byte."""
        name, verb, arguments, pieces = vector
        wanted = spread(pieces)
        for most in (None, 1, 7) if len(wanted) < 5000 else (None, 4096):
            for tx_size in (200, 2048):
                if verb == "connect":
                    rig = Rig5(**connect_options(arguments))
                    rig.session.open()
                else:
                    large = len(wanted) > tx_size
                    rig = Rig5(tx_size=20000 if large else tx_size, properties=ANNOUNCED)
                    rig.connect()
                    call(rig, verb, arguments)
                self.expect((name, most, tx_size), rig.drain(most), wanted)

    # incoming

    def incoming(self, vector):
        """One packet in all modes and all ways of cutting the stream."""
        name, before, pieces, delivered, _, _ = vector
        data = spread(pieces)
        head = len(data) - (len(spread(delivered[1])) if delivered else 0)
        for mode in MODES if len(data) < 70000 else LARGE_MODES:
            if head > mode[1] or (len(data) > 500 and mode[0] < 64):
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

    def _result(self, where, vector, mode, reader, data, tail):
        delivered, replied, left = vector[3:]
        wanted = []
        if delivered is not None:
            wanted.append((text(delivered[0]), spread(delivered[1])) + delivered[2:])
            if len(data) > mode[1] and not mode[2] and reader.session.oversized:
                wanted = []  # too long for this buffer, and not streamed
        dropped = (delivered is not None) - len(wanted)
        wanted += [TAIL_MESSAGE] * tail
        found = (reader.messages, reader.session.oversized, reader.exchange(b""))
        self.expect(where, found, (wanted, dropped, replied))
        self.expect((where, "ids"), reader.ids_left(), list(left))

    def invalid(self, vector):
        """A packet that breaks a rule: ProtocolError with its code, no handler, no answer."""
        name, before, pieces, codes = vector
        data = spread(pieces)
        for mode in MODES:
            for tail in (b"", TAIL):
                for most in (None, 1, 3):
                    reader = Reader(mode, before)
                    error = failure(reader, data + tail, most)
                    where = (name, mode, most, tail)
                    if len(data) <= mode[1] or not isinstance(error, MQTTError):
                        code = code_of(error)
                        self.expect(where, code if code not in codes else codes, codes)
                    self._silent(where, reader)

    def ends(self, vector):
        """A DISCONNECT of the broker."""
        name, before, pieces, code, properties = vector
        data = spread(pieces)
        for mode in MODES:
            if len(data) > mode[1]:
                continue
            for most in (None, 1):
                reader = Reader(mode, before)
                error = failure(reader, data, most)
                found = (isinstance(error, ReasonError), getattr(error, "reason_code", None))
                self.expect((name, mode, most), found, (True, code))
                self.expect((name, mode, most), error.properties, properties)
                self._silent(name, reader)

    def connack(self, vector):
        """The first packet of a connection."""
        pieces, options, wanted = vector
        data = spread(pieces)
        for read_size in (512, 8):
            for most in (None, 1):
                rig = Rig5(read_size=read_size, **dict(options))
                rig.session.open()
                rig.drain()
                error = failure(rig, data, most)
                where = (data[:9], read_size, most)
                if isinstance(error, ReasonError):
                    self.expect(where, (error.reason_code, error.properties), wanted)
                elif error is not None:
                    code = code_of(error)
                    self.expect(where, code if code not in wanted else wanted, wanted)
                    self._silent(where, rig)
                else:
                    session = rig.session
                    found = ("up", session.session_present, session.connack)
                    self.expect(where, session.connected and found, wanted)

    # properties

    def codec(self, row):
        """`check_properties` and `decode_properties` alone, in every place."""
        for place in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15):
            for name, data, found in matrix.allowed(row, place):
                buf = bytearray(b"\xff" + data + b"\xff")
                end = check_properties(place, buf, 1, len(buf))
                self.expect((name, place), end, len(data) + 1)
                self.expect((name, place), decode_properties(place, buf, 1, len(buf)), found)
            for name, data, code in matrix.wrong(row, place):
                buf = bytearray(b"\xff" + data + b"\xff" * 9)
                self.expect((name, place), code_in(place, buf), code)
            for name, data, code in matrix.unknown():
                buf = bytearray(b"\xff" + data + b"\xff" * 9)
                self.expect((name, place), code_in(place, buf), code)

    def packets(self, row):
        """Each in a packet of the broker, through the session."""
        for place in PACKETS:
            for name, data, found in matrix.allowed(row, place):
                if (place, row[0]) not in OTHERWISE:
                    self._allowed(place, name, data, found)
            for name, data, code in matrix.wrong(row, place):
                if place == 15 and row[0] == 0x15:
                    continue
                for most in (None, 1):
                    reader, packet = packet_with(place, data)
                    error = failure(reader, packet, most)
                    self.expect((name, place, data, most), code_of(error), code)
                    self._silent((name, place), reader, place)

    def _allowed(self, place, name, data, found):
        for most in (None, 1):
            for tail in (b"", TAIL) if place not in (2, 14, 15) else (b"",):
                reader, packet = packet_with(place, data)
                error = failure(reader, packet + tail, most)
                where = (name, place, data, most, tail)
                if place == 14:
                    told = (type(error), error and error.properties)
                    self.expect(where, told, (ReasonError, found))
                    continue
                self.expect(where, error, None)
                if place == 2:
                    self.expect(where, reader.session.connack, found)
                if place == 3:
                    self.expect(where, reader.messages[0][6], found)
                self.expect(where, reader.messages[place == 3 :], [TAIL_MESSAGE] * bool(tail))

    def _silent(self, where, reader, place=0):
        """Nothing is handed on, nothing is answered."""
        self.expect(where, (reader.messages, reader.drain()), ([], b""))


# What stands elsewhere: a broker may not say it, or not to this client.
OTHERWISE = ((14, 0x11), (2, 0x15), (2, 0x16), (15, 0x15))
PACKETS = (2, 3, 4, 5, 6, 7, 9, 11, 14, 15)
_BEFORE = {
    4: (("publish", ("t", b"x", 1, False, None)),),
    5: (("publish", ("t", b"x", 2, False, None)),),
    6: (("in", b"\x34\x06\x00\x01t\x00\x07\x00"), ("forget", ())),
    7: (("publish", ("t", b"x", 2, False, None)), ("in", b"\x50\x02\x00\x01")),
    9: (("subscribe", ("a", 1, {})),),
    11: (("unsubscribe", ["a"]),),
}
_AROUND = {
    2: (0x20, b"\x00\x00", b""),
    3: (0x30, b"\x00\x01t", b"hi"),
    4: (0x40, b"\x00\x01\x00", b""),
    5: (0x50, b"\x00\x01\x00", b""),
    6: (0x62, b"\x00\x07\x00", b""),
    7: (0x70, b"\x00\x01\x00", b""),
    9: (0x90, b"\x00\x01", b"\x01"),
    11: (0xB0, b"\x00\x01", b"\x00"),
    14: (0xE0, b"\x8b", b""),
    15: (0xF0, b"\x18", b""),
}


def packet_with(place, block):
    """A session that waits for a packet of this type, and that packet with these properties."""
    first, start, end = _AROUND[place]
    if place == 2:
        reader = Rig5()
    elif place == 15:
        reader = Rig5(authentication=("m", lambda data: None))
        block = matrix.block(b"\x15\x00\x01m", block[1:])
    else:
        reader = Reader((512, 1024, False), _BEFORE.get(place, ()))
    if place in (2, 15):
        reader.session.open()
        reader.drain()
    return reader, frame(first, start + block + end)


def code_in(place, buf):
    """The reason code with which a block is refused, or None."""
    try:
        check_properties(place, buf, 1, len(buf))
    except ProtocolError as exc:
        return exc.reason_code
    return None


def main(group):
    """Run one group of the table."""
    checks = Checks5()
    table, check = {
        "out": (vectors5.OUT, checks.out),
        "in": (vectors5.IN, checks.incoming),
        "invalid": (vectors5.INVALID, checks.invalid),
        "ends": (vectors5.ENDS, checks.ends),
        "connack": (vectors5.CONNACKS, checks.connack),
        "codec": (matrix.ROWS, checks.codec),
        "packets": (matrix.ROWS, checks.packets),
    }[group]
    for vector in table:
        gc.collect()
        try:
            check(vector)
        except Exception as exc:
            checks.wrong.append("%r: %r" % (vector[:2], exc))
    known = set()
    for line in checks.wrong:  # one line for each vector
        if line[:24] not in known and len(known) < 40:
            print(line)
        known.add(line[:24])
    print("%d vectors, %d cases, %d wrong" % (len(table), checks.cases, len(checks.wrong)))
    if not checks.wrong:
        print("OK")
    return len(checks.wrong)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
