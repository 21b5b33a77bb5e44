"""Stages that run side by side and keep their order: the work of a long job flows through bounded queues of frames."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_UNDER_WAY = 200_000_000  # bytes of frames that wait or are worked on
_STAGES = 4  # read, watched, drawn, merged


def ahead(items: Iterable[T], depth: int) -> Iterator[T]:
    """The same items, taken from `items` by a thread of their own that runs at most `depth` items ahead.

    What `items` raises is raised here, in its place. Closing this generator stops the thread.
    """
    waiting: queue.Queue = queue.Queue(depth)
    closed = threading.Event()
    end = object()

    def put(entry) -> bool:
        while not closed.is_set():
            try:
                waiting.put(entry, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def run() -> None:
        try:
            for item in items:
                if not put((item, None)):
                    break
            put((end, None))
        except BaseException as error:  # handed to the consumer, who raises it
            put((end, error))
        finally:
            _close(items)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if error is not None:
                raise error
            if item is end:
                return
            yield item
    finally:
        closed.set()
        thread.join()


def side_by_side(function: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
    """function(item) for each item, in order, by `workers` threads; at most two items a worker are under way.

    Closing this generator ends the threads and closes `items`.
    """
    pool = ThreadPoolExecutor(workers)
    under_way: deque = deque()
    try:
        for item in items:
            under_way.append(pool.submit(function, item))
            if len(under_way) >= 2 * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        _close(items)


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items; the last one may be shorter. Closing this generator closes `items`."""
    batch: list[T] = []
    try:
        for item in items:
            batch.append(item)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch
    finally:
        _close(items)


def with_neighbours(items: Iterable[T], reach: int, told: Callable[[T], R], beyond: R) -> Iterator[tuple[T, list[R]]]:
    """Each item with what `told` says of the 2 reach + 1 items around it, in order; `beyond` stands for those past the
    ends. Only reach + 1 items are held. Closing this generator closes `items`."""
    window: deque[R] = deque([beyond] * reach, maxlen=2 * reach + 1)
    waiting: deque[T] = deque()
    try:
        for item in items:
            window.append(told(item))
            waiting.append(item)
            if len(waiting) > reach:
                yield waiting.popleft(), list(window)
        for _ in range(reach):
            window.append(beyond)
            if waiting and len(window) == window.maxlen:
                yield waiting.popleft(), list(window)
    finally:
        _close(items)


def depth_for(width: int, height: int, most: int = 12) -> int:
    """How many frames of this size may wait between two stages, so that all stages together stay under about 200 MB.

    At least one: of 4K and larger frames those in work weigh more than that.
    """
    frame = 5 * width * height  # bytes: RGB, and the decoder's own with halved chroma
    return max(1, min(most, _UNDER_WAY // (_STAGES * frame)))


def _close(items: Iterable) -> None:
    """Closes a generator; lists and the like have nothing to close."""
    if hasattr(items, "close"):
        items.close()
