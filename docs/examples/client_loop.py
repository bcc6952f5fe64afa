"""A small node without asyncio: the blocking `Client`, one `while True:` loop, a watchdog.

Every call in the loop ends within a bounded time, so there is one place that feeds the watchdog:
the end of a turn. Only the resolver of a broker's name has a time of its own (on a Pico W seven
seconds a name server), and the watchdog is longer than that.

On a board it takes WiFi from the firmware's files (`wifi.py`, `probe.py`, `config.py`, `board.py`
and a `config.json`). On a computer, where they are not, the network is there: the same program
runs on MicroPython's unix port.
"""

import time

from umqtt_full import Client, LimitError, Will

BASE = "garden/pump-1"
EVERY_MS = 10000

try:
    import config
    import machine
    from wifi import Wifi
except ImportError:
    wifi = watchdog = None
else:
    wifi = Wifi(config.load()["wifi"])
    watchdog = machine.WDT(timeout=8000)

mqtt = Client(
    "pump-1",
    "broker.local",
    keep_alive=30,
    will=Will(BASE + "/status", "offline", qos=1, retain=True),
    reconnect=True,  # every call brings the link back, with growing pauses, and raises nothing
    timeout_ms=500,  # so long a publish waits for room in the outbox
    ready=wifi.is_up if wifi else None,  # no attempt to connect while there is no WiFi
)


@mqtt.on(BASE + "/cmd/pump", qos=2)
def pump(message):
    """Switch the pump; called inside `mqtt.poll`."""
    state = "on" if message.payload_is(b"on") else "off"
    print("pump", state)
    publish("pump", state, retain=True)


def publish(name, payload, retain=False):
    """Hand a message to the outbox: sent now or when the link is back, once it was accepted."""
    try:
        mqtt.publish_nowait(BASE + "/" + name, payload, 1, retain)
    except LimitError:
        print("outbox full,", name, "dropped")


mqtt.on_connect = lambda session_present: publish("status", "online", retain=True)

due = time.ticks_ms()
while True:
    now = time.ticks_ms()
    if wifi:
        wifi.step(now)
    mqtt.poll(500)  # connects, reads, writes, pings, calls the handlers; half a second at most
    if time.ticks_diff(now, due) >= 0:
        due = time.ticks_add(due, EVERY_MS)
        publish("uptime", str(now // 1000))
    if watchdog:
        watchdog.feed()
