"""Scores of a folder of predicted masks against ground truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from weakseg.evaluation.confusion import Confusion
from weakseg.evaluation.ground_truth import read_truth
from weakseg.evaluation.scores import Scores
from weakseg.images.reading import map_size
from weakseg.marks.label_maps import read_label_map
from weakseg.support.errors import DataError
from weakseg.support.folders import files_below

_MAX_NAMED = 5


def score_folder(
    predictions: Path,
    truths: Mapping[str, Path],
    classes: Sequence[str],
    *,
    instances: Mapping[str, Path] | None = None,
) -> Scores:
    """Score predicted label maps, one image in memory at a time.

    Each ground truth must have one prediction: a missing file would otherwise raise the score.

    Args:
        predictions: Folder of ``<name>.png``, class ids as pixel values; names may hold folders.
        truths: Ground truth (PNG) of each name.
        classes: Names of the classes, in the order of their ids.
        instances: Maps of instances, for the names that have one.

    Returns:
        Scores of the whole data set.

    Raises:
        DataError: A prediction is missing, has no ground truth, differs in size or holds a value
            that is no class id; or a file cannot be read.
    """
    if not truths:
        raise DataError("Expected at least one true label map, but got none.")
    _check_names(predictions, truths)
    pairs = {name: (predictions / f"{name}.png", truths[name]) for name in sorted(truths)}
    _check_sizes(list(pairs.values()))
    confusion = Confusion(classes)
    for name, (prediction, path) in pairs.items():
        truth, own = read_truth(name, path, len(classes), instances or {})
        confusion.update(
            read_label_map(prediction, num_classes=len(classes)),
            truth,
            prediction,
            truth_name=path,
            image=name,
            instances=own,
        )
    return confusion.compute()


def _check_names(predictions: Path, truths: Mapping[str, Path]) -> None:
    if not predictions.is_dir():
        raise DataError("Expected a folder of predictions, but there is none.", path=predictions)
    # hidden files are left by file managers
    found = {
        path.relative_to(predictions).with_suffix("").as_posix()
        for path in files_below(predictions, "**/*.png")
        if not path.name.startswith(".")
    }
    missing, extra = truths.keys() - found, found - truths.keys()
    if missing or extra:
        lists = (("missing", missing), ("without a truth", extra))
        problems = "; ".join(
            f"{len(names)} {what}: {_some(f'{name}.png' for name in sorted(names))}"
            for what, names in lists
            if names
        )
        raise DataError(
            f"Expected one prediction for each of {len(truths)} images, but got {problems}.",
            path=predictions,
        )


def _check_sizes(pairs: Sequence[tuple[Path, Path]]) -> None:
    wrong = []
    for prediction, truth in pairs:
        size, expected = (map_size(path) for path in (prediction, truth))
        if size != expected:
            wrong.append(f"{prediction}: expected {expected}, but got {size}")
    if wrong:
        raise DataError(
            f"Expected each prediction to have the (H, W) of its truth, "
            f"but {len(wrong)} differ: {_some(wrong)}."
        )


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _MAX_NAMED
    return ", ".join(listed[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
