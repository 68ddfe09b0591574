"""Work on files, split among the processes of a run on several devices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from torch import distributed

from weakseg.support.errors import RunError
from weakseg.support.stopping import check_stop

Item = TypeVar("Item")

_LOST = re.compile("gloo|NCCL")  # the libraries by which they exchange gradients

PROCESS_LOST = (
    "Another process of this training has ended, so the others cannot go on. See its message; "
    "--resume goes on from the last checkpoint."
)


def split_among_processes(items: Sequence[Item]) -> Sequence[Item]:
    """Return this process's part of the items: all of them where it is the only one.

    The list must be the same in all processes, so not what is left to do, which changes as others
    work. Processes beside the first exist only from the first training on.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return items
    return items[distributed.get_rank() :: distributed.get_world_size()]


def wait_for_all() -> None:
    """Block until every process has come here.

    Raises:
        RunError: One has ended.
    """
    if distributed.is_available() and distributed.is_initialized():
        try:
            distributed.barrier()
        except RuntimeError as error:
            check_stop()
            raise RunError(PROCESS_LOST) from error


def is_of_lost_process(error: Exception) -> bool:
    """Whether an error is that another process of the training is gone."""
    return isinstance(error, RuntimeError) and _LOST.search(str(error)) is not None
