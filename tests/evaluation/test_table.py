import io

import numpy as np
from rich.console import Console

from weakseg.evaluation import Protocol, ScoreRow, Scores, comparison_table, score_table

PROTOCOL = Protocol("val", 12)
SCORES = Scores(("[red]sky", "cow", "sea"), np.array([[5, 1, 0], [2, 7, 0], [0, 0, 0]]))


def shown(table) -> str:
    stream = io.StringIO()
    Console(file=stream, width=120).print(table)
    return stream.getvalue()


def test_classes_stand_in_order_with_the_mean_last_and_the_protocol_below():
    lines = [line.split() for line in shown(score_table(SCORES, PROTOCOL)).splitlines() if line]
    rows = [line for line in lines if line and line[0] in ("[red]sky", "cow", "sea", "mean")]
    assert rows == [
        ["[red]sky", "62.5", "71.4", "83.3"],
        ["cow", "70.0", "87.5", "77.8"],
        ["sea", "–", "–", "–"],
        ["mean", "IoU", "66.2"],
    ]
    text = " ".join(shown(score_table(SCORES, PROTOCOL)).split())
    assert PROTOCOL.describe() in text
    assert "Pixel accuracy 80.0 %" in text


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
