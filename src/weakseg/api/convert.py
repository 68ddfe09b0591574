"""`weakseg.convert_checkpoint`: the authors' trained networks as runs."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from weakseg.marks.classes import VOC_CLASSES, ClassList, read_classes
from weakseg.models import spml_checkpoints
from weakseg.models.network import EmbeddingNetwork, build_network, save_network
from weakseg.models.weights import fit_entries, read_state_dict
from weakseg.recipes.reading import load_recipe
from weakseg.recipes.recipe import Recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.support.errors import RecipeError, WeightsError

DENSEPOSE_CLASSES = (
    "background",
    "torso",
    "right hand",
    "left hand",
    "left foot",
    "right foot",
    "right upper leg",
    "left upper leg",
    "right lower leg",
    "left lower leg",
    "left upper arm",
    "right upper arm",
    "left lower arm",
    "right lower arm",
    "head",
)
"""The parts of the body in DensePose, after background."""


def convert_checkpoint(
    checkpoint: str | Path,
    *,
    recipe: str | Path | Recipe = "voc-scribbles",
    classes: str | Path | None = None,
    out: str | Path = "run",
    overwrite: bool = False,
) -> Path:
    """Turn a checkpoint that the paper's authors released into a run folder.

    The run has no memory, so it labels by the classifier.

    Args:
        checkpoint: Their file, `model-….pth`.
        recipe: The recipe that it was trained with, its name or its file; its network must be that
            of the checkpoint.
        classes: File with one class name a line. By default PASCAL VOC's 21, or DensePose's 15.
        out: The run folder.
        overwrite: Replace an existing run.

    Returns:
        The run folder.

    Raises:
        WeightsError: The file is no such checkpoint, or is of another network.
        RecipeError: The recipe's network is in no checkpoint of theirs.
        DataError: The file of classes cannot be read.
        RunError: The run folder exists already.
    """
    file = Path(checkpoint).expanduser()
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(str(recipe))
    _check_recipe(recipe)
    state = _read_checkpoint(file)
    class_list = _class_list(state, classes, file)
    network = _network(state, recipe, class_list, file)
    run = RunFolder(Path(out))
    labels_by_classifier = replace(recipe.inference, labels="classifier")
    run.prepare(replace(recipe, inference=labels_by_classifier), class_list, overwrite=overwrite)
    save_network(network, run.model)
    return run.root


def _check_recipe(recipe: Recipe) -> None:
    """Refuse options of the network that its weights do not show, and its results depend on."""
    expected: dict[str, list[Any]] = {
        "output_stride": [spml_checkpoints.OUTPUT_STRIDE],
        "embedding_stride": [spml_checkpoints.EMBEDDING_STRIDE],
        "dilations": [list(spml_checkpoints.DILATIONS), []],
    }
    wrong = [
        f"model.{key}: expected {allowed[0]} as in the authors' networks, but got {value}"
        for key, allowed in expected.items()
        if (value := getattr(recipe.model, key)) not in allowed
    ]
    if wrong:
        raise RecipeError("\n".join(wrong))


def _read_checkpoint(file: Path) -> dict[str, Tensor]:
    """Read a checkpoint's entries, under our names."""
    state = read_state_dict(file)
    if spml_checkpoints.has_checkpoint_names(state):
        return spml_checkpoints.rename(state)
    backbone = spml_checkpoints.deep_stem_backbone(state)
    if backbone is not None:
        raise WeightsError(
            f"{file}: holds a backbone alone, which needs no conversion: train with "
            f"`--model.backbone {backbone} --model.weights {file}`."
        )
    found = ", ".join(key[:60] for key in list(state)[:3])
    raise WeightsError(
        f"{file}: expected a checkpoint of the authors' network, with entries in "
        f"{' and '.join(spml_checkpoints.PARTS)}, but got {found}, …"
    )


def _class_list(state: dict[str, Tensor], classes: str | Path | None, file: Path) -> ClassList:
    """Name the classes; their number must be the classifier's, where there is one."""
    scored = spml_checkpoints.num_classes(state)
    if classes is None:
        names = DENSEPOSE_CLASSES if scored == len(DENSEPOSE_CLASSES) else VOC_CLASSES
        found = ClassList(names)
    else:
        found = read_classes(Path(classes))
    if scored is not None and scored != len(found):
        source = "PASCAL VOC has" if classes is None else f"{classes} names"
        raise WeightsError(
            f"{file}: has scores for {scored} classes, but {source} {len(found)}. Give a file with "
            f"its {scored} class names, one a line (--classes FILE)."
        )
    return found


def _network(
    state: dict[str, Tensor], recipe: Recipe, classes: ClassList, file: Path
) -> EmbeddingNetwork:
    network = build_network(recipe.model, len(classes), weights="none")
    model = recipe.model
    fit_entries(
        network,
        state,
        file=file,
        what=f"a network of backbone '{model.backbone}' and head '{model.head}' with "
        f"{model.dimensions} dimensions",
        ways_out="Choose the recipe that the checkpoint was trained with (--recipe).",
    )
    with torch.no_grad():  # ours reads embeddings times √D, theirs of length one
        network.get_parameter("classifier.0.weight").div_(math.sqrt(model.dimensions))
    return network
