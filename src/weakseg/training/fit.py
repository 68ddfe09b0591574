"""Training loop, from the start or from a checkpoint."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch.utils.data import DataLoader

from weakseg.datasets.draws import TrainingDraws, collate
from weakseg.recipes.recipe import TrainingConfig
from weakseg.recipes.run_folder import TrainingFolder
from weakseg.support.errors import DataError, RunError
from weakseg.support.processes import set_up_worker
from weakseg.support.stopping import Stop, patient
from weakseg.training.callbacks import Checkpoints, Interrupted, LogWriter, ProgressBar
from weakseg.training.checkpoints import DirectCheckpointIO
from weakseg.training.loading import LOADER_DIED, is_of_dead_loader
from weakseg.training.processes import PROCESS_LOST, is_of_lost_process
from weakseg.training.steps.base import TrainingModule


def fit(
    module: TrainingModule,
    draws: TrainingDraws,
    config: TrainingConfig,
    folder: TrainingFolder,
    title: str,
) -> None:
    """Train a module, from the start or from the folder's checkpoint.

    Args:
        module: The training step.
        draws: The training samples, from the first step on.
        config: Length, batch and devices of the loop.
        folder: Folder of log and checkpoint.
        title: Name of the training, for the progress bar.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM, after the step under way; the checkpoint is kept.
        RunError: The checkpoint is damaged, or the batch does not fit the number of devices.
        DataError: An image or its marks cannot be read.
        NonFiniteError: A loss became NaN or infinite.
    """
    checkpoint = folder.checkpoint if folder.checkpoint.is_file() else None
    draws = draws.starting_at(_steps_done(checkpoint) * config.batch)
    with patient() as stop, warnings.catch_warnings(), _quiet_lightning():
        _ignore_warnings()
        trainer = _trainer(config, folder, title, stop)
        try:
            trainer.fit(module, _loader(config, draws, trainer), ckpt_path=checkpoint)
        except Interrupted:
            pass
        except DataError as error:
            raise _without_traceback(error) from error
        except (RuntimeError, OSError, EOFError) as error:
            if not stop:
                _explain(error)
                raise
        except SystemExit:  # Lightning's answer to a stop outside of its steps
            if not stop:
                raise
    if stop:
        stop.raise_it()


def _trainer(config: TrainingConfig, folder: TrainingFolder, title: str, stop: Stop) -> L.Trainer:
    return L.Trainer(
        accelerator=config.accelerator,
        devices=config.devices,
        precision=config.precision,
        max_steps=config.steps,
        max_epochs=-1,
        gradient_clip_val=config.clip_gradient or None,
        sync_batchnorm=config.sync_batch_norm,
        use_distributed_sampler=True,
        logger=False,
        plugins=[DirectCheckpointIO()],
        callbacks=[
            LogWriter(folder.log),
            ProgressBar(title, config.steps),
            Checkpoints(folder.checkpoint, config.checkpoint_every, stop),
        ],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder.root,
    )


def _loader(config: TrainingConfig, draws: TrainingDraws, trainer: L.Trainer) -> DataLoader[Any]:
    if config.batch % trainer.world_size:
        raise RunError(
            f"The batch is {config.batch}, but it must be a multiple of the "
            f"{trainer.world_size} devices."
        )
    return DataLoader(
        draws,
        batch_size=config.batch // trainer.world_size,
        shuffle=False,
        drop_last=True,
        collate_fn=collate,
        num_workers=config.workers,
        worker_init_fn=_set_up_loader,
        persistent_workers=config.workers > 0,
        pin_memory=trainer.strategy.root_device.type == "cuda",
    )


def _set_up_loader(worker: int) -> None:
    set_up_worker()


def _explain(error: Exception) -> None:
    """Raise a message where another process has ended, be it one that loads or one that trains."""
    if is_of_dead_loader(error):
        raise RunError(LOADER_DIED) from error
    if is_of_lost_process(error):
        raise RunError(PROCESS_LOST) from error


def _without_traceback(error: DataError) -> DataError:
    """Return the error without the traceback that torch adds to one from a loading process."""
    return DataError(str(error).split(f"{DataError.__module__}.{DataError.__name__}: ")[-1].strip())


def _steps_done(checkpoint: Path | None) -> int:
    if checkpoint is None:
        return 0
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
        return int(state["global_step"])
    except Exception as error:  # torch raises nearly anything on a damaged file
        raise RunError(
            f"{checkpoint}: is damaged or no checkpoint. Remove it, and --resume starts this "
            "training from its beginning; finished stages are kept."
        ) from error


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Let Lightning log errors only, no devices and tips."""
    names = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    levels = {logger: logger.level for logger in map(logging.getLogger, names)}
    try:
        for logger in levels:
            logger.setLevel(logging.ERROR)
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


def _ignore_warnings() -> None:
    for text in (
        ".*does not have many workers.*",
        ".*dataloader is not resumable.*",  # TrainingDraws starts at the right draw on its own
        ".*lr_scheduler.step.*before.*optimizer.step.*",
        ".*Checkpoint directory .* exists.*",
        ".*LeafSpec.*",
        ".*in eval mode at the start of training.*",  # frozen parts are meant to be
    ):
        warnings.filterwarnings("ignore", message=text)
