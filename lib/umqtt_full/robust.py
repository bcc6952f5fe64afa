"""umqtt.robust's API on this library: change `umqtt.robust` to `umqtt_full.robust` in one import.

What differs: after a reconnect a message that was not acknowledged is sent again with DUP and its
own id where the broker kept the session, instead of as another message or never.
"""

from time import sleep

from . import simple


class MQTTClient(simple.MQTTClient):
    """umqtt.robust's client: reconnects inside its calls, every `DELAY` seconds, for ever."""

    DELAY = 2
    DEBUG = False

    def delay(self, i: int) -> None:
        """Wait before attempt `i`; to be overridden."""
        sleep(self.DELAY)

    def log(self, in_reconnect: bool, e: Exception) -> None:
        """Print a failure if DEBUG; to be overridden."""
        if self.DEBUG:
            if in_reconnect:
                print("mqtt reconnect: %r" % e)
            else:
                print("mqtt: %r" % e)

    def reconnect(self) -> int:
        """Connect again, keeping the session; returns when that has succeeded."""
        i = 0
        while True:
            try:
                return super().connect(False)
            except OSError as e:
                self.log(True, e)
                i += 1
                self.delay(i)

    def publish(
        self, topic: str | bytes, msg: str | bytes, retain: bool = False, qos: int = 0
    ) -> None:
        """Publish, through as many reconnects as it takes."""
        while True:
            try:
                return super().publish(topic, msg, retain, qos)
            except OSError as e:
                self.log(False, e)
            self.reconnect()

    def _finish(self, packet_id: int) -> None:
        """Wait for a message that was accepted: it is sent again, not published again."""
        while True:
            try:
                return super()._finish(packet_id)
            except OSError as e:
                self.log(False, e)
            self.reconnect()

    def wait_msg(self) -> int | None:
        """Wait for a packet, through as many reconnects as it takes."""
        while True:
            try:
                return super().wait_msg()
            except OSError as e:
                self.log(False, e)
            self.reconnect()

    def check_msg(self, attempts: int = 2) -> int | None:
        """Handle a packet if one is there; try at most `attempts` times."""
        while attempts:
            try:
                return super().check_msg()
            except OSError as e:
                self.log(False, e)
            self.reconnect()
            attempts -= 1
        return None
