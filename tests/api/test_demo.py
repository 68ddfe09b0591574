"""The demo: one row for each kind of mark and method, in a folder that is its own."""

import pytest

from weakseg.api.demo import demo
from weakseg.recipes.run_folder import RunFolder
from weakseg.support.errors import RunError


@pytest.mark.slow
def test_every_kind_of_mark_is_trained_both_ways_from_the_same_seeds(tmp_path):
    done = demo(tmp_path / "demo", steps=1)
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
