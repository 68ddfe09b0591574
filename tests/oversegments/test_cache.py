import errno
import json
import multiprocessing
import os
import random
import resource
import signal
import struct
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from weakseg.images.reading import read_image
from weakseg.oversegments import hed
from weakseg.oversegments.cache import oversegment_image, oversegment_images
from weakseg.oversegments.region_maps import is_current, load_oversegment, save_oversegment
from weakseg.oversegments.settings import OversegmentSettings
from weakseg.support.errors import DataError, RunError

SETTINGS = OversegmentSettings(regions=5)


@pytest.fixture
def photos(tmp_path: Path) -> list[tuple[str, Path]]:
    rng = np.random.default_rng(0)
    named = []
    for index, name in enumerate(["one", "two.v1", "sub/three"]):
        path = tmp_path / "images" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        blocks = rng.integers(0, 256, (4, 5 + index, 3), dtype=np.uint8)
        Image.fromarray(blocks.repeat(8, axis=0).repeat(8, axis=1)).save(path)
        named.append((name, path))
    return named


def files_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


@pytest.mark.parametrize("workers", [0, 2])
def test_maps_and_settings_are_written_below_the_key(
    photos: list[tuple[str, Path]], tmp_path: Path, workers: int
):
    folder = oversegment_images(photos, SETTINGS, tmp_path / "c", workers=workers)
    assert folder == tmp_path / "c" / SETTINGS.key()
    assert files_of(folder) == ["one.png", "settings.json", "sub/three.png", "two.v1.png"]
    assert json.loads((folder / "settings.json").read_text())["regions"] == 5
    regions = load_oversegment(folder / "sub/three.png", expected_size=(32, 56))
    assert np.array_equal(np.unique(regions), np.arange(5))


def test_only_missing_or_stale_maps_are_computed(photos: list[tuple[str, Path]], tmp_path: Path):
    def run() -> Path:
        return oversegment_images(photos, SETTINGS, tmp_path / "c", workers=0)

    folder = run()
    paths = [folder / f"{name}.png" for name, _ in photos]
    for path in paths:
        os.utime(path, ns=(0, path.stat().st_mtime_ns))
    before = [path.stat().st_mtime_ns for path in paths]
    run()
    assert [path.stat().st_mtime_ns for path in paths] == before

    later = before[0] + 10**10
    os.utime(photos[0][1], ns=(later, later))  # the same image, copied later
    run()
    assert [path.stat().st_mtime_ns for path in paths] == before

    _turn_over(photos[0][1])  # another image, no newer than its map
    paths[1].write_bytes(paths[1].read_bytes()[:-20])  # a map cut short
    save_oversegment(paths[2], np.zeros((3, 3), np.int32))  # a map of another image
    run()
    assert load_oversegment(paths[1]).shape == (32, 48)
    assert load_oversegment(paths[2]).shape == (32, 56)
    assert paths[0].stat().st_mtime_ns != before[0]


def _turn_over(path: Path) -> None:
    with Image.open(path) as picture:
        turned = picture.transpose(Image.Transpose.ROTATE_180)
    turned.save(path)
    os.utime(path, ns=(0, 0))


def test_key_depends_on_every_setting_and_is_stable():
    changed = [
        replace(SETTINGS, regions=6),
        replace(SETTINGS, threshold=0.1),
        replace(SETTINGS, balance=0.0),
        replace(SETTINGS, max_side=100),
    ]
    assert len({settings.key() for settings in [SETTINGS, *changed]}) == 5
    assert OversegmentSettings().key() == OversegmentSettings().key()


def test_key_names_what_is_used_however_it_is_said():
    said = OversegmentSettings(balance=0.5, max_side=256)
    assert said.key() == OversegmentSettings().key()
    few, many = (OversegmentSettings(regions=count, threshold=0.1) for count in (5, 50))
    assert few.key() == many.key()


def test_key_depends_on_the_content_of_the_weights(tmp_path: Path):
    for name, content in {"one": b"1", "same": b"1", "other": b"2"}.items():
        (tmp_path / name).write_bytes(content)
    one, same, other = (
        OversegmentSettings(boundaries="hed", weights=tmp_path / name).key()
        for name in ("one", "same", "other")
    )
    assert one == same != other
    assert one != OversegmentSettings().key()
    (tmp_path / "one").write_bytes(b"changed")
    assert OversegmentSettings(boundaries="hed", weights=tmp_path / "one").key() != one


