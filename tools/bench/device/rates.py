# mypy: ignore-errors
"""One measurement of one client, on MicroPython and CPython.

Reads a JSON object from a line on stdin (an argument of MicroPython ends at 255 bytes): subject,
metric, host, port, topic, size, count (0: as many as take `target_ms`), target_ms, warm (how many
before), options. Prints `WANT qos count` when it needs messages and `MARK` before the first and
after the last of publishes that are counted, waits for a line on stdin then, and prints at last
`RESULT {count, wall_us, cpu_us, heap}`.
"""

import json
import sys

from clock import asked, cpu_us, mark, since_us, wall_us

SUBJECTS = {
    "raw": ("subject_raw", "Raw"),
    "ahead": ("subject_raw", "Ahead"),
    "asyncio": ("subject_ours", "Bare"),
    "umqtt.simple": ("subject_umqtt", "Simple"),
    "nodelay": ("subject_umqtt", "Prompt"),
    "umqtt.robust": ("subject_umqtt", "Robust"),
    "umqtt.simple2": ("subject_umqtt", "Simple2"),
    "mqtt_as": ("subject_mqtt_as", "MqttAs"),
    "paho": ("subject_paho", "Paho"),
    "MiniMQTT": ("subject_minimqtt", "MiniMQTT"),
    "Client": ("subject_ours", "Blocking"),
    "AsyncClient": ("subject_ours", "Async"),
    "umqtt_full.simple": ("subject_ours", "DropIn"),
}
FIRST = 5  # how many before the rate is known
FAST_US = 100000  # less says nothing about a rate
MOST = 60000  # below the number of packet ids
MOST_0 = 300000  # at QoS 0, whose end takes up to 40 ms (see `flush`)
BYTES = 40000000  # the most that one measurement moves
SPACE_MS = 60  # between publishes that are to be apart


class Stopwatch:
    """What passed since `start`."""

    def start(self):
        """Begin; the heap is read last, for the other readings take some of it."""
        self.cpu = cpu_us()
        self.wall = wall_us()
        self.heap = asked()

    def stop(self):
        """End; the heap is read first."""
        self.heap = asked() - self.heap
        self.wall = since_us(self.wall)
        self.cpu = cpu_us() - self.cpu


def tell(*words):
    """Tell the host, and wait until it has done its part."""
    print(*words)
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()
    if not sys.stdin.readline():
        raise OSError("the host has gone")


def begin(task, subject):
    """The function that does `count` operations, and whether the host has to publish first."""
    name = task["metric"]
    if name.startswith("recv"):
        return subject.receive, int(name[4])
    if name == "idle":
        return subject.idle, -1
    if name == "asleep":
        return subject.asleep, -1
    qos = int(name[3])
    if name[4:5] == "w":
        window = int(name[5:])
        return (lambda n: subject.window(n, qos, window)), -1
    return (lambda n: subject.publish(n, qos)), -1


def counted(task, watch):
    """How many operations take as long as is wanted."""
    rate = watch.count * 1000000 / max(1, watch.wall)
    most = MOST_0 if task["metric"] == "pub0" else MOST
    most = min(most, BYTES // max(task["size"], 50))
    return max(FIRST, min(most, int(rate * task["target_ms"] / 1000)))


def once(task, subject, watch, n):
    """Do `n` operations by the stopwatch."""
    operate, qos = begin(task, subject)
    if qos >= 0 and n:
        tell("WANT", qos, n)  # to publish so many messages; the broker has them all then
    mark(1)
    watch.start()
    yield operate(n)
    if task["metric"] == "pub0" and not task["count"]:
        yield subject.flush()
    watch.stop()
    mark(2)
    watch.count = n


def steps(task, subject, watch):
    """Do it all; yields what the subject's methods return, to be awaited if they are async."""
    yield subject.connect()
    _, qos = begin(task, subject)
    if qos >= 0:
        yield subject.subscribe(qos)
    n = task["count"]
    if task["metric"] != "asleep":
        yield from once(task, subject, watch, task["warm"] or FIRST)
        yield from once(task, subject, watch, 0)
        watch.overhead = watch.heap
        n = n or FIRST
        while not task["count"] and watch.wall < FAST_US and n < MOST:
            yield from once(task, subject, watch, n)
            n *= 10
        n = task["count"] or counted(task, watch)
    yield from once(task, subject, watch, n)
    yield subject.close()


def spaced(task, subject, watch):
    """Publish with pauses between: `apart0` or `apart1`."""
    qos = int(task["metric"][5])
    yield subject.connect()
    for n in range(task["count"] + 5):
        if n == 5:
            yield subject.pause(300)
            tell("MARK")
            mark(1)
            watch.start()
        yield subject.publish(1, qos)
        yield subject.pause(SPACE_MS)
    watch.stop()
    mark(2)
    tell("MARK")
    watch.count = task["count"]
    watch.overhead = 0
    yield subject.close()


def play(task):
    """Run the steps with or without asyncio; the stopwatch."""
    module, name = SUBJECTS[task["subject"]]
    subject = getattr(__import__(module), name)(task)
    watch = Stopwatch()
    watch.overhead = 0
    plan = (spaced if task["metric"].startswith("apart") else steps)(task, subject, watch)
    if not subject.is_async:
        for _ in plan:
            pass
        return watch
    import asyncio

    async def awaited():
        for step in plan:
            await step

    asyncio.run(awaited())
    return watch


def main(text):
    """Measure, and tell."""
    task = json.loads(text)
    watch = play(task)
    result = {
        "count": watch.count,
        "wall_us": watch.wall,
        "cpu_us": watch.cpu,
        "heap": watch.heap - watch.overhead,
    }
    print("RESULT", json.dumps(result))


if __name__ == "__main__":
    main(sys.stdin.readline())
