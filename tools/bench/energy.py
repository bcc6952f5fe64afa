"""docs/energy.md: what a client's habits mean for a battery, with the arithmetic shown."""

from __future__ import annotations

from dataclasses import dataclass

from tools.bench.results import Results

READINGS = 1440  # a day: one each minute
KEEP_ALIVE_S = 60
TAIL_MS = 100.0  # how long the radio stays awake around each exchange
# umqtt and Client find these by the loops of their own examples
SUBJECTS = ("mqtt_as", "Client", "AsyncClient")


@dataclass(frozen=True)
class Board:
    """Currents in mA, and how much slower its processor is than this machine."""

    name: str
    asleep: float  # associated, the radio in power save, the processor waiting
    listening: float  # on top, while the radio does not sleep
    running: float  # on top, while the processor works
    frame: float  # on top of listening, while a frame passes
    slower: float
    sources: tuple[str, ...]


BOARDS = (
    Board(
        "ESP32",
        45.0,
        84.0,
        19.0,
        50.0,
        30.0,
        (
            "about 45 mA in minimum modem sleep and 129 mA without power save: measured, README "
            "of tobymurray/esp32-mqtt-sntp (GitHub), after ESP-IDF's example power_save",
            "30 mA idle to 68 mA with both cores busy at 240 MHz: ESP32 Series Datasheet, modem "
            "sleep; half of the difference for the one core that runs Python",
            "180 to 240 mA while it transmits: same datasheet, RF power consumption",
        ),
    ),
    Board(
        "Pico W",
        2.0,
        34.0,
        8.0,
        100.0,
        100.0,
        (
            "the radio alone, about 36 mA without power save and 2 mA with it: this project's "
            "notes on boards; what the RP2040 takes when it waits is the same for all, left out",
            "mqtt_as switches power save off on this board (`pm=0xA11140` in its wifi_connect)",
            "8 mA more for an RP2040 that runs than for one that waits, 100 mA more while a "
            "frame is sent: assumed",
        ),
    ),
)
# Exchanges on the air for one reading: frames there and back, each about 1 ms at the rates that a
# sensor's signal gives.
HTTP_FRAMES = 10  # SYN, SYN-ACK, ACK, request, ACK, answer, ACK, FIN, FIN-ACK, ACK
PUBLISH_FRAMES = 3  # PUBLISH, PUBACK (carries the ACK), ACK
PING_FRAMES = 3
FRAME_MS = 1.0
HOUR_MS = 3600000.0


def mah(milliamperes: float, milliseconds: float) -> float:
    """Charge in mAh."""
    return milliamperes * milliseconds / HOUR_MS


@dataclass(frozen=True)
class Day:
    """What one day takes, in mAh, part by part."""

    base: float
    cpu: float
    radio: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.base + self.cpu + self.radio


def persistent(board: Board, cpu_ms_s: float, always_on: bool, frames: float) -> Day:
    """A client that stays connected: `cpu_ms_s` of this machine's CPU each second when idle."""
    busy = min(1.0, cpu_ms_s * board.slower / 1000)
    pings = 86400 / (KEEP_ALIVE_S / 2)
    on_air = (READINGS * frames + pings * PING_FRAMES) * FRAME_MS
    tails = 86400000.0 if always_on else (READINGS + pings) * TAIL_MS
    return Day(
        board.asleep * 24,
        mah(board.running, busy * 86400000),
        mah(board.frame, on_air) + mah(board.listening, tails),
    )


def posting(board: Board) -> Day:
    """One HTTP POST a reading: a TCP connection each time, WiFi associated in between."""
    on_air = READINGS * HTTP_FRAMES * FRAME_MS
    tails = READINGS * 3 * TAIL_MS  # connect, request, close: each waits for the other side
    return Day(board.asleep * 24, 0.0, mah(board.frame, on_air) + mah(board.listening, tails))


def _rows(results: Results, board: Board) -> list[str]:
    rows = []
    for subject in SUBJECTS:
        cpu = results.fact("awake", subject, "idle: CPU ms a second")
        if cpu is None:
            continue
        always_on = subject == "mqtt_as" and board.name == "Pico W"
        day = persistent(board, cpu, always_on, PUBLISH_FRAMES)
        rows.append(_row(f"{subject} ({cpu:.2f} ms of CPU a second)", day))
    return [*rows, _row("one HTTP POST a reading", posting(board))]


def _row(name: str, day: Day) -> str:
    parts = (day.base, day.cpu, day.radio, day.total)
    return f"| {name} | " + " | ".join(f"{part:.1f}" for part in parts) + " |"


def document(results: Results) -> str:
    """The text of docs/energy.md."""
    lines = [
        "# What it means for a battery: an estimate",
        "",
        "Written by `make bench`; do not edit. No board was measured. CPU time is this run's, on",
        "a computer; the rest is arithmetic with the currents below. What is compared is what a",
        "client does while it waits and what it puts on the air; display, sensors and regulator",
        "are the same for all.",
        "",
        f"- A reading each minute: {READINGS} publishes at QoS 1 a day. Keep alive"
        f" {KEEP_ALIVE_S} s: a ping each {KEEP_ALIVE_S // 2} s at most.",
        f"- A publish is {PUBLISH_FRAMES} frames (PUBLISH, PUBACK, ACK), a POST on a fresh"
        f" connection {HTTP_FRAMES}; {FRAME_MS:g} ms a frame. After an exchange the radio",
        f"  listens {TAIL_MS:g} ms before it sleeps again; a POST waits three times.",
        "- mAh a day = asleep x 24 h + running x hours of CPU + frame x hours on the air"
        " + listening x hours of it, with the currents below in mA.",
        "- Hours of CPU: this machine's, times a factor: 30 for an ESP32 at 240 MHz, 100 for an"
        " RP2040 (clock and interpreter: a guess; it matters for mqtt_as only),"
        " and 24 a day at most.",
    ]
    for board in BOARDS:
        lines += [
            "",
            f"## {board.name}",
            "",
            f"{board.asleep:g} mA asleep; on top, listening {board.listening:g},"
            f" Python runs: {board.running:g}, a frame passes: {board.frame:g}.",
            "",
            "| mAh a day | asleep | CPU | radio | total |",
            "|---|---:|---:|---:|---:|",
            *_rows(results, board),
            "",
            *(f"- {source}." for source in board.sources),
        ]
    lines += [
        "",
        "A node that sleeps deeply between readings is another comparison: it connects each time,",
        "so what counts is the time to PUBACK, and then to be off.",
    ]
    return "\n".join(lines) + "\n"
