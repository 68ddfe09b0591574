"""Many tags an image: what each stage of a training from tags loses, beside full masks.

    python benchmarks/many_tags.py [--out FOLDER] [--recipe fast] [KEY=VALUE ...]

Makes the crowded set (forty classes, about eight tags an image, two of them nearly everywhere, a
third rare), trains from tags with recipe `fast` or `demo`, all stages, and again from full masks.
Changes such as `seeds.source=activations` apply to the training from tags alone; name it with
`--name`. Data and runs are kept in FOLDER and used again.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_file
from sklearn.metrics import average_precision_score

from weakseg.api.train import train
from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.records import record_tags
from weakseg.datasets.shapes import make_shapes
from weakseg.evaluation.files import read_scores
from weakseg.images.reading import read_image
from weakseg.recipes.options import resolve_recipe
from weakseg.recipes.recipe import Recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.training.steps.tag_classifier import TagClassifierModule

RECIPES: dict[str, dict[str, Any]] = {
    # As `fast`, for images of 128 pixels
    "fast": {
        "model.embedding_stride": 4,
        "oversegment.regions": 40,
        "relabel.walk_steps": 4,
        "inference.upsample": "bilinear",
    },
    # The contrastive objective, which `objective.tag_weights` is a part of
    "demo": {
        "transforms.crop": 128,
        "training.steps": 300,
        "relabel.enabled": True,
        "relabel.scales": [1.0],
        "relabel.flip": False,
        "relabel.walk_steps": 16,
        "relabel.regions": True,
        "classify.steps": 200,
    },
}
_RARE = 30  # images

Column = NDArray[np.float64]  # (C,), NaN for a class without a value


def main() -> None:
    options = _options()
    out = options.out or Path(tempfile.mkdtemp())
    data = out / "data"
    if not data.exists():
        make_shapes(data, train=options.images, val=options.val, seed=options.seed, crowded=True)
    usual = RECIPES[options.recipe]
    changed = usual | {
        key: yaml.safe_load(value) for key, value in (pair.split("=", 1) for pair in options.change)
    }
    tags = _run(data, out / options.name, "tags", options.recipe, changed)
    masks = None
    if not options.no_masks:
        once = usual | {"relabel.enabled": False, "classify.steps": 0}
        masks = _run(data, out / f"masks-{options.recipe}", "masks", options.recipe, once)
    columns = stage_columns(tags)
    if masks is not None:
        columns["IoU, full masks"] = read_scores(masks.scores)[0].iou
    _print(read_scores(tags.scores)[0].classes, columns)


def _run(data: Path, out: Path, marks: str, recipe: str, overrides: Mapping[str, Any]) -> RunFolder:
    """Train from one kind of mark, or find the run that did."""
    if not (out / "scores.json").is_file():
        settings = {**overrides, "data.marks": [marks]}
        train(data, recipe=resolve_recipe(data, recipe, settings), out=out, resume=out.exists())
    return RunFolder(out)


def stage_columns(run: RunFolder) -> dict[str, Column]:
    """Return what each stage of a run made of each class, (C,) each."""
    recipe = run.read()[0]
    folder = DataFolder(recipe.data)
    names = folder.classes.names
    tags = np.array([record_tags(r, folder.classes, recipe.data) for r in folder.split("train")])
    scores, _ = read_scores(run.scores)
    labels = load_file(run.memory)["label"]
    prototypes = torch.bincount(labels, minlength=len(names)).numpy()
    return {
        "images": tags.sum(axis=0).astype(float),
        "average precision": _average_precision(run, recipe, folder),
        "seeds, labelled": _label_iou(run, "seeds", "iou", names),
        "seeds, all": _label_iou(run, "seeds", "iou_everywhere", names),
        "pseudo-labels": _label_iou(run, "relabel", "iou_everywhere", names),
        "prototypes, share": prototypes / max(1, prototypes.sum()),
        "recall": _recall(scores.confusion),
        "IoU": scores.iou,
    }


def _average_precision(run: RunFolder, recipe: Recipe, folder: DataFolder) -> Column:
    """Return a tag classifier's average precision for each class on the validation images."""
    weights = load_file(run.stages / "seeds" / "tags.safetensors")
    if "head.project.2.weight" not in weights:  # a regression of regions
        return np.full(len(folder.classes), math.nan)
    module = TagClassifierModule(recipe, folder.classes)
    classifier = module.classifier.eval()
    classifier.load_state_dict(weights)
    found, truth = [], []
    for record in folder.split("val"):
        image = torch.from_numpy(read_image(record.image).copy()).permute(2, 0, 1)[None]
        with torch.inference_mode():
            found.append(classifier.scores(classifier(image.float() / 255))[0].numpy())
        truth.append(record_tags(record, folder.classes, recipe.data))
    present, scores = np.array(truth)[:, module.first :], np.array(found)
    values = [
        average_precision_score(has, score) if has.any() else math.nan
        for has, score in zip(present.T, scores.T, strict=True)
    ]
    return np.array([math.nan] * module.first + values)


def _label_iou(run: RunFolder, stage: str, key: str, names: Sequence[str]) -> Column:
    path = run.stages / stage / "stage.json"
    if not path.is_file():
        return np.full(len(names), math.nan)
    found = json.loads(path.read_text(encoding="utf-8"))["quality"][key]
    return np.array([math.nan if found[name] is None else found[name] for name in names])


def _recall(confusion: NDArray[np.int64]) -> Column:
    """Return the fraction of each class's pixels that are labelled so."""
    pixels = confusion.sum(axis=1)
    return np.where(pixels > 0, confusion.diagonal() / np.maximum(1, pixels), math.nan)


def _print(names: Sequence[str], columns: Mapping[str, Column]) -> None:
    table = Table(title="Percent, but for images")
    table.add_column("class")
    for heading in columns:
        table.add_column(heading, justify="right")
    images = columns["images"]
    groups = {"mean of all": np.ones(len(names), bool), "mean of the rare": images < _RARE}
    groups["mean of the rare"][0] = False
    for row, name in enumerate(names):
        table.add_row(name, *(_cell(head, column[row]) for head, column in columns.items()))
    for name, chosen in groups.items():
        means = (_cell(head, np.nanmean(column[chosen])) for head, column in columns.items())
        table.add_row(name, *means, style="bold")
    Console(width=180).print(table)


def _cell(heading: str, value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.0f}" if heading == "images" else f"{100 * value:.1f}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("change", nargs="*", metavar="KEY=VALUE", help="of the recipe, from tags")
    parser.add_argument("--out", type=Path, help="folder for data and runs; a temporary one")
    parser.add_argument("--name", default="tags", help="folder of the run from tags, inside OUT")
    parser.add_argument("--images", type=int, default=400, help="training images")
    parser.add_argument("--val", type=int, default=60, help="validation images")
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="fast")
    parser.add_argument("--seed", type=int, default=0, help="of the images")
    parser.add_argument("--no-masks", action="store_true", help="no training from full masks")
    return parser.parse_args()


if __name__ == "__main__":
    main()
