"""QoS 1 publishes in flight at once: `badnet_burst.py client|async HOST PORT PREFIX COUNT`.

Prints `BURST ms ms`: until all were given to the client, and until all were acknowledged.
"""

import asyncio
import sys

import platform_time as clock
import umqtt_full

OPTIONS = {"tx_size": 4096, "window": 64, "timeout_ms": 5000}


def report(start, given):
    """The line that is asked for."""
    print("BURST", given, clock.ticks_diff(clock.ticks_ms(), start))
    print("OK")


def blocking(host, port, prefix, count):
    """With `Client`."""
    client = umqtt_full.Client(prefix + "-burst", host, port, **OPTIONS)
    client.connect()
    start = clock.ticks_ms()
    ids = [client.publish_nowait(prefix + "/up/1", b"%d" % (n + 1), 1) for n in range(count)]
    given = clock.ticks_diff(clock.ticks_ms(), start)
    for packet_id in ids:
        client.wait(packet_id)
    report(start, given)
    client.disconnect()


async def awaited(host, port, prefix, count):
    """With `AsyncClient`."""
    async with umqtt_full.AsyncClient(prefix + "-burst", host, port, **OPTIONS) as client:
        start = clock.ticks_ms()
        ids = []
        for n in range(count):
            ids.append(await client.publish_nowait(prefix + "/up/1", b"%d" % (n + 1), 1))
        given = clock.ticks_diff(clock.ticks_ms(), start)
        for packet_id in ids:
            await client.wait(packet_id)
        report(start, given)


def main(kind, host, port, prefix, count):
    """Run one kind of client."""
    if kind == "client":
        blocking(host, int(port), prefix, int(count))
    else:
        asyncio.run(awaited(host, int(port), prefix, int(count)))


if __name__ == "__main__":
    main(*sys.argv[1:])
