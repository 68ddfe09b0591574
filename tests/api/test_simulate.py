import csv
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from jsonargparse import ArgumentParser
from PIL import Image

from weakseg.api.simulate import SimulationSettings, simulate
from weakseg.datasets.data_folder import DataFolder
from weakseg.marks.label_maps import write_label_map
from weakseg.marks.simulation.image import simulate_marks
from weakseg.support.errors import DataError, RecipeError, RunError

EVERY = ["tags", "boxes", "points", "scribbles", "masks"]


def labels_of(path):
    return np.asarray(Image.open(path))


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def stems(folder):
    return sorted(path.stem for path in folder.iterdir()) if folder.is_dir() else []


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def records_of(root, split="train"):
    return DataFolder.open(root).split(split)


def marks_of(labels, name="a", kinds=EVERY, *, has_background=True, **options):
    settings = SimulationSettings(**options)
    return simulate_marks(labels, name, kinds, has_background=has_background, **settings.marking)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def many(folder):
    """Make the data folder's training split a hundred images."""
    names = [f"many{number}" for number in range(100)]
    for name in names:
        shutil.copyfile(folder / "images" / "img0.png", folder / "images" / f"{name}.png")
        shutil.copyfile(folder / "masks" / "img0.png", folder / "masks" / f"{name}.png")
    (folder / "splits" / "train.txt").write_text("\n".join(names))
    return folder


@pytest.mark.parametrize("kind", EVERY)
def test_training_images_have_the_wanted_kind_of_marks_and_no_other(folder, out, kind):
    done = simulate(folder, out, SimulationSettings(kinds=[kind]))
    records = records_of(out)
    assert [record.name for record in records] == ["img0", "img1", "img2", "img3"]
    assert {record.marks.kinds for record in records} == {(kind,)}
    assert done.images == {kind: 4}


def test_no_mask_of_a_training_image_is_written_and_others_keep_theirs(folder, out):
    simulate(folder, out)
    assert stems(out / "masks") == ["img4", "img5"]
    for record in records_of(out, "val"):
        before = labels_of(folder / "masks" / f"{record.name}.png")
        assert np.array_equal(labels_of(record.truth), before)


def test_marks_are_those_of_the_mask(folder, out):
    done = simulate(folder, out)
    (record,) = [record for record in records_of(out) if record.name == "img1"]
    assert record.marks.tags == {2}
    (box,) = record.marks.boxes
    assert (box.class_id, box.xmin, box.ymin, box.xmax, box.ymax) == (2, 20, 10, 39, 29)
    mask = labels_of(folder / "masks" / "img1.png")
    assert [mask[int(p.y), int(p.x)] for p in record.marks.points] == [2, 0]
    scribbles = labels_of(record.marks.scribbles)
    assert set(np.unique(scribbles)) == {0, 2, 254}
    assert np.array_equal(mask[scribbles != 254], scribbles[scribbles != 254])
    assert done.marks == {"tags": 4, "boxes": 4, "points": 8, "scribbles": 8}
    assert done.splits == {"train": 4, "val": 2}


def test_the_share_of_labelled_pixels_is_counted(folder, out):
    points = simulate(folder, out, SimulationSettings(kinds=["points"]))
    assert points.labelled == pytest.approx(2 / (48 * 64))
    masks = simulate(folder, out, SimulationSettings(kinds=["masks"]), overwrite=True)
    assert masks.labelled == 1
    done = simulate(folder, out, SimulationSettings(kinds=["scribbles"]), overwrite=True)
    drawn = [labels_of(out / "scribbles" / f"img{number}.png") != 254 for number in range(4)]
    assert done.labelled == pytest.approx(np.mean(drawn))


def test_shares_are_met_and_each_image_has_one_kind(many, out):
    shares = {"tags": 0.25, "scribbles": 0.5, "masks": 0.05, "boxes": 0.2}
    done = simulate(many, out, SimulationSettings(shares=shares), workers=0)
    expected = {"tags": 25, "scribbles": 50, "masks": 5, "boxes": 20}
    assert done.images == expected
    assert Counter(record.marks.kinds for record in records_of(out)) == {
        (kind,): count for kind, count in expected.items()
    }
    assert len(stems(out / "masks")) == 5 + 2


def test_shares_a_hair_off_1_leave_no_image_without_a_kind(many, out):
    shares = {"tags": 1 / 3, "boxes": 1 / 3, "points": 0.3333333}
    done = simulate(many, out, SimulationSettings(shares=shares), workers=0)
    assert sorted(done.images.values()) == [33, 33, 34]


