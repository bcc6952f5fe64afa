"""Packet ids: never 0, never in use, wrapping; against a plain set."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from umqtt_full.errors import LimitError
from umqtt_full.ids import Ids, IdSet

NEAR = st.integers(1, 140) | st.sampled_from([65535, 65534, 65472, 64, 128, 192, 65])


@settings(max_examples=300, deadline=None, print_blob=True)
@given(st.lists(st.tuples(st.booleans(), NEAR), max_size=120))
def test_a_set_of_ids_is_a_set(steps: list[tuple[bool, int]]) -> None:
    ids, model = IdSet(), set()
    for add, packet_id in steps:
        if add and packet_id not in model:
            ids.add(packet_id)
            model.add(packet_id)
        elif not add:
            ids.discard(packet_id)
            model.discard(packet_id)
        for other in {packet_id, packet_id ^ 64, packet_id ^ 1} - {0}:
            assert ids.has(other) == (other in model)


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


class Counting(IdSet):
    """Counts how often its overflow is looked at."""

    looks = 0

    def __init__(self) -> None:
        super().__init__()
        self._more = Looked(self)  # type: ignore[assignment]


class Looked(list[int]):
    """An overflow that tells of each look."""

    def __init__(self, owner: Counting) -> None:
        super().__init__()
        self.owner = owner

    def __getitem__(self, i: Any) -> Any:
        self.owner.looks += 1
        return super().__getitem__(i)


def test_a_peer_that_never_sends_pubrel_does_not_make_looking_up_slow() -> None:
    """All 65535 ids in the set: at most 17 looks to find one, to add one, to take one out."""
    ids = Counting()
    for packet_id in range(65535, 0, -1):
        ids.looks = 0
        ids.add(packet_id)
        assert ids.looks <= 17
    for packet_id in (1, 32, 33, 4096, 32768, 65535):
        ids.looks = 0
        assert ids.has(packet_id) and ids.looks <= 17
        ids.looks = 0
        ids.discard(packet_id)
        assert ids.looks <= 17 and not ids.has(packet_id)


class Full(Ids):
    """As if all ids were in use."""

    def has(self, packet_id: int) -> bool:
        assert 0 < packet_id < 65536
        return True


def test_all_ids_in_use_is_a_limit_error() -> None:
    ids = Full()
    ids.next = 65000
    with pytest.raises(LimitError):
        ids.new()
