"""Stage embed: train the embedding network (or the plain baseline) from marks and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from weakseg.datasets.draws import TrainingDraws
from weakseg.datasets.records import Record
from weakseg.datasets.transforms import TrainTransform
from weakseg.inference.segmenter import load_network
from weakseg.marks.classes import ClassList
from weakseg.models import EmbeddingNetwork, save_network
from weakseg.recipes.recipe import Recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.support.errors import RunError
from weakseg.training.fit import fit
from weakseg.training.stages.folder import Stage
from weakseg.training.steps.embedding import EmbeddingModule


def embed(
    recipe: Recipe,
    records: Sequence[Record],
    classes: ClassList,
    run: RunFolder,
    stage: Stage,
    *,
    oversegments: Path | None,
) -> EmbeddingNetwork:
    """Train the network, or go on with its training, or load it where it is trained.

    Log and checkpoint are the run's own; the stage's folder keeps the network.

    Args:
        recipe: The recipe.
        records: Training images with their marks and seeds.
        classes: The classes.
        run: The run folder.
        stage: The stage's folder.
        oversegments: Folder of region maps, where the recipe's method uses them.

    Returns:
        The trained network.

    Raises:
        RunError: The run was started on other data.
    """
    made = stage.root / "model.safetensors"
    if run.checkpoint.is_file() and stage.is_stale():
        raise RunError(
            f"{run.root}: its training was started on other images or marks than are there now. "
            "Choose another --out, or start again with --overwrite."
        )
    stage.open()
    if stage.is_complete():
        return load_network(made, recipe, classes)
    module = EmbeddingModule(recipe, classes)
    draws = TrainingDraws(
        records,
        classes,
        recipe.data,
        TrainTransform(recipe.transforms, classes),
        seed=recipe.seed,
        draws=recipe.training.steps * recipe.training.batch,
        oversegments=oversegments,
    )
    fit(module, draws, recipe.training, run, f"{recipe.method}, seed {recipe.seed}")
    save_network(module.network, made)
    stage.finish([made])
    return module.network
