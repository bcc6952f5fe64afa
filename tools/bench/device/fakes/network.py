# mypy: ignore-errors
"""What mqtt_as asks of a board's WiFi: it is always there."""

STA_IF = 0
STAT_CONNECTING = 1
STAT_IDLE = 1000


class WLAN:
    """An interface that is connected."""

    def __init__(self, interface):
        pass

    def active(self, state=True):
        """On."""
        return True

    def connect(self, *arguments):
        """At once."""

    def disconnect(self):
        """Never."""

    def config(self, **options):
        """Nothing to set."""

    def isconnected(self):
        """Always."""
        return True

    def status(self):
        """Got an address."""
        return 1010
