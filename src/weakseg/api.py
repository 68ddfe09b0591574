"""Train, predict and evaluate as functions; the command line is a thin cover of these."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from PIL import Image

from weakseg.annotations.classes import ClassList
from weakseg.annotations.label_maps import LabelMap, read_label_map
from weakseg.annotations.palette import overlay_labels
from weakseg.config import DataConfig, InferenceConfig, Recipe
from weakseg.datasets.folder import (
    Record,
    as_marks,
    cache_folder,
    has_split,
    load_data_config,
    marks_in_use,
    read_class_list,
    read_split,
)
from weakseg.datasets.survey import Survey, survey
from weakseg.errors import DataError, RecipeError, RunError
from weakseg.evaluation import Confusion, Protocol, Scores, score_folder, write_scores
from weakseg.exports import MaskFormat, export_masks, export_paths
from weakseg.files import replacing
from weakseg.inference import Segmenter
from weakseg.inference.memory import build_memory
from weakseg.inference.segmenter import pick_device
from weakseg.machine import is_first_process
from weakseg.oversegment import OversegmentSettings, check_own_maps, oversegment_images
from weakseg.pictures import IMAGE_SUFFIXES, find_images
from weakseg.progress import progress
from weakseg.recipes import load_recipe
from weakseg.run import RunFolder
from weakseg.run_report import write_run_report
from weakseg.training import fit

_log = logging.getLogger("weakseg")


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    Args:
        run: The run folder.
        scores: Scores on the validation split, where it has full masks.
        protocol: How they were measured.
        seconds: Time of the training steps of this call.
    """

    run: Path
    scores: Scores | None
    protocol: Protocol | None
    seconds: float


def train(
    data: str | Path,
    *,
    recipe: str | Recipe = "small",
    out: str | Path = "run",
    resume: bool = False,
    overwrite: bool = False,
    overrides: Mapping[str, Any] | None = None,
) -> Trained:
    """Train a segmenter from marks and leave a run folder.

    Args:
        data: A data folder, a PASCAL VOC folder, or a data.yaml.
        recipe: A recipe, its name or its file.
        out: The run folder.
        resume: Go on with the run that is there.
        overwrite: Replace the run that is there.
        overrides: Values of the recipe to change, as in ``{"training.steps": 100}``.

    Returns:
        The run and its scores.

    Raises:
        WeaksegError: Data, recipe, run folder or weights are not what they should be.
        KeyboardInterrupt: Ctrl-C; the checkpoint is kept.
    """
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe, overrides)
    elif overrides:
        raise ValueError("Expected argument `overrides` to be empty where `recipe` is a Recipe.")
    recipe = replace(recipe, data=load_data_config(data, recipe.data))
    classes = read_class_list(recipe.data)
    records = read_split(recipe.data, recipe.data.train_split, classes)
    scored = _records_with_truth(recipe, classes)
    run = RunFolder(Path(out))
    if is_first_process():
        _tell(survey(records, classes, recipe.data), recipe, classes)
        if scored:  # a wrong mask is better found now than after the training
            survey([as_marks(record) for record in scored], classes, recipe.data)
        run.prepare(recipe, classes, resume=resume, overwrite=overwrite)
    oversegments = None
    if recipe.method == "spml":
        oversegments = oversegment_records(recipe, recipe.data, records)
    start = time.perf_counter()
    module = fit(recipe, records, classes, run, oversegments=oversegments)
    seconds = time.perf_counter() - start
    if not is_first_process():
        return Trained(run.root, None, None, seconds)
    network = module.network.to(pick_device())
    memory = build_memory(network, records, classes, recipe)
    memory.save(run.memory)
    segmenter = Segmenter(network, classes, recipe.inference, memory)
    result = evaluate_records(segmenter, scored, recipe.data.val_split) if scored else None
    if result:
        write_scores(run.scores, *result)
    write_run_report(run, recipe, segmenter, records, scored, result)
    scores, protocol = result or (None, None)
    return Trained(run.root, scores, protocol, seconds)


