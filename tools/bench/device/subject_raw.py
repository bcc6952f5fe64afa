# mypy: ignore-errors
"""The ceiling: a loop over a socket, prebuilt packets; it parses, calls, acknowledges, no more."""

import select
import socket
import sys

from clock import sleep_ms

READ = 2048


def field(data):
    """Its length in two bytes, and the data."""
    return bytes((len(data) >> 8, len(data) & 255)) + data


def packet(first, body):
    """A control packet."""
    n = len(body)
    size = b""
    while n > 127:
        size += bytes((n & 127 | 128,))
        n >>= 7
    return bytes((first,)) + size + bytes((n,)) + body


class Raw:
    """Publishes and receives what it was told the shape of."""

    is_async = False

    def __init__(self, task):
        self.task = task
        topic, payload = field(task["topic"].encode()), b"x" * task["size"]
        self.packets = [bytearray(packet(0x30, topic + payload))]
        for qos in (1, 2):
            self.packets.append(bytearray(packet(0x30 | qos << 1, topic + b"\0\1" + payload)))
        self.at = [0] + [len(one) - task["size"] - 2 for one in self.packets[1:]]
        self.buf = bytearray(READ + len(self.packets[2]))
        self.view = memoryview(self.buf)
        self.out = bytearray(READ)
        self.out_view = memoryview(self.out)
        self.pid = 0
        self.qos = self.got = 0

    def connect(self):
        """CONNECT and CONNACK."""
        s = socket.socket()
        s.connect(socket.getaddrinfo(self.task["host"], self.task["port"])[0][-1])
        s.setblocking(False)
        self.sock = s
        self.poll = select.poll()
        self.poll.register(s, select.POLLIN)
        if sys.implementation.name == "cpython":
            self.wait, self.some, self.put = self.poll.poll, self.receive_into, self.send
        else:
            self.wait, self.some, self.put = self.ipoll, s.readinto, s.write
        self.write(packet(0x10, b"\0\4MQTT\4\2\0\0" + field(self.task["topic"].encode())))
        self.read_whole(4)

    def ipoll(self):
        """Wait for a byte, without the heap."""
        for _ in self.poll.ipoll(-1):
            return

    def receive_into(self, view):
        """CPython raises where MicroPython returns None."""
        try:
            return self.sock.recv_into(view)
        except BlockingIOError:
            return None

    def send(self, data):
        """As above."""
        try:
            return self.sock.send(data)
        except BlockingIOError:
            return None

    def write(self, data):
        """All of it."""
        n = self.put(data)
        while n != len(data):
            if n:
                data = memoryview(data)[n:]
            else:
                self.poll.modify(self.sock, select.POLLOUT)
                self.wait()
                self.poll.modify(self.sock, select.POLLIN)
            n = self.put(data)

    def readinto(self, view):
        """What is there, at least a byte."""
        n = self.some(view)
        while n is None:
            self.wait()
            n = self.some(view)
        return n

    def read_whole(self, n):
        """Exactly so many bytes."""
        have = 0
        while have < n:
            have += self.readinto(self.view[have:n])

    def flush(self):
        """Until the broker has worked off all that was written."""
        self.write(b"\xc0\0")
        self.read_whole(2)

    def publish(self, n, qos):
        """One after the other."""
        data, at, write = self.packets[qos], self.at[qos], self.write
        if not qos:
            while n:
                write(data)
                n -= 1
            return
        release = bytearray(b"\x62\2\0\0")
        four = self.view[:4]
        readinto, wait = self.some, self.wait
        pid = self.pid
        while n:
            pid = pid + 1 & 0x3FFF or 1
            data[at] = release[2] = pid >> 8
            data[at + 1] = release[3] = pid & 255
            write(data)
            wait()
            readinto(four)
            if qos == 2:
                write(release)
                wait()
                readinto(four)
            n -= 1
        self.pid = pid

    def window(self, n, qos, window):
        """So many in flight."""
        data, at, write, buf = self.packets[qos], self.at[qos], self.write, self.buf
        todo, flying, have, pid = n, 0, 0, self.pid
        while n:
            while todo and flying < window:
                pid = pid + 1 & 0x3FFF or 1
                data[at] = pid >> 8
                data[at + 1] = pid & 255
                write(data)
                flying += 1
                todo -= 1
            have += self.readinto(self.view[have:256])
            i = k = 0
            while i + 4 <= have:
                if buf[i] == 0x50:
                    self.out[k : k + 4] = b"\x62\2" + buf[i + 2 : i + 4]
                    k += 4
                else:
                    flying -= 1
                    n -= 1
                i += 4
            if k:
                write(self.out_view[:k])
            buf[0 : have - i] = buf[i:have]
            have -= i
        self.pid = pid

    def subscribe(self, qos):
        """SUBSCRIBE and SUBACK."""
        self.qos = qos
        self.write(packet(0x82, b"\0\1" + field(self.task["topic"].encode()) + bytes((qos,))))
        self.read_whole(5)

    def receive(self, n):
        """Wait, read one message, whose length is known, acknowledge it; at QoS 2 see `Ahead`."""
        if self.qos == 2:
            Ahead.receive(self, n)
            return
        size, at = len(self.packets[self.qos]), self.at[self.qos]
        ack, whole, buf = bytearray(b"\x40\2\0\1"), self.view[:size], self.buf
        wait, some, write = self.wait, self.some, self.put
        while n:
            wait()
            have = some(whole)
            while have < size:
                have += self.readinto(whole[have:])
            if at:
                ack[2] = buf[at]
                ack[3] = buf[at + 1]
                write(ack)
            n -= 1

    def heard(self, start, end):
        """A message, where it lies."""
        self.got += 1

    def idle(self, n):
        """A look whether something came."""
        some, one = self.some, self.view[:1]
        while n:
            some(one)
            n -= 1

    def asleep(self, ms):
        """Nothing to do."""
        sleep_ms(ms)

    def pause(self, ms):
        """Between publishes."""
        sleep_ms(ms)

    def close(self):
        """End."""
        self.write(b"\xe0\0")
        self.sock.close()


class Ahead(Raw):
    """As much as there is with one read; the acknowledgements of a read with one write."""

    def receive(self, n):  # noqa: C901
        """Take so many, and acknowledge what one read brought with one write."""
        buf, view, out = self.buf, self.view, self.out
        self.got = have = k = 0
        while n:
            got = self.readinto(view[have : have + READ])
            if not got:
                raise OSError("closed")
            have += got
            i = 0
            while i + 3 < have:
                c = buf[i]
                at = i + 2
                end = buf[i + 1]
                if end > 127:
                    at = i + 3
                    end = end & 127 | buf[i + 2] << 7
                end += at
                if end > have:
                    break
                if c == 0x62:
                    out[k] = 0x70
                    n -= 1
                else:
                    at += 2 + (buf[at] << 8 | buf[at + 1])
                    out[k] = 0x40 if c == 0x32 else 0x50
                    if c != 0x34:
                        n -= 1
                if c != 0x30:
                    out[k + 1] = 2
                    out[k + 2] = buf[at]
                    out[k + 3] = buf[at + 1]
                    at += 2
                    k += 4
                if c != 0x62:
                    self.heard(at, end)
                i = end
            if k:
                self.write(self.out_view[:k])
                k = 0
            if i < have:
                view[0 : have - i] = view[i:have]
            have -= i
