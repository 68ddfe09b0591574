"""Control characters in data never reach the terminal."""

import logging

import numpy as np
import pytest
from PIL import Image
from rich.table import Table
from rich.text import Text
from tests.cli.test_main import run

from weakseg.cli import options
from weakseg.support.terminal import without_controls

EVIL = "cat\x1b[2J\x1b]0;title\x07\x9b31m\u202e\x7f"


@pytest.mark.parametrize("text", ["cat\n", "a\tb", "é, 犬, 🐈", "क्‍ष", "…"])
def test_what_people_write_stays(text):
    assert without_controls(text) == text


def is_clean(text: str) -> bool:
    return not set(text) & set("\x1b\x07\x9b\u202e\x7f\b\r")


@pytest.mark.parametrize("thing", [EVIL, Text(EVIL), Text(EVIL, style="bold")])
def test_nothing_printed_holds_controls(capsys, thing):
    for console in (options.out, options.err):
        console.print(thing)
    table = Table(title="t")
    table.add_column(Text(EVIL))
    table.add_row(thing)
    options.print_table(table)
    logging.getLogger("weakseg.test").warning("found %s", EVIL)
    said = capsys.readouterr()
    assert "cat" in said.out
    assert is_clean(said.out)
    assert is_clean(said.err)


def test_no_command_prints_controls_of_data(tmp_path, capsys):
    root = tmp_path / "data"
    (root / "images").mkdir(parents=True)
    name = f"photo{EVIL.replace(chr(10), '')}"
    for place in (name, "plain"):
        pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / "images" / f"{place}.png")
    (root / "tags.csv").write_text(f"image,class\n{name},{EVIL}\nplain,dog{EVIL}\nplain,{EVIL}\n")
    (root / "classes.txt").write_text(f"background\n{EVIL}\ndog{EVIL}\n")
    assert run("inspect", root, "--out", tmp_path / "seen") in (0, 3)
    assert run("import", root, "--out", tmp_path / "new") == 0
    assert run("train", root, "--recipe", EVIL, "--out", tmp_path / "run") == 2
    assert run("import", tmp_path / EVIL, "--out", tmp_path / "other") == 1
    assert run("inspect", root, f"--{EVIL}") == 2
    said = capsys.readouterr()
    assert "photo" in said.out + said.err
    assert is_clean(said.out)
    assert is_clean(said.err)
