import json

import numpy as np
import pytest
from PIL import Image

from weakseg.formats.source import SourceOptions
from weakseg.marks.classes import OpenClassList
from weakseg.marks.label_maps import write_label_map
from weakseg.marks.rasterize import AS_MARKED, rasterize
from weakseg.readers.detection import find_format
from weakseg.readers.label_pngs import LABEL_PNGS
from weakseg.support.errors import DataError

CLASSES = ("background", "cat", "dog")


def some_labels():
    labels = np.zeros((40, 60), np.uint8)
    labels[3:9, 4:40], labels[20:, 30:] = 1, 2
    return labels


def save(path, values, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, **options)
    return path


def read(path, **options):
    classes = OpenClassList(CLASSES, closed=True)
    return list(LABEL_PNGS.read(path, classes, SourceOptions(**options)))


def drawn(item):
    classes = OpenClassList(CLASSES)
    return rasterize(item.marks, item.size, classes, AS_MARKED)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_values_are_ids_of_classes_and_254_and_255_those_of_weakseg(tmp_path, dtype):
    labels = some_labels()
    labels[0], labels[1] = 254, 255
    (found,) = read(save(tmp_path / "a.png", labels.astype(dtype)))
    assert (drawn(found) == labels).all()
    assert found.size == (40, 60)


def test_masks_in_a_folder_beside_the_images_are_known(tmp_path):
    save(tmp_path / "images" / "a.jpg", np.zeros((40, 60), np.uint8))
    save(tmp_path / "labels" / "a.png", np.where(some_labels() > 0, np.uint8(255), 0))
    assert find_format(tmp_path) is LABEL_PNGS
    with pytest.raises(DataError, match=r"labels/a\.png: .* your object, with --class-map"):
        read(tmp_path)


def make_images_and_masks(root):
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    save(root / "images" / "a.png", noise)
    save(root / "images" / "more" / "b.png", noise)
    save(root / "masks" / "a.png", some_labels())
    save(root / "masks" / "more" / "b.png", some_labels())
    return root


def test_photographs_that_are_pngs_are_no_label_maps(tmp_path):
    root = make_images_and_masks(tmp_path)
    assert find_format(root) is LABEL_PNGS
    found = read(root)
    assert {item.name: item.picture for item in found} == {
        "a": root / "images/a.png",
        "more/b": root / "images/more/b.png",
    }
    assert all((drawn(item) == some_labels()).all() for item in found)
    assert not any(item.findings for item in found)


def test_of_several_folders_beside_the_images_masks_are_read_and_the_others_said(tmp_path):
    root = make_images_and_masks(tmp_path)
    save(root / "edges" / "a.png", some_labels())
    first, last = read(root)
    assert [str(item) for item in last.findings] == [
        f"{root / 'edges'}: PNGs beside masks/; left out"
    ]
    assert not first.findings


def test_photographs_without_a_label_map_are_counted_and_named(tmp_path):
    root = make_images_and_masks(tmp_path)
    for name in ("f.JPG", "c.png", "more/e.png", "d.png"):
        (root / "images" / name).write_bytes(b"")
    for source in (root, root / "masks"):
        (finding,) = read(source)[-1].findings
        assert str(finding) == (
            f"{root / 'images'}: 4 images have no label map; left out: c.png, d.png, f.JPG, …"
        )
    assert not read(root / "masks" / "a.png")[0].findings


def test_indexed_label_maps_give_their_indices(tmp_path):
    write_label_map(tmp_path / "a.png", some_labels())
    assert (drawn(read(tmp_path)[0]) == some_labels()).all()


def test_label_maps_of_one_bit_are_read(tmp_path):
    labels = some_labels() == 1
    assert (drawn(read(save(tmp_path / "a.png", labels))[0]) == labels).all()


def test_label_maps_may_be_scribbles(tmp_path):
    save(tmp_path / "a.png", some_labels())
    kinds = {region.kind for region in read(tmp_path, label_maps="scribbles")[0].marks.regions}
    assert kinds == {"scribble"}
    assert {region.kind for region in read(tmp_path)[0].marks.regions} == {"mask"}


def test_stated_values_count_before_all_else(tmp_path):
    labels = some_labels()
    labels[0], labels[30:, :5] = 255, 77
    (found,) = read(save(tmp_path / "a.png", labels), unlabelled=0, void=77)
    expected = np.select([labels == 0, labels == 77], [254, 255], labels.astype(int))
    assert (drawn(found) == expected).all()


@pytest.mark.parametrize(("option", "meaning"), [("void", 255), ("unlabelled", 254)])
def test_what_255_alone_means_is_asked(tmp_path, option, meaning):
    labels = some_labels()
    labels[0] = 255
    save(tmp_path / "a.png", labels)
    with pytest.raises(DataError, match=r"a\.png: 60 pixels are 255.*--void 255 or --unlabelled"):
        read(tmp_path)
    labels[0] = meaning
    assert (drawn(read(tmp_path, **{option: 255})[0]) == labels).all()


