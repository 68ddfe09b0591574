import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from weakseg.inspection.dataset_inspection import inspect_marks
from weakseg.marks.classes import ClassList
from weakseg.marks.findings import Finding, Oddity
from weakseg.marks.kinds import Box, Marks, Point
from weakseg.report.inspection.page import render_inspection
from weakseg.report.inspection.sheets import contact_sheets
from weakseg.report.inspection.summary import FINDING_TITLES
from weakseg.report.inspection_table import inspection_table
from weakseg.report.kit.pages import write_page
from weakseg.support.errors import DataError, RunError

NASTY = '<script>alert("x")</script> & </td>'


def in_terminal(inspection, width=120):
    text = io.StringIO()
    Console(width=width, file=text).print(inspection_table(inspection))
    return text.getvalue()


def test_a_long_finding_is_whole_where_no_terminal_ends_it(annotated):
    reason = "a reason of many words " * 12
    odd = (Finding("unread", reason, None, "a"),)
    marks = Marks(frozenset({1}))
    found = inspect_marks([annotated("a", marks, findings=odd)], ClassList(("background", "cat")))
    text = io.StringIO()
    Console(width=80, file=text, soft_wrap=True).print(inspection_table(found))
    assert reason.strip() in text.getvalue()


@pytest.fixture
def nasty(annotated):
    classes = ClassList(("background", NASTY, "[bold]dog[/]"))
    odd = (Finding("unread", f"{NASTY} [red]", None, NASTY),)
    marks = Marks(frozenset({1, 2}), (Box(1, 0, 0, 9, 9),), (Point(2, 30, 30),))
    item = annotated("a", marks, findings=odd, split=NASTY)
    return inspect_marks([item], classes, min_images=1), classes


def test_the_page_is_one_file_that_shows_foreign_text_as_text(nasty, tmp_path):
    inspection, classes = nasty
    sheets = contact_sheets(inspection, classes, tmp_path)
    write_page(tmp_path / "page.html", render_inspection(inspection, sheets, title=NASTY))
    html = (tmp_path / "page.html").read_text()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 6
    references = re.findall(r'(?:src|href)="(.{12})', html)
    assert references == ["data:image/j"]
    assert "@import" not in html
    assert "url(" not in html


def test_every_part_of_the_page_is_closed(nasty):
    html = render_inspection(nasty[0])
    for tag in ("section", "div", "table", "tr", "td", "th", "details", "main", "ul", "li"):
        assert len(re.findall(rf"<{tag}[ >]", html)) == html.count(f"</{tag}>"), tag


def test_the_page_shows_the_first_fifty_findings_of_a_kind_and_counts_the_rest(annotated, classes):
    odd = tuple(Finding("unread", f"oddity {number};") for number in range(1234))
    html = render_inspection(inspect_marks([annotated("a", findings=odd)], classes))
    assert "Not used by weakseg: 1,234" in html
    assert "oddity 49;" in html
    assert "oddity 50;" not in html
    assert "and 1,184 more" in html


def test_the_page_of_clean_data_says_so_and_lists_nothing(annotated, classes):
    items = [annotated(f"{i}", Marks(frozenset({1, 2, 3}))) for i in range(5)]
    html = render_inspection(inspect_marks(items, classes), title="photos")
    assert "<h1>photos: clean</h1>" in html
    assert "<details" not in html


def test_what_matters_most_is_shown_first_however_rare(annotated, classes):
    gone = annotated("gone", Marks(frozenset({1})), picture=None)
    inspection = inspect_marks([gone], classes)
    assert inspection.finding_counts == {"rare": 3, "missing": 1}
    for shown in (render_inspection(inspection), in_terminal(inspection)):
        assert shown.index("Missing files: 1") < shown.index("Rare classes: 3")


def test_a_sheet_that_is_not_there_is_named(nasty, tmp_path):
    with pytest.raises(DataError, match=r"no\.png"):
        render_inspection(nasty[0], [tmp_path / "no.png"])


def test_a_page_that_cannot_be_written_is_named(nasty, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"page\.html"):
        write_page(tmp_path / "file" / "page.html", "<html>")


def test_the_terminal_shows_counts_first_findings_and_the_verdict_last(annotated, classes):
    odd = tuple(Finding("unread", f"oddity {number};") for number in range(1234))
    marks = Marks(frozenset({1}), boxes=(Box(2, 0, 0, 9, 9),))
    text = in_terminal(inspect_marks([annotated("a", marks, findings=odd)], classes, min_images=0))
    assert re.search(r"Marks +1 tags, 1 boxes", text)
    assert re.search(r"dog +1 +– +1", text)
    assert "points" not in text
    assert text.index("Not used by weakseg: 1,234") < text.index("oddity 2;")
    assert "oddity 3;" not in text
    assert text.split()[-2:] == ["1,235", "findings"]


def test_the_terminal_says_clean_in_the_last_line(annotated, classes):
    items = [annotated(f"{i}", Marks(frozenset({1, 2, 3}))) for i in range(5)]
    assert in_terminal(inspect_marks(items, classes)).split()[-1] == "clean"


def test_the_terminal_shows_foreign_text_as_it_is(nasty):
    text = in_terminal(nasty[0], width=300)
    assert "[bold]dog[/]" in text
    assert f"{NASTY} [red]" in text


def test_file_names_that_are_no_text_do_no_harm(annotated, classes, tmp_path):
    odd = Finding("unread", "\x1b[31m odd", Path("caf\udce9.json"))
    inspection = inspect_marks([annotated("a", findings=(odd,))], classes)
    text = in_terminal(inspection)
    assert "\x1b" not in text
    assert text.encode()
    write_page(tmp_path / "page.html", render_inspection(inspection, title="caf\udce9"))
    assert "caf?" in (tmp_path / "page.html").read_text()


def test_every_kind_of_finding_has_a_title():
    assert set(FINDING_TITLES) == set(Oddity.__args__)
