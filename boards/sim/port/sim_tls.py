"""`tls` of the simulated board. As rp2's, a Pico W's looks at the dates by the board's clock.

The unix port goes by the computer's, and an ESP32 does not look. So while a Pico W's clock was not
set, a handshake that verifies fails here as it does there.
"""

import io
import sys
import time

import sim
import tls as _real
from tls import CERT_NONE as CERT_NONE
from tls import CERT_OPTIONAL as CERT_OPTIONAL
from tls import CERT_REQUIRED as CERT_REQUIRED
from tls import MBEDTLS_VERSION as MBEDTLS_VERSION
from tls import PROTOCOL_TLS_CLIENT as PROTOCOL_TLS_CLIENT
from tls import PROTOCOL_TLS_SERVER as PROTOCOL_TLS_SERVER

_CLOSE = 4  # MP_STREAM_CLOSE
_SET = 2025  # a clock that shows an earlier year was not set


class SSLContext:
    """The real one, but for the dates."""

    def __init__(self, protocol: int) -> None:
        self._context = _real.SSLContext(protocol)
        self.load_cert_chain = self._context.load_cert_chain
        self.load_verify_locations = self._context.load_verify_locations
        self.get_ciphers = self._context.get_ciphers
        self.set_ciphers = self._context.set_ciphers

    @property
    def verify_mode(self) -> int:
        """Whether the other side's certificate is looked at."""
        return self._context.verify_mode

    @verify_mode.setter
    def verify_mode(self, mode: int) -> None:
        self._context.verify_mode = mode

    def wrap_socket(self, raw: object, **options: object) -> object:
        """TLS around a socket."""
        verifies = self.verify_mode == CERT_REQUIRED and not sim.IS_ESP32
        if verifies and time.gmtime()[0] < _SET:
            return _TooEarly(raw)
        return self._context.wrap_socket(raw, **options)


class _TooEarly(io.IOBase):
    """A handshake that ends with what mbedtls says of dates."""

    def __init__(self, raw: object) -> None:
        self._raw = raw

    def write(self, *rest: object) -> int:
        raise ValueError("The certificate validity starts in the future\n")

    def readinto(self, *rest: object) -> int | None:
        return None

    def close(self) -> None:
        return None

    def ioctl(self, request: int, argument: int) -> int:
        return 0 if request == _CLOSE else self._raw.ioctl(request, argument)


sys.modules["tls"] = sys.modules["sim_tls"]
