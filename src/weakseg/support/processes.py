"""Work spread over processes, which Ctrl-C and errors end in order."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import ModuleType
from typing import TypeVar

from weakseg.support.errors import RunError
from weakseg.support.stopping import default_signals

Task = TypeVar("Task")
Result = TypeVar("Result")

# Below this number of tasks, starting processes takes longer than they save.
_FEW = 32
# Results that wait to be fetched, for each process: bounds the memory they take.
_AHEAD = 8


def in_processes(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    doing: str,
    workers: int | None = None,
) -> Generator[Result, None, None]:
    """Call a function on every task, several at a time.

    Args:
        function: What is called. It can be pickled, as can tasks and results.
        tasks: What it is called on.
        doing: What a process does, for messages ("oversegments images").
        workers: Processes beside this one; 0: none, None: one a core where it pays.

    Yields:
        The results, in the order of the tasks.

    Raises:
        RunError: A process died.

    Examples:
        >>> list(in_processes(abs, [-1, 2], doing="takes amounts"))
        [1, 2]
    """
    workers = _process_count(workers, len(tasks))
    if workers == 0:
        yield from map(function, tasks)
        return
    # Not forked: this process may hold threads and a CUDA context.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_set_up_worker)
    waiting: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            with _nameless_main():
                waiting.append(pool.submit(function, task))
            if len(waiting) > _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise RunError(
            f"A process that {doing} died, perhaps for want of memory. Try fewer workers, or "
            "workers=0."
        ) from error
    finally:
        # After an error or Ctrl-C, only the tasks at work are finished.
        pool.shutdown(wait=True, cancel_futures=True)


def _process_count(workers: int | None, tasks: int) -> int:
    if multiprocessing.current_process().daemon:  # may have no children
        return 0
    if workers is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        workers = 0 if tasks < _FEW else cores or 1
    return min(workers, tasks)


@contextmanager
def _nameless_main() -> Iterator[None]:
    """Keep new processes from running the caller's script again.

    They would do so to find functions defined in it, of which there is no need here; and a script
    without `if __name__ == "__main__":`, or one from standard input, would fail.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _set_up_worker() -> None:
    default_signals()  # the parent ends the pool in order
    end_with_parent()


def end_with_parent() -> None:
    """End this process, one that multiprocessing started, as soon as its parent is gone.

    Where a parent is killed, its processes would otherwise wait for tasks for ever.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