def test_the_same_settings_give_the_same_bytes_in_any_number_of_processes(folder, out, tmp_path):
    simulate(folder, out, workers=0)
    simulate(folder, tmp_path / "again", workers=2)
    assert contents(out) == contents(tmp_path / "again")
    simulate(folder, tmp_path / "other", SimulationSettings(seed=1), workers=0)
    assert contents(out) != contents(tmp_path / "other")


def test_marks_of_an_image_do_not_depend_on_other_images_or_kinds(folder, out, tmp_path):
    simulate(folder, out)
    (folder / "splits" / "train.txt").write_text("img2\n")
    alone = SimulationSettings(kinds=["points"])
    simulate(folder, tmp_path / "one", alone)
    rows = [row for row in rows_of(out / "points.csv") if row["image"] == "img2"]
    assert rows == rows_of(tmp_path / "one" / "points.csv")


def test_images_of_equal_masks_are_marked_differently(folder):
    labels = labels_of(folder / "masks" / "img0.png")
    first, second = (marks_of(labels, name, ["points"]) for name in ("a", "b"))
    assert first.points != second.points


def test_shorter_scribbles_are_parts_of_longer_ones(folder, tmp_path):
    before = None
    for length in (1.0, 0.8, 0.5, 0.3, 0.0):
        settings = SimulationSettings(kinds=["scribbles"], scribble_length=length)
        simulate(folder, tmp_path / str(length), settings)
        maps = np.stack(
            [
                labels_of(tmp_path / str(length) / "scribbles" / f"img{number}.png")
                for number in range(4)
            ]
        )
        assert all((each == 0).any() for each in maps)
        if before is not None:
            assert (maps[maps != 254] == before[maps != 254]).all()
            assert (maps != 254).sum() < (before != 254).sum()
        before = maps


def test_background_is_left_alone_on_wish_and_where_class_0_is_none(folder):
    labels = labels_of(folder / "masks" / "img0.png")
    kinds = ["points", "scribbles"]
    left = marks_of(labels, kinds=kinds, background=False)
    assert left.named_classes == {1}
    sky = marks_of(labels, kinds=["tags", *kinds], has_background=False)
    assert sky.tags == {0, 1}
    assert {point.instance for point in sky.points} == {1, 2}


def test_specks_are_tags_but_no_objects(folder):
    labels = labels_of(folder / "masks" / "img0.png").copy()
    labels[0, 0] = 2
    marks = marks_of(labels)
    assert marks.tags == {1, 2}
    assert {box.class_id for box in marks.boxes} == {1}


def test_points_follow_their_settings(folder):
    labels = labels_of(folder / "masks" / "img0.png")
    marks = marks_of(labels, points_per_object=7, placement="random")
    assert len(marks.points) == 14


def test_a_pascal_voc_folder_works_and_no_split_lets_training_masks_through(folder, out, caplog):
    voc = folder.with_name("VOC2012")
    splits = voc / "ImageSets" / "Segmentation"
    shutil.copytree(folder / "splits", splits)
    shutil.copytree(folder / "images", voc / "JPEGImages")
    shutil.copytree(folder / "masks", voc / "SegmentationClass")
    shutil.copyfile(voc / "JPEGImages" / "img0.png", voc / "JPEGImages" / "unmasked.png")
    (splits / "trainval.txt").write_text("img0\nimg4\n")
    (splits / "test.txt").write_text("unmasked\n")
    (splits / "broken.txt").write_text("nowhere\n")
    done = simulate(voc, out)
    assert done.splits == {"train": 4, "val": 2, "trainval": 1}
    assert stems(out / "masks") == ["img4", "img5"]
    assert stems(out / "images") == [f"img{number}" for number in range(6)]
    assert "broken is left out" in caplog.text
    assert {record.marks.tags for record in records_of(out)} == {frozenset({1}), frozenset({2})}


def test_splits_of_other_names_become_train_and_val(folder, out):
    (folder / "splits" / "train.txt").rename(folder / "splits" / "learn.txt")
    (folder / "splits" / "val.txt").rename(folder / "splits" / "judge.txt")
    (folder / "data.yaml").write_text("train_split: learn\nval_split: judge\n")
    assert simulate(folder / "data.yaml", out).splits == {"train": 4, "val": 2}
    assert len(records_of(out)) == 4


def test_a_folder_without_splits_is_all_trained_on(folder, out):
    shutil.rmtree(folder / "splits")
    assert simulate(folder, out).splits == {"train": 6}
    assert not (out / "masks").exists()


def test_a_training_image_without_mask_is_named(folder, out):
    (folder / "masks" / "img2.png").unlink()
    with pytest.raises(DataError, match=r"img2\.png: the training image 'img2' has no full mask"):
        simulate(folder, out)
    assert not out.exists()


