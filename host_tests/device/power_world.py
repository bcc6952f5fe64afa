"""A flash that loses power, and a broker that does not: what `power_cut.py` runs the store on."""

import os

_EIO = -5
_RELEASE = 1  # PUBREC has come, PUBREL is to be sent


class Flash:
    """A RAM block device for littlefs; `left` block writes and erases until the power is lost.

    The last write is torn: half of it arrives. Nothing here takes from the heap or raises: the
    collector may close a dead node's file while the heap is locked.
    """

    def __init__(self, blocks=48, size=1024):
        self.size = size
        self.data = bytearray(b"\xff" * (blocks * size))
        self.left = -1
        self.operations = 0
        self.erases = 0

    def reborn(self):
        """The same flash after a power cut; nothing of the dead node reaches this one."""
        self.left = 0
        flash = Flash(0, self.size)
        flash.data = bytearray(self.data)
        return flash

    def readblocks(self, block, buf, offset=0):
        at = block * self.size + offset
        i = len(buf)
        while i:
            i -= 1
            buf[i] = self.data[at + i]

    def writeblocks(self, block, buf, offset=0):
        if self.left == 0:
            return _EIO
        at = block * self.size + offset
        n = len(buf)
        self._count()
        if self.left == 0:
            n //= 2
        i = 0
        while i < n:
            self.data[at + i] = buf[i]
            i += 1
        return _EIO if self.left == 0 else 0

    def ioctl(self, op, argument):
        if op == 4:
            return len(self.data) // self.size
        if op == 5:
            return self.size
        return self._erase(argument * self.size) if op == 6 else 0

    def _erase(self, at):
        if self.left == 0:
            return _EIO
        self._count()
        if self.left == 0:
            return _EIO
        self.erases += 1
        i = self.size
        while i:
            i -= 1
            self.data[at + i] = 255
        return 0

    def _count(self):
        self.operations += 1
        if self.left > 0:
            self.left -= 1


class Broker:
    """The broker's half of a session, as the specification has it; it never forgets."""

    def __init__(self):
        self.delivered = []  # payloads of the client's messages, each time they are delivered
        self.held = set()  # ids of the client's QoS 2 messages, until PUBREL
        self.outgoing = []  # [packet id, qos, payload, state]: awaits 0x40, 0x50 or 0x70
        self.session = False
        self.connected = False
        self._in = b""
        self._out = b""

    def cut(self):
        """The client is gone."""
        self.connected = False
        self._in = self._out = b""

    def send(self, packet_id, qos, payload):
        """Queue a message for the client."""
        entry = [packet_id, qos, payload, 0x40 if qos == 1 else 0x50]
        self.outgoing.append(entry)
        if self.connected:
            self._publish(entry, 0)

    def _publish(self, entry, dup):
        packet_id, qos, payload, _ = entry
        body = b"\0\x03cmd" + bytes((packet_id >> 8, packet_id & 255)) + payload
        self._out += bytes((0x30 | qos << 1 | dup, len(body))) + body

    def release(self):
        """Send the PUBRELs that are due."""
        for entry in self.outgoing:
            if entry[3] == _RELEASE:
                entry[3] = 0x70
                self._ack(0x62, entry[0])

    def uses(self, packet_id):
        """Tell whether a message with this id is under way to the client."""
        return any([entry[0] == packet_id for entry in self.outgoing])

    def lose_pubrecs(self):
        """Have the network lose the PUBRECs that came, but for the last, which left just now."""
        for entry in [entry for entry in self.outgoing if entry[3] == _RELEASE][:-1]:
            entry[3] = 0x50

    def take(self):
        """Return what goes to the client."""
        out = self._out
        self._out = b""
        return out

    def feed(self, data):
        """Take what the client sent."""
        self._in += data
        while len(self._in) >= 2:
            n = 2 + self._in[1]
            assert self._in[1] < 128
            if len(self._in) < n:
                return
            packet = self._in[:n]
            self._in = self._in[n:]
            self._packet(packet[0], packet[2:])

    def _packet(self, first, body):
        if first == 0x10:
            self.connected = True
            self._out += bytes((0x20, 2, 1 if self.session else 0, 0))
            self.session = True
            for entry in self.outgoing:
                if entry[3] in (0x70, _RELEASE):
                    entry[3] = 0x70
                    self._ack(0x62, entry[0])
                else:
                    self._publish(entry, 8)
        elif first & 0xF0 == 0x30:
            self._received(first, body)
        elif first == 0x82:
            self._out += bytes((0x90, 3)) + body[:2] + b"\x02"
        elif first == 0x62:
            packet_id = body[0] << 8 | body[1]
            self.held.discard(packet_id)
            self._ack(0x70, packet_id)
        else:
            self._acked(first, body[0] << 8 | body[1])

    def _received(self, first, body):
        at = 2 + (body[0] << 8 | body[1])
        qos = first >> 1 & 3
        packet_id = body[at] << 8 | body[at + 1]
        if qos == 1:
            self.delivered.append(body[at + 2 :])
            self._ack(0x40, packet_id)
            return
        if packet_id not in self.held:
            self.held.add(packet_id)
            self.delivered.append(body[at + 2 :])
        self._ack(0x50, packet_id)

    def _acked(self, first, packet_id):
        for entry in self.outgoing:
            if entry[0] == packet_id and entry[3] == first:
                if first == 0x50:
                    entry[3] = _RELEASE
                else:
                    self.outgoing.remove(entry)
                return

    def _ack(self, first, packet_id):
        self._out += bytes((first, 2, packet_id >> 8, packet_id & 255))


def mount(flash, fresh):
    """Boot: mount the file system, made new first if `fresh`."""
    if fresh:
        os.VfsLfs2.mkfs(flash)
    os.mount(os.VfsLfs2(flash), "/flash")
