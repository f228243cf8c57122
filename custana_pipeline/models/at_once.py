"""Independent pieces of work at the same time: the results are those of one after the other, whatever the machine."""

import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Result = TypeVar("Result")
WORKERS = 2
"""Fits at a time: each is one thread, since sums over several would depend on the machine."""
TURN_SECONDS = 0.0005
"""A thread that comes back to Python waits that long at most while another one is in it. Boosting comes back some ten
thousand times a fit: with Python's own 5 ms it took twice as long beside a thread of plain Python."""


@lru_cache(maxsize=1)
def _thread_pools() -> ThreadpoolController:
    """The loaded libraries that start threads; looked for once, since that takes longer than a small prediction."""
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """Within it numerical libraries use one thread, so that sums are added in the same order every time."""
    return _thread_pools().limit(limits=1)


def at_once(deed: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """The deed done to every item, WORKERS of them at a time; the results are in the order of the items.

    Each worker keeps to one thread within. Items that have not begun are left alone once one has failed.
    """
    given = list(items)
    if len(given) < 2:
        with one_thread():
            return [deed(each) for each in given]
    sys.setswitchinterval(min(sys.getswitchinterval(), TURN_SECONDS))
    with one_thread():
        pool = ThreadPoolExecutor(WORKERS, initializer=_stay_alone)
        try:
            return [each.result() for each in [pool.submit(deed, each) for each in given]]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def meanwhile(deed: Callable[[], Result]) -> Iterator[Callable[[], Result]]:
    """The deed done by a second thread, which keeps to one, while the block runs; what it yields gives the result.

    The block does not end before the deed has: what failed in it is raised where the result is asked for.
    """
    sys.setswitchinterval(min(sys.getswitchinterval(), TURN_SECONDS))
    with ThreadPoolExecutor(1, initializer=_stay_alone) as pool:
        yield pool.submit(deed).result


def ahead(items: Iterator[Item]) -> Generator[Item]:
    """The items one after the other, the next of which a second thread makes while the one before is worked on.

    Whoever may leave off before the last one closes it, which waits for that thread.
    """
    sys.setswitchinterval(min(sys.getswitchinterval(), TURN_SECONDS))
    with ThreadPoolExecutor(1, initializer=_stay_alone) as pool:
        following = pool.submit(next, items, None)
        while (item := following.result()) is not None:
            following = pool.submit(next, items, None)
            yield item


def _stay_alone() -> None:
    """OpenMP counts threads by the thread that asks; this one keeps to one for good."""
    _thread_pools().limit(limits=1)
