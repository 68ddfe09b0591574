"""Work on files that is shared between the processes of a run on several devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from torch import distributed

Item = TypeVar("Item")


def own_share(items: Sequence[Item]) -> Sequence[Item]:
    """Give the items that this process sees to: all of them where it is the only one.

    Share out a list that is the same in all processes: what is left to do changes as others work.

    Processes beside the first exist only from the first training on; a stage before that is the
    first one's alone.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return items
    return items[distributed.get_rank() :: distributed.get_world_size()]


def wait_for_all() -> None:
    """Go on only when every process has come here."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
