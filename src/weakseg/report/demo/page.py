"""Report of the demo's story: one page from scribbles to masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from weakseg.datasets.data_folder import DataFolder
from weakseg.recipes.recipe import Recipe
from weakseg.report.run.page import Example, Gallery, Report
from weakseg.report.run.write import facts
from weakseg.report.score_table import ScoreRow

LESSON = (
    "On these made textures plain cross-entropy is as good as weakseg or better; on photographs "
    "weakseg leads by 2 to 7 points of mIoU, most from clicks (docs/results.md)."
)
"""How far the demo's scores go."""
_HOW_CHOSEN = (
    "Not the best: one better than three quarters of all, one in the middle, one better than a "
    "quarter, by their mean IoU."
)


def story_report(
    rows: Sequence[ScoreRow],
    recipe: Recipe,
    photograph: Example,
    refined: Sequence[Example],
    new: Sequence[Example],
    data: Path,
) -> Report:
    """Return the content of the page.

    Args:
        rows: Scores on the made set.
        recipe: Recipe of the first of them.
        photograph: The photograph from scribbles to mask.
        refined: Training images of the made set, to pseudo-labels.
        new: Images of the made set that were not trained on, to masks.
        data: Data folder of the made set.
    """
    about = facts(recipe, 0)
    steps = f"{recipe.classify.steps} steps of {recipe.classify.batch} crops"
    return Report(
        title="weakseg demo: from scribbles to masks",
        summary="A few scribbles label one photograph. Then a made set with ground truth measures "
        "what scribbles teach: the same network, trained for the same number of steps on "
        f"pseudo-labels from scribbles, on the scribbles alone, and on full masks. {LESSON}",
        facts={name: about[name] for name in ("network", "machine", "versions")}
        | {"training": f"{about['training']}, then {steps} of {recipe.transforms.crop} pixels"},
        table=rows,
        galleries=[_of_photograph(photograph), *_of_shapes(refined, new)],
        classes=DataFolder.open(data).classes.names,
    )


def _of_photograph(photograph: Example) -> Gallery:
    return Gallery(
        "One photograph, a dozen scribbles",
        [photograph],
        "The pixels under the scribbles fit a logistic regression on frozen features (recipe "
        "instant), which labels all others; the outlines follow the edges of the image. There is "
        "no ground truth here: judge by eye.",
    )


def _of_shapes(refined: Sequence[Example], new: Sequence[Example]) -> list[Gallery]:
    return [
        Gallery(
            "Made images: from scribbles to pseudo-labels",
            refined,
            f"Trained on. {_HOW_CHOSEN} The ground truth only measures.",
        ),
        Gallery("New images: masks", new, f"None was trained on. {_HOW_CHOSEN}"),
    ]
