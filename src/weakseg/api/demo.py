"""`weakseg.demo`: from scribbles to masks on a photograph and a made set; or each kind of mark."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from weakseg.api.demo_kinds import train_kinds
from weakseg.api.demo_story import tell_story
from weakseg.report.score_table import ScoreRow
from weakseg.support.errors import RunError

_log = logging.getLogger("weakseg")
_OWN = ("data", "data-mixed", "photograph", "pictures", "runs", "report.html")


@dataclass(frozen=True)
class Demo:
    """Result of the demo.

    Args:
        rows: Scores, a row each training on the made set.
        report: The HTML report.
        pictures: Pictures that were written, in their order; none with every kind of mark.
    """

    rows: tuple[ScoreRow, ...]
    report: Path
    pictures: tuple[Path, ...] = ()


def demo(
    out: str | Path = "demo",
    *,
    all_marks: bool = False,
    steps: int | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> Demo:
    """Show what scribbles teach, on a photograph and on a made set; or compare all kinds of marks.

    Args:
        out: Folder for the data, the runs, the pictures and the report.
        all_marks: Train on the made set from tags, boxes, points, scribbles and a mix, with
            weakseg and with cross-entropy, instead of from scribbles and full masks.
        steps: Steps of each training on the made set, in place of the recipe's.
        seed: Seed of the made set and the trainings.
        overwrite: Replace an existing demo.

    Returns:
        The scores, the report and the pictures.

    Raises:
        RunError: `out` exists already.
    """
    root = Path(out)
    _clear(root, overwrite)
    if steps is None:
        minutes = "three" if all_marks else "two"
        _log.info("This takes about %s minutes on two quiet cores.", minutes)
    report = root / "report.html"
    if all_marks:
        return Demo(train_kinds(root, steps=steps, seed=seed), report)
    rows, pictures = tell_story(root, steps=steps, seed=seed)
    return Demo(rows, report, pictures)


def _clear(root: Path, overwrite: bool) -> None:
    """Remove an earlier demo, where that is allowed."""
    if not root.exists() or not any(root.iterdir()):
        return
    if not overwrite:
        raise RunError(f"{root}: exists already. Choose another --out, or use --overwrite.")
    strangers = sorted(path.name for path in root.iterdir() if path.name not in _OWN)
    if strangers:
        raise RunError(
            f"{root}: holds {strangers[0]!r}, which is not the demo's, so --overwrite "
            "leaves it alone."
        )
    for name in _OWN:
        path = root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
