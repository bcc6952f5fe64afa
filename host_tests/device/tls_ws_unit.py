"""`umqtt_full.ws` against a stream in memory, on MicroPython and CPython.

    tls_ws_unit.py [NAME]

Each function `test_…` is a test; the last line of the output is OK.
"""

import errno
import sys

import streams
import umqtt_full
from tls_ws_rig import (
    HEADERS,
    Inner,
    check,
    data_of,
    frame,
    opened,
    parse,
    raises,
    received,
    reply_to,
)
from umqtt_full import ws


def test_request():
    """It has what RFC 6455 4.1 asks for."""
    for host, port, line in (
        ("h", 80, b"Host: h"), ("h", 443, b"Host: h"), ("h", 81, b"Host: h:81"),
        ("::1", 80, b"Host: [::1]"),
    ):  # fmt: skip
        inner = Inner()
        stream = ws.upgrade(lambda h, p, inner=inner: inner, "/a?b=c")(host, port)
        check(stream.readinto(bytearray(9)) is None)
        stream.write(b"x", 0, 1)
        lines = bytes(inner.taken).split(b"\r\n")
        check(lines[0] == b"GET /a?b=c HTTP/1.1", lines[0])
        check(lines[-2:] == [b"", b""])
        for wanted in (line, b"Upgrade: websocket", b"Connection: Upgrade",
                       b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Protocol: mqtt"):  # fmt: skip
            check(lines.count(wanted) == 1, wanted)
        check(len(next(one for one in lines if one.startswith(b"Sec-WebSocket-Key: "))) == 43)


def test_keys_and_masks_differ():
    """They are not constants."""
    keys = []
    masks = []
    for _ in range(3):
        inner = Inner()
        stream = ws.upgrade(lambda h, p, inner=inner: inner, "/")("h", 80)
        stream.write(b"x", 0, 1)
        keys.append(bytes(inner.taken))
        inner.given.extend(reply_to(inner))
        inner.taken = bytearray()
        for _ in range(20):
            stream.write(b"x", 0, 1)
        masks += [one[2] for one in parse(inner)]
    check(len(set(keys)) == 3)
    check(len(set(masks)) == 60)
    check(len({mask[0] for mask in masks}) > 20)


def test_zero_mask_is_passed_over():
    """A mask of four zeros would send the text as it is."""
    stream, inner = opened()
    for i in range(4):
        stream._pool[i] = 0
    stream._pool_at = 0
    stream.write(b"abc", 0, 3)
    check(parse(inner)[0][1] == b"abc")


def test_handshake_byte_by_byte():
    """In small pieces, both ways."""
    inner = Inner()
    inner.most = 1
    inner.room = 0
    stream = ws.upgrade(lambda h, p: inner, "/mqtt")("h", 80)
    sent = 0
    while not bytes(inner.taken).endswith(b"\r\n\r\n"):
        check(stream.write(b"ab", 0, 2) is None)
        check(stream.wants == 4)
        inner.room = 7 if sent else 1
        sent += 1
        stream.write(b"ab", 0, 2)
    inner.room = inner.most = 1 << 30
    reply = reply_to(inner)
    inner.taken = bytearray()
    for i in range(len(reply) - 1):
        inner.given.append(reply[i])
        check(stream.write(b"ab", 0, 2) is None)
        check(stream.wants == 1)
        check(stream.readinto(bytearray(5)) is None)
    inner.given.append(reply[-1])
    inner.given.extend(frame(b"early"))
    check(stream.write(b"ab", 0, 2) == 2)
    check(received(stream) == b"early")


def refused(kind, text, *changes):
    """The handshake fails with these header lines changed: (old, new)."""
    headers = [line for line in HEADERS]
    for old, new in changes:
        headers = [new if line.startswith(old) else line for line in headers]
    inner = Inner()
    stream = ws.upgrade(lambda h, p: inner, "/mqtt")("h", 80)
    stream.write(b"x", 0, 1)
    inner.given.extend(reply_to(inner, [line for line in headers if line]))
    return raises(kind, text, stream.write, b"x", 0, 1)


def test_handshake_refused():
    """Status and headers are checked."""
    wrong = umqtt_full.ProtocolError
    exc = refused(OSError, "HTTP/1.1 404 Not Found", (b"HTTP", b"HTTP/1.1 404 Not Found"))
    check(exc.errno == errno.ECONNREFUSED)
    refused(OSError, "200", (b"HTTP", b"HTTP/1.1 200 OK"))
    refused(OSError, "1.0", (b"HTTP", b"HTTP/1.0 101 x"))
    refused(OSError, "?", (b"HTTP", b"\x01\xff\x02"))
    refused(wrong, "accept", (b"Sec-WebSocket-Acc", b"Sec-WebSocket-Accept: AAAA"))
    refused(wrong, "accept", (b"Sec-WebSocket-Acc", b""))
    refused(wrong, "protocol", (b"Sec-WebSocket-Pro", b""))
    refused(wrong, "protocol", (b"Sec-WebSocket-Pro", b"Sec-WebSocket-Protocol: mqttv3"))
    refused(wrong, "upgrade", (b"Upgrade", b""))
    refused(wrong, "upgrade", (b"Upgrade", b"Upgrade: h2c"))
    refused(wrong, "connection", (b"Connection", b"Connection: close"))
    refused(wrong, "bad header", (b"Connection", b"Connection Upgrade"))
    refused(wrong, "bad header", (b"Connection", b"Connection : Upgrade"))
    refused(wrong, "extensions",
            (b"Upgrade", b"Upgrade: websocket\r\nSec-WebSocket-Extensions: x"))  # fmt: skip


def test_handshake_ends_early():
    """Closed, or an answer without end."""
    for given, ended in ((b"", True), (b"HTTP/1.1 101 x\r\n", True), (b"a" * 5000, False)):
        inner = Inner()
        stream = ws.upgrade(lambda h, p, inner=inner: inner, "/")("h", 80)
        stream.write(b"x", 0, 1)
        inner.given.extend(given)
        inner.ended = ended
        exc = raises(OSError, "WebSocket", stream.write, b"x", 0, 1)
        check(exc.errno == errno.ECONNRESET)
        stream.close()
        check(inner.closed)


def test_bad_paths():
    """No path, no line break."""
    for path in ("", "mqtt", "/a b", "/a\r\nX: y", "/é", None, True, b"/a"):
        raises(ValueError, "websocket", ws.upgrade, None, path)


def test_out_lengths():
    """7 and 16 bits, and payloads that take several frames; with offsets."""
    stream, inner = opened()
    for n in (0, 1, 2, 3, 4, 5, 125, 126, 127, 1023, 1024, 1025, 3000, 16384, 40000):
        data = data_of(n)
        got = stream.write(b"?!" + data, 2, n)
        check(got == (n or None), "took %r of %d" % (got, n))
        frames = parse(inner)
        check(b"".join([one[1] for one in frames]) == data)
        check(all(one[0] == 0x82 for one in frames))


def test_out_kinds():
    """All that the session offers."""
    stream, inner = opened()
    for data in (b"abcdef", bytearray(b"abcdef"), memoryview(b"abcdef")):
        check(stream.write(data, 1, 4) == 4)
        check(parse(inner)[0][1] == b"bcde")
    if sys.implementation.name == "micropython":
        check(stream.write("abcdef", 1, 4) == 4)
        check(parse(inner)[0][1] == b"bcde")


def test_out_partial():
    """However little is taken: the same bytes are offered again, and counted once."""
    data = data_of(2500)
    for room in (1, 2, 5, 9, 100, 1031, 1032, 1033):
        stream, inner = opened(room=0)
        off = rounds = 0
        while off < len(data):
            n = stream.write(data, off, len(data) - off)
            off += n or 0
            rounds += 1
            inner.room = room
            check(rounds < 6000)
        check(b"".join([one[1] for one in parse(inner)]) == data)


def test_out_fails():
    """An error below is an error here, and close still closes."""
    stream, inner = opened()

    def broken(buf, off, n):
        raise OSError(errno.ECONNRESET)

    inner.write = broken
    raises(OSError, "", stream.write, b"abc", 0, 3)
    stream.close()
    check(inner.closed)


def test_in_splits():
    """Frames that do not match packets, at each split, with each buffer size."""
    data = data_of(300)
    wire = (
        frame(data[:3]) + frame(data[3:5], 0x02) + frame(b"", 0x00) + frame(data[5:130], 0x00)
        + frame(b"hi", 0x8A) + frame(data[130:131], 0x80) + frame(b"") + frame(data[131:], wide=8)
    )  # fmt: skip
    for size in (8, 64, 512):
        for cut in range(0, len(wire) + 1, 1 if size == 64 else 5):
            stream, inner = opened()
            inner.given.extend(wire[:cut])
            got = received(stream, size)
            inner.given.extend(wire[cut:])
            got += received(stream, size)
            check(got == data, "cut at %d, buffer of %d" % (cut, size))


def test_in_byte_by_byte():
    """The smallest reads."""
    stream, inner = opened()
    data = data_of(200)
    got = b""
    for c in frame(data[:100], wide=2) + frame(b"p", 0x89) + frame(data[100:]):
        inner.given.append(c)
        got += received(stream)
    check(got == data)
    check(parse(inner)[0][:2] == (0x8A, b"p"))


def test_in_long():
    """A frame of 70,000 bytes."""
    stream, inner = opened()
    data = data_of(70000)
    inner.given.extend(frame(data))
    check(received(stream) == data)


def test_ping():
    """Answered with its payload; a pong is not, nor a ping with another right behind it."""
    stream, inner = opened()
    inner.given.extend(frame(b"a" * 125, 0x89) + frame(b"x") + frame(b"pong", 0x8A))
    check(received(stream) == b"x")
    check(parse_kept(inner) == [(0x8A, b"a" * 125)])
    inner.given.extend(frame(b"y") + frame(b"1", 0x89) + frame(b"z") + frame(b"", 0x89))
    check(received(stream) == b"yz")
    check(parse_kept(inner) == [(0x8A, b"")])


def test_ping_while_writing():
    """The pong follows the frame that is half written, and only the last ping counts."""
    for taken in (1, 6, 8, 200):
        stream, inner = opened(room=taken)
        data = data_of(300)
        check(stream.write(data, 0, 300) is None)
        inner.given.extend(frame(b"1", 0x89) + frame(b"22", 0x89) + frame(data, wide=2))
        check(received(stream) == data)
        inner.room = 1 << 30
        check(stream.write(data, 0, 300) == 300)
        check(received(stream) == b"")
        check(parse_kept(inner) == [(0x82, data), (0x8A, b"22")])


def parse_kept(inner):
    """What `parse` says, without the masks."""
    return [one[:2] for one in parse(inner)]


def test_pong_half_written():
    """Nothing goes in front of its rest."""
    stream, inner = opened(room=3)
    inner.given.extend(frame(b"ping", 0x89))
    check(received(stream) == b"")
    check(stream.write(b"data", 0, 4) is None)
    inner.room = 1 << 30
    check(stream.write(b"data", 0, 4) == 4)
    check(parse_kept(inner) == [(0x8A, b"ping"), (0x82, b"data")])


def test_close_by_peer():
    """What came before is delivered, the close answered, and that is the end."""
    stream, inner = opened()
    inner.given.extend(frame(b"last") + frame(b"\x03\xe8bye", 0x88) + frame(b"not read"))
    buf = bytearray(100)
    check(stream.readinto(buf) == 4 and bytes(buf[:4]) == b"last")
    check(stream.readinto(buf) == 0)
    check(parse_kept(inner) == [(0x88, b"\x03\xe8bye")])
    exc = raises(OSError, "closed", stream.write, b"x", 0, 1)
    check(exc.errno == errno.ECONNRESET)
    stream.close()
    check(inner.closed and not inner.taken)


def test_close_by_us():
    """1000, unless a frame is half written."""
    stream, inner = opened()
    stream.close()
    check(inner.closed and parse_kept(inner) == [(0x88, b"\x03\xe8")])
    stream, inner = opened(room=3)
    stream.write(b"abc", 0, 3)
    stream.close()
    check(inner.closed and len(inner.taken) == 3)


def test_end_of_stream():
    """Without a close frame."""
    stream, _ = opened(ended=True)
    check(stream.readinto(bytearray(9)) == 0)


def test_rules():
    """What a broker must not send."""
    for wire, text, code in (
        (frame(b"text", 0x81), "text", 1003),
        (frame(b"x", 0x01), "text", 1003),
        (frame(b"x", 0xC2), "reserved", 1002),
        (frame(b"x", 0x92), "reserved", 1002),
        (frame(b"x", 0x80), "disorder", 1002),
        (frame(b"x", 0x00), "disorder", 1002),
        (frame(b"x", 0x02) + frame(b"x", 0x82), "disorder", 1002),
        (frame(b"x", 0x83), "opcode", 1002),
        (frame(b"x", 0x8B), "opcode", 1002),
        (frame(b"x", 0x09), "opcode", 1002),
        (frame(b"x", 0x08), "opcode", 1002),
        (frame(b"x" * 126, 0x89), "too long", 1002),
        (b"\x82\x81\x01\x02\x03\x04\x05", "masked", 1002),
        (b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", "too long", 1009),
        (b"\x82\x7f\x00\x00\x00\x00\x40\x00\x00\x00", "too long", 1009),
    ):
        stream, inner = opened()
        inner.given.extend(wire)
        raises(umqtt_full.ProtocolError, text, received, stream)
        sent = parse_kept(inner)
        check(sent == [(0x88, bytes([code >> 8, code & 255]))], "%r: %r" % (text, sent))
        stream.close()
        check(inner.closed and not inner.taken)


def main(name=None):
    """Run the tests."""
    failed = 0
    for test in sorted(globals()):
        if test.startswith("test_") and (name is None or test == "test_" + name):
            try:
                globals()[test]()
            except Exception as exc:
                failed += 1
                print("FAILED", test)
                streams.print_exception(exc)
    print("failed: %d" % failed if failed else "OK")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
