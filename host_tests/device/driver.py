"""The client's side of a scenario, on MicroPython and CPython.

    driver.py GROUP NAME HOST PORT [PREFIX [FRONT]]

runs the steps under "client" of one scenario in `scenarios/GROUP.py` ("{p}" in a text
stands for the prefix). FRONT is "blocking" (Client) or "async" (AsyncClient).

    driver.py serve FRONT

runs scenario after scenario: each line RUN of standard input, with the arguments above between
tabs, is answered by END OK or END FAILED. A step is a tuple: a
method of the client with args, kwargs and (unless it does not matter) the result, as in
("publish", ("a", b"1"), {"qos": 1}, None), or one of the `do_NAME` methods below. `Script`
does not call the client itself but yields each call to an executor, so that one table of
scenarios serves the blocking client and the one whose methods are awaited.
"""

import builtins
import errno
import gc
import sys

import options_5
import platform_time as clock
import streams
import umqtt_full
from expand import find, prefixed
from looking import Looking, Mismatch, check
from polling import Polling

OPTIONS = {
    "timeout_ms": 4000,
    "connect_timeout_ms": 3000,
    "backoff_ms": 50,
    "backoff_max_ms": 200,
}
NOTHING = object()


def class_name(error):
    """What the scenarios call an exception: the library's own name, or the built-in one."""
    if error is None:
        return None
    return "OSError" if isinstance(error, OSError) else type(error).__name__


def class_named(name):
    """The exception class of that name."""
    if name == "Mismatch":
        return Mismatch
    return getattr(builtins, name) if hasattr(builtins, name) else getattr(umqtt_full, name)


def matches(error, name, wanted):
    """Whether the exception is of the class and has the attributes that are wanted."""
    if not isinstance(error, class_named(name)):
        return False
    for key, value in wanted.items():
        if key == "errno":
            names = value if isinstance(value, tuple) else (value,)
            if error.errno not in [getattr(errno, symbol, None) for symbol in names]:
                return False
        elif getattr(error, key) != value:
            return False
    return True


