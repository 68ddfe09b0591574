"""Base of all training steps: seeding, finite losses, optimizer and its schedule."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, cast

import lightning as L
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from weakseg.datasets.draws import Batch
from weakseg.method import polynomial_decay
from weakseg.models.network import parameter_groups
from weakseg.recipes.recipe import OptimizerConfig
from weakseg.support.errors import NonFiniteError


class TrainingModule(L.LightningModule):
    """Training of one network; subclasses define its losses.

    Random numbers are seeded here, so that a subclass builds a network with the same weights again.

    Args:
        optimizer: Optimizer, learning rate and its decay.
        seed: Seed of the random weights, and of dropout.
        steps: Length of the training, for the decay of the learning rate.
    """

    network: nn.Module
    terms: dict[str, Tensor]

    def __init__(self, optimizer: OptimizerConfig, *, seed: int, steps: int) -> None:
        super().__init__()
        L.seed_everything(seed, verbose=False)
        self.optimizer_config = optimizer
        self.seed = seed
        self.steps = steps

    @property
    def trained(self) -> nn.Module:
        """The network that is trained."""
        return self.network

    @abstractmethod
    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the weighted terms of the loss by name; their sum is minimised."""

    def on_train_start(self) -> None:
        """Set the learning rate of the step to come by the schedule, which may be longer now."""
        schedule = self.lr_schedulers()
        assert isinstance(schedule, torch.optim.lr_scheduler.LambdaLR)
        for group, lr, factor in zip(
            schedule.optimizer.param_groups, schedule.base_lrs, schedule.lr_lambdas, strict=True
        ):
            group["lr"] = lr * factor(schedule.last_epoch)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed dropout by the number of the step, for exact resuming."""
        torch.manual_seed((self.seed * 1_000_003 + self.global_step) * 64 + self.global_rank)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the sum of the terms.

        Raises:
            NonFiniteError: It is NaN or infinite.
        """
        terms = self.losses(batch)
        total = cast(Tensor, sum(terms.values()))
        if not torch.isfinite(total):
            wrong = {name: value.item() for name, value in terms.items() if not value.isfinite()}
            raise NonFiniteError(
                f"Step {self.global_step + 1}: the loss is not finite ({wrong}) for the images "
                f"{', '.join(batch['name'])}. Lower optimizer.lr, or set training.clip_gradient."
            )
        self.terms = {name: value.detach() for name, value in terms.items()}
        return total

    def configure_optimizers(self) -> Any:
        """Return the optimizer and its polynomial decay with warm-up."""
        config = self.optimizer_config
        groups = parameter_groups(self.trained, config)
        optimizer: torch.optim.Optimizer
        if config.name == "sgd":
            optimizer = torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum)
        else:
            optimizer = torch.optim.AdamW(groups, lr=config.lr)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: polynomial_decay(
                step, max_steps=self.steps, warmup=config.warmup, power=config.power
            ),
        )
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


def image_input(batch: Batch) -> Tensor:
    """Return a batch's images as a network takes them, (B, 3, H, W), 0 to 1."""
    return batch["image"].float().div(255).contiguous(memory_format=torch.channels_last)


def labelled_cross_entropy(logits: Tensor, annotation: Tensor) -> Tensor:
    """Return the mean cross-entropy of the labelled pixels; 0 where there is none.

    Args:
        logits: (B, C, h, w).
        annotation: Label maps, (B, h, w).
    """
    logits = logits.float()
    labelled = annotation < logits.shape[1]  # (B, h, w)
    if not labelled.any():
        return logits.sum() * 0  # a mean over nothing would be NaN
    return F.cross_entropy(logits, annotation.masked_fill(~labelled, -100), ignore_index=-100)
