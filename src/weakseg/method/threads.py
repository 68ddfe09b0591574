"""Work on a CPU in a few large shares, one for each thread, in place of many small ones.

Each operation of torch divides its work among all threads and waits for the slowest. Where another
program uses one of the cores, each of hundreds of small operations waits for it; whole shares of
the work, each on one thread, do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Call a function on each item, without gradient, on as many threads as torch uses.

    Args:
        function: It may be called on several items at once.
        items: The items; a thread takes the next one as soon as it is free.

    Yields:
        The results, in the order of the items.

    Examples:
        >>> list(in_threads(lambda number: number + 1, [1, 2]))
        [2, 3]
    """
    threads = torch.get_num_threads()

    def alone(item: Item) -> Result:
        with torch.no_grad():
            return function(item)

    if threads == 1 or len(items) < 2:
        yield from map(alone, items)
        return
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from pool.map(alone, items)
    finally:
        torch.set_num_threads(threads)  # that of threads that start later, too
