"""Fit of a network's classifier, by the recipe's method."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from weakseg.datasets.records import Record
from weakseg.models.network import EmbeddingNetwork
from weakseg.recipes.recipe import Recipe
from weakseg.recipes.run_folder import TrainingFolder
from weakseg.support.devices import accelerator_device
from weakseg.training.classifiers.cells import Cells, labelled_cells
from weakseg.training.classifiers.forest import fit_forest
from weakseg.training.classifiers.logistic import fit_logistic
from weakseg.training.log import TrainingLog
from weakseg.training.stages.context import Context


def fit_classifier(
    context: Context, network: EmbeddingNetwork, records: Sequence[Record], folder: TrainingFolder
) -> EmbeddingNetwork:
    """Fit the classifier of a network to the labelled cells of its training images.

    Args:
        context: Recipe and classes.
        network: A network whose head is features; it is moved to the recipe's device.
        records: Training images with their labels.
        folder: Folder of the log.

    Returns:
        The network, in evaluation mode.

    Raises:
        DataError: No cell is labelled, or a file cannot be read.
        NonFiniteError: A feature is NaN or infinite.
    """
    recipe = context.recipe
    network.to(accelerator_device(recipe.training.accelerator)).eval()
    with TrainingLog(folder.log, after=-1) as log:
        cells = labelled_cells(network, records, context.classes, recipe)
        _fit(network, cells, recipe, log)
    return network


def _fit(network: EmbeddingNetwork, cells: Cells, recipe: Recipe, log: TrainingLog) -> None:
    config, num_classes = recipe.fitting, network.num_classes
    if recipe.method == "forest":
        network.classifier = fit_forest(cells, num_classes, config, seed=recipe.seed)
        log.add(config.trees, {})
        return
    regression = fit_logistic(
        cells,
        num_classes,
        l2=config.l2,
        iterations=config.iterations,
        on_round=lambda step, loss: log.add(step, {"loss": loss}),
    )
    network.classifier = nn.Sequential(regression)  # the names of a `ClassifierHead`
