"""`network` of the simulated board: the station interface of an ESP32 or of a Pico W.

They differ in status codes, in who rejoins by itself and in what raises (see boards/README.md).
A small model moves both: `advance` looks at the clock and the faults at every call.
"""

import sim

STA_IF: int = 0
AP_IF: int = 1
if sim.IS_ESP32:
    STAT_IDLE = 1000
    STAT_CONNECTING = 1001
    STAT_GOT_IP = 1010
    STAT_BEACON_TIMEOUT = 200
    STAT_NO_AP_FOUND = 201
    STAT_WRONG_PASSWORD = 202
    STAT_ASSOC_FAIL = 203
    STAT_HANDSHAKE_TIMEOUT = 204
else:
    STAT_IDLE = 0
    STAT_CONNECTING = 1
    STAT_GOT_IP = 3
    STAT_CONNECT_FAIL = -1
    STAT_NO_AP_FOUND = -2
    STAT_WRONG_PASSWORD = -3

_JOIN_MS = 1200  # one attempt to associate
_DHCP_MS = 600
_NOTICE_MS = 1500  # until the station notices that the access point is silent
GATEWAY: str = "192.168.4.1"
_ADDRESS: tuple[str, str, str, str] = ("192.168.4.2", "255.255.255.0", GATEWAY, GATEWAY)
_NO_ADDRESS: tuple[str, str, str, str] = ("0.0.0.0", "255.255.255.0", "0.0.0.0", "0.0.0.0")

_hostname: str = "mpy-esp32" if sim.IS_ESP32 else "PicoW"
_country: str = "XX"


def hostname(name: str | None = None) -> str | None:
    """Get or set the host name; it counts only for connections made later."""
    global _hostname
    if name is None:
        return _hostname
    if len(name) > 32:
        raise ValueError
    if _station.wanted:
        sim.warnings.append("hostname() after connect()")
    _hostname = name
    return None


def country(code: str | None = None) -> str | None:
    """Get or set the regulatory domain; set it before active(True)."""
    global _country
    if code is None:
        return _country
    if len(code) != 2:
        raise ValueError
    if _station.is_active:
        sim.warnings.append("country() after active(True)")
    _country = code
    return None


class _Station:
    """What both chips have in common: the association with the access point."""

    def __init__(self) -> None:
        self.is_active = False
        self.wanted = False  # connect() was called and disconnect() was not
        self.associated = False
        self.has_address = False
        self.lying = False
        self.lie_over = False  # a lie ends when WiFi connects anew
        self.code = 0  # the last reason of a failure, 0 for none
        self.credentials = ("", "")
        self.attempt_at = 0  # end of the attempt that is under way
        self.address_at = 0
        self.silent_since = -1
        self.tries = 0  # attempts begun since connect()
        self.reconnects = -1
        self.pm = 0
        self.generation = 0  # counts active(False): sockets of an older one are dead

    def passes(self) -> bool:
        """True when bytes really get through."""
        self.advance()
        return self.usable() and not self.lying and self.silent_since < 0

    def usable(self) -> bool:
        """True when the chip's network interface is up, whether or not bytes pass."""
        return self.associated and self.has_address

    def begin(self) -> None:
        """Start one attempt to associate."""
        self.attempt_at = sim.now_ms() + _JOIN_MS
        self.associated = self.has_address = self.lying = False
        self.lie_over = sim.has("lie")
        self.silent_since = -1
        self.tries += 1

    def end(self) -> None:
        """Give up the association."""
        self.wanted = self.associated = self.has_address = self.lying = False
        self.code = 0
        self.silent_since = -1

    def advance(self) -> None:
        """Let the time that has passed have its effects."""
        sim.refresh()
        if not self.is_active:
            return
        now = sim.now_ms()
        if self.associated:
            self._advance_associated(now)
        elif self.wanted and self.attempt_at and now >= self.attempt_at:
            self.attempt_at = 0
            self._finish_attempt(now)

    def _advance_associated(self, now: int) -> None:
        lie = sim.has("lie")
        self.lie_over = self.lie_over and lie
        self.lying = lie and not self.lie_over
        gone = sim.has("link") or sim.has("ap") or sim.has("password")
        if not gone:
            self.silent_since = -1
            self._advance_address(now)
        elif self.silent_since < 0:
            self.silent_since = now
        elif now - self.silent_since >= _NOTICE_MS and not self.lying:
            self._lost()

    def _advance_address(self, now: int) -> None:
        if sim.has("dhcp"):
            self.has_address = False
            self.address_at = now + _DHCP_MS
        elif not self.has_address and now >= self.address_at:
            self.has_address = True
            self.code = 0

    def _finish_attempt(self, now: int) -> None:
        ssid, password = self.credentials
        if sim.has("link"):
            self._failed("silence")
        elif sim.has("ap") or ssid != sim.SSID:
            self._failed("no_ap")
        elif sim.has("password") or password != sim.PASSWORD:
            self._failed("bad_auth")
        else:
            self.associated = True
            self.address_at = now + _DHCP_MS

    def _failed(self, why: str) -> None:
        raise NotImplementedError

    def _lost(self) -> None:
        raise NotImplementedError


