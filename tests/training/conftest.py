"""Trainings that Ctrl-C stops."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from weakseg.api.train import train
from weakseg.training.callbacks import LogWriter


@pytest.fixture
def train_until_ctrl_c(monkeypatch) -> Callable[..., None]:
    """Return a function that trains until Ctrl-C is pressed after a step."""

    def start(*arguments, step: int, log: Path | None = None, **options) -> None:
        """Train as `train` does; with `log`, it is pressed in the loop that writes this file."""
        usual = LogWriter.on_train_batch_end

        def press(self, trainer, *rest):
            usual(self, trainer, *rest)
            if trainer.global_step == step and log in (None, self.path):
                os.kill(os.getpid(), signal.SIGINT)

        with monkeypatch.context() as patch:
            patch.setattr(LogWriter, "on_train_batch_end", press)
            with pytest.raises(KeyboardInterrupt):
                train(*arguments, **options)

    return start
