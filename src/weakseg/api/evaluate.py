"""`weakseg.evaluate`: a run, its variants, or a folder of masks against full masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from weakseg.datasets.data_folder import DataFolder
from weakseg.datasets.records import Record
from weakseg.evaluation.confusion import Confusion
from weakseg.evaluation.folder import score_folder
from weakseg.evaluation.ground_truth import find_instance_maps, instance_note, read_truth
from weakseg.evaluation.protocol import Protocol
from weakseg.evaluation.scores import Scores
from weakseg.evaluation.variants import Variant, score_variants
from weakseg.inference import Segmenter
from weakseg.recipes.recipe import CrfPreset, LabelBy, Recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.support.errors import DataError
from weakseg.support.progress import progress
from weakseg.support.wording import counted


def evaluate(
    run: str | Path,
    data: str | Path,
    *,
    split: str | None = None,
    masks: str | Path | None = None,
    instances: str | Path | None = None,
    device: str = "auto",
    **options: Any,
) -> tuple[Scores, Protocol]:
    """Score a run, or a folder of predicted masks, against full masks.

    Args:
        run: A run folder, or a folder of masks ``<name>.png``.
        data: The data folder that holds the full masks.
        split: The split to score; by default the recipe's validation split, or val.
        masks: Folder of full masks, in place of the folder's own.
        instances: Folder of instance maps ``<name>.png``, in place of the folder's own.
        device: A torch device, or auto.
        **options: Fields of InferenceConfig, such as ``scales=[0.5, 1.0]``.

    Returns:
        Scores over the whole split, and how they were measured.

    Raises:
        DataError: A mask is missing, of another size or has an id of no class.
        RunError: The run is incomplete.
    """
    scored = _open_ground_truth(run, data, split, masks, instances)
    if RunFolder(Path(run)).recipe.is_file():
        segmenter = Segmenter.load(run, device=device, **options)
        scored.keep_features(segmenter)
        return evaluate_records(segmenter, scored.records, scored.split, instances=scored.instances)
    truths = {record.name: record.truth for record in scored.records if record.truth is not None}
    scores = score_folder(
        Path(run), truths, scored.source.classes.names, instances=scored.instances
    )
    notes = ("masks from a folder", instance_note(len(scored.instances), len(truths)))
    return scores, Protocol(scored.split, len(truths), labels="masks", notes=notes)


def evaluate_variants(
    run: str | Path,
    data: str | Path,
    *,
    compare_crf: bool = True,
    compare_labels: bool = False,
    split: str | None = None,
    masks: str | Path | None = None,
    instances: str | Path | None = None,
    device: str = "auto",
    **options: Any,
) -> list[Variant]:
    """Score a run without and with the dense CRF, by each source of labels, or in all combinations.

    An image goes through the network once, whatever is compared.

    Args:
        run: A run folder.
        data: The data folder that holds the full masks.
        compare_crf: Compare masks without and with the CRF: of the preset ``crf`` among the
            options, else of the run's recipe, else deeplab.
        compare_labels: Compare labels by retrieval, by the classifier, and by both.
        split: The split to score; by default the recipe's validation split, or val.
        masks: Folder of full masks, in place of the folder's own.
        instances: Folder of instance maps ``<name>.png``, in place of the folder's own.
        device: A torch device, or auto.
        **options: Fields of InferenceConfig, such as ``scales=[0.5, 1.0]``.

    Returns:
        Name, scores and protocol of each variant.

    Raises:
        DataError: A mask is missing, of another size or has an id of no class.
        MissingExtraError: The dense CRF is chosen, and is not installed.
        RunError: This is no run folder, or it is incomplete.
        WeightsError: Labels by retrieval are chosen, and the run has no memory.
    """
    recipe, _ = RunFolder(Path(run)).read()
    scored = _open_ground_truth(run, data, split, masks, instances)
    preset: CrfPreset = options.get("crf", recipe.inference.crf)
    crf: list[CrfPreset] = [preset]
    if compare_crf:
        crf = ["none", "deeplab" if preset == "none" else preset]
    labels: Sequence[LabelBy] = get_args(LabelBy) if compare_labels else ()
    loaded = {**options, "crf": crf[-1]} | ({"labels": "both"} if compare_labels else {})
    segmenter = Segmenter.load(run, device=device, **loaded)
    scored.keep_features(segmenter)
    return score_variants(
        segmenter,
        scored.records,
        scored.split,
        labels=labels,
        crf=crf,
        instances=scored.instances,
    )


def evaluate_records(
    segmenter: Segmenter,
    records: Sequence[Record],
    split: str,
    *,
    instances: Mapping[str, Path] | None = None,
) -> tuple[Scores, Protocol]:
    """Score a predictor on images with full masks, in one pass over them.

    Args:
        segmenter: The predictor.
        records: Images with full masks.
        split: Name of the split they are, for the protocol.
        instances: Maps of instances, by the names of images.

    Returns:
        Scores over all the images, and how they were measured.

    Raises:
        DataError: A file cannot be read, or an image and its mask differ in size.
    """
    instances = instances or {}
    confusion = Confusion(segmenter.classes.names)
    by_image = {record.image: record for record in records}
    predictions = segmenter.predict_files(by_image)
    for made in progress(predictions, f"Scoring {split}", len(records)):
        record = by_image[made.path]
        assert record.truth is not None
        truth, own = read_truth(
            record.name, record.truth, len(segmenter.classes), instances, made.mask.shape
        )
        confusion.update(
            made.mask, truth, made.path, truth_name=record.truth, image=record.name, instances=own
        )
    notes = (instance_note(len(instances), len(records)),)
    return confusion.compute(), Protocol.of(segmenter.config, split, len(records), notes=notes)


@dataclass(frozen=True)
class _GroundTruth:
    source: DataFolder
    split: str
    records: list[Record]
    instances: dict[str, Path]

    def keep_features(self, segmenter: Segmenter) -> None:
        """Let a predictor with a frozen backbone keep its features, as training does."""
        config = self.source.config
        segmenter.network.keep_features(self.source.feature_cache, config.feature_budget)


def _open_ground_truth(
    run: str | Path,
    data: str | Path,
    split: str | None,
    masks: str | Path | None,
    instances: str | Path | None,
) -> _GroundTruth:
    folder = RunFolder(Path(run))
    recipe, classes = folder.read() if folder.recipe.is_file() else (Recipe(), None)
    options: dict[str, Any] = {"marks": ["masks"], "feature_budget": recipe.data.feature_budget}
    if recipe.data.cache is not None:
        options["cache"] = recipe.data.cache
    if masks is not None:
        options["masks"] = str(masks)
    source = DataFolder.open(data, options, classes)
    split = split or recipe.data.val_split
    records = source.split(split)
    source.log_oddities()
    missing = [record for record in records if record.truth is None]
    if missing:
        raise DataError(
            f"{len(missing)} of {counted(len(records), 'image')} of split {split!r} "
            f"{'has' if len(missing) == 1 else 'have'} no full mask to be scored against; the "
            f"first is {missing[0].name!r}",
            path=missing[0].image,
        )
    names = [record.name for record in records]
    maps = find_instance_maps(source.root, names, Path(instances) if instances else None)
    return _GroundTruth(source, split, records, maps)