@pytest.fixture(scope="session")
def hed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write untrained weights of HED."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "hed.safetensors"
    save_file(hed.HedNetwork().state_dict(), path)
    return path


@pytest.mark.parametrize("workers", [0, 2])
def test_hed_maps_are_those_of_each_image_alone(
    photos: list[tuple[str, Path]], tmp_path: Path, hed_file: Path, workers: int
):
    settings = OversegmentSettings(boundaries="hed", weights=hed_file, regions=4)
    folder = oversegment_images(photos, settings, tmp_path / "c", workers=workers, device="cpu")
    for name, path in photos:
        alone = oversegment_image(read_image(path), settings, device="cpu")
        assert np.array_equal(load_oversegment(folder / f"{name}.png"), alone)


def test_boundaries_are_measured_only_as_regions_are_cut(
    photos: list[tuple[str, Path]], tmp_path: Path, hed_file: Path, monkeypatch: pytest.MonkeyPatch
):
    written = []

    def measured(image: np.ndarray, network: object) -> np.ndarray:
        written.append(len(list((tmp_path / "c").rglob("*.png"))))
        return np.zeros(image.shape[:2], np.float32)

    monkeypatch.setattr(hed, "hed_boundaries", measured)
    settings = OversegmentSettings(boundaries="hed", weights=hed_file)
    oversegment_images(photos, settings, tmp_path / "c", workers=0)
    assert written == [0, 1, 2]


@pytest.mark.parametrize("workers", [0, 1])
def test_truncated_image_is_named(photos: list[tuple[str, Path]], tmp_path: Path, workers: int):
    path = photos[1][1]
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"two\.v1\.png") as caught:
        oversegment_images(photos, SETTINGS, tmp_path / "c", workers=workers)
    assert caught.value.path == path


def test_missing_image_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"nowhere\.jpg"):
        oversegment_images([("x", tmp_path / "nowhere.jpg")], SETTINGS, tmp_path)


@pytest.mark.parametrize("name", ["../out", "/abs", "a/../../b", ""])
def test_name_that_leads_out_of_the_folder_is_refused(name: str, tmp_path: Path):
    with pytest.raises(DataError, match="leads out of it"):
        oversegment_images([(name, tmp_path)], SETTINGS, tmp_path)


def test_full_disk_names_the_file_and_leaves_no_half_file(
    photos: list[tuple[str, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(self: Image.Image, path: Path, **options: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(RunError, match=r"one\.png.*disk is full"):
        oversegment_images(photos, SETTINGS, tmp_path / "c", workers=0)
    assert files_of(tmp_path / "c" / SETTINGS.key()) == ["settings.json"]


def test_large_image_is_cut_at_low_resolution_and_comes_back_at_its_size():
    image = np.zeros((120, 200, 3), np.uint8)
    image[:, 101:] = 200
    regions = oversegment_image(image, replace(SETTINGS, regions=2, max_side=50))
    assert regions.shape == (120, 200)
    assert (regions[:, :96] == regions[0, 0]).all()
    assert (regions[:, 106:] == 1 - regions[0, 0]).all()


def test_more_regions_than_8_bits_survive_the_file(tmp_path: Path):
    regions = np.arange(70 * 90, dtype=np.int32).reshape(70, 90)
    save_oversegment(tmp_path / "a.png", regions)
    loaded = load_oversegment(tmp_path / "a.png")
    assert loaded.dtype == np.int32
    assert np.array_equal(loaded, regions)


def test_more_regions_than_16_bits_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match="at most 65536 regions, but got 65537"):
        save_oversegment(tmp_path / "a.png", np.array([[0, 65536]], np.int32))


def test_unreadable_map_is_named(tmp_path: Path):
    path = tmp_path / "a.png"
    with pytest.raises(DataError, match=r"a\.png: there is no such region map"):
        load_oversegment(path)
    save_oversegment(path, np.arange(6000, dtype=np.int32).reshape(60, 100))
    with pytest.raises(DataError, match=r"a\.png.*\(60, 100\) while its image is \(9, 9\)"):
        load_oversegment(path, expected_size=(9, 9))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match=r"a\.png: is damaged or no region map"):
        load_oversegment(path)
    Image.new("RGB", (4, 4)).save(path)
    with pytest.raises(DataError, match=r"a\.png: expected a region map"):
        load_oversegment(path)


def test_damaged_map_ends_in_an_error_or_in_a_map_of_the_size(tmp_path: Path):
    path = tmp_path / "a.png"
    save_oversegment(path, np.arange(600, dtype=np.int32).reshape(20, 30))
    sound, rng = path.read_bytes(), random.Random(0)
    refused = 0
    for number in range(300):
        data = bytearray(sound)
        for _ in range(rng.choice([1, 5, 50])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data[: rng.randrange(len(data))] if number % 3 == 0 else data)
        assert is_current(path, path, (20, 30)) in {True, False}
        try:
            assert load_oversegment(path, expected_size=(20, 30)).shape == (20, 30)
        except DataError:
            refused += 1
    assert refused > 100


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_000, 60_000])
def test_a_map_that_declares_a_huge_size_is_not_decoded(tmp_path: Path, side: int):
    path = tmp_path / "a.png"
    save_oversegment(path, np.zeros((20, 30), np.int32))
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", side, side)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)
    assert not is_current(path, path, (20, 30))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match=r"a\.png"):
        load_oversegment(path, expected_size=(20, 30))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


