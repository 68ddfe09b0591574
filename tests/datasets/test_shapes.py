import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import jaccard_score

from weakseg.datasets.shape_scenes import CROWDED, SceneStyle, Shape, draw_scene
from weakseg.datasets.shapes import CLASS_NAMES, make_shapes
from weakseg.marks.label_values import UNLABELLED, VOID
from weakseg.marks.palette import class_palette
from weakseg.support.errors import RunError

CLASSES = len(CLASS_NAMES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shapes(tmp_path_factory.mktemp("data") / "shapes", train=30, val=10)


def names_of(folder: Path, split: str) -> list[str]:
    return (folder / "splits" / f"{split}.txt").read_text().split()


def all_names(folder: Path) -> list[str]:
    return names_of(folder, "train") + names_of(folder, "val")


def rows_of(folder: Path, table: str) -> dict[str, list[dict[str, str]]]:
    grouped: dict[str, list[dict[str, str]]] = {name: [] for name in all_names(folder)}
    with (folder / table).open(newline="") as file:
        for row in csv.DictReader(file):
            grouped[row["image"]].append(row)
    return grouped


def image_of(folder: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(folder / "images" / f"{name}.jpg"))


def labels_of(folder: Path, kind: str, name: str) -> np.ndarray:
    return np.asarray(Image.open(folder / kind / f"{name}.png"))


def pixel_of(row: dict[str, str]) -> tuple[int, int]:
    return int(float(row["y"])), int(float(row["x"]))


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_folder_holds_every_kind_of_mark(folder: Path):
    assert (folder / "classes.txt").read_text().splitlines() == list(CLASS_NAMES)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [
            ".weakseg-files",
            "boxes.csv",
            "classes.txt",
            "images",
            "masks",
            "points.csv",
            "scribbles",
            "splits",
            "tags.csv",
        ]
    )
    assert len(names_of(folder, "train")) == 30
    assert len(names_of(folder, "val")) == 10
    for kind in ("images", "masks", "scribbles"):
        assert sorted(path.stem for path in (folder / kind).iterdir()) == sorted(all_names(folder))
    headers = {
        name: (folder / f"{name}.csv").open().readline().strip()
        for name in ("tags", "boxes", "points")
    }
    assert headers == {
        "tags": "image,class",
        "boxes": "image,class,xmin,ymin,xmax,ymax,instance",
        "points": "image,class,x,y,instance",
    }


def test_label_maps_are_8_bit_with_the_class_palette(folder: Path):
    for kind in ("masks", "scribbles"):
        with Image.open(next((folder / kind).iterdir())) as picture:
            assert picture.mode == "P"
            assert picture.size == (128, 128)
            palette = np.array(picture.getpalette()).reshape(-1, 3)
            assert np.array_equal(palette, class_palette()[: len(palette)])


def test_label_maps_hold_classes_and_what_is_reserved(folder: Path):
    masks, scribbles = (
        np.unique(np.stack([labels_of(folder, kind, name) for name in all_names(folder)]))
        for kind in ("masks", "scribbles")
    )
    assert masks.tolist() == [*range(CLASSES), VOID]
    assert scribbles.tolist() == [*range(CLASSES), UNLABELLED]


def test_tags_are_the_classes_in_the_mask(folder: Path):
    for name, rows in rows_of(folder, "tags.csv").items():
        seen = set(np.unique(labels_of(folder, "masks", name))) - {0, VOID}
        assert sorted(CLASS_NAMES.index(row["class"]) for row in rows) == sorted(seen)


def test_every_point_and_scribble_pixel_agrees_with_the_mask(folder: Path):
    points = rows_of(folder, "points.csv")
    for name in all_names(folder):
        mask, scribbles = (labels_of(folder, kind, name) for kind in ("masks", "scribbles"))
        drawn = scribbles != UNLABELLED
        assert np.array_equal(scribbles[drawn], mask[drawn])
        for row in points[name]:
            assert CLASS_NAMES[mask[pixel_of(row)]] == row["class"]


def test_images_hold_one_to_four_objects_with_a_box_each(folder: Path):
    for name, rows in rows_of(folder, "boxes.csv").items():
        mask = labels_of(folder, "masks", name)
        assert 1 <= len(rows) <= 4
        for row in rows:
            x0, y0, x1, y1 = (int(row[key]) for key in ("xmin", "ymin", "xmax", "ymax"))
            assert 0 <= x0 < x1 <= 127
            assert 0 <= y0 < y1 <= 127
            assert (mask[y0 : y1 + 1, x0 : x1 + 1] == CLASS_NAMES.index(row["class"])).sum() > 150


def test_every_object_has_its_own_point_and_scribble(folder: Path):
    """Checked against the objects themselves, which a mask alone cannot tell apart."""
    for index, name in enumerate(names_of(folder, "train")):
        scene = draw_scene(np.random.default_rng((0, 128, 0, index)), 128)
        assert np.array_equal(scene.labels, labels_of(folder, "masks", name))
        numbers = set(range(len(scene.class_ids) + 1))
        drawn = labels_of(folder, "scribbles", name) != UNLABELLED
        assert set(np.unique(scene.objects[drawn])) == numbers
        clicked = [scene.objects[pixel_of(row)] for row in rows_of(folder, "points.csv")[name]]
        assert set(clicked) == numbers
        assert 2 <= clicked.count(0) <= 4


