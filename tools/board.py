"""What flash, monitor and repl share: mpremote, the ports, and what to say without a board."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import toolchain, workspace

BOARDS = ("esp32", "pico_w")
_FIRST_INSTALL = {
    "pico_w": (
        "Pico W: hold BOOTSEL while you plug it in. A drive RPI-RP2 appears; copy the .uf2\n"
        "     file to it that the download page of micropython.org has for RPI_PICO_W."
    ),
    "esp32": (
        "ESP32: get the .bin file that the download page of micropython.org has for the\n"
        "     board (ESP32_GENERIC for most), and write it with esptool as that page says."
    ),
}


class NoBoard(Exception):
    """No board can be talked to; the text says what to do."""


@dataclass(frozen=True)
class Port:
    """A serial port as mpremote lists it."""

    device: str
    usb: str  # vendor and product, "0000:0000" where it is no USB port
    name: str

    @property
    def is_usb(self) -> bool:
        """Boards are on USB; a computer's own serial ports are not."""
        return self.usb != "0000:0000"


def mpremote(*arguments: str) -> list[str]:
    """A command line for mpremote of the virtual environment."""
    return [*toolchain.python(), "-m", "mpremote", *arguments]


def parse_ports(text: str) -> list[Port]:
    """The ports in the output of `mpremote connect list`."""
    found = []
    for line in text.splitlines():
        words = line.split(None, 3)
        if len(words) >= 3 and ":" in words[2]:
            name = words[3].replace("None", "").strip() if len(words) > 3 else ""
            found.append(Port(words[0], words[2], name))
    return found


def ports() -> list[Port]:
    """The USB serial ports of this computer."""
    result = workspace.run(mpremote("connect", "list"), 30)
    if result.returncode:
        raise NoBoard(f"mpremote cannot list the ports:{workspace.tail(result.stdout)}")
    return [port for port in parse_ports(result.stdout) if port.is_usb]


def advice(board: str | None) -> str:
    """What to do when no board is found, for one board or for all."""
    installs = [_FIRST_INSTALL[name] for name in BOARDS if board in (None, name)]
    lines = [
        "Cable: many USB cables only charge. Take one that carries data, without a hub.",
        "Driver: Linux has it. On macOS and Windows, boards with a CP210x or CH340 chip need\n"
        "     the driver of its maker.",
        "Permission: on Linux the port belongs to the group dialout (uucp on some systems):\n"
        "     sudo usermod -aG dialout $USER, then log out and in again.",
        "MicroPython has to be on the board.\n     " + "\n     ".join(installs),
        "PORT=/dev/ttyACM0 (or COM5, …) names the port when it is not found by itself.",
    ]
    return "\n".join(f"  {number}. {line}" for number, line in enumerate(lines, 1))


def choose_port(given: str | None, board: str | None = None) -> str:
    """The port to use: the one given, or the only one there is."""
    if given:
        return _usable(given, board)
    found = ports()
    if not found:
        raise NoBoard(f"no board found: there is no USB serial port\n{advice(board)}")
    if len(found) > 1:
        listed = "\n".join(f"  PORT={port.device}   {port.usb} {port.name}" for port in found)
        raise NoBoard(f"there are {len(found)} serial ports; name the board's:\n{listed}")
    return _usable(found[0].device, board)


def _usable(device: str, board: str | None) -> str:
    """Check what a name of a port in the file system tells before it is opened."""
    if not device.startswith("/dev/"):
        return device  # COM5, or one of mpremote's own names
    if not Path(device).exists():
        there = ", ".join(port.device for port in ports()) or "none"
        raise NoBoard(
            f"no board found: {device} does not exist; USB serial ports: {there}\n{advice(board)}"
        )
    if not os.access(device, os.R_OK | os.W_OK):
        raise NoBoard(
            f"{device} is there, but you may not use it: sudo usermod -aG dialout $USER\n"
            "(uucp on some systems), then log out and in again"
        )
    return device


def parser(name: str, text: str | None) -> argparse.ArgumentParser:
    """A command line with `--port`."""
    result = argparse.ArgumentParser(prog=f"python3 -m tools.{name}", description=text)
    result.add_argument("--port", help="serial port of the board; the only one there is")
    return result


def port_or_exit(arguments: Sequence[str] | None, name: str, text: str | None) -> str:
    """The command line of a tool that wants a port only; ends the program without one."""
    given = parser(name, text).parse_args(arguments)
    try:
        return choose_port(given.port)
    except (NoBoard, toolchain.ToolchainError) as error:
        print(f"{name}: {error}")
        sys.exit(1)
