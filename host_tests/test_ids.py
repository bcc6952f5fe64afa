"""Packet ids: never 0, never in use, wrapping; against a plain set."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from umqtt_full.errors import LimitError
from umqtt_full.ids import IdList, Ids, Received


def test_the_first_is_1_and_0_is_left_out_at_the_wrap() -> None:
    ids = Ids()
    assert [ids.new(), ids.new()] == [1, 2]
    ids.next = 65535
    assert [ids.new(), ids.new()] == [65535, 3]


def test_ids_in_use_are_stepped_over() -> None:
    ids = Ids()
    taken = [ids.new() for _ in range(100)]
    for packet_id in taken[10:20]:
        ids.discard(packet_id)
    ids.next = 65530
    following = [ids.new() for _ in range(6 + 12)]
    assert following == [*range(65530, 65536), *taken[10:20], 101, 102]


@settings(max_examples=100, deadline=None, print_blob=True)
@given(st.integers(1, 65535), st.lists(st.integers(0, 60), max_size=150))
def test_new_ids_are_never_in_use(start: int, steps: list[int]) -> None:
    ids = Ids()
    ids.next = start
    used: list[int] = []
    for step in steps:
        if step > 25 or not used:
            packet_id = ids.new()
            assert 0 < packet_id < 65536 and packet_id not in used
            used.append(packet_id)
        else:
            ids.discard(used.pop(step % len(used)))


def test_all_ids_in_use_is_a_limit_error() -> None:
    ids = Ids()
    ids.update(range(1, 65536))
    ids.next = 65000
    with pytest.raises(LimitError):
        ids.new()


@settings(max_examples=100, deadline=None, print_blob=True)
@given(st.lists(st.integers(0, 90), max_size=80))
def test_a_list_of_ids_is_a_list(steps: list[int]) -> None:
    ids = IdList(4)  # more than that is slower and no mistake
    model: list[int] = []
    for step in steps:
        i = ids.find(step)
        assert i == (model.index(step) if step in model else -1)
        if i < 0:
            ids.add(step)
            model.append(step)
        else:
            ids.pop(i)
            model.pop(i)
        assert [ids[i] for i in range(ids.n)] == model


def test_in_doubt_dup_decides_once_for_each_id() -> None:
    received = Received()
    received.add(7)
    assert received.known(7, 0x34)  # the broker breaks a rule; it is the same message all the same
    received.doubt()
    assert received.known(7, 0x3C)
    received.doubt()
    assert not received.known(7, 0x34)
    received.add(7)
    assert received.known(7, 0x34)
