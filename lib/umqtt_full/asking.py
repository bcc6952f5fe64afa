"""What `subscribe` and `unsubscribe` of both front ends share; loaded by the first of them."""

from .packet import check_qos
from .topic import encode_filter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .link import Link
    from .subscriptions import Filters, Subscription, Subscriptions

_REFUSED = 0x80


def _pairs(topic_filter: "Filters", qos: int) -> "list[Any]":
    """Return the (topic filter, qos) pairs that `subscribe` was given, checked.

    `topic_filter` is one filter, or a list of filters or pairs. ValueError says what is wrong.
    """
    if not isinstance(topic_filter, (str, bytes, list, tuple)):
        kind = type(topic_filter).__name__
        raise ValueError("a topic filter or a list of them is needed, not " + kind)
    some = [topic_filter] if isinstance(topic_filter, (str, bytes)) else topic_filter
    if not some:  # [MQTT-3.8.3-3], [MQTT-3.10.3-2]
        raise ValueError("at least one topic filter is needed")
    pairs = [one if isinstance(one, tuple) else (one, qos) for one in some]
    for pair in pairs:
        if len(pair) != 2:
            raise ValueError("a list may hold filters, or pairs of (topic filter, qos)")
        encode_filter(pair[0])
        check_qos(pair[1])
    return pairs


def ask(
    link: "Link", topic_filter: "Filters", qos: int, options: "dict[str, Any]"
) -> "list[Subscription]":
    """Put what `subscribe` was given into the table."""
    pairs = _pairs(topic_filter, qos)
    link._online()
    add = link.session.subscriptions.add
    return _awaited(link, [add(one[0], one[1], None, **options) for one in pairs])


def ask_no_more(
    link: "Link", topic_filter: "Filters", options: "dict[str, Any]"
) -> "list[Subscription]":
    """Mark what `unsubscribe` was given in the table."""
    pairs = _pairs(topic_filter, 0)
    link._online()
    remove = link.session.subscriptions.remove
    return _awaited(link, [remove(one[0], **options) for one in pairs])


def _awaited(link: "Link", some: "list[Subscription]") -> "list[Subscription]":
    """Note that a call waits for the answers, unless it is made within a handler."""
    if not link._feeding:
        for s in some:
            s.awaited += 1
    return some


class Waiting:
    """Around the wait for the answers about `some`: from its end on refusals go to `on_error`.

    Where an exception has ended it, so does one that has come already.
    """

    def __init__(self, table: "Subscriptions", some: "list[Subscription]") -> None:
        self._table = table
        self._some = some

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, exc: object, trace: object) -> None:
        for s in self._some:
            s.awaited -= 1
            if kind is not None and not s.awaited and (s.granted or 0) >= _REFUSED:
                self._table.on_error(self._table.refusal(s))


def answered(some: "list[Subscription]") -> bool:
    """Tell whether the broker has answered each of these SUBSCRIBEs."""
    return all([s.granted is not None for s in some])


def gone(table: "Subscriptions", some: "list[Subscription]") -> bool:
    """Tell whether the broker has answered each of these UNSUBSCRIBEs."""
    return not any([s in table.all for s in some])


def granted(
    table: "Subscriptions", topic_filter: "Filters", some: "list[Subscription]"
) -> int | list[int]:
    """Return what was granted: a QoS or a list of codes; refusal of one filter is raised."""
    if not isinstance(topic_filter, (str, bytes)):
        return [s.granted or 0 for s in some]
    check(table, some)
    return some[0].granted or 0


def check(table: "Subscriptions", some: "list[Subscription]") -> None:
    """Raise what the broker said against one of these."""
    for s in some:
        if (s.granted or 0) >= _REFUSED:
            raise table.refusal(s)