def test_values_of_no_class_are_listed_with_all_others(tmp_path):
    labels = some_labels().astype(np.uint16)
    labels[5, 6], labels[7] = 9, 4000
    message = (
        r"a\.png: value 9 \(first at x=6, y=5\) is no class; pixels by value: 0: \d+, 1: \d+, "
        r"2: 600, 9: 1, 4000: 60\. Name them .* --class-map 9=NAME 4000=NAME, or with --classes "
        r"FILE, .*--void VALUE and --unlabelled VALUE"
    )
    with pytest.raises(DataError, match=message):
        read(save(tmp_path / "a.png", labels))


def test_of_many_values_the_first_are_listed(tmp_path):
    labels = np.arange(1000, dtype=np.uint16).reshape(20, 50)
    with pytest.raises(DataError, match=r"19: 1, and 980 more"):
        read(save(tmp_path / "a.png", labels))


@pytest.mark.parametrize("beside", ["maps", "images", "JPEGImages"])
def test_the_photograph_is_found_beside_and_is_never_the_label_map(tmp_path, beside):
    save(tmp_path / "maps/sub/a.png", some_labels())
    assert read(tmp_path / "maps")[0].picture is None
    photo = save(tmp_path / beside / "sub/a.jpg", np.zeros((40, 60, 3), np.uint8))
    (found,) = read(tmp_path / "maps")
    assert (found.name, found.picture) == ("sub/a", photo)


def test_photographs_that_are_pngs_too_are_found_in_the_users_folder(tmp_path):
    save(tmp_path / "maps/a.jpg.png", some_labels())
    photo = save(tmp_path / "photos/a.jpg", np.zeros((40, 60, 3), np.uint8))
    (found,) = read(tmp_path / "maps", images=(tmp_path / "photos",))
    assert (found.name, found.picture) == ("a", photo)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colour_coded_masks_are_read_with_a_palette(tmp_path, mode):
    labels = some_labels()
    labels[0], labels[1] = 254, 255
    colours = {
        "background": "#000000",
        "cat": "#ff0000",
        "dog": [0, 0, 9],
        "void": "#ffffff",
        "unlabelled": "#808080",
    }
    (tmp_path / "palette.json").write_text(json.dumps(colours))
    table = np.zeros((256, 3), np.uint8)
    table[[1, 2, 254, 255]] = (255, 0, 0), (0, 0, 9), (128, 128, 128), (255, 255, 255)
    picture = Image.fromarray(labels)
    picture.putpalette(table.tobytes())
    (tmp_path / "maps").mkdir()
    picture.convert(mode).save(tmp_path / "maps/a.png")
    (found,) = read(tmp_path / "maps", palette=tmp_path / "palette.json")
    assert (drawn(found) == labels).all()


def test_what_is_transparent_is_unlabelled(tmp_path):
    (tmp_path / "palette.csv").write_text("name,r,g,b\ncat,255,0,0\n")
    picture = np.zeros((4, 5, 4), np.uint8)
    picture[1] = (255, 0, 0, 255)
    (found,) = read(save(tmp_path / "a.png", picture), palette=tmp_path / "palette.csv")
    assert [(item.class_id, item.runs) for item in found.marks.regions] == [(1, (5, 5, 10))]


def test_a_colour_that_is_not_in_the_palette_is_named_with_the_nearest(tmp_path):
    (tmp_path / "p.csv").write_text("name,r,g,b\nbackground,0,0,0\ncat,255,0,0\n")
    picture = np.zeros((4, 5, 3), np.uint8)
    picture[1, 2:] = (250, 5, 0)
    message = (
        r"a\.png: colour \(250, 5, 0\) \(first at x=2, y=1; 3 pixels\) is not in the palette; "
        r"the nearest there is \(255, 0, 0\), 'cat'"
    )
    with pytest.raises(DataError, match=message):
        read(save(tmp_path / "a.png", picture), palette=tmp_path / "p.csv")


def test_a_colour_picture_without_a_palette_asks_for_one(tmp_path):
    save(tmp_path / "a.png", np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(DataError, match=r"a\.png: .*mode RGB.*--palette FILE"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"void": 3, "unlabelled": 3}, "value 3 is stated to be both"),
        ({"palette": True, "void": 3}, r"p\.csv: .*name colours 'void'"),
        ({}, "expected PNGs, but there are none"),
    ],
)
def test_what_cannot_be_read_together_is_refused(tmp_path, options, message):
    (tmp_path / "p.csv").write_text("name,r,g,b\ncat,255,0,0\n")
    if options:
        save(tmp_path / "a.png", some_labels())
    if options.get("palette"):
        options = options | {"palette": tmp_path / "p.csv"}
    with pytest.raises(DataError, match=message):
        read(tmp_path, **options)