class _EspStation(_Station):
    """ESP32: tries again by itself; `code` stays until there is an address."""

    def __init__(self) -> None:
        super().__init__()
        self.had_address = False  # what isconnected() says: it does not notice a lost IP

    def _failed(self, why: str) -> None:
        self.code = {"silence": 201, "no_ap": 201, "bad_auth": 202}[why]
        self._again()

    def _lost(self) -> None:
        self.associated = self.has_address = self.had_address = False
        self.code = 200
        self.tries = 0
        self._again()

    def _again(self) -> None:
        if self.reconnects < 0 or self.tries <= self.reconnects:
            self.begin()
        else:
            self.wanted = False

    def status(self) -> int:
        if self.had_address:
            return STAT_GOT_IP
        if self.code:
            return self.code
        if not self.wanted:
            return STAT_IDLE
        if self.attempt_at and self.attempt_at - sim.now_ms() > _JOIN_MS - 100:
            return STAT_IDLE  # a short IDLE while connecting is normal
        return STAT_CONNECTING

    def isconnected(self) -> bool:
        return self.had_address

    def advance(self) -> None:
        super().advance()
        if self.associated and self.has_address:
            self.had_address = True
        elif not self.associated:
            self.had_address = False

    def check_connect(self) -> None:
        if not self.is_active:
            raise OSError("Wifi Not Started")
        if self.wanted and not self.associated:
            raise OSError("Wifi Internal Error")

    def set_reconnects(self, value: int) -> None:
        self.reconnects = value

    def rssi(self) -> int:
        if not self.associated:
            raise OSError("Wifi Not Connected")
        return -60 - sim.now_ms() // 1000 % 5


class _PicoStation(_Station):
    """Pico W: never rejoins; after a lost link status() says 1 for ever, or 0."""

    def __init__(self) -> None:
        super().__init__()
        self.link = 0

    def begin(self) -> None:
        super().begin()
        self.link = 1

    def end(self) -> None:
        super().end()
        self.link = 0

    def _failed(self, why: str) -> None:
        self.link = {"silence": 1, "no_ap": -2, "bad_auth": -3}[why]

    def _lost(self) -> None:
        self.associated = self.has_address = False
        self.link = 1 if sim.has("link") else 0

    def status(self) -> int:
        if self.associated:
            return 3 if self.has_address else 2
        return self.link

    def isconnected(self) -> bool:
        return self.status() == 3

    def check_connect(self) -> None:
        return

    def set_reconnects(self, value: int) -> None:
        raise ValueError("unknown config param")

    def rssi(self) -> int:
        return -55 - sim.now_ms() // 1000 % 5 if self.associated else 0