def test_a_mask_of_another_size_is_named_and_nothing_is_left_behind(folder, out):
    write_label_map(folder / "masks" / "img2.png", np.zeros((5, 5), np.uint8))
    with pytest.raises(DataError, match=r"img2\.png: the label map \(H, W\) is \(5, 5\)"):
        simulate(folder, out, workers=2)
    assert [path.name for path in out.parent.iterdir()] == ["data"]


def test_something_in_the_way_is_refused_or_replaced_when_asked(folder, out):
    simulate(folder, out, SimulationSettings(kinds=["tags"]))
    with pytest.raises(RunError, match="something is there"):
        simulate(folder, out)
    simulate(folder, out, SimulationSettings(kinds=["boxes"]), overwrite=True)
    assert not (out / "tags.csv").exists()


def test_the_data_itself_is_never_replaced(folder):
    before = contents(folder)
    for out in (folder, folder / "masks" / ".."):
        with pytest.raises(RunError, match="is read from, so nothing is written there"):
            simulate(folder, out, overwrite=True)
    assert contents(folder) == before


def test_images_are_linked_on_wish_and_the_source_stays_as_it_is(folder, out):
    before = contents(folder)
    simulate(folder, out, SimulationSettings(link=True))
    assert all(path.is_symlink() for path in (out / "images").iterdir())
    assert contents(folder) == before


@pytest.fixture
def instances(folder):
    """Make instance maps that cut the object of img0 in two, edged by void."""
    path = folder.with_name("SegmentationObject")
    path.mkdir()
    numbers = np.full((48, 64), 255, np.uint8)
    numbers[:8] = 0
    numbers[10:30, 20:30], numbers[10:30, 31:40] = 1, 2
    write_label_map(path / "img0.png", numbers)
    return path


def test_instance_maps_tell_objects_apart_where_they_are(folder, out, instances):
    simulate(folder, out, SimulationSettings(kinds=["boxes"], instances=str(instances)))
    boxes = Counter(row["image"] for row in rows_of(out / "boxes.csv"))
    assert boxes == {"img0": 2, "img1": 1, "img2": 1, "img3": 1}


def test_instance_maps_that_are_missing_or_no_fit_are_named(folder, out, instances):
    settings = SimulationSettings(instances=str(instances))
    Image.new("RGB", (64, 48)).save(instances / "img0.png")
    with pytest.raises(DataError, match=r"img0\.png: expected an instance map .* mode RGB"):
        simulate(folder, out, settings)
    Image.new("L", (48, 64)).save(instances / "img0.png")
    with pytest.raises(DataError, match=r"img0\.png: the instance map \(H, W\) is \(64, 48\)"):
        simulate(folder, out, settings)
    with pytest.raises(DataError, match=r"nowhere: expected instance maps"):
        simulate(folder, out, replace(settings, instances="nowhere"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kinds": []}, "kinds: expected a list of one or more kinds among tags, boxes"),
        ({"kinds": ["lines"]}, "kinds: expected"),
        ({"kinds": "points"}, "kinds: expected a list .* but got 'points'"),
        ({"shares": {"lines": 1.0}}, "shares: expected shares by kinds among tags"),
        ({"shares": {"tags": 0.5}}, "shares: expected shares of 0 or more that sum to 1"),
        ({"shares": {"tags": 1.5, "boxes": -0.5}}, "shares: expected shares of 0 or more"),
        ({"shares": {"tags": float("nan")}}, "shares: expected"),
        ({"points_per_object": 0}, "points_per_object: expected at least 1, but got 0"),
        ({"placement": "edge"}, "placement: expected centre or random, but got 'edge'"),
        ({"scribble_length": 1.2}, "scribble_length: expected 0 to 1, but got 1.2"),
        ({"scribble_length": float("nan")}, "scribble_length: expected 0 to 1"),
        ({"scribble_width": 0}, "scribble_width: expected at least 1"),
        ({"min_area": 0}, "min_area: expected at least 1"),
        ({"seed": -1}, "seed: expected 0 or more"),
    ],
)
def test_settings_out_of_range_are_refused(options, said):
    with pytest.raises(RecipeError, match=said):
        SimulationSettings(**options)


def test_every_setting_is_a_flag():
    parser = ArgumentParser()
    parser.add_class_arguments(SimulationSettings, None)
    given = parser.parse_args(
        [
            '--shares={"tags": 0.5, "points": 0.5}',
            "--kinds=[points]",
            "--placement=random",
            "--scribble_length=0.3",
            "--background=false",
        ]
    )
    settings = SimulationSettings(**given.as_dict())
    assert settings.shares == {"tags": 0.5, "points": 0.5}
    assert settings.scribble_length == 0.3
