"""Stage classify: train the classifier, or the whole network, on the refined labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from weakseg.datasets.draws import TrainingDraws
from weakseg.datasets.records import Record
from weakseg.datasets.transforms import TrainTransform
from weakseg.inference.segmenter import load_network
from weakseg.marks.classes import ClassList
from weakseg.models import EmbeddingNetwork, save_network
from weakseg.recipes.recipe import Recipe
from weakseg.training.fit import fit
from weakseg.training.stages.folder import Stage
from weakseg.training.steps.classifier import ClassifierModule


def classify(
    recipe: Recipe,
    network: EmbeddingNetwork,
    records: Sequence[Record],
    classes: ClassList,
    stage: Stage,
) -> EmbeddingNetwork:
    """Train, go on with the training, or load what it gave.

    Args:
        recipe: The recipe.
        network: The network of stage embed; it is changed.
        records: Training images with refined labels.
        classes: The classes.
        stage: The stage's folder.

    Returns:
        The final network.
    """
    made = stage.root / "model.safetensors"
    stage.open()
    if stage.is_complete():
        return load_network(made, recipe, classes)
    config = replace(recipe.training, steps=recipe.classify.steps, batch=recipe.classify.batch)
    draws = TrainingDraws(
        records,
        classes,
        recipe.data,
        TrainTransform(recipe.transforms, classes),
        seed=recipe.seed + 1,
        draws=config.steps * config.batch,
    )
    fit(ClassifierModule(recipe, network), draws, config, stage, "classifier on refined labels")
    save_network(network, made)
    stage.finish([made])
    return network
