"""Death of a process that loads images, told from other errors."""

from __future__ import annotations

import traceback

LOADER_DIED = (
    "A process that loads images died, perhaps for want of memory. Go on with --resume and fewer "
    "--training.workers, or 0."
)

_LOADER = "torch.utils.data.dataloader"


def is_of_dead_loader(error: BaseException | None) -> bool:
    """Whether an error came because a loading process is gone, by itself or by one before it.

    torch raises one when the system says so, in whatever is under way, and when it asks the process
    for memory that they share.

    Examples:
        >>> is_of_dead_loader(RuntimeError("DataLoader worker (pid 8) is killed by signal: Killed"))
        True
        >>> is_of_dead_loader(OSError("Caught OSError in DataLoader worker process 0."))
        False
    """
    while error is not None:
        text = str(error)
        frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
        is_of_loader = any(frame.f_globals.get("__name__") == _LOADER for frame in frames)
        is_of_task = text.startswith("Caught ")  # raised in a process that lives
        is_lost = isinstance(error, OSError | EOFError) and is_of_loader and not is_of_task
        if is_lost or "DataLoader worker (pid" in text:
            return True
        error = error.__cause__ or error.__context__
    return False