class Script(Looking, Polling):
    """Executes steps. What the client tells its callbacks is recorded."""

    def __init__(self, host, port, front=None, scenario=()):
        super().__init__()
        scenario = dict(scenario)
        self.version = scenario.get("version", 4)
        self.new = scenario.get("new", {})  # options that the scenario has in this version only
        self.front = front or Blocking()
        self.host = host
        self.port = port
        self.client = None
        self.message = None
        self.names = {}
        self.failure = None
        self.counted = 0

    # ------------------------------------------------------------ the executor

    def run(self, steps):
        """All steps, then the end. A failure names the step."""
        if not steps or steps[0][0] != "new":
            self.do_new({})
        for index, step in enumerate(steps):
            try:
                yield from self.step(step)
                check(self.failure is None, self.failure)
            except Exception as error:
                print("client step %d %r:" % (index, step), class_name(error), error)
                raise
        yield ("disconnect" if self.client.connected else "close", (), {})

    def step(self, step):
        """One step."""
        method = getattr(self, "do_" + step[0], None)
        if method:
            outcome = method(*step[1:])
            return (yield from outcome) if hasattr(outcome, "send") else outcome
        args = [self.value(arg) for arg in (step[1] if len(step) > 1 else ())]
        kwargs = step[2] if len(step) > 2 else {}
        result = yield (step[0], args, kwargs)
        if len(step) > 3:
            check(result == step[3], "returned %r" % (result,))
        return result

    def value(self, arg):
        """An argument: a name of `let`, ("times", x, n), ("bytearray", x), the
        next number for ("count",), ("upload", size, left), or what it says."""
        if isinstance(arg, str) and arg in self.names:
            return self.names[arg]
        if isinstance(arg, tuple) and arg[0] == "times":
            return arg[1] * arg[2]
        if arg == ("count",):
            self.counted += 1
            return str(self.counted)
        if isinstance(arg, tuple) and arg[0] in ("bytearray", "memoryview"):
            return getattr(builtins, arg[0])(arg[1])
        if isinstance(arg, tuple) and arg[0] == "upload":
            return __import__("shortened").upload(*arg[1:])
        return arg

    # --------------------------------------------------------- client and hooks

    def do_new(self, options):
        """Make the client; ("new", kwargs) must be the first step, or is left out."""
        values = dict(OPTIONS)
        values.update(options)
        values.update(self.new)
        if self.version == 5:
            options_5.prepare(self, values)
        client_id = values.pop("client_id", "dev")
        host = values.pop("host", self.host)
        if "will" in values and isinstance(values["will"], tuple):
            values["will"] = umqtt_full.Will(*values["will"])
        for hook in ("dial", "ready"):
            if hook in values:
                values[hook] = getattr(streams, values[hook])(*values.pop(hook + "_args", ()))
        client = self.front.make(client_id, host, self.port, values)
        client.on_message = self.recorder(None, {})
        client.on_connect = lambda present: self.happened.append(("connect", present))
        client.on_disconnect = self.lost
        client.on_error = lambda e: self.happened.append(("error",) + self.told(e))
        self.client = client

    def lost(self, error):
        """The link ended."""
        self.happened.append(("disconnect",) + self.told(error))
        self.front.lost(error)

    def told(self, error):
        """Its class, and its reason code if there is one in this version."""
        code = getattr(error, "reason_code", None) if self.version == 5 else None
        return (class_name(error),) if code is None else (class_name(error), code)

    def recorder(self, topic_filter, options):
        """A handler that records the message and then runs the steps of option "do"."""
        steps = options.get("do", ())

        def handler(message):
            m = message
            self.received.append((topic_filter, m.topic, bytes(m.payload), m.qos, bool(m.retain),
                                  bool(m.dup), m.offset, m.total))  # fmt: skip
            if self.version == 5:
                self.properties.append(m.properties)
            outer, self.message = self.message, message
            try:
                for step in steps:
                    self.front.inside(self, self.step(step))
            except Mismatch as error:
                self.failure = "in the handler: %s" % error
            finally:
                self.message = outer

        return handler

    def do_on(self, topic_filter, qos=0, options=None):
        """Register a handler. Options: "stream", "decorator", "do" (steps it runs), "more"."""
        options = options or {}
        handler = self.recorder(topic_filter, options)
        if "more" in options:
            self.client.on(topic_filter, handler, qos, **options["more"])
            return
        if options.get("decorator"):
            check(self.client.on(topic_filter, qos=qos)(handler) is handler, "handler is lost")
        elif options.get("stream"):
            self.client.on(topic_filter, handler, qos, stream=True)
        else:
            self.client.on(topic_filter, handler, qos)

    def do_on_message(self, options):
        """Replace the handler of what no filter matches; None for none at all."""
        self.client.on_message = None if options is None else self.recorder(None, options)

    def do_next_id(self, packet_id):
        """Let the client go on with this packet id."""
        self.client.session.ids.next = packet_id

    def do_happened(self, expected):
        """All events since `events`, without forgetting them."""
        check(self.happened == expected, "happened: %r" % (self.happened,))

    def do_check(self, path, expected):
        """An attribute of the client has this value."""
        value = self.attribute(path.split("."))
        check(value == expected, "%s is %r" % (path, value))

    def do_check_key(self, path, key):
        """A dict of the client has that key."""
        check(key in self.attribute(path.split(".")), "there is no %s" % key)

    def attribute(self, names):
        """The client's attribute at the end of that path."""
        value = self.client
        for name in names:
            value = getattr(value, name)
        return value

    # ------------------------------------------------------ inside a handler

    def do_message(self, method, args, expected=NOTHING):
        """Call a method of the message, or read an attribute (args None)."""
        value = getattr(self.message, method)
        result = value if args is None else value(*args)
        check(expected is NOTHING or result == expected, "%s gave %r" % (method, result))

    def do_echo(self, topic, qos):
        """Publish the payload as it is, without a copy."""
        yield from self.step(("publish", (topic, self.message.payload), {"qos": qos}))

    def do_message_is(self, topic, step):
        """The step, if the message has that topic."""
        if self.message.topic_is(topic):
            yield from self.step(step)

    def do_copy_into(self, size, expected):
        """copy_into a buffer of that size: it returns the count and has copied."""
        buf = bytearray(size)
        count = self.message.copy_into(buf)
        check(bytes(buf[:count]) == expected, "copied %d bytes: %r" % (count, bytes(buf)))

    def do_raise(self, name):
        """Raise an exception of that class."""
        raise class_named(name)("by the scenario")

    # --------------------------------------------------------------- outcomes

    def do_raises(self, names, attributes, step):
        """The step raises an exception of that class (or one of several)."""
        names = names if isinstance(names, tuple) else (names,)
        try:
            result = yield from self.step(step)
        except Mismatch:
            raise
        except Exception as error:
            for name in names:
                if matches(error, name, attributes):
                    return
            text = "raised %r, expected %r %r" % (error, names, attributes)
            raise Mismatch(text) from error
        raise Mismatch("returned %r, expected it to raise %r" % (result, names))

    def do_within_ms(self, limit, step):
        """The step takes at most so long."""
        took = yield from self.time(step)
        check(took <= limit, "took %d ms" % took)

    def do_not_before_ms(self, limit, step):
        """The step takes at least so long."""
        took = yield from self.time(step)
        check(took >= limit, "took only %d ms" % took)

    def time(self, step):
        """How many ms the step takes."""
        start = clock.ticks_ms()
        yield from self.step(step)
        return clock.ticks_diff(clock.ticks_ms(), start)

    def do_let(self, name, step):
        """Remember the step's result; later the name stands for it as an argument."""
        self.names[name] = yield from self.step(step)

    def do_repeat(self, count, *steps):
        """The steps, again and again."""
        for _ in range(count):
            for step in steps:
                yield from self.step(step)

    def do_sleep(self, ms):
        """Do not touch the client for so long."""
        yield ("sleep_ms", (ms,), {})

    def do_block(self, ms):
        """Let nothing run for so long."""
        clock.sleep_ms(ms)

    def do_blocking(self, reason, step):
        """The step, where the client is `Client`; with `AsyncClient` it is not so, because …"""
        if isinstance(self.front, Blocking):
            yield from self.step(step)

    def do_sync(self, tag):
        """Meet the other side at its step of the same name."""
        print("SYNC", tag)
        if hasattr(sys.stdout, "flush"):
            sys.stdout.flush()
        sys.stdin.readline()


