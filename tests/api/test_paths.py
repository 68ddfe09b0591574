"""Every verb takes paths as strings and as Paths, and one path where it takes several."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

import weakseg
from weakseg.inference.memory import Memory
from weakseg.marks.classes import read_classes
from weakseg.models.network import build_network, save_network
from weakseg.recipes.run_folder import RunFolder

TINY = weakseg.ModelConfig(backbone="test_resnet", weights="none", dimensions=8)


@pytest.fixture(params=[str, Path], ids=["str", "Path"])
def kind(request):
    return request.param


@pytest.fixture
def run(folder, tmp_path) -> Path:
    """Make the run of a network that has learned nothing."""
    recipe = replace(weakseg.Recipe(), data=weakseg.DataConfig(root=str(folder)), model=TINY)
    made = RunFolder(tmp_path / "run")
    classes = read_classes(folder / "classes.txt")
    made.prepare(recipe, classes)
    save_network(build_network(recipe.model, len(classes), weights="none"), made.model)
    prototype = torch.nn.functional.normalize(torch.randn(9, 8), dim=1)
    Memory(prototype, torch.arange(9) % 3).save(made.memory)
    return made.root


@pytest.fixture
def labelme(tmp_path) -> Path:
    """Make a photograph with a polygon; its picture lies elsewhere."""
    for name in ("marks", "photos"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (64, 48)).save(tmp_path / "photos" / "a.png")
    shape = {"label": "cat", "shape_type": "polygon", "points": [[5, 5], [40, 5], [40, 40]]}
    tree = {"version": "5.0", "flags": {}, "shapes": [shape], "imagePath": "a.png"}
    tree |= {"imageData": None, "imageHeight": 48, "imageWidth": 64}
    (tmp_path / "marks" / "a.json").write_text(json.dumps(tree))
    return tmp_path / "marks" / "a.json"


def test_train(folder, tmp_path, kind):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        "base: small\nmodel: {backbone: test_resnet, weights: none, dimensions: 8}\n"
        "transforms: {crop: 48}\ntraining: {steps: 1, batch: 2}\noversegment: {regions: 8}\n"
    )
    done = weakseg.train(kind(folder), recipe=kind(recipe), out=kind(tmp_path / "trained"))
    assert done.run == tmp_path / "trained"
    with pytest.raises(weakseg.RecipeError, match="There is no recipe"):
        weakseg.train(kind(folder), recipe=kind(tmp_path / "other.yaml"))


def test_predict(folder, run, tmp_path, kind):
    image = folder / "images" / "img0.png"
    one = weakseg.predict(kind(run), kind(image), kind(tmp_path / "one"))
    assert one == [tmp_path / "one" / "img0.png"]
    every = weakseg.predict(kind(run), [kind(folder / "images")], kind(tmp_path / "every"))
    assert len(every) == 6
    with pytest.raises(weakseg.DataError, match=r"nowhere\.png: there is no such image"):
        weakseg.predict(kind(run), kind(tmp_path / "nowhere.png"))


def test_evaluate(folder, run, kind):
    masks, data = kind(folder / "masks"), kind(folder)
    scores, _ = weakseg.evaluate(kind(run), data, masks=masks, instances=masks)
    assert scores.classes == ("background", "square", "bar")
    variants = weakseg.evaluate_variants(
        kind(run), data, compare_crf=False, masks=masks, instances=masks
    )
    assert len(variants) == 1


def test_label(folder, run, tmp_path, kind):
    done = weakseg.label(kind(run), kind(folder), kind(tmp_path / "full"))
    assert len(done.files) == 6


def test_inspect_data(folder, labelme, tmp_path, kind):
    found = weakseg.inspect_data(kind(folder), out=kind(tmp_path / "page"))
    assert found.images == 6
    assert (tmp_path / "page" / "page.html").is_file()
    for images in (tmp_path / "photos", [tmp_path / "photos"]):
        where = [kind(path) for path in images] if isinstance(images, list) else kind(images)
        assert "missing" not in weakseg.inspect_data(kind(labelme), images=where).finding_counts


def test_import_marks(labelme, tmp_path, kind):
    (tmp_path / "classes.txt").write_text("background\ncat\n")
    settings = weakseg.ImportSettings(
        images=[kind(tmp_path / "photos")], classes=kind(tmp_path / "classes.txt")
    )
    for files, name in ((kind(labelme), "one"), ([kind(labelme)], "several")):
        done = weakseg.import_marks(files, kind(tmp_path / name), settings)
        assert done.root == tmp_path / name
        assert (done.root / "masks" / "a.png").is_file()


def test_simulate(folder, tmp_path, kind):
    settings = weakseg.SimulationSettings(instances=kind(folder / "masks"))
    done = weakseg.simulate(kind(folder), kind(tmp_path / "weak"), settings, workers=0)
    assert done.root == tmp_path / "weak"


def test_oversegment(folder, tmp_path, kind):
    settings = weakseg.OversegmentSettings(regions=4)
    done = weakseg.oversegment(kind(folder), settings, out=kind(tmp_path / "regions"), workers=0)
    assert done.folder == tmp_path / "regions"
    settings = weakseg.OversegmentSettings(boundaries="hed", weights=kind(tmp_path / "no.h5"))
    with pytest.raises(weakseg.WeightsError, match=r"no\.h5: there is no such file"):
        weakseg.oversegment(kind(folder), settings)


def test_convert_checkpoint(tmp_path, kind):
    (tmp_path / "mine.yaml").write_text("base: voc-scribbles\n")
    with pytest.raises(weakseg.WeightsError, match=r"no\.pth"):
        weakseg.convert_checkpoint(kind(tmp_path / "no.pth"), recipe=kind(tmp_path / "mine.yaml"))


def test_demo(tmp_path, kind):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(weakseg.RunError, match="exists already"):
        weakseg.demo(kind(tmp_path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": "photos"}, "images: expected a list, but got 'photos'"),
        ({"images": Path("photos")}, "images: expected a list, but got 'photos'"),
        ({"drop": "cat"}, "drop: expected a list, but got 'cat'"),
        ({"complete": "boxes"}, "complete: expected a list, but got 'boxes'"),
    ],
)
def test_one_word_where_an_import_takes_a_list_is_refused(options, message):
    with pytest.raises(weakseg.RecipeError, match=message):
        weakseg.ImportSettings(**options)
