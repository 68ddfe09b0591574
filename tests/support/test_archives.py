import stat
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from weakseg.support import archives
from weakseg.support.archives import unpacked
from weakseg.support.errors import DataError


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def test_a_zip_is_unpacked_and_removed_afterwards(tmp_path):
    path = zipped(tmp_path / "export.bin", {"a.json": b"{}", "images/b.jpg": b"b" * 3_000_000})
    with unpacked(path) as folder:
        assert (folder / "a.json").read_bytes() == b"{}"
        assert (folder / "images" / "b.jpg").stat().st_size == 3_000_000
    assert not folder.exists()


def test_it_is_removed_after_an_error_too(tmp_path):
    with pytest.raises(KeyError), unpacked(zipped(tmp_path / "x.zip", {"a": b""})) as folder:
        raise KeyError
    assert not folder.exists()


def test_one_folder_at_the_top_is_entered(tmp_path):
    path = zipped(tmp_path / "x.zip", {"data/a.json": b"", "__MACOSX/data/._a.json": b""})
    with unpacked(path) as folder:
        assert folder.name == "data"
        assert (folder / "a.json").is_file()


def test_anything_else_is_passed_on(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    for path in (tmp_path, tmp_path / "a.json", tmp_path / "missing"):
        with unpacked(path) as same:
            assert same == path


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "/etc/a", "\\a", "C:/a", "c:a", "a\\..\\..\\b", ".."]
)
def test_paths_that_lead_out_are_refused(tmp_path, name):
    path = zipped(tmp_path / "x.zip", {"good": b"", name: b"bad"})
    with pytest.raises(DataError, match="leads out of the zip") as caught, unpacked(path):
        pass
    assert caught.value.path == path
    assert name.replace("\\", "\\\\") in str(caught.value.entry)


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("a")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="'a': is a link"), unpacked(tmp_path / "x.zip"):
        pass


def test_encrypted_entries_are_refused(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a": b"content"})
    raw = bytearray(path.read_bytes())
    raw[6] |= 1  # the flag in the entry's own header, and in the directory
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match="'a': is encrypted"), unpacked(path):
        pass


def test_bombs_are_refused_before_anything_is_written(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a": bytes(archives.FREE_SIZE + 1)})
    with pytest.raises(DataError, match="more than 200 times as many"), unpacked(path):
        pass


def test_more_than_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_UNPACKED", 10)
    with (
        pytest.raises(DataError, match="expected at most"),
        unpacked(zipped(tmp_path / "x.zip", {"a": b"0123456789A"})),
    ):
        pass


def test_an_entry_that_lies_about_its_size_does_not_unpack(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a": b"x" * 5000})
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, raw.index(b"PK\x01\x02") + 24, 10)
    path.write_bytes(raw)
    with pytest.raises(DataError, match="'a': cannot be unpacked"), unpacked(path):
        pass


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_entry_twice_is_refused(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "1")
        archive.writestr("a", "2")
    with pytest.raises(DataError, match="'a': cannot be unpacked"), unpacked(path):
        pass


def test_damage_anywhere_ends_in_an_error_or_in_a_folder(tmp_path):
    raw = zipped(tmp_path / "x.zip", {"a.json": b"{}" * 9, "b/c": b"0123"}).read_bytes()
    path = tmp_path / "damaged.zip"
    named = []
    for place in range(0, len(raw), 2):
        for damaged in (raw[:place], raw[:place] + bytes([raw[place] ^ 0xFF]) + raw[place + 1 :]):
            path.write_bytes(damaged)
            try:
                with unpacked(path) as folder:
                    assert folder == path or folder.is_dir()
            except DataError as error:
                named.append(error.path)
    assert len(named) > len(raw) / 2
    assert set(named) == {path}


def test_memory_does_not_grow_with_what_is_unpacked(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a": bytes(60_000_000)})
    tracemalloc.start()
    try:
        with unpacked(path) as folder:
            assert (folder / "a").stat().st_size == 60_000_000
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_may_take_any_memory_are_refused(tmp_path, method):
    """A few bytes of bzip2 are unpacked to gigabytes at once by Python's zipfile."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w", method) as archive:
        archive.writestr("a", bytes(50_000_000))
    with pytest.raises(DataError, match="'a': is packed by bzip2"), unpacked(tmp_path / "x.zip"):
        pass


@pytest.mark.parametrize(
    ("packed", "name"),
    [("ä b".encode(), "ä b"), (b"a\xcc\x88 b", "a\u0308 b"), ("ä b".encode("cp437"), "ä b")],
)
def test_names_in_utf_8_are_known_without_the_flag_that_says_so(tmp_path, packed, name):
    """Python sets the flag, so that the bytes of the name are put in afterwards."""
    path = zipped(tmp_path / "x.zip", {"%" * len(packed): b"1"})
    path.write_bytes(path.read_bytes().replace(b"%" * len(packed), packed))
    with unpacked(path) as folder:
        assert [item.name for item in folder.iterdir()] == [name]


def test_a_name_in_utf_8_without_the_flag_does_not_lead_out(tmp_path):
    path = zipped(tmp_path / "x.zip", {"%%%%%": b"1"})
    path.write_bytes(path.read_bytes().replace(b"%%%%%", "../ä".encode()))
    with pytest.raises(DataError, match="leads out of the zip"), unpacked(path):
        pass
