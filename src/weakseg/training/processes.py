"""Work on files, split among the processes of a run on several devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from torch import distributed

Item = TypeVar("Item")


def split_among_processes(items: Sequence[Item]) -> Sequence[Item]:
    """Return this process's part of the items: all of them where it is the only one.

    The list must be the same in all processes, so not what is left to do, which changes as others
    work. Processes beside the first exist only from the first training on.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return items
    return items[distributed.get_rank() :: distributed.get_world_size()]


def wait_for_all() -> None:
    """Block until every process has come here."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
