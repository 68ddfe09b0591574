"""Names in files never lead out of the folder that an import writes."""

import random
import re
from pathlib import Path

import pytest
from tests.fuzz.test_fuzz import KINDS, try_import

from weakseg.api.import_ import import_marks
from weakseg.support.errors import DataError

_TEXTS = (".json", ".xml", ".csv", ".txt", ".yaml", ".data", ".names", ".geojson", ".ndjson")
_WORD = re.compile(r"[A-Za-z_][\w.-]*")
_LIKELY = re.compile(r"[ab](\.\w+)?|\w*(train|val|test|default)\w*", re.IGNORECASE)
_FEW = 5


def ways_out(root: Path) -> list[str]:
    return ["../../notes", "a/../../../notes", f"{root / 'notes'}", "..", "../../notes.jpg"]


def outside(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def words_in(sample: Path) -> list[tuple[Path, int, int]]:
    """List the words of the text files of a sample, those that look like names or splits first."""
    files = [sample] if sample.is_file() else sorted(sample.rglob("*"))
    found = [
        (_LIKELY.fullmatch(match[0]) is None, path, *match.span())
        for path in files
        if path.suffix in _TEXTS and path.is_file()
        for match in _WORD.finditer(path.read_text())
    ]
    likely = [place[1:] for place in found if not place[0]]
    rest = [place[1:] for place in found if place[0]]
    random.Random(0).shuffle(likely)
    random.Random(0).shuffle(rest)
    return likely + rest


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [_FEW, pytest.param(100, marks=pytest.mark.slow)])
def test_no_name_in_a_file_leads_out(kind, count, make_sample, tmp_path):
    root = tmp_path / "s"
    sample = make_sample(kind, root)
    for name in ("notes.txt", "notes.jpg", "notes.png"):
        (tmp_path / name).write_text("of somebody")
    folder = root if sample.is_file() else sample
    for number, (path, start, end) in enumerate(words_in(folder)[:count]):
        text = path.read_text()
        ways = ways_out(tmp_path)
        path.write_text(text[:start] + ways[number % len(ways)] + text[end:])
        before = outside(tmp_path)
        done = try_import(sample, root, kind)
        assert outside(tmp_path) == before
        if isinstance(done, str) and "leads out" in done:
            assert str(root) in done
        path.write_text(text)


@pytest.mark.parametrize("way", range(4))
@pytest.mark.parametrize(
    ("kind", "file", "stated"),
    [("cvat_project", "annotations.xml", 'subset="{}"'), ("darknet", "obj.data", "{} =")],
)
def test_split_that_leads_out_is_refused_with_its_file(
    kind, file, stated, way, make_sample, tmp_path
):
    path = make_sample(kind, tmp_path / "s") / file
    (tmp_path / "notes.txt").write_text("of somebody")
    name, split = ways_out(tmp_path)[way], "Train" if kind == "cvat_project" else "train"
    text = path.read_text().replace(stated.format(split), stated.format(name))
    assert name in text
    path.write_text(text)
    before = outside(tmp_path)
    with pytest.raises(DataError, match="leads out of the folder") as caught:
        import_marks([path.parent], tmp_path / "out")
    assert caught.value.path == path
    assert repr(name) in str(caught.value)
    assert outside(tmp_path) == before