def test_every_object_shows_at_least_a_fiftieth_of_the_image():
    for index in range(20):
        scene = draw_scene(np.random.default_rng(index), 96)
        assert np.bincount(scene.objects.ravel())[1:].min() >= 0.02 * 96**2


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path):
    first, second, other = (
        contents(make_shapes(tmp_path / name, train=3, val=1, size=64, seed=seed))
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    assert first == second
    assert first["images/train_0000.jpg"] != other["images/train_0000.jpg"]


def test_an_image_does_not_depend_on_how_many_there_are(tmp_path: Path, folder: Path):
    few = contents(make_shapes(tmp_path / "few", train=2, val=1))
    for name in ("images/train_0001.jpg", "masks/val_0000.png", "scribbles/train_0000.png"):
        assert few[name] == (folder / name).read_bytes()


def test_train_and_val_differ(folder: Path):
    images = {image_of(folder, name).tobytes() for name in all_names(folder)}
    assert len(images) == 40


def test_folder_with_something_in_it_is_refused(tmp_path: Path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(RunError, match="something is there"):
        make_shapes(tmp_path, train=1, val=0, size=64)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_empty_folder_is_filled(tmp_path: Path):
    (tmp_path / "data").mkdir()
    make_shapes(tmp_path / "data", train=1, val=0, size=64)
    assert (tmp_path / "data" / "classes.txt").exists()


def test_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("weakseg.datasets.writer.write_label_map", full)
    with pytest.raises(RunError, match="the disk is full"):
        make_shapes(tmp_path / "data", train=1, val=0, size=64)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [{"train": 0}, {"val": -1}, {"size": 32}])
def test_numbers_out_of_range_are_refused(tmp_path: Path, options: dict):
    with pytest.raises(ValueError, match="Expected `train`"):
        make_shapes(tmp_path / "data", **options)


def _pixels(folder: Path, split: str, *, neighbours: bool) -> tuple[np.ndarray, np.ndarray]:
    """Colour of every fourth pixel, and on wish of places around it, with its class."""
    features, classes = [], []
    for name in names_of(folder, split):
        image = image_of(folder, name).astype(float)
        channels = [image]
        if neighbours:
            fine = np.abs(image - ndimage.uniform_filter(image, (5, 5, 1)))
            channels += [ndimage.gaussian_filter(fine, (s, s, 0)) for s in (2, 6)]
        mask = labels_of(folder, "masks", name)[::4, ::4]
        stacked = np.concatenate(channels, axis=2)[::4, ::4]
        features.append(stacked[mask != VOID])
        classes.append(mask[mask != VOID])
    return np.concatenate(features), np.concatenate(classes)


def _forest_iou(folder: Path, *, neighbours: bool) -> float:
    forest = RandomForestClassifier(8, max_depth=14, min_samples_leaf=5, random_state=0)
    forest.fit(*_pixels(folder, "train", neighbours=neighbours))
    features, classes = _pixels(folder, "val", neighbours=neighbours)
    return float(jaccard_score(classes, forest.predict(features), average="macro"))


def test_colour_alone_does_not_tell_the_classes(folder: Path):
    everything_background = 0.75 / CLASSES
    by_colour = _forest_iou(folder, neighbours=False)
    by_texture = _forest_iou(folder, neighbours=True)
    assert everything_background < by_colour < 0.25
    assert by_texture > by_colour + 0.05


def test_crowded_scenes_have_forty_classes_two_nearly_everywhere_and_a_third_rare():
    assert len({shape.name for shape in CROWDED.shapes}) == len(CROWDED.frequency) == 40
    scenes = [draw_scene(np.random.default_rng(seed), 64, CROWDED) for seed in range(60)]
    counts = [len(scene.class_ids) for scene in scenes]
    assert 7 <= np.mean(counts) <= 9
    assert all(len(set(scene.class_ids)) == len(scene.class_ids) for scene in scenes)
    images = np.bincount([c for scene in scenes for c in scene.class_ids], minlength=41)[1:]
    assert np.count_nonzero(images > 50) == 2
    assert 10 <= np.count_nonzero(images < 8) <= 16


def test_a_crowded_folder_names_its_classes_and_colours_tell_them(tmp_path: Path):
    root = make_shapes(tmp_path / "crowded", train=2, val=1, size=64, crowded=True)
    names = (root / "classes.txt").read_text().splitlines()
    assert names[:3] == ["background", "red disc", "red square"]
    assert len(names) == 41
    for name, rows in rows_of(root, "tags.csv").items():
        seen = set(np.unique(labels_of(root, "masks", name))) - {0, VOID}
        assert sorted(names.index(row["class"]) for row in rows) == sorted(seen)
    red, _ = _object_colours(CROWDED.shapes[0])
    blue, _ = _object_colours(CROWDED.shapes[15])
    assert red[0] > red[2]
    assert blue[2] > blue[0]


def _object_colours(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of the pixels of one drawn object."""
    style = SceneStyle((shape,), radius=(0.3, 0.3), frequency=(1.0,))
    scene = draw_scene(np.random.default_rng(0), 96, style)
    pixels = scene.image[scene.labels == 1].astype(float)
    return pixels.mean(axis=0), pixels.std(axis=0)