_station: _EspStation | _PicoStation = _EspStation() if sim.IS_ESP32 else _PicoStation()


class WLAN:
    """The station interface; like on the boards, all objects are one interface."""

    IF_STA: int = 0
    IF_AP: int = 1
    PM_NONE: int = 0 if sim.IS_ESP32 else 16
    PM_PERFORMANCE: int = 1 if sim.IS_ESP32 else 0xA11142
    PM_POWERSAVE: int = 2 if sim.IS_ESP32 else 17

    def __init__(self, interface: int = STA_IF) -> None:
        if interface != STA_IF:
            raise ValueError("the simulated board has a station interface only")

    def active(self, value: bool | None = None) -> bool:
        """Get or set the state of the radio; switching on resets the power save mode."""
        station = _station
        if value is None:
            return station.is_active
        if not value:
            if station.is_active:
                station.generation += 1
            station.end()
        else:
            station.pm = self.PM_PERFORMANCE if sim.IS_ESP32 else self.PM_POWERSAVE
        station.is_active = bool(value)
        return station.is_active

    def connect(self, ssid: str, key: str | None = None, **kwargs: object) -> None:
        """Start to connect; returns at once."""
        station = _station
        station.advance()
        station.check_connect()
        station.credentials = (ssid, key or "")
        station.wanted = True
        station.tries = 0
        if station.is_active:
            station.begin()

    def disconnect(self) -> None:
        """Leave the access point and stop trying."""
        _station.end()
        _station.advance()

    def isconnected(self) -> bool:
        """What the chip believes; see the command `lie`."""
        _station.advance()
        return _station.isconnected()

    def status(self, what: str | None = None) -> int:
        """The state's code, or `rssi`."""
        _station.advance()
        if what is None:
            return _station.status()
        if what != "rssi":
            raise ValueError("unknown status param")
        return _station.rssi()

    def ifconfig(self, values: object = None) -> tuple[str, str, str, str]:
        """Address, netmask, gateway, name server."""
        _station.advance()
        return _ADDRESS if _station.has_address else _NO_ADDRESS

    def ipconfig(self, name: str) -> object:
        """The newer form of ifconfig; only what a client asks for."""
        address = self.ifconfig()
        known = {"addr4": address[:2], "gw4": address[2], "dhcp4": True}
        if name not in known:
            raise ValueError("unknown config param")
        return known[name]

    def config(self, name: str | None = None, **settings: object) -> object:
        """Get one parameter or set some."""
        if name is not None:
            known = {"ssid": _station.credentials[0], "pm": _station.pm, "channel": 6}
            known["mac"] = b"\x24\x6f\x28\x00\x00\x01"
            if sim.IS_ESP32:
                known["reconnects"] = _station.reconnects
            if name not in known:
                raise ValueError("unknown config param")
            return known[name]
        for key in settings:
            self._set(key, settings[key])
        return None

    def _set(self, key: str, value: object) -> None:
        if key == "reconnects":
            _station.set_reconnects(value)
        elif key == "pm":
            _station.pm = value
        elif key not in ("txpower", "ssid", "key", "channel"):
            raise ValueError("unknown config param")

    def scan(self) -> list[tuple[bytes, bytes, int, int, int, bool]]:
        """The one access point, if it can be heard."""
        if sim.has("ap") or sim.has("link"):
            return []
        return [(sim.SSID.encode(), b"\x02\x00\x00\x00\x00\x01", 6, -60, 3, False)]


def station() -> _EspStation | _PicoStation:
    """The model behind WLAN, for the simulated `socket` and for tests."""
    return _station


def _after_soft_reset() -> None:
    """WiFi survives a soft reset of an ESP32: it is on and busy connecting."""
    _station.is_active = True
    _station.wanted = True
    _station.credentials = (sim.SSID, sim.PASSWORD)
    _station.begin()


if sim.os.getenv("SIM_WIFI") == "busy":
    _after_soft_reset()
