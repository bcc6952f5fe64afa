"""The demo's parts: what its judge decides, and what it shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tools import demo_judge as judging
from tools.demo_judge import Heard, Mark, Record, judge
from tools.demo_picture import shorten, spans, svg
from tools.demo_prompt import LineEditor
from tools.demo_screen import compact, cut, printable
from tools.demo_tls import connections, proof

# ------------------------------------------------------------------- the judge


def report(at: float, seq: int, uptime: int, **more: object) -> Heard:
    data = {"seq": seq, "boot": "b1", "temperature": 21.5, "rssi": -60, "free_heap": 90000}
    data |= {"uptime_s": uptime, "dropped": 0, **more}
    return Heard(at, "telemetry", json.dumps(data).encode(), 1)


def event(at: float, seq: int, name: str, value: str = "") -> Heard:
    data = {"seq": seq, "boot": "b1", "event": name, "value": value}
    return Heard(at, "event", json.dumps(data).encode(), 2)


def answer(at: float, name: str, ok: bool = True) -> Heard:
    return Heard(at, f"answer/{name}", json.dumps({"ok": ok, "result": {}}).encode(), 1)


def status(at: float, value: str, retain: bool = False) -> Heard:
    return Heard(at, "status", value.encode(), 1, retain)


def good_run() -> list[Record]:
    """An outage from 6.0 to 10.0: the reports 5 to 8 wait in the node until 10.5."""
    birth = b'{"client_id": "c"}'
    return [
        Heard(2.0, "birth", birth, 1),
        status(2.0, "online"),
        event(2.1, 1, "boot"),
        *(report(float(at), at - 1, at - 2) for at in (2, 3, 4, 5)),
        Heard(2.5, "birth", birth, 1, True),
        Mark(3.1, judging.SENT, "led"),
        Heard(3.2, "cmd/led", b"on", 2),
        event(3.3, 2, "led", "on"),
        answer(3.3, "led"),
        Mark(5.5, judging.SENT, "led"),
        Heard(5.6, "cmd/led", b"toggle", 2),
        Mark(6.0, judging.BROKER_KILLED),
        Mark(10.0, judging.BROKER_BACK),
        *(report(10.5, at - 1, at - 2) for at in (6, 7, 8, 9)),
        answer(10.5, "led"),
        event(10.5, 3, "led", "off"),
        status(10.5, "online"),
        event(10.5, 4, "link", "back"),
        *(report(float(at), at - 2, at - 2) for at in (11, 12, 13)),
        Mark(15.5, judging.NODE_KILLED),
        status(15.6, "offline"),
        status(15.7, "offline", retain=True),
    ]


def without(records: list[Record], drop: Callable[[Record], bool]) -> list[Record]:
    kept = [record for record in records if not drop(record)]
    assert len(kept) < len(records), "the test leaves nothing out"
    return kept


def is_heard(name: str, **wanted: object) -> Callable[[Record], bool]:
    """Whether it is a message with that name, and with those values in its payload."""

    def check(record: Record) -> bool:
        if not isinstance(record, Heard) or not record.name.startswith(name):
            return False
        data = judging.decode(record.payload)
        return all(data.get(key) == value for key, value in wanted.items())

    return check


def is_mark(what: str) -> Callable[[Record], bool]:
    return lambda record: isinstance(record, Mark) and record.what == what


def changed(records: list[Record], name: str, **fields: object) -> list[Record]:
    return [replace(r, **fields) if is_heard(name)(r) else r for r in records]  # type: ignore[arg-type]


def test_a_good_run_misses_nothing() -> None:
    verdict = judge(good_run())
    assert verdict.missing == ()
    assert verdict.seen == (
        "telemetry 11 of 11",
        "events 4 of 4",
        "answers 2 of 2",
        "returns 1 of 1",
        "will seen",
    )


LEAVE_OUT: list[tuple[Callable[[Record], bool], str]] = [
    (is_heard("birth"), "no birth message"),
    (lambda r: is_heard("birth")(r) and r.retain, "the birth message is not retained"),  # type: ignore[union-attr]
    (is_heard("telemetry"), "no telemetry"),
    (is_heard("telemetry", seq=3), "telemetry lost: number 3 (came: 10 of 11)"),
    (is_heard("telemetry", seq=6), "telemetry lost: number 6 (came: 10 of 11)"),
    (is_heard("event"), "no event"),
    (is_heard("event", seq=2), "event lost: number 2 (came: 3 of 4)"),
    (is_heard("event", event="link"), "the node's return after the outage"),
    (lambda r: is_heard("status")(r) and r.at == 10.5, "the node's return after the outage"),
    (is_mark(judging.SENT), "no command was sent"),
    (is_heard("answer/"), "no answer to the command led; no answer to the command led"),
    (lambda r: is_heard("answer/")(r) and r.at > 9, "no answer to the command led"),
    (lambda r: is_heard("answer/")(r) and r.at < 9, "no answer to the command led"),
    (is_mark(judging.BROKER_KILLED), "no outage of the broker"),
    (is_mark(judging.BROKER_BACK), "the broker did not come back"),
    (lambda r: is_heard("telemetry")(r) and r.at > 10.5, "telemetry made after the outage"),
    (is_mark(judging.NODE_KILLED), "the node was not killed, so no will"),
    (lambda r: is_heard("status")(r) and r.at > 13, "no will"),
    (lambda r: is_heard("status")(r) and r.at == 15.6, "no will"),
    (lambda r: is_heard("status")(r) and r.at == 15.7, "the will is not retained"),
]


@pytest.mark.parametrize(("drop", "text"), LEAVE_OUT, ids=[text for _, text in LEAVE_OUT])
def test_what_is_left_out_is_missed(drop: Callable[[Record], bool], text: str) -> None:
    missing = "; ".join(judge(without(good_run(), drop)).missing)
    assert text in missing


def test_reports_that_were_never_made_leave_no_gap_but_are_missed() -> None:
    """The node could stop counting while it is offline; its clock tells."""
    records = without(good_run(), lambda r: is_heard("telemetry")(r) and r.at == 10.5)
    late: list[Record] = [
        report(r.at, seq, int(r.at) - 2)
        for seq, r in enumerate(filter(is_heard("telemetry"), records), 1)
    ]
    records = [r for r in records if not is_heard("telemetry")(r)] + late
    assert judge(sorted(records, key=lambda r: r.at)).missing == (
        "telemetry of 6 s while the broker was away",
    )


ADD: list[tuple[Record, str]] = [
    (event(12.0, 2, "led", "on"), "event doubled: number 2"),
    (event(12.0, 5, "led", "on"), "a command doubled: led came 2 times, done 3 times"),
    (Heard(12.0, "event", b"hello", 2), "events without a number"),
    (Heard(12.0, "event", b"{}", 1), "events at another QoS than 2"),
    (Heard(12.0, "telemetry", b"\xff", 1), "telemetry without a number"),
    (Heard(12.0, "telemetry", b"[1]", 0), "telemetry at another QoS than 1"),
    (report(12.0, 12, 11, dropped=3), "3 messages that found the node's outbox full"),
    (Mark(12.0, judging.SENT, "read"), "no answer to the command read"),
    (report(12.0, 1, 1, boot="b2"), "the node restarted by itself, 1 times"),
    (Mark(10.1, judging.FORGOTTEN), "the broker forgot the subscriber's session"),
]


@pytest.mark.parametrize(("record", "text"), ADD, ids=[text for _, text in ADD])
def test_what_should_not_be_there_is_told(record: Record, text: str) -> None:
    assert text in judge(sorted([*good_run(), record], key=lambda r: r.at)).missing


def test_what_qos_1_allows_is_allowed() -> None:
    doubled = report(10.6, 6, 5)
    assert judge(sorted([*good_run(), doubled], key=lambda r: r.at)).missing == ()


def test_a_reading_that_never_came_is_missed() -> None:
    records = changed(good_run(), "telemetry")
    for reading in judging.READINGS:
        for number, record in enumerate(records):
            if is_heard("telemetry")(record):
                assert isinstance(record, Heard)
                data = judging.decode(record.payload) | {reading: None}
                records[number] = replace(record, payload=json.dumps(data).encode())
    assert f"telemetry without {', '.join(judging.READINGS)}" in judge(records).missing


def test_only_refusals_are_no_answered_command() -> None:
    refused = json.dumps({"ok": False, "error": "no"}).encode()
    assert judge(changed(good_run(), "answer/", payload=refused)).missing == (
        "no command was carried out",
    )


def test_offline_before_the_kill_is_not_the_will() -> None:
    records = without(good_run(), lambda r: is_heard("status")(r) and r.at == 15.6)
    records.insert(-2, status(15.4, "offline"))
    assert "no will" in judge(records).missing


def test_an_answer_from_before_does_not_count() -> None:
    records: list[Record] = [answer(1.0, "read"), Mark(2.0, judging.SENT, "read")]
    assert judging.unanswered(records) == ["read"]
    assert judging.unanswered([*records, answer(3.0, "read")]) == []


def test_each_start_of_the_node_counts_anew() -> None:
    other = replace(report(20, 2, 1), payload=report(20, 2, 1, boot="b2").payload)
    numbers = judging.numbered([report(1, 1, 1), report(2, 2, 2), other], "telemetry")
    assert judging.lost(numbers) == [1]
    assert judging.doubled(numbers) == []


def test_nothing_recorded_misses_everything() -> None:
    missing = judge([]).missing
    for text in ("no birth message", "no telemetry", "no event", "no outage of the broker"):
        assert text in missing


# ------------------------------------------------------------------ the screen


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b'{"boot": "b", "rssi": null, "seq": 3, "on": true}', "seq=3 rssi=null on=true boot=b"),
        (b'{"result": {"led": "on"}, "ok": true}', "ok=true result.led=on"),
        (b"online", "online"),
        (b"", ""),
        (b"[1, 2]", "[1, 2]"),
        (b"\xff\x1b[2J", "\\xff\\x1b[2J"),
        (b'{"a": "\\u001b[2J"}', "a=\\x1b[2J"),
    ],
)
def test_a_payload_at_a_glance(payload: bytes, shown: str) -> None:
    assert compact(payload) == shown


def test_lines_are_cut_and_harmless() -> None:
    assert (cut("abc", 3), cut("abcd", 3), cut("abc", 0)) == ("abc", "ab…", "…")
    assert printable("a\rb\u2028") == "a\\x0db\\x2028"


@pytest.mark.parametrize(
    ("keys", "lines", "rest"),
    [
        (b"led on\n", ["led on"], ""),
        (b" read \r\nle", ["read", ""], "le"),
        (b"lex\x7fd\n", ["led"], ""),
        (b"\x7f\x7fa", [], "a"),
        (b"one two\x17", [], "one"),
        (b"one two\x15", [], ""),
        (b"\x1b[A\x1b[3~\x1bOPx", [], "x"),
        (b"\x04", ["quit"], ""),
        (b"a\x04", [], "a"),
        (b"x" * 300, [], "x" * 200),
        ("grün".encode()[:-2], [], "gr"),
    ],
)
def test_typing(keys: bytes, lines: list[str], rest: str) -> None:
    editor = LineEditor()
    assert (editor.feed(keys), editor.text) == (lines, rest)


def test_the_picture_has_the_lines_and_their_colours() -> None:
    lines = [
        "",
        "\x1b[1m── one ──\x1b[0m",
        *(f"line <{i}>" for i in range(30)),
        "\x1b[32m✓ a & b\x1b[0m",
    ]
    short = shorten(lines)
    assert len(short) < 15 and short[-1] == lines[-1] and "more lines" in "".join(short)
    assert spans("ab \x1b[32mcd\x1b[0m") == [(0, "", "ab "), (3, "fill:#56d364", "cd")]
    picture = svg(short, "t")
    assert "line &lt;0&gt;" in picture and "✓ a &amp; b" in picture


# ------------------------------------------------------------------------- TLS

LINE = "1795186326: New client connected from 127.0.0.1:{} as {} (p2, c0, k30{}).\n"
BOTH = ("without TLS", "without a certificate")


def test_the_brokers_log_tells_who_came_by_a_certificate() -> None:
    """mosquitto shows the name in the certificate as the user's."""
    log = LINE.format(1, "demo", ", u'demo'") + LINE.format(2, "observer", ", u'admin'")
    log += LINE.format(3, "demo", "") + LINE.format(4, "demo", ", u'demolition'")
    assert connections(log, "demo") == [True, False, False]


@pytest.mark.parametrize(
    ("names", "refused", "missing"),
    [
        ((", u'demo'", ", u'demo'"), BOTH, []),
        ((", u'demo'",), BOTH, ["1 of the node's two connections"]),
        ((), BOTH, ["2 of the node's two connections"]),
        ((", u'demo'", ""), BOTH, ["the name demo of the node's certificate"]),
        ((", u'demo'", ", u'other'"), BOTH, ["the name demo of the node's certificate"]),
        ((", u'demo'", ", u'demo'"), BOTH[:1], ["refusal of a client without a certificate"]),
        ((", u'demo'", ", u'demo'"), (), ["client without TLS", "client without a certificate"]),
    ],
)
def test_the_proof_of_tls(
    names: tuple[str, ...], refused: tuple[str, ...], missing: list[str]
) -> None:
    log = "".join(LINE.format(port, "demo", name) for port, name in enumerate(names))
    seen, found = proof(log, "demo", refused)
    assert seen == f"TLS {names.count(names[0]) if names else 0} of {len(names)} connections"
    assert len(found) == len(missing)
    assert all(part in text for part, text in zip(missing, found, strict=True))
