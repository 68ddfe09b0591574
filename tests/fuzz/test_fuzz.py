"""Damaged files end in a clear error or in a reading whose findings say what was odd."""

import random
import resource
import shutil
import signal
import time
import zipfile
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from weakseg.api.import_ import ImportSettings, import_marks
from weakseg.datasets.joining import joined
from weakseg.readers.detection import FORMATS, find_format
from weakseg.support.errors import WeaksegError

KINDS = (
    *("labelme", "label_studio", "coco", "coco_masks", "panoptic", "cvat", "datumaro"),
    *("yolo", "open_images", "voc", "voc_masks", "scribblesup_xml", "label_png", "clicks"),
    *("boxes_csv", "tags_csv", "cityscapes", "cityscapes_instances", "cityscapes_colours"),
    *("camvid", "ade20k", "ade20k_2020", "mapillary", "data_folder", "darknet", "shared_labelme"),
    *("via", "via_csv", "makesense", "supervisely", "qupath", "labelbox", "roboflow_masks"),
    *("box_table", "shared_label_studio", "shared_coco", "shared_cvat", "shared_scribblesup"),
    *("via_1", "makesense_points", "makesense_lines", "makesense_tags", "supervisely_project"),
    *("qupath_list", "labelbox_list", "box_table_sizes", "points_csv", "label_studio_pages"),
    *("cvat_project", "labelme_whole", "coco_labels", "voc_tables", "voc_colours", "voc_xml"),
    *("yolo_lists", "yolo_classes", "label_png_folder", "scribblesup_png", "two_via"),
    *("two_via_csv", "two_makesense", "two_qupath", "two_labelbox", "two_coco", "two_cvat"),
    *("two_datumaro", "two_box_table", "two_label_studio"),
)
FEW, MANY = 4, 45  # damaged variants of each kind, in the quick run and in all
SECONDS, MEGABYTES = 60, 1024  # more than before


@contextmanager
def limited():
    """Stop what hangs; afterwards, check what it took."""

    def stop(*_):
        raise TimeoutError(f"hung for {SECONDS} s")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    began, peak = time.monotonic(), _peak_kilobytes()
    try:
        yield
    finally:
        signal.alarm(0)
    assert time.monotonic() - began < SECONDS
    assert _peak_kilobytes() - peak < MEGABYTES * 1024


