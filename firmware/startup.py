"""From reset to the running node, and three ways not to get there.

The node is not started, and the prompt stays, when
- the skip pin is held low (`board.SKIP_PIN`, or node.skip_pin in the file),
- Ctrl-C comes within node.skip_window_s seconds after the reset, or later,
- the last node.crashes starts all ended badly: by an error, the watchdog or a loss of power
  before node.healthy_s seconds online. The counter begins anew then, so the next start is
  a normal one.
A watchdog cannot be stopped: it resets the board soon after a Ctrl-C, and the prompt stays then.
"""

import asyncio
import os
import sys
import time

import board
import config
import machine
from micropython import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:  # names that only a type checker needs
    from typing import Any

    from _mpy_shed.time_mp import _TicksMs as Ticks
    from node import Node

_COUNTER = "crashes"
_STOPPED = "stopped"  # a file that says that a Ctrl-C came before the watchdog's reset
_FEED_MS = const(250)  # with 7 s for a name it stays below the RP2040's 8 s
_PAUSE_MS = const(3000)  # after an error, before the reset: time to read it


def read_crashes() -> int:
    """Starts since the last healthy run."""
    try:
        with open(_COUNTER) as file:
            return int(file.read(8))
    except (OSError, ValueError):  # no file, or torn by a loss of power
        return 0


def write_crashes(count: int) -> None:
    """Remember the starts; a full or broken flash must not keep the node from running."""
    try:
        if count:
            with open(_COUNTER, "w") as file:
                file.write(str(count))
        else:
            os.remove(_COUNTER)
    except OSError as error:
        if count:
            print("crash counter:", error)


def should_skip(settings: dict[str, Any]) -> str | None:
    """Why the node should not be started, None when it should."""
    if _take_stopped():
        return "stopped by Ctrl-C before this reset"
    if board.skip_held(settings["node"]["skip_pin"]):
        return "the skip pin is held"
    crashes = read_crashes()
    if crashes >= settings["node"]["crashes"]:
        write_crashes(0)
        return "the last " + str(crashes) + " starts ended badly"
    return None


def _take_stopped() -> bool:
    try:
        os.remove(_STOPPED)
    except OSError:
        return False
    return True


def _expect_watchdog(seconds: float) -> None:
    """Make sure that the prompt stays after the reset that cannot be stopped."""
    if not seconds:
        return
    print("the watchdog resets the board within", seconds, "s; the prompt stays after that")
    try:
        with open(_STOPPED, "w"):
            return
    except OSError as error:
        print("cannot remember that:", error)


def run() -> None:
    """Start the node, unless it shall be skipped; returns to the prompt."""
    print("umqtt_full node on", board.NAME, "after", board.reset_cause())
    try:
        settings = config.load()
        config.check_files(settings)
    except config.ConfigError as error:
        print(error)
        return
    try:
        reason = should_skip(settings) or _window(settings["node"]["skip_window_s"])
        if reason:
            print("not started:", reason)
            return
        _run_node(settings)
    except config.ConfigError as error:
        print(error)
        write_crashes(0)
    except KeyboardInterrupt:
        print("stopped by Ctrl-C")
        write_crashes(0)
        _expect_watchdog(settings["node"]["watchdog_s"])


def _window(seconds: float) -> str | None:
    """Wait for a Ctrl-C."""
    if seconds:
        print("press Ctrl-C within", seconds, "s to stay at the prompt")
        try:
            time.sleep_ms(int(seconds * 1000))
        except KeyboardInterrupt:
            return "Ctrl-C"
    return None


def _run_node(settings: dict[str, Any]) -> None:
    write_crashes(read_crashes() + 1)
    try:
        asyncio.run(_live(settings))
    except config.ConfigError:  # to start anew would not mend it
        raise
    except Exception as error:  # whatever it is: show it, count it, start anew
        sys.print_exception(error)
        time.sleep_ms(_PAUSE_MS)
        machine.reset()
    print("restart")
    write_crashes(0)
    machine.reset()


async def _live(settings: dict[str, Any]) -> None:
    """The node's life, guarded to its end."""
    node = _make_node(settings)
    guard = asyncio.create_task(Guard(node, settings["node"]).run())
    try:
        await node.run()
        await node.stop()
    finally:
        guard.cancel()


def _make_node(settings: dict[str, Any]) -> "Node":
    """Import late: an error in there is counted too."""
    from node import Node
    from sensors import sensors
    from wifi import Wifi

    return Node(settings, Wifi(settings["wifi"]), sensors())


class Guard:
    """Feeds the watchdog while the loop turns, and clears the crash counter once all is well.

    In a task of its own: what it proves is that the loop gives every task its turn.
    """

    def __init__(self, node: "Node", settings: dict[str, Any]) -> None:
        self._node = node
        self._healthy_ms = int(settings["healthy_s"] * 1000)
        self._online_since: Ticks | None = None
        self._cleared = False
        seconds = settings["watchdog_s"]
        self._watchdog: machine.WDT | None = None
        if seconds:
            timeout = min(int(seconds * 1000), board.WDT_MAX_MS)
            self._watchdog = machine.WDT(timeout=timeout)

    async def run(self) -> None:
        """For ever; the watchdog bites when the loop stands still."""
        while True:
            self.feed()
            await asyncio.sleep_ms(_FEED_MS)

    def feed(self) -> None:
        """Feed once, and see whether the node is well."""
        if self._watchdog is not None:
            self._watchdog.feed()
        if self._cleared:
            return
        now = time.ticks_ms()
        if not self._node.is_online():
            self._online_since = None
        elif self._online_since is None:
            self._online_since = now
        elif time.ticks_diff(now, self._online_since) >= self._healthy_ms:
            self._cleared = True
            write_crashes(0)