class Blocking:
    """What runs a script with a client whose methods block."""

    def make(self, client_id, host, port, options):
        """A client."""
        return umqtt_full.Client(client_id, host, port, **options)

    def lost(self, error):
        """The call that goes on raises it."""

    def inside(self, script, calls):
        """Run steps inside a handler."""
        return self.run(script, calls)

    def run(self, script, calls):
        """Run steps."""
        reply, resume = None, calls.send
        while True:
            try:
                name, args, kwargs = resume(reply)
            except StopIteration as end:
                return end.value
            try:
                method = clock.sleep_ms if name == "sleep_ms" else getattr(script.client, name)
                reply, resume = method(*args, **kwargs), calls.send
            except Exception as error:
                reply, resume = error, calls.throw


def blocking(script, calls):
    """Run steps with a client whose methods block."""
    return Blocking().run(script, calls)


def front_named(name):
    """What runs a script with that client."""
    if name == "blocking":
        return Blocking()
    from driver_async import Awaiting

    return Awaiting()


def succeeds(group, name, host, port, prefix="", front="blocking"):
    """Run one scenario; what is wrong is printed."""
    streams.writes.clear()
    runner = front_named(front)
    scenario = find(group, name)
    script = Script(host, int(port), runner, scenario)
    try:
        steps = prefixed(scenario["client"], prefix)
        runner.run(script, script.run(steps))
    except Exception as error:
        if not isinstance(error, Mismatch):
            streams.print_exception(error)
        return False
    return True


def serve(front):
    """Run each scenario that a line of standard input asks for."""
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        words = line.rstrip("\n").split("\t")
        if words[0] == "RUN":
            gc.collect()
            print("END", "OK" if succeeds(*words[1:], front=front) else "FAILED")
            if hasattr(sys.stdout, "flush"):
                sys.stdout.flush()


def main(*words):
    """Run one scenario, then the last line of the output is OK when all came true; or serve."""
    if words[0] == "serve":
        serve(words[1])
    elif succeeds(*words):
        print("OK")
    else:
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
