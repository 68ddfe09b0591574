import io

import numpy as np
from rich.console import Console

from weakseg.evaluation.boundaries import BoundaryCounts
from weakseg.evaluation.instances import InstanceCounts
from weakseg.evaluation.protocol import Protocol
from weakseg.evaluation.scores import Scores
from weakseg.evaluation.variants import Variant
from weakseg.report.score_table import (
    ScoreRow,
    comparison_table,
    confusion_table,
    score_table,
    variants_table,
)

PROTOCOL = Protocol("val", 12)
SCORES = Scores(
    ("[red]sky", "cow", "sea"),
    np.array([[5, 1, 0], [2, 7, 0], [0, 0, 0]]),
    BoundaryCounts([4, 2, 0], [2, 2, 0], [6, 3, 0], [3, 3, 0]),
    InstanceCounts([2, 3, 0], [2, 1.5, 0]),
)


def shown(table) -> str:
    stream = io.StringIO()
    Console(file=stream, width=120).print(table)
    return stream.getvalue()


def test_classes_stand_in_order_with_the_mean_last_and_the_protocol_below():
    lines = [line.split() for line in shown(score_table(SCORES, PROTOCOL)).splitlines() if line]
    rows = [line for line in lines if line and line[0] in ("[red]sky", "cow", "sea", "mean")]
    assert rows == [
        ["[red]sky", "62.5", "71.4", "83.3", "50.0", "75.0"],
        ["cow", "70.0", "87.5", "77.8", "100.0", "45.0"],
        ["sea", "–", "–", "–", "–", "–"],
        ["mean", "66.2", "75.0", "60.0"],
    ]
    text = " ".join(shown(score_table(SCORES, PROTOCOL)).split())
    assert PROTOCOL.describe() in text
    assert "Pixel accuracy 80.0%" in text


def test_runs_of_one_protocol_share_its_line():
    rows = [ScoreRow.of(name, "tags", SCORES, PROTOCOL, 61) for name in ("one", "two")]
    text = shown(comparison_table(rows))
    assert text.count("val split") == 1
    assert text.count("1 min 01 s") == 2


def test_runs_of_several_protocols_are_told_apart():
    rows = [
        ScoreRow.of("one", "tags", SCORES, PROTOCOL),
        ScoreRow.of("two", "[b]tags", SCORES, Protocol("val", 12, labels="classifier")),
    ]
    text = " ".join(shown(comparison_table(rows)).split())
    assert f"one: {PROTOCOL.describe()}" in text
    assert "two: val split" in text
    assert "[b]tags" in text


def test_what_was_not_counted_is_a_dash():
    bare = Scores(SCORES.classes, SCORES.confusion)
    lines = [line.split() for line in shown(score_table(bare, PROTOCOL)).splitlines()]
    assert ["cow", "70.0", "87.5", "77.8", "–", "–"] in lines
    assert ["mean", "66.2", "–", "–"] in lines


def test_variants_stand_side_by_side_with_each_protocol_below():
    plain, sharp = PROTOCOL, Protocol("val", 12, crf="deeplab")
    other = Scores(SCORES.classes, np.array([[6, 0, 0], [0, 9, 0], [0, 0, 0]]))
    variants = [Variant("no [CRF]", SCORES, plain), Variant("deeplab CRF", other, sharp)]
    lines = [line.split() for line in shown(variants_table(variants)).splitlines()]
    assert ["[red]sky", "62.5", "100.0"] in lines
    assert ["sea", "–", "–"] in lines
    assert ["mean", "IoU", "66.2", "100.0"] in lines
    assert ["mean", "boundary", "F", "75.0", "–"] in lines
    assert ["pixel", "accuracy", "80.0", "100.0"] in lines
    text = " ".join(shown(variants_table(variants)).split())
    assert "no [CRF]: val split" in text
    assert f"deeplab CRF: {sharp.describe()}" in text


def test_confusions_stand_in_order_with_their_share_of_the_true_class():
    text = shown(confusion_table(SCORES, 5, title="no [CRF]"))
    lines = [line.split() for line in text.splitlines()]
    assert ["no", "[CRF]"] in lines
    rows = [line for line in lines if line and line[0] in ("cow", "[red]sky")]
    assert rows == [["cow", "[red]sky", "2", "22.2"], ["[red]sky", "cow", "1", "16.7"]]
    assert "[red]sky" not in [
        line[0] for line in map(str.split, shown(confusion_table(SCORES, 1)).splitlines()) if line
    ]