def predict(
    run: str | Path,
    images: Iterable[str | Path],
    out: str | Path,
    *,
    format: MaskFormat = "png",
    prefix: str = "",
    overlay: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    **options: Any,
) -> list[Path]:
    """Label images and write the masks, as PNG with the class palette or for an annotation tool.

    Args:
        run: The run folder.
        images: Image files, or folders of images.
        out: Folder of masks, ``<name>.png``, or of the tool's files.
        format: png, coco, coco-rle, labelme or label-studio.
        prefix: What stands before the images' names in files of coco and label-studio.
        overlay: Write ``<name>.overlay.jpg`` beside each mask: the mask over its image.
        overwrite: Replace masks that are there.
        device: A torch device, or auto.
        **options: Fields of InferenceConfig, such as ``labels="classifier"``.

    Returns:
        The files of masks.

    Raises:
        DataError: An image cannot be read, there is none, or two would have one mask.
        RunError: A mask is there already, or the run is incomplete.
    """
    if format not in get_args(MaskFormat):
        raise RecipeError(f"format: expected {', '.join(get_args(MaskFormat))}, but got {format!r}")
    names = {path: name for name, path in _image_names(images).items()}
    targets = export_paths(names.values(), Path(out), format)
    there = [target for target in targets if target.exists()]
    if there and not overwrite:
        raise RunError(
            f"{there[0]}: is there already, and {len(there) - 1} more. Choose another --out, or "
            "replace them with --overwrite."
        )
    segmenter = Segmenter.load(run, device=device, **options)

    def masks() -> Iterator[tuple[str, Path, LabelMap]]:
        for made in progress(segmenter.predict_files(names), "Predicting", len(names)):
            name = names[made.path]
            if overlay:
                _write_overlay(Path(out) / f"{name}.overlay.jpg", made.image, made.mask)
            yield name, made.path, made.mask

    export_masks(masks(), Path(out), segmenter.classes, format, prefix=prefix)
    return targets


def evaluate(
    run: str | Path,
    data: str | Path,
    *,
    split: str | None = None,
    masks: str | None = None,
    device: str = "auto",
    **options: Any,
) -> tuple[Scores, Protocol]:
    """Score a run, or a folder of predicted masks, against full masks.

    Args:
        run: A run folder, or a folder of masks ``<name>.png``.
        data: The data folder that holds the full masks.
        split: The split to score; the recipe's validation split, or val.
        masks: Folder of full masks, in place of the folder's own.
        device: A torch device, or auto.
        **options: Fields of InferenceConfig, such as ``scales=[0.5, 1.0]``.

    Returns:
        Scores over the whole split, and how they were measured.

    Raises:
        DataError: A mask is missing, of another size or has an id of no class.
        RunError: The run is incomplete.
    """
    folder = RunFolder(Path(run))
    is_run = folder.recipe.is_file()
    recipe, classes = folder.read() if is_run else (Recipe(), None)
    config = load_data_config(data, replace(Recipe().data, masks=masks, marks=["masks"]))
    classes = classes or read_class_list(config)
    split = split or recipe.data.val_split
    records = read_split(config, split, classes)
    _require_truth(records, split)
    if is_run:
        return evaluate_records(Segmenter.load(run, device=device, **options), records, split)
    truths = {record.name: record.truth for record in records if record.truth is not None}
    scores = score_folder(Path(run), truths, classes.names)
    return scores, Protocol(split, len(truths), labels="masks", notes=("masks from a folder",))


def evaluate_records(
    segmenter: Segmenter, records: Sequence[Record], split: str
) -> tuple[Scores, Protocol]:
    """Score a predictor on images with full masks, in one pass and one confusion matrix."""
    confusion = Confusion(segmenter.classes.names)
    truths = {record.image: record.truth for record in records}
    predictions = segmenter.predict_files(truths)
    for made in progress(predictions, f"Scoring {split}", len(truths)):
        path = truths[made.path]
        assert path is not None
        size = made.mask.shape
        truth = read_label_map(path, num_classes=len(segmenter.classes), image_size=size)
        confusion.update(made.mask, truth, made.path, truth_name=path)
    return confusion.compute(), protocol_of(segmenter.config, split, len(truths))


