"""An Upload whose file has become shorter than it was, on MicroPython and CPython."""

from umqtt_full import Upload


class Shortened:
    """A file of `size` bytes, as it is said, that gives only `left` of them."""

    def __init__(self, size, left):
        self.size = size
        self.left = left
        self.at = 0

    def tell(self):
        return self.at

    def seek(self, n, whence=0):
        self.at = n + (self.size if whence == 2 else 0)
        return self.at

    def readinto(self, buf):
        n = max(0, min(len(buf), self.left - self.at))
        buf[:n] = b"x" * n
        self.at += n
        return n


def upload(size, left):
    """What "publish" takes for ("upload", size, left)."""
    return Upload(Shortened(size, left))