def test_a_damaged_file_is_named(tmp_path):
    path = save(tmp_path / "a.png", some_labels())
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match=r"a\.png: is damaged or no label map"):
        read(tmp_path)


def test_a_small_file_that_claims_to_be_huge_is_not_decoded(tmp_path):
    path = save(tmp_path / "a.png", np.zeros((9000, 9000), np.uint8), compress_level=9)
    with path.open("r+b") as file:
        file.truncate(2000)
    with pytest.raises(DataError, match="a picture of 9000 × 9000 pixels is not in 2000 bytes"):
        read(tmp_path)


def test_label_maps_are_recognised_and_photographs_are_not(tmp_path):
    labels, photos = tmp_path / "labels", tmp_path / "photos"
    path = save(labels / "a.png", some_labels())
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    save(photos / "a.png", noise)
    save(photos / "grey/a.png", noise[..., 0])
    assert LABEL_PNGS.recognises(labels)
    assert LABEL_PNGS.recognises(path)
    assert not LABEL_PNGS.recognises(photos)
    assert not LABEL_PNGS.recognises(photos / "grey")
    assert not LABEL_PNGS.recognises(tmp_path)
    assert not LABEL_PNGS.recognises(tmp_path / "none")
    path.write_bytes(b"")
    assert not LABEL_PNGS.recognises(labels)


def test_colour_coded_masks_are_recognised_so_that_a_palette_can_be_asked_for(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (3, 3)).astype(np.uint8)
    assert LABEL_PNGS.recognises(save(tmp_path / "a.png", colours[some_labels()]))


def test_the_masks_of_photographs_are_drawn_again_as_they_are(shared):
    folder = shared / "voc" / "VOC2012" / "SegmentationClassAug"
    if not folder.is_dir():
        pytest.skip("the masks are absent")
    classes = OpenClassList([f"class{n}" for n in range(21)], closed=True)
    for path in sorted(folder.iterdir())[:5]:
        (found,) = LABEL_PNGS.read(path, classes, SourceOptions(void=255))
        labels = rasterize(found.marks, found.size, classes)
        assert (labels == np.array(Image.open(path))).all()
        assert found.picture == folder.parent / "JPEGImages" / f"{path.stem}.jpg"


def test_label_studios_brushes_as_png_are_refused_with_the_export_to_take(tmp_path):
    mask = Image.fromarray(np.full((4, 5), 255, np.uint8))
    mask.save(tmp_path / "task-1-annotation-2-by-1-tag-cat-0.png")
    with pytest.raises(DataError, match='export as "JSON", which holds the same masks'):
        list(LABEL_PNGS.read(tmp_path, OpenClassList(), SourceOptions()))


def test_images_are_not_named_like_the_folder_of_their_masks(tmp_path):
    for split in ("train", "val"):
        save(tmp_path / split / "images/a.jpg", np.zeros((40, 60), np.uint8))
        save(tmp_path / split / "masks/a.png", some_labels())
    assert [item.name for item in read(tmp_path)] == ["train/a", "val/a"]


def test_values_of_16_bits_may_have_names(tmp_path):
    labels = some_labels().astype(np.uint16)
    labels[labels == 2] = 1000
    classes = OpenClassList(rename={"0": "background", "1": "cat", "1000": "dog"})
    (item,) = LABEL_PNGS.read(save(tmp_path / "a.png", labels), classes, SourceOptions())
    assert classes.names == ["background", "cat", "dog"]
    assert (drawn(item) == some_labels()).all()


@pytest.mark.parametrize(
    ("image", "mask", "name"),
    [
        ("imgs/a.jpg", "masks/a.png", "a"),
        ("img_dir/val/a.jpg", "ann_dir/val/a.png", "val/a"),
        ("images/a.jpg", "labels/a_mask.png", "a"),
        ("images/a.jpg", "masks/a-seg.png", "a"),
        ("images/b/a.jpg", "masks/b/a_segmentation.png", "b/a"),
        ("images/a_mask.jpg", "masks/a_mask.png", "a_mask"),
    ],
)
def test_photographs_are_found_in_the_folders_and_by_the_names_that_people_use(
    tmp_path, image, mask, name
):
    photograph = save(tmp_path / image, np.zeros((40, 60), np.uint8))
    save(tmp_path / mask, some_labels())
    assert find_format(tmp_path) is LABEL_PNGS
    (found,) = read(tmp_path)
    assert (found.name, found.picture) == (name, photograph)


def test_label_maps_that_are_no_png_are_named(tmp_path):
    for name in "abc":
        save(tmp_path / "images" / f"{name}.bmp", np.zeros((40, 60), np.uint8))
    save(tmp_path / "masks" / "a.png", some_labels())
    save(tmp_path / "masks" / "b.tif", some_labels())
    save(tmp_path / "masks" / "c.gif", some_labels())
    messages = [finding.message for finding in read(tmp_path)[0].findings]
    assert "2 files are no PNG, as label maps have to be, and not read: b.tif, c.gif" in messages
