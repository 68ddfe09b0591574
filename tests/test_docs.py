"""Examples of the documentation run as they stand."""

import doctest
import inspect
import json
import re
from pathlib import Path

from PIL import Image

import weakseg

DOCS = Path(__file__).parents[1] / "docs"


def make_labelme(folder: Path) -> None:
    folder.mkdir()
    Image.new("RGB", (64, 48)).save(folder / "a.jpg")
    shape = {"label": "kitten", "shape_type": "polygon", "points": [[5, 5], [40, 5], [40, 40]]}
    tree = {"version": "5.0", "flags": {}, "shapes": [shape], "imagePath": "a.jpg"}
    tree |= {"imageData": None, "imageHeight": 48, "imageWidth": 64}
    (folder / "a.json").write_text(json.dumps(tree))


def test_the_examples_of_python_md_run(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_labelme(tmp_path / "labelme")
    page = DOCS / "python.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page.name, page.name, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    said: list[str] = []
    runner.run(examples, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_every_public_function_has_an_example():
    text = (DOCS / "python.md").read_text(encoding="utf-8")
    verbs = {name for name in weakseg.__all__ if inspect.isfunction(getattr(weakseg, name))}
    shown = set(re.findall(r"weakseg\.(\w+)\(", text))
    assert verbs <= shown
