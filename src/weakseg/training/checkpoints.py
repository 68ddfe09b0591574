"""Checkpoint files, written straight to their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO


class DirectCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints to the path that it is given, which the caller renames.

    Lightning's own writes to memory, from there to the system's temporary folder and from there to
    the path: a process that is killed leaves a whole checkpoint in the temporary folder.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint."""
        torch.save(checkpoint, path)
