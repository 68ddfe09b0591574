"""The demo: its story and its table of kinds, in a folder that is its own."""

import logging
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from weakseg.api import demo_story
from weakseg.api.demo import demo
from weakseg.cli.main import main
from weakseg.cli.options import print_table
from weakseg.datasets.photograph import PHOTOGRAPH, STROKES
from weakseg.datasets.shapes import make_shapes
from weakseg.evaluation.protocol import Protocol
from weakseg.marks.label_maps import read_label_map
from weakseg.recipes.run_folder import RunFolder
from weakseg.report.demo.page import LESSON
from weakseg.report.score_table import ScoreRow, comparison_table
from weakseg.support.errors import RunError


@pytest.fixture
def one_thread():
    """Work on maps this small is mostly waiting where several threads share it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_the_story_labels_a_photograph_first_then_compares_three_trainings(
    tmp_path, monkeypatch, caplog
):
    few = partial(make_shapes, train=4, val=4, size=64)
    monkeypatch.setattr(demo_story, "make_shapes", few)
    with caplog.at_level(logging.INFO, logger="weakseg"):
        done = demo(tmp_path / "demo", steps=1)
    assert [(row.name, row.marks) for row in done.rows] == [
        ("weakseg", "scribbles"),
        ("cross-entropy", "scribbles"),
        ("cross-entropy", "masks"),
    ]
    said = [record.getMessage() for record in caplog.records]
    assert [picture.suffix for picture in done.pictures] == [".png", ".png"]
    first, second = (
        next(place for place, text in enumerate(said) if str(picture) in text)
        for picture in done.pictures
    )
    trained = next(place for place, text in enumerate(said) if "training: weakseg" in text)
    assert first < trained < second
    for picture in done.pictures:
        with Image.open(picture) as opened:
            assert opened.width > 800
    page = done.report.read_text(encoding="utf-8")
    assert page.index("One photograph") < page.index("Made images") < page.index("New images")
    assert LESSON in page
    mask = read_label_map(tmp_path / f"demo/photograph/masks/{PHOTOGRAPH}.png", num_classes=4)
    for stroke in STROKES:
        xs, ys = (np.array(places, int) for places in zip(*stroke.path, strict=True))
        assert np.mean(mask[ys, xs] == stroke.class_id) >= 0.5
    # Away from the scribbles: cheek, sleeve, wall and the flag's stars.
    places = {(200, 150): 1, (60, 400): 1, (370, 60): 0, (60, 120): 2}
    assert {place: int(mask[place[1], place[0]]) for place in places} == places


@pytest.mark.slow
def test_every_kind_of_mark_is_trained_both_ways_from_the_same_seeds(tmp_path):
    done = demo(tmp_path / "demo", all_marks=True, steps=1)
    kinds = ("tags", "boxes", "points", "scribbles", "mixed")
    assert [(row.name, row.marks) for row in done.rows] == [
        (method, marks) for marks in kinds for method in ("weakseg", "cross-entropy")
    ]
    for marks in ("tags", "boxes", "mixed"):
        ours, baseline = (
            RunFolder(tmp_path / "demo/runs" / f"{marks}-{method}").stages / "seeds/labels"
            for method in ("spml", "cross-entropy")
        )
        names = sorted(path.name for path in ours.iterdir())
        assert names == sorted(path.name for path in baseline.iterdir())
        assert all((ours / name).read_bytes() == (baseline / name).read_bytes() for name in names)
    page = done.report.read_text(encoding="utf-8")
    assert page.index("weakseg, tags of") < page.index("cross-entropy, tags of")
    with pytest.raises(RunError, match="exists already"):
        demo(tmp_path / "demo")


def test_files_of_others_are_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match=r"thesis\.txt"):
        demo(tmp_path, overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("columns", [79, 80])
def test_no_word_of_a_table_is_cut_on_a_narrow_terminal(monkeypatch, capsys, columns):
    row = ScoreRow("cross-entropy", "scribbles", 0.825, 0.327, 0.95, Protocol("val", 40), 61)
    monkeypatch.setenv("COLUMNS", str(columns))
    print_table(comparison_table([row]))
    shown = capsys.readouterr().out.split()
    assert {"mIoU", "boundary", "accuracy", "time", "retrieval", "82.5", "min", "01"} <= {*shown}


def test_time_comes_first_and_a_piped_table_is_not_cut(tmp_path, monkeypatch, capsys, caplog):
    scores = 0.825, 0.327, 0.95
    row = ScoreRow("cross-entropy", "scribbles", *scores, Protocol("val", 40), 61)
    monkeypatch.setattr("weakseg.api.demo.tell_story", lambda *_, **__: ((row,), ()))
    monkeypatch.delenv("COLUMNS", raising=False)
    with caplog.at_level(logging.INFO, logger="weakseg"):
        assert main(["demo", "--out", str(tmp_path / "demo")]) == 0
    assert "about two minutes" in caplog.records[0].getMessage()
    shown = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "run marks labels mIoU % boundary F % pixel accuracy % time" in lines
    assert "cross-entropy scribbles retrieval 82.5 32.7 95.0 1 min 01 s" in lines
    assert LESSON in shown