def protocol_of(config: InferenceConfig, split: str, images: int) -> Protocol:
    """Say how a predictor's scores are measured."""
    return Protocol(
        split, images, scales=tuple(config.scales), flip=config.flip, labels=config.labels
    )


def _tell(found: Survey, recipe: Recipe, classes: ClassList) -> None:
    kinds = ", ".join(marks_in_use(recipe.data)) or "no marks"
    _log.info(
        "%d images with %s: %.2f %% of their pixels are labelled",
        found.images, kinds, 100 * found.labelled_share,
    )  # fmt: skip
    if found.unmarked:
        _log.warning(
            "%d images have no mark (the first: %s); they train by the unlabelled relations only",
            len(found.unmarked), found.unmarked[0],
        )  # fmt: skip
    unseen = [
        name
        for name, pixels in zip(classes.names, found.labelled_pixels, strict=True)
        if not pixels
    ]
    if len(unseen) == len(classes):
        raise DataError(
            "no pixel of the training images is labelled: points, scribbles or masks are needed "
            f"(found: {kinds})",
            path=recipe.data.root,
        )
    if unseen:
        _log.warning("no training pixel is labelled %s", ", ".join(unseen))


def oversegment_records(recipe: Recipe, data: DataConfig, records: Sequence[Record]) -> Path:
    """Oversegment images as a recipe says, where that has not been done; give the folder."""
    config = recipe.oversegment
    settings = OversegmentSettings(regions=config.regions, threshold=config.threshold)
    images = [(record.name, record.image) for record in records]
    if config.folder:
        plain = check_own_maps(images, Path(config.folder))
        if plain:
            _log.warning("%d region maps hold one region only, which says nothing (the first: %s)",
                         len(plain), plain[0])  # fmt: skip
        return Path(config.folder)
    return oversegment_images(images, settings, cache_folder(data) / "oversegments")


def _records_with_truth(recipe: Recipe, classes: ClassList) -> list[Record]:
    if not has_split(recipe.data, recipe.data.val_split):
        return []
    records = read_split(recipe.data, recipe.data.val_split, classes)
    with_truth = [record for record in records if record.truth is not None]
    if with_truth and len(with_truth) < len(records) and is_first_process():
        _log.warning(
            "%d of %d images of split %s have no full mask; the others are scored",
            len(records) - len(with_truth), len(records), recipe.data.val_split,
        )  # fmt: skip
    return with_truth


def _require_truth(records: Sequence[Record], split: str) -> None:
    missing = [record for record in records if record.truth is None]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(records)} images of split {split!r} have no full mask to be "
            f"scored against; the first is {missing[0].name!r}",
            path=missing[0].image,
        )


def _image_names(images: Iterable[str | Path]) -> dict[str, Path]:
    names: dict[str, Path] = {}
    for item in map(Path, images):
        if item.is_dir():
            found = find_images(item)
        elif item.suffix.lower() in IMAGE_SUFFIXES and item.is_file():
            found = {item.stem: item}
        elif item.exists():
            raise DataError(f"expected an image ({', '.join(IMAGE_SUFFIXES)})", path=item)
        else:
            raise DataError("there is no such image or folder", path=item)
        for name, path in found.items():
            if name in names and names[name] != path:
                raise DataError(
                    f"would have the same mask as {names[name]}: predict them into two folders",
                    path=path,
                )
            names[name] = path
    if not names:
        raise DataError("there is no image to predict", path=", ".join(map(str, images)) or None)
    return names


def _write_overlay(path: Path, image: Any, mask: Any) -> None:
    with replacing(path) as beside:
        Image.fromarray(overlay_labels(image, mask)).save(beside, quality=90)
