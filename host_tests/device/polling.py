"""Steps of a scenario that poll until something has happened."""

import platform_time as clock
from looking import Mismatch


class Polling:
    """They yield calls of `poll`, as `driver.Script` does."""

    def do_poll_for(self, ms, turn_ms=20):
        """Poll for so long, `turn_ms` at most at a time."""
        start = clock.ticks_ms()
        while clock.ticks_diff(clock.ticks_ms(), start) < ms:
            yield ("poll", (turn_ms,), {})

    def poll_while(self, condition, within_ms, text):
        """Poll as long as the condition holds."""
        start = clock.ticks_ms()
        while condition():
            if clock.ticks_diff(clock.ticks_ms(), start) > within_ms:
                raise Mismatch(text())
            yield ("poll", (20,), {})

    def do_poll_until(self, count, within_ms=3000):
        """Poll until so many messages were handled and not looked at by `messages` yet."""
        yield from self.poll_while(
            lambda: len(self.received) < count, within_ms, lambda: "got %r" % (self.received,)
        )

    def do_poll_until_total(self, size, within_ms=3000):
        """Poll until so many bytes of payload have come."""
        yield from self.poll_while(
            lambda: sum(len(item[2]) for item in self.received) < size,
            within_ms,
            lambda: "only %d bytes" % sum(len(item[2]) for item in self.received),
        )

    def do_poll_until_payload(self, payload, within_ms=3000):
        """Poll until the last message had that payload."""
        yield from self.poll_while(
            lambda: not self.received or self.received[-1][2] != payload,
            within_ms,
            lambda: "got %d messages" % len(self.received),
        )

    def do_poll_until_attr(self, path, wanted, within_ms=3000):
        """Poll until an attribute has that value."""
        names = path.split(".")
        yield from self.poll_while(
            lambda: self.attribute(names) != wanted, within_ms, lambda: "%s is not so" % path
        )

    def do_poll_until_granted(self, within_ms=10000):
        """Poll until the broker has answered for every subscription."""
        subscriptions = self.client.session.subscriptions
        yield from self.poll_while(
            lambda: None in [one.granted for one in subscriptions.all],
            within_ms,
            lambda: "not answered: %r" % [one.filter for one in subscriptions.all],
        )

    def do_poll_until_event(self, name, within_ms=3000):
        """Poll until "connect", "disconnect" or "error" has happened since `events`."""
        yield from self.poll_while(
            lambda: name not in [item[0] for item in self.happened],
            within_ms,
            lambda: "happened: %r" % (self.happened,),
        )

    def do_poll_until_done(self, name, within_ms=3000):
        """Poll until the packet id of that name is not pending."""
        yield from self.poll_while(
            lambda: self.client.pending(self.names[name]), within_ms, lambda: "still pending"
        )
