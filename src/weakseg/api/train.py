"""`weakseg.train`: a segmenter from marks, as a run folder."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weakseg.api.evaluate import evaluate_records
from weakseg.api.oversegment import oversegment_records
from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.records import Record, count_kinds, with_truth_as_mark
from weakseg.datasets.survey import Survey, survey
from weakseg.evaluation.files import write_scores
from weakseg.evaluation.ground_truth import find_instance_maps
from weakseg.evaluation.protocol import Protocol
from weakseg.evaluation.scores import Scores
from weakseg.inference import Segmenter
from weakseg.marks.binary_masks import binary_question
from weakseg.marks.classes import ClassList
from weakseg.recipes.choice import recipe_for
from weakseg.recipes.merging import flatten
from weakseg.recipes.options import resolve_recipe
from weakseg.recipes.recipe import Recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.refine.crf import require_crf
from weakseg.report.run.write import write_run_report
from weakseg.support.devices import accelerator_device
from weakseg.support.errors import DataError
from weakseg.support.locks import reading_from, writing_in
from weakseg.support.machine import is_first_process
from weakseg.support.processes import end_with_launcher
from weakseg.support.wording import counted
from weakseg.training import Outcome, check_crop, run_stages
from weakseg.training.stages.seeds import has_many_tags, records_without_seeds, seeds_by_regions

_log = logging.getLogger("weakseg")


@dataclass(frozen=True)
class Trained:
    """Result of a training run.

    Args:
        run: The run folder.
        scores: Scores on the validation split; None where it has no full masks.
        protocol: How they were measured.
        seconds: Duration of the stages in this call.
    """

    run: Path
    scores: Scores | None
    protocol: Protocol | None
    seconds: float


def train(
    data: str | Path,
    *,
    recipe: str | Path | Recipe | None = None,
    out: str | Path = "run",
    resume: bool = False,
    overwrite: bool = False,
    overrides: Mapping[str, Any] | None = None,
) -> Trained:
    """Train a segmenter from marks, into a run folder.

    Args:
        data: A data folder, a PASCAL VOC folder, or a data.yaml.
        recipe: A recipe, its name or its file. A `Recipe` names every key, and so wins over all of
            a data.yaml. None: that of the run where one is resumed, or else `fast`, or `small` for
            a method that trains step by step and for images with many tags.
        out: The run folder.
        resume: Continue an existing run.
        overwrite: Replace an existing run.
        overrides: Values by key, as in ``{"training.steps": 100}``; they win over the recipe.

    Returns:
        The run and its scores.

    Raises:
        WeaksegError: Data, recipe, run folder or weights are missing or wrong.
        KeyboardInterrupt: Ctrl-C or SIGTERM; the step under way is finished, and kept.
    """
    run = RunFolder(Path(out))
    with ExitStack() as held:
        if is_first_process():
            run.check_free(resume=resume, overwrite=overwrite)
            held.enter_context(writing_in(run.root, "weakseg train"))
        else:
            end_with_launcher()
        settings, chosen = _choose_recipe(data, recipe, overrides, run if resume else None)
        _check_means(settings)
        folder = DataFolder(settings.data)
        folder.check_cache()
        folder.layout.check_apart(run.root)
        held.enter_context(reading_from(folder.root, "weakseg train"))
        records = folder.split(settings.data.train_split)
        unseeded = records_without_seeds(records, folder.classes)
        if chosen is not None and has_many_tags(unseeded):
            settings, chosen = _choose_recipe(data, None, overrides, None, many_tags=True)
        scored = _records_with_truth(folder)
        if is_first_process():
            folder.log_oddities()
            _check_marks(folder, records, scored, chosen, len(unseeded))
            run.prepare(settings, folder.classes, resume=resume, overwrite=overwrite)
        return _run(run, settings, folder, records, unseeded, scored)


def _run(
    run: RunFolder,
    settings: Recipe,
    folder: DataFolder,
    records: Sequence[Record],
    unseeded: Sequence[Record],
    scored: Sequence[Record],
) -> Trained:
    """Go through the stages, score the network, and write the report."""
    with run.removed_if_it_fails() if is_first_process() else nullcontext():
        regions = _oversegments(settings, folder, records, unseeded)
        start = time.perf_counter()
        outcome = run_stages(
            settings,
            records,
            folder.classes,
            run,
            oversegments=regions,
            features=folder.feature_cache,
        )
        seconds = time.perf_counter() - start
    if not is_first_process():
        return Trained(run.root, None, None, seconds)
    segmenter = _segmenter(outcome, settings, folder.classes)
    result = _score(segmenter, scored, settings)
    if result:
        write_scores(run.scores, *result)
    write_run_report(run, settings, segmenter, outcome, scored, result, oversegments=regions)
    scores, protocol = result or (None, None)
    return Trained(run.root, scores, protocol, seconds)


def _choose_recipe(
    data: str | Path,
    recipe: str | Path | Recipe | None,
    overrides: Mapping[str, Any] | None,
    resumed: RunFolder | None,
    *,
    many_tags: bool = False,
) -> tuple[Recipe, str | None]:
    """Return the resolved recipe, and its name where it was chosen for lack of any other."""
    chosen = None
    if recipe is None and resumed is not None and resumed.recipe.is_file():
        recipe = resumed.read()[0]
    elif recipe is None:
        method = flatten(overrides or {}).get("method")
        recipe = chosen = recipe_for(method, many_tags=many_tags)
    return resolve_recipe(data, recipe, overrides), chosen


def _check_means(recipe: Recipe) -> None:
    """Refuse a recipe that this machine or its own network cannot follow, before data is read."""
    if recipe.inference.crf != "none" or (recipe.relabel.enabled and recipe.relabel.crf != "none"):
        require_crf()
    accelerator_device(recipe.training.accelerator)
    check_crop(recipe)
    if recipe.model.train == "head" and recipe.model.weights == "none" and is_first_process():
        late = recipe.classify.steps > 0 and recipe.classify.train == "network"
        _log.warning(
            "model.weights: none with model.train: head: the features are random, and %s trains "
            "them. Use --model.weights auto (or a file), or train the network from the start: "
            "--recipe small --model.train network",
            "nothing before the last stage" if late else "nothing",
        )


def _check_marks(
    folder: DataFolder,
    records: Sequence[Record],
    scored: Sequence[Record],
    chosen: str | None,
    unseeded: int,
) -> None:
    """Read every mark and mask once: a wrong one is better found now than after the training."""
    if chosen is not None:
        kinds = " and ".join(count_kinds(records)) or "none"
        _log.info("Marks are %s: recipe %s (choose another with --recipe)", kinds, chosen)
    config, classes = folder.config, folder.classes
    _report_marks(survey(records, classes, config), config.root, classes, unseeded)
    if scored:
        truths = survey([with_truth_as_mark(record) for record in scored], classes, config)
        _report_truths(truths, config.val_split, classes)


def _segmenter(outcome: Outcome, recipe: Recipe, classes: ClassList) -> Segmenter:
    swap = recipe.transforms.mirror_swap
    return Segmenter(outcome.network, classes, recipe.inference, outcome.memory, swap)


def _oversegments(
    recipe: Recipe, folder: DataFolder, records: Sequence[Record], unseeded: Sequence[Record]
) -> Path | None:
    """Oversegment the training images, where a stage needs it, and return the folder."""
    for_seeds = bool(unseeded) and (recipe.seeds.regions or seeds_by_regions(recipe, unseeded))
    relabelled = recipe.relabel.enabled and recipe.relabel.regions
    if recipe.method == "spml" or for_seeds or relabelled:
        return oversegment_records(recipe, folder, records)
    return None


def _score(
    segmenter: Segmenter, scored: Sequence[Record], recipe: Recipe
) -> tuple[Scores, Protocol] | None:
    if not scored:
        return None
    instances = find_instance_maps(Path(recipe.data.root), [record.name for record in scored])
    return evaluate_records(segmenter, scored, recipe.data.val_split, instances=instances)


def _report_marks(found: Survey, root: str, classes: ClassList, unseeded: int) -> None:
    """Log what the training images hold, and refuse images without anything to learn from."""
    shares = [
        kind if count == found.images else f"{kind} ({count})"
        for kind, count in found.kinds.items()
    ]
    kinds = ", ".join(shares) or "no marks"
    _log.info(
        "%s with %s: %.2f %% of their pixels are labelled%s",
        counted(found.images, "image"),
        kinds,
        100 * found.labelled_fraction,
        f"; seeds for {unseeded} are made from tags or boxes first" if unseeded else "",
    )
    if found.unmarked:
        _log.warning(
            "%s no mark (the first: %s) and only the unlabelled relations to train by",
            counted(len(found.unmarked), "image has", "images have"),
            found.unmarked[0],
        )
    question = binary_question(found.mask_values, classes.names)
    if question and not any(found.tagged_images):
        raise DataError(question, path=root)
    if question:
        _log.warning(question)
    if any(found.tagged_images):
        return
    counts = zip(classes.names, found.labelled_pixels, strict=True)
    unseen = [name for name, pixels in counts if not pixels]
    if len(unseen) == len(classes):
        raise DataError(
            "no pixel of the training images is labelled, and no image has a tag: there is "
            f"nothing to learn from (found: {kinds})",
            path=root,
        )
    if unseen:
        _log.warning("no training pixel is labelled %s", ", ".join(unseen))


def _report_truths(found: Survey, split: str, classes: ClassList) -> None:
    """Log what keeps the images to be scored from measuring anything."""
    held = [name for name, count in zip(classes.names, found.labelled_pixels, strict=True) if count]
    if len(held) < 2:
        question = binary_question(found.mask_values, classes.names)
        _log.warning(
            "full masks of split %s hold %s: no mean IoU can be measured on them%s",
            split,
            f"{held[0]!r} alone" if held else "no class",
            f"; {question}" if question else "",
        )


def _records_with_truth(folder: DataFolder) -> list[Record]:
    split = folder.config.val_split
    if split not in folder.splits:
        if is_first_process():
            _log.info("not scored: the data has no split %s", split)
        return []
    records = folder.split(split)
    with_truth = [record for record in records if record.truth is not None]
    if not with_truth and is_first_process():
        _log.info("not scored: no image of split %s has a full mask", split)
    if with_truth and len(with_truth) < len(records) and is_first_process():
        _log.warning(
            "%d of %s of split %s without a full mask; the others are scored",
            len(records) - len(with_truth),
            counted(len(records), "image"),
            split,
        )
    return with_truth
