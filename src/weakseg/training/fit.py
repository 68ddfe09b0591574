"""From records to a trained network."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from safetensors.torch import save_file
from torch.utils.data import DataLoader

from weakseg.annotations.classes import ClassList
from weakseg.config import Recipe
from weakseg.datasets.draws import TrainingDraws
from weakseg.datasets.folder import Record
from weakseg.datasets.transforms import TrainTransform
from weakseg.errors import DataError, RunError
from weakseg.files import replacing
from weakseg.run import RunFolder
from weakseg.training.callbacks import Checkpoints, Interrupted, LogWriter, ProgressBar
from weakseg.training.module import TrainingModule


def fit(
    recipe: Recipe,
    records: Sequence[Record],
    classes: ClassList,
    run: RunFolder,
    *,
    oversegments: Path | None,
) -> TrainingModule:
    """Train, from the start or from the run's checkpoint, and save the network.

    Args:
        recipe: The recipe.
        records: Training images with their marks.
        classes: The classes.
        run: The prepared run folder.
        oversegments: Folder of region maps, where the recipe's method uses them.

    Returns:
        The trained module.

    Raises:
        KeyboardInterrupt: Ctrl-C; the checkpoint is kept.
        RunError: The checkpoint does not fit the recipe.
        NonFiniteError: A loss became NaN or infinite.
    """
    L.seed_everything(recipe.seed, verbose=False)
    module = TrainingModule(recipe, classes)
    checkpoint = run.checkpoint if run.checkpoint.is_file() else None
    draws = TrainingDraws(
        records, classes, recipe.data, TrainTransform(recipe.transforms, classes),
        seed=recipe.seed, draws=recipe.training.steps * recipe.training.batch,
        first=_steps_done(checkpoint) * recipe.training.batch, oversegments=oversegments,
    )  # fmt: skip
    with warnings.catch_warnings(), _quiet_lightning():
        _ignore_warnings()
        trainer = _trainer(recipe, run)
        try:
            trainer.fit(module, _loader(recipe, draws, trainer), ckpt_path=checkpoint)
        except Interrupted:
            raise KeyboardInterrupt from None
        except DataError as error:
            raise _without_traceback(error) from error
    if trainer.is_global_zero:
        save_network(module, run.model)
    return module


def save_network(module: TrainingModule, path: Path) -> None:
    """Write the network's weights as safetensors."""
    tensors = {key: value.detach().cpu().contiguous()
               for key, value in module.network.state_dict().items()}  # fmt: skip
    with replacing(path) as beside:
        save_file(tensors, beside)


def _trainer(recipe: Recipe, run: RunFolder) -> L.Trainer:
    config = recipe.training
    title = f"{recipe.method}, seed {recipe.seed}"
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
        callbacks=[
            LogWriter(run.log),
            ProgressBar(title, config.steps),
            Checkpoints(run.checkpoint, config.checkpoint_every),
        ],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=run.root,
    )


def _loader(recipe: Recipe, draws: TrainingDraws, trainer: L.Trainer) -> DataLoader[Any]:
    config = recipe.training
    if config.batch % trainer.world_size:
        raise RunError(
            f"training.batch is {config.batch}, but it must be a multiple of the "
            f"{trainer.world_size} devices."
        )
    return DataLoader(
        draws, batch_size=config.batch // trainer.world_size, shuffle=False, drop_last=True,
        num_workers=config.workers, persistent_workers=config.workers > 0,
        pin_memory=torch.cuda.is_available(),
    )  # fmt: skip


def _without_traceback(error: DataError) -> DataError:
    """Take off what torch wraps around an error from a loading process."""
    return DataError(str(error).split(f"{DataError.__module__}.{DataError.__name__}: ")[-1].strip())


def _steps_done(checkpoint: Path | None) -> int:
    if checkpoint is None:
        return 0
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
        return int(state["global_step"])
    except Exception as error:  # torch raises nearly anything on a damaged file
        raise RunError(
            f"{checkpoint}: is damaged or no checkpoint ({str(error).splitlines()[0]}). Remove it "
            "to start from the beginning."
        ) from error


class _quiet_lightning:  # noqa: N801
    """Keep Lightning's remarks on devices and tips out of the user's sight."""

    names = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")

    def __enter__(self) -> None:
        self.levels = [logging.getLogger(name).level for name in self.names]
        for name in self.names:
            logging.getLogger(name).setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        for name, level in zip(self.names, self.levels, strict=True):
            logging.getLogger(name).setLevel(level)


def _ignore_warnings() -> None:
    for text in (
        ".*does not have many workers.*",
        ".*dataloader is not resumable.*",  # TrainingDraws starts at the right draw by itself
        ".*lr_scheduler.step.*before.*optimizer.step.*",
        ".*Checkpoint directory .* exists.*",
        ".*LeafSpec.*",
        ".*in eval mode at the start of training.*",  # what is frozen is meant to be
    ):
        warnings.filterwarnings("ignore", message=text)
