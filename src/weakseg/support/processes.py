"""Work spread over processes, which Ctrl-C and errors end in order."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import TypeVar

from weakseg.support.errors import RunError
from weakseg.support.stopping import check_stop

Task = TypeVar("Task")
Result = TypeVar("Result")

# Below this number of tasks, starting processes takes longer than they save.
_FEW = 32
_LOOKS_EVERY = 0.5  # seconds
_SIGNALS = {signal.SIGINT, signal.SIGTERM}
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
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=set_up_worker)
    waiting: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            with _as_workers():
                waiting.append(pool.submit(function, task))
            if len(waiting) > _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        check_stop()
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
def _as_workers() -> Iterator[None]:
    """Keep processes that start in the block from the caller's script, and signals from them.

    They would run the script again to find functions defined in it, of which there is no need here;
    and a script without `if __name__ == "__main__":`, or one from standard input, would fail. A
    signal that came before `set_up_worker` would end them with a traceback.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    blocks = hasattr(signal, "pthread_sigmask")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS) if blocks else ()
    try:
        yield
    finally:
        if blocks:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        sys.modules["__main__"] = script


def set_up_worker() -> None:
    """Bind this process, one that multiprocessing started, to its parent.

    Ctrl-C and SIGTERM, which terminals and schedulers send to all processes, are left to the
    parent, which ends its workers in order; SIGTERM of the parent itself is obeyed. Where the
    parent is killed, the process ends too: it would wait for tasks for ever.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "sigwaitinfo"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        threading.Thread(target=_end_by, args=(parent,), daemon=True).start()
    elif hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_by(parent: BaseProcess) -> None:
    """End this process at a SIGTERM of its parent; those of others are for the parent, too."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent.pid:
        pass
    os._exit(1)


def _end_after(parent: BaseProcess) -> None:
    """End this process when its parent is gone."""
    parent.join()
    os._exit(1)


def end_with_launcher() -> None:
    """End this process, one of several that train, when the process that started it is gone.

    What waits for others on a GPU would wait for half an hour otherwise.
    """
    launcher = os.getppid()

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(_LOOKS_EVERY)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
