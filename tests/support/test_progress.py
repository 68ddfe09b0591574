import io

import pytest
from rich.console import Console

from weakseg.support import progress as module
from weakseg.support.progress import ProgressLines, progress


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def lines(total, steps, *, text="Oversegmenting"):
    """Return what is printed where `steps` are seconds and items done by then."""
    out, clock = io.StringIO(), Clock()
    made = ProgressLines(text, total, Console(file=out, soft_wrap=True), clock=clock)
    for clock.now, done in steps:
        made.update(done)
    return out.getvalue().splitlines()


def test_a_line_every_half_a_minute_says_how_far_it_is_and_what_is_left():
    printed = lines(100, [(second, second // 3) for second in range(0, 100, 3)])
    assert printed == [
        "Oversegmenting: 10 of 100, about 4 min 30 s left",
        "Oversegmenting: 20 of 100, about 4 min 00 s left",
        "Oversegmenting: 30 of 100, about 3 min 30 s left",
    ]


def test_what_was_done_before_does_not_count_for_the_time_left():
    assert lines(100, [(0, 80), (40, 90)]) == ["Oversegmenting: 90 of 100, about 40 s left"]


def test_work_of_unknown_length_has_no_time_left():
    assert lines(None, [(0, 0), (40, 90)]) == ["Oversegmenting: 90"]


def test_slow_items_have_a_line_each():
    assert len(lines(4, [(0, 0), (60, 1), (120, 2)])) == 2


def test_without_a_terminal_progress_prints_lines(monkeypatch, capsys):
    assert list(progress(range(3), "Counting", 3)) == [0, 1, 2]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(module, "LINE_EVERY", 0)
    assert list(progress(range(3), "Counting", 3)) == [0, 1, 2]
    assert "Counting: 1 of 3, about 0 s left" in capsys.readouterr().err


def test_only_the_first_process_prints(monkeypatch, capsys):
    monkeypatch.setattr(module, "LINE_EVERY", 0)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert list(progress(range(3), "Counting", 3)) == [0, 1, 2]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("total", [0, None])
def test_nothing_is_said_of_no_work(monkeypatch, capsys, total):
    monkeypatch.setattr(module, "LINE_EVERY", 0)
    assert list(progress([], "Counting", total)) == []
    assert capsys.readouterr().err == ""
