"""Stage embed: the network from marks and seeds, trained step by step, or fitted at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from weakseg.datasets.records import Record, record_tags
from weakseg.inference.segmenter import load_network
from weakseg.method import tag_rarity
from weakseg.models.network import EmbeddingNetwork, build_network, save_network
from weakseg.recipes.recipe import FITTED
from weakseg.recipes.run_folder import RunFolder
from weakseg.support.errors import RunError
from weakseg.training.classifiers.fit import fit_classifier
from weakseg.training.fit import fit
from weakseg.training.stages.context import Context
from weakseg.training.stages.folder import StageFolder
from weakseg.training.steps.embedding import EmbeddingModule


def embed(
    context: Context, records: Sequence[Record], run: RunFolder, stage: StageFolder
) -> EmbeddingNetwork:
    """Train the network, resume its training, or load it where it is trained.

    Log and checkpoint are the run's own; the stage's folder keeps the network.

    Raises:
        RunError: The run was started on other data.
    """
    recipe = context.recipe
    if run.checkpoint.is_file() and stage.is_stale():
        raise RunError(
            f"{run.root}: its training was started on other images or marks than are there now. "
            "Choose another --out, or start again with --overwrite."
        )
    stage.prepare()
    steps = recipe.training.steps
    if stage.is_complete() and (recipe.method in FITTED or stage.note("steps") == steps):
        return context.with_cache(load_network(stage.model, recipe.model, context.classes))
    if recipe.method in FITTED:
        torch.manual_seed(recipe.seed)  # for a backbone with random weights
        untrained = context.with_cache(build_network(recipe.model, len(context.classes)))
        network = fit_classifier(context, untrained, records, run)
    else:
        network = _trained(context, records, run)
    save_network(network, stage.model)
    stage.finish([stage.model], steps=steps)
    return network


def _trained(context: Context, records: Sequence[Record], run: RunFolder) -> EmbeddingNetwork:
    recipe = context.recipe
    module = EmbeddingModule(recipe, context.classes, _tag_weights(context, records))
    context.with_cache(module.network)
    draws = context.draws(
        records, recipe.training, seed=recipe.seed, network=module.network, with_regions=True
    )
    fit(module, draws, recipe.training, run, f"{recipe.method}, seed {recipe.seed}")
    return module.network


def _tag_weights(context: Context, records: Sequence[Record]) -> Tensor | None:
    """Return the weight of each tag in the co-occurrence relation, (C,); none: equal weights."""
    if context.recipe.objective.tag_weights == "equal":
        return None
    tags = [record_tags(record, context.classes, context.recipe.data) for record in records]
    return tag_rarity(torch.tensor(tags))
