import re
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest

from weakseg.evaluation.boundaries import count_boundaries
from weakseg.evaluation.label_quality import LabelQuality
from weakseg.evaluation.protocol import Protocol
from weakseg.evaluation.scores import Scores
from weakseg.report.kit.pages import write_page
from weakseg.report.run.curves import curve_svg, smooth
from weakseg.report.run.page import Example, Gallery, Report, render_report
from weakseg.report.score_table import ScoreRow

VOID_TAGS = {"meta", "br", "img"}
NASTY = '<script>alert("x")</script> & </h3>'


class WellFormed(HTMLParser):
    """Checks that every element is closed in turn, and gathers ids and what pages refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.seen, self.ids, self.references, self.alts = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.note(tag, attrs)
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.note(tag, attrs)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def note(self, tag, attrs):
        self.seen.append(tag)
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        self.references += [attributes[key] for key in ("src", "href") if key in attributes]
        if tag == "img":
            self.alts.append(attributes.get("alt"))


def parse(html: str) -> WellFormed:
    parser = WellFormed()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


@pytest.fixture
def report() -> Report:
    scores = Scores(("sky", NASTY, "sea"), np.array([[5, 1, 0], [2, 7, 0], [0, 0, 0]]))
    photo = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    flat = np.zeros((60, 80, 3), np.uint8)
    curve = [(step, 1 / (1 + step)) for step in range(50)]
    quality = LabelQuality(7, 0.5, 0.25, 0.125, float("nan"), {NASTY: 1}, {NASTY: 1})
    example = Example(NASTY, [(NASTY, photo), ("truth", flat)], NASTY, frozenset({1, 254, 255}))
    return Report(
        title=NASTY,
        summary=NASTY,
        facts={NASTY: NASTY, "recipe": "small"},
        table=[ScoreRow.of(NASTY, NASTY, scores, Protocol("val", 3, notes=(NASTY,)), 5)],
        label_quality={NASTY: quality},
        galleries=[Gallery(NASTY, [example], NASTY, {NASTY: NASTY})],
        class_scores={NASTY: scores, "two": scores},
        curves={NASTY: {"similarity": curve, NASTY: curve}, "two": {"similarity": curve[:3]}},
        classes=["sky", NASTY, "sea"],
    )


def test_a_report_is_one_well_formed_page_that_needs_nothing_from_outside(report):
    html = render_report(report)
    page = parse(html)
    assert len(page.ids) == len(set(page.ids))
    assert all(reference.startswith(("data:image/", "#")) for reference in page.references)
    assert all(reference[1:] in page.ids for reference in page.references if reference[0] == "#")
    addresses = re.findall(r'[^"\s]*"https?://[^"]*"', html)
    assert {address.split("=")[0] for address in addresses} <= {"xmlns", "xmlns:xlink"}
    assert len(re.findall("https?://", html)) == len(addresses)
    assert not {"script", "link"} & set(page.seen)


def test_names_of_people_are_escaped_everywhere(report):
    html = render_report(report)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_pictures_have_words_and_tables_have_captions(report):
    html = render_report(report)
    page = parse(html)
    assert page.alts
    assert all(page.alts)
    assert page.seen.count("caption") == page.seen.count("table") == 3
    assert page.seen.count("h1") == 1
    assert 'aria-label="similarity over steps.' in html
    assert "two: 1 at step 0, 0.333 at step 2" in html


def test_scores_stand_in_the_report_with_their_protocol(report):
    html = render_report(report)
    assert "66.2" in html
    assert "80.0" in html
    assert "val split, 3 images" in html
    assert "–" in html


@pytest.mark.parametrize(
    ("part", "heading"),
    [
        ("table", "scores"),
        ("class_scores", "class-scores"),
        ("curves", "curves"),
        ("label_quality", "labels"),
        ("galleries", "gallery-1"),
    ],
)
def test_an_empty_part_is_left_out(report, part, heading):
    assert f'id="{heading}"' in render_report(report)
    html = render_report(replace(report, **{part: type(getattr(report, part))()}))
    assert f'id="{heading}"' not in html
    parse(html)


def test_a_title_alone_is_a_report():
    assert parse(render_report(Report("nothing yet"))).seen.count("section") == 0


def test_a_report_is_written_in_one_step_and_the_same_again(report, tmp_path):
    path = tmp_path / "run" / "report.html"
    write_page(path, render_report(report))
    first = path.read_bytes()
    write_page(path, render_report(report))
    assert path.read_bytes() == first
    assert list(path.parent.iterdir()) == [path]


def test_runs_of_other_classes_share_the_class_table():
    runs = {
        "one": Scores(("sky", "cow"), np.eye(2, dtype=int)),
        "two": Scores(("cow", "sea"), np.eye(2, dtype=int)),
    }
    html = render_report(Report("two data sets", class_scores=runs))
    rows = re.findall(r'<tr><th scope="row">(\w+)</th>(.*)</tr>', html)
    found = {name: re.findall(r">([\d.]+|–)<", cells) for name, cells in rows}
    assert found["sky"] == ["100.0", "–"]
    assert found["cow"] == ["100.0", "100.0"]
    assert found["sea"] == ["–", "100.0"]


def test_a_single_run_is_shown_with_all_its_scores_and_confusions():
    matrix = np.array([[6, 2], [1, 5]])
    labels, truth = np.zeros((2, 4, 4), np.uint8)
    labels[:2], truth[:, :2] = 1, 1
    counted = Scores(("sky", "cow"), matrix, count_boundaries(labels, truth, 2))
    html = render_report(Report("one", class_scores={"a": counted}))
    headings = re.findall(r'<th scope="col" class="number">([^<]*)</th>', html)
    assert headings[:4] == ["IoU", "Precision", "Recall", "Boundary F"]
    assert "Instance IoU</th>" not in html, "it was not counted"
    assert re.findall(r'<th scope="row">(sky|cow)</th><td>(\w+)</td>', html) == [
        ("sky", "cow"),
        ("cow", "sky"),
    ]
    assert 'id="confusions"' not in render_report(
        Report("two", class_scores={"a": counted, "b": counted})
    )


def test_a_run_without_any_scored_pixel_is_shown():
    nothing = Scores(("sky", "cow"), np.zeros((2, 2), int))
    html = render_report(Report("nothing", class_scores={"a": nothing}))
    assert html.count(">–</div>") == 3, "two classes and their mean"


def test_colours_are_explained_of_the_classes_that_an_example_shows():
    flat = np.zeros((4, 4, 3), np.uint8)
    examples = [
        Example("a", [("truth", flat)], labels=frozenset({0, 2, 254})),
        Example("b", [("truth", flat)], labels=frozenset({255})),
        Example("c", [("truth", flat)]),
    ]
    report = Report("x", galleries=[Gallery("g", examples)], classes=["sky", "cow", "sea"])
    html = render_report(report)
    named = re.findall(r'style="background: (#\w+)"></span>([^<]+)<', html)
    assert named == [("#000000", "sky"), ("#008000", "sea"), ("#e0e0c0", "void (ignored)")]
    assert html.count('class="legend"') == 2


def test_the_quality_of_labels_stands_in_percent_with_its_number_of_images(report):
    row = re.search(
        r'<tr><th scope="row">[^<]*</th><td class="number">7</td>(.*)</tr>', render_report(report)
    )
    assert re.findall(r">([\d.–]+)</div>", row[1]) == ["50.0", "25.0", "12.5", "–"]


def test_sixty_large_panels_stay_below_three_megabytes():
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (12, 16, 3)).astype(np.uint8)
    photo = np.kron(coarse, np.ones((80, 80, 1), np.uint8))
    photo = (photo + generator.integers(0, 8, photo.shape)).clip(0, 255).astype(np.uint8)
    panels = [(f"panel {number}", photo) for number in range(5)]
    # the twelve examples are alike, so one tells the size of all
    one = len(render_report(Report("size", galleries=[Gallery("a", [Example("a", panels)])])))
    assert 12 * one < 3e6


def test_curves_take_their_colours_from_the_page_and_leave_matplotlib_as_it_was():
    before = dict(matplotlib.rcParams)
    curve = [(step, float(step % 7)) for step in range(40)]
    svg = curve_svg([(1, curve), (9, curve)], "chart0")
    assert dict(matplotlib.rcParams) == before
    assert "var(--run-1)" in svg
    assert "stroke-dasharray" in svg, "the ninth run repeats a colour, dashed"
    assert "currentColor" in svg
    assert "#0" not in svg.replace("#chart0", "")
    assert svg.startswith("<svg")


@pytest.mark.parametrize("curve", [[(0, 1.0)], [(0, float("nan")), (1, float("inf"))]])
def test_a_curve_of_one_point_or_none_finite_is_drawn(curve, recwarn):
    parse(curve_svg([(0, curve)], "chart0"))
    assert not recwarn.list


def test_a_long_curve_is_thinned():
    curve = [(step, float(np.sin(step))) for step in range(100_000)]
    assert len(curve_svg([(0, curve)], "chart0")) < 60_000


def test_smoothing_keeps_a_line_and_its_length():
    assert smooth(np.full(100, 3.0)) == pytest.approx(np.full(100, 3.0))
    line = np.arange(100.0)
    assert smooth(line)[10:90] == pytest.approx(line[10:90])