def _peak_kilobytes():
    """Return the largest memory that this process has had, in kilobytes on Linux."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def try_import(source, folder, kind=None):
    is_map = kind in ("label_png", "label_png_folder")
    settings = ImportSettings(
        images=[str(folder)],
        label_maps="scribbles" if is_map else "masks",
        class_map={"1": "cat"} if is_map else {},
    )
    out = folder.with_name(f"{folder.name}-data")
    try:
        with limited():
            done = import_marks([source], out, settings)
    except WeaksegError as error:
        assert not out.exists()
        return str(error)
    assert (out / "classes.txt").is_file()
    shutil.rmtree(out)
    return done


@pytest.mark.parametrize("kind", KINDS)
def test_the_undamaged_sample_is_read(kind, make_sample, tmp_path):
    done, marks = counted_import(make_sample(kind, tmp_path / "s"), tmp_path / "s", kind)
    assert not isinstance(done, str), done
    assert done.images > 0
    assert marks > 0


def test_every_format_has_a_sample_of_its_own_that_is_damaged(make_sample, tmp_path):
    made = [kind for kind in KINDS if not kind.startswith("shared_")]
    found = {find_format(make_sample(kind, tmp_path / kind)).name for kind in made}
    assert found == {item.name for item in FORMATS}


@pytest.mark.parametrize("kind", KINDS)
def test_what_file_managers_leave_changes_nothing(kind, make_sample, tmp_path):
    root = tmp_path / "s"
    source = make_sample(kind, root)
    source = source if source.is_dir() else root
    before = try_import(source, root, kind)
    if isinstance(before, str):
        pytest.skip("is read as a file only")
    for file in [path for path in root.rglob("*") if path.is_file()]:
        (file.with_name(f"._{file.name}")).write_bytes(b"\0\5\26\7")
        copied = file.parent / "__MACOSX" / file.name
        copied.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, copied)
        (file.parent / "Thumbs.db").write_bytes(b"\xd0\xcf")
    after = try_import(source, root, kind)
    assert not isinstance(after, str), after
    compared = ("images", "marks", "classes", "splits", "counts")
    assert [getattr(after, key) for key in compared] == [getattr(before, key) for key in compared]


@pytest.mark.parametrize(
    ("kind", "variants"),
    [(kind, range(FEW)) for kind in KINDS]
    + [pytest.param(kind, range(FEW, MANY), marks=pytest.mark.slow) for kind in KINDS],
)
def test_a_damaged_sample_is_read_or_refused_and_loses_no_mark_in_silence(
    kind, variants, make_sample, damage, tmp_path
):
    whole, marks = counted_import(make_sample(kind, tmp_path / "whole"), tmp_path / "whole", kind)
    for seed in variants:
        rng = random.Random(f"{kind}{seed}")
        root = tmp_path / f"s{seed}"
        source = make_sample(kind, root)
        done = damage(source if source.is_dir() or rng.random() < 0.8 else root, rng)
        what = f"variant {seed} of {kind}, {done.how}"
        try:
            result, left = counted_import(source, root, kind)
        except Exception as error:
            raise AssertionError(f"{what}: {error!r}") from error
        if isinstance(result, str):
            names = {path.name for path in root.rglob("*")} | {root.name}
            assert any(name in result for name in names), f"{what}, names no file: {result}"
        else:
            is_said = reported(result, root) - reported(whole, tmp_path / "whole")
            assert left >= marks - done.untraced or is_said, f"{what}: {left} of {marks} marks"
        shutil.rmtree(root)


def counted_import(source, folder, kind):
    """Import, and count the marks that were read."""
    counts = []

    def counting(*sources, **options):
        counts.clear()
        for item in joined(*sources, **options):
            counts.append(number_of(item.marks))
            yield item

    with patch("weakseg.api.import_.joined", counting):
        return try_import(source, folder, kind), sum(counts)


def number_of(marks):
    drawn = (marks.boxes, marks.points, marks.strokes, marks.polygons, marks.regions)
    maps = [path for path in (marks.scribbles, marks.mask) if path is not None]
    return len(marks.tags) + sum(map(len, drawn)) + len(maps)


def reported(done, root):
    """Return the findings below a folder, but for those that say that an image has no mark."""
    kept = (finding for finding in done.findings if finding.kind not in ("unmarked", "conflict"))
    return {str(finding).replace(str(root), "") for finding in kept}


def test_the_variants_are_more_than_a_thousand():
    assert len(KINDS) * MANY >= 1000


def test_a_zip_is_read_like_its_folder(make_sample, tmp_path):
    source = make_sample("labelme", tmp_path / "s")
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for file in source.parent.iterdir():
            archive.write(file, f"job 7/{file.name}")
    done = try_import(tmp_path / "export.zip", tmp_path / "s")
    assert not isinstance(done, str), done
    assert done.images == 1


def test_what_is_odd_in_a_zip_names_the_zip(make_sample, tmp_path):
    source = make_sample("labelme", tmp_path / "s")
    source.write_text(source.read_text().replace('"polygon"', '"hexagon"'))
    (tmp_path / "s" / "b.json").write_text(
        '{"version": "5", "flags": {}, "shapes": 3, "imagePath": "a.jpg", "imageData": null}'
    )
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for file in source.parent.iterdir():
            archive.write(file, file.name)
    message = try_import(tmp_path / "export.zip", tmp_path / "s")
    assert str(tmp_path / "export.zip" / "b.json") in message
    source.parent.joinpath("b.json").unlink()
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for file in source.parent.iterdir():
            archive.write(file, file.name)
    findings = try_import(tmp_path / "export.zip", tmp_path / "s").findings
    assert "shapes of type 'hexagon'" in findings[0].message
    assert {finding.path for finding in findings} == {tmp_path / "export.zip" / "a.json"}


def test_a_zip_joined_with_another_source_keeps_its_images(make_sample, tmp_path):
    source = make_sample("labelme", tmp_path / "s")
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for file in source.parent.iterdir():
            archive.write(file, file.name)
    table = tmp_path / "tags.csv"
    table.write_text("image,class\na.jpg,cow\n")
    done = import_marks([tmp_path / "export.zip", table], tmp_path / "data")
    assert done.images == 1
    assert "cow" in done.classes


def test_a_zip_that_leads_out_of_its_folder_is_refused(tmp_path, zip_with_way_out):
    (tmp_path / "s").mkdir()
    message = try_import(zip_with_way_out(tmp_path / "evil.zip"), tmp_path / "s")
    assert "evil.zip" in message
    assert not (tmp_path.parent / "outside.json").exists()


def test_an_image_of_a_declared_60000_by_60000_pixels_is_refused(make_sample, huge_png, tmp_path):
    source = make_sample("labelme", tmp_path / "s")
    (tmp_path / "s" / "a.jpg").write_bytes(huge_png(60_000))
    assert "a.jpg" in try_import(source, tmp_path / "s")