@pytest.mark.parametrize(
    "options",
    [
        {"regions": 0},
        {"regions": None},
        {"threshold": 1.5},
        {"balance": -1},
        {"max_side": 0},
        {"boundaries": "magic"},
    ],
)
def test_settings_out_of_range_are_refused(options: dict):
    with pytest.raises(ValueError, match="Expected `"):
        OversegmentSettings(**options)


def test_daemon_process_works_without_children(photos: list[tuple[str, Path]], tmp_path: Path):
    process = multiprocessing.get_context("spawn").Process(
        target=oversegment_images,
        args=(photos, SETTINGS, tmp_path / "c"),
        kwargs={"workers": 2},
        daemon=True,
    )
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert (tmp_path / "c" / SETTINGS.key() / "one.png").exists()


_UNGUARDED_SCRIPT = """
import signal
import sys
from pathlib import Path
from weakseg.oversegments.cache import oversegment_images
from weakseg.oversegments.settings import OversegmentSettings

# Tests that a shell runs in the background hand down that Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
root = Path(sys.argv[1])
photos = [(f"n{index}", root / "photo.png") for index in range(4000)]
oversegment_images(photos, OversegmentSettings(), root / "c", workers=1)
"""


def test_ctrl_c_stops_even_an_unguarded_script_promptly_and_leaves_whole_files(tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    (tmp_path / "script.py").write_text(_UNGUARDED_SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py"), str(tmp_path)],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while process.poll() is None and len(list((tmp_path / "c").rglob("n*.png"))) < 2:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    started = time.monotonic()
    _, error = process.communicate(timeout=20)
    assert time.monotonic() - started < 5
    assert b"KeyboardInterrupt" in error
    done = list((tmp_path / "c").rglob("*.png"))
    assert 2 <= len(done) < 4000
    assert all(not path.name.startswith(".") for path in done)
    assert all(load_oversegment(path).shape == (60, 60) for path in done)


def test_importing_brings_in_no_torch():
    code = "import sys, weakseg.oversegments.cache; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 6])
def test_maps_of_stored_pixels_are_made_again_and_only_once(tmp_path: Path, orientation: int):
    blocks = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    stored = blocks.repeat(8, axis=0).repeat(8, axis=1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = tmp_path / "a.png"
    Image.fromarray(stored).save(image, exif=exif)
    path = tmp_path / "cache" / SETTINGS.key() / "a.png"
    path.parent.mkdir(parents=True)
    old = oversegment_image(stored, SETTINGS)  # of the same size, and of other pixels
    save_oversegment(path, old)
    oversegment_images([("a", image)], SETTINGS, tmp_path / "cache", workers=0)
    assert (load_oversegment(path) == oversegment_image(read_image(image), SETTINGS)).all()
    assert (load_oversegment(path) == old).all() == (orientation == 1)
    made = path.stat().st_mtime_ns
    oversegment_images([("a", image)], SETTINGS, tmp_path / "cache", workers=0)
    assert path.stat().st_mtime_ns == made
