"""Stage classify: the classifier, the head or the whole network, trained on pseudo-labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from weakseg.datasets.records import Record
from weakseg.inference.segmenter import load_network
from weakseg.models.network import EmbeddingNetwork, save_network
from weakseg.recipes.recipe import FITTED
from weakseg.training.classifiers.fit import fit_classifier
from weakseg.training.fit import fit
from weakseg.training.stages.context import Context
from weakseg.training.stages.folder import StageFolder
from weakseg.training.steps.classifier import ClassifierModule


def classify(
    context: Context, network: EmbeddingNetwork, records: Sequence[Record], stage: StageFolder
) -> EmbeddingNetwork:
    """Train the network of stage embed further, resume that, or load it where it is trained."""
    recipe = context.recipe
    stage.prepare()
    if stage.is_complete():
        final = load_network(stage.model, recipe.final_model, context.classes)
        return context.with_cache(final)
    if recipe.method in FITTED and recipe.classify.train != "network":
        fit_classifier(context, network, records, stage)
    else:
        _train(context, network, records, stage)
    save_network(network, stage.model)
    stage.finish([stage.model])
    return network


def _train(
    context: Context, network: EmbeddingNetwork, records: Sequence[Record], stage: StageFolder
) -> None:
    recipe = context.recipe
    loop = replace(recipe.training, steps=recipe.classify.steps, batch=recipe.classify.batch)
    module = ClassifierModule(recipe, network)
    draws = context.draws(records, loop, seed=recipe.seed + 1, network=network)
    labels = "pseudo-labels" if recipe.relabel.enabled else "the labels"
    fit(module, draws, loop, stage, f"{recipe.classify.train} on {labels}")
