"""A SAS token for Azure IoT Hub, made on the device: its password, for a limited time."""

import time
from binascii import a2b_base64, b2a_base64
from hashlib import sha256

_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~"


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """RFC 2104; MicroPython has no module for it built in."""
    if len(key) > 64:
        key = sha256(key).digest()
    key = key + bytes(64 - len(key))
    inner = sha256(bytes([c ^ 0x36 for c in key]) + data).digest()
    return sha256(bytes([c ^ 0x5C for c in key]) + inner).digest()


def quote(text: str) -> str:
    """Percent-encode all but letters, digits and `_.-~`."""
    return "".join([c if c in _SAFE else "%%%02X" % ord(c) for c in text])


def unix_time() -> int:
    """Seconds since 1970; some ports count from 2000. The clock has to be set."""
    now = int(time.time())
    return now + 946684800 if time.gmtime(0)[0] == 2000 else now


def sas_token(
    host: str, device: str, key: str, seconds: int = 3600, now: "int | None" = None
) -> str:
    """Return the password for `seconds` from now; `key` is the device's primary key."""
    resource = quote(host + "/devices/" + device)
    end = str((unix_time() if now is None else now) + seconds)
    signature = hmac_sha256(a2b_base64(key), (resource + "\n" + end).encode())
    signature = quote(b2a_base64(signature).decode().strip())
    return "SharedAccessSignature sr=" + resource + "&sig=" + signature + "&se=" + end


def arguments(
    host: str, device: str, key: str, ca: str, seconds: int = 3600
) -> "dict[str, object]":
    """Return the arguments of `Client`; make a new client before the token ends."""
    return {
        "client_id": device,
        "host": host,
        "username": host + "/" + device + "/?api-version=2021-04-12",
        "password": sas_token(host, device, key, seconds),
        "tls": True,
        "ca": ca,
    }
