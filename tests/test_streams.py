"""Stages side by side: order, errors and clean ends."""

import itertools
import threading
import time
from contextlib import closing

import pytest

from semblance.streams import ahead, batches, depth_for, side_by_side, with_neighbours


def test_ahead_keeps_the_order_and_runs_no_further_than_asked():
    made = []

    def count():
        for n in itertools.count():
            made.append(n)
            yield n

    with closing(ahead(count(), 3)) as items:
        assert [next(items) for _ in range(10)] == list(range(10))
        time.sleep(0.2)
        assert len(made) <= 10 + 3 + 1


def test_ahead_ends_its_thread_and_closes_its_source():
    closed = threading.Event()

    def source():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    before = threading.active_count()
    with closing(ahead(source(), 2)) as items:
        next(items)
    assert closed.is_set() and threading.active_count() == before


def test_ahead_raises_what_its_source_raised_after_what_came_before():
    def failing():
        yield 1
        raise ValueError("broken")

    items = ahead(failing(), 2)
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 9])
@pytest.mark.parametrize("reach", [0, 1, 3])
def test_neighbours_are_those_around_and_nothing_beyond_the_ends(count, reach):
    def told(n):
        return n * 10 if 0 <= n < count else -1

    found = list(with_neighbours(range(count), reach, told, -1))
    assert found == [(n, [told(k) for k in range(n - reach, n + reach + 1)]) for n in range(count)]


def test_neighbours_are_not_waited_for_longer_than_needed():
    source = iter(range(100))
    items = with_neighbours(source, 3, lambda n: n, None)
    next(items), next(items)
    assert next(source) == 5  # two given, three beyond the second


def test_side_by_side_keeps_the_order_whoever_is_first():
    def slow_if_even(n):
        time.sleep(0.02 if n % 2 == 0 else 0)
        return n * n

    assert list(side_by_side(slow_if_even, range(20), 4)) == [n * n for n in range(20)]


def test_side_by_side_raises_what_the_function_raised():
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(lambda n: 1 // (3 - n), range(10), 2))


def test_batches_lose_nothing():
    assert list(batches(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batches([], 3)) == []


@pytest.mark.parametrize("ends_by", ["abandoned", "raising"])
def test_a_chain_of_stages_that_ends_early_leaves_no_thread_and_closes_its_source(ends_by):
    closed = threading.Event()

    def source():
        try:
            yield from itertools.count()
        finally:
            closed.set()

    def work(batch):
        if ends_by == "raising" and batch[0] >= 4:
            raise ValueError("broken")
        return batch

    before = threading.active_count()
    items = iter(side_by_side(work, batches(ahead(source(), 2), 2), 2))
    with pytest.raises(ValueError, match="broken") if ends_by == "raising" else closing(items):
        assert next(items) == [0, 1]
        for _ in range(10):
            next(items)
    assert closed.is_set() and threading.active_count() == before


def test_large_frames_wait_in_shorter_queues():
    assert depth_for(720, 576) == 12 and depth_for(7680, 4320) == 1
    assert 1 < depth_for(1920, 1080) < depth_for(1280, 720) <= 12
    assert 5 * 1920 * 1080 * 4 * depth_for(1920, 1080) <= 200e6
