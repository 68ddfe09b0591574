"""Callbacks of the training loop: log, progress bar, checkpoints and stops between steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.strategies import Strategy
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from weakseg.support.files import replacing
from weakseg.support.progress import ProgressLines
from weakseg.support.stopping import Stop
from weakseg.support.terminal import Terminal
from weakseg.training.log import TrainingLog
from weakseg.training.steps.base import TrainingModule


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM, after the step under way was finished and its state saved."""


class LogWriter(L.Callback):
    """Write losses, learning rate and seconds of every step to log.csv and for TensorBoard.

    Args:
        path: The log. On resuming, steps after the checkpoint are dropped from it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.losses: TrainingLog | None = None  # Lightning sets an attribute `log` of its own

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Drop steps of the log after the checkpoint."""
        if trainer.is_global_zero:
            self.losses = TrainingLog(self.path, after=trainer.global_step)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Add a row."""
        assert isinstance(pl_module, TrainingModule)
        terms = {name: value.item() for name, value in pl_module.terms.items()}
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        if self.losses is not None:
            self.losses.add(trainer.global_step, {"loss": sum(terms.values()), **terms, "lr": rate})

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Close the log."""
        if self.losses is not None:
            self.losses.close()
            self.losses = None


class ProgressBar(L.Callback):
    """Progress bar with the losses; without a terminal, a line every half a minute.

    Args:
        title: What is being trained.
        steps: Number of steps.
    """

    def __init__(self, title: str, steps: int) -> None:
        self.steps = steps
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[losses]}"),
            TimeRemainingColumn(),
            console=Terminal(stderr=True),
        )
        self.task = self.progress.add_task(title, total=steps, losses="")
        self.lines = ProgressLines(f"{title}, step", steps, self.progress.console)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Show the bar."""
        if not self.progress.console.is_terminal:
            self.lines.update(trainer.global_step)
        elif trainer.is_global_zero:
            self.progress.start()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Update the bar."""
        assert isinstance(pl_module, TrainingModule)
        losses = " ".join(f"{name} {value.item():.2f}" for name, value in pl_module.terms.items())
        step = trainer.global_step
        self.progress.update(self.task, completed=step, losses=losses)
        if not self.progress.console.is_terminal:
            self.lines.update(step, losses)

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Stop the bar."""
        self.progress.stop()


class Checkpoints(L.Callback):
    """Save the newest state every few steps and at a stop, always between two steps.

    Args:
        path: The checkpoint; a new one replaces it only once it is whole.
        every: Steps between checkpoints.
        stop: What is true once Ctrl-C or SIGTERM has come.
    """

    def __init__(self, path: Path, every: int, stop: Stop) -> None:
        self.path = path
        self.every = every
        self.stop = stop

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take SIGTERM back from Lightning, which would end the training without a checkpoint."""
        self.stop.listen()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Save when it is due."""
        step = trainer.global_step
        # All processes stop after the same step, or those that go on would wait for ever.
        number = self._signal_of_any(trainer.strategy)
        if step % self.every == 0 or step >= trainer.max_steps or number:
            self.save(trainer)
        if number:
            self.stop.number = number
            raise Interrupted

    def _signal_of_any(self, strategy: Strategy) -> int:
        """Return the signal that has come to any of the processes, or 0."""
        mine = torch.tensor(self.stop.number or 0, device=strategy.root_device)
        return int(strategy.reduce(mine, reduce_op="max"))

    def save(self, trainer: L.Trainer) -> None:
        """Write the checkpoint.

        Raises:
            RunError: It cannot be written, as when the disk is full.
        """
        if not trainer.is_global_zero:
            trainer.save_checkpoint(self.path)  # joins the gathering; the first process writes
            return
        with replacing(self.path) as beside:
            trainer.save_checkpoint(beside)
