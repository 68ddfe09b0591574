"""Stage embed: the embedding network (or the cross-entropy baseline) from marks and seeds."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from weakseg.datasets.records import Record, record_tags
from weakseg.inference.segmenter import load_network
from weakseg.method import tag_rarity
from weakseg.models.network import EmbeddingNetwork, save_network
from weakseg.recipes.run_folder import RunFolder
from weakseg.support.errors import RunError
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
    if stage.is_complete():
        return context.with_cache(load_network(stage.model, recipe.model, context.classes))
    module = EmbeddingModule(recipe, context.classes, _tag_weights(context, records))
    context.with_cache(module.network)
    draws = context.draws(records, recipe.training, seed=recipe.seed, with_regions=True)
    fit(module, draws, recipe.training, run, f"{recipe.method}, seed {recipe.seed}")
    save_network(module.network, stage.model)
    stage.finish([stage.model])
    return module.network


def _tag_weights(context: Context, records: Sequence[Record]) -> Tensor | None:
    """Return the weight of each tag in the co-occurrence relation, (C,); none: equal weights."""
    if context.recipe.objective.tag_weights == "equal":
        return None
    tags = [record_tags(record, context.classes, context.recipe.data) for record in records]
    return tag_rarity(torch.tensor(tags))
