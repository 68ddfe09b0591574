import json
import os
import random
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from weakseg.support import json_stream
from weakseg.support.errors import DataError
from weakseg.support.json_files import read_json
from weakseg.support.json_stream import JsonStream, json_items

texts = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["annotations", '"annotations": [', "]}", "\\", "é☃😀"]
)
numbers = st.integers() | st.floats(allow_nan=False) | st.just(10**400)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
trees = st.dictionaries(texts | st.sampled_from(["images", "annotations"]), values, max_size=5)
LISTS = ("images", "annotations")


def spaced(value, rng, ascii_only):
    """Write JSON with white space at random wherever there may be some."""

    def space():
        return rng.choice(["", "", " ", "\n", "\r\n\t", " " * 40])

    def listed(parts, ends):
        return ends[0] + space() + f"{space()},{space()}".join(parts) + space() + ends[1]

    if isinstance(value, dict):
        keys = list(value)
        rng.shuffle(keys)
        pairs = (
            f"{json.dumps(key, ensure_ascii=ascii_only)}{space()}:{space()}"
            f"{spaced(value[key], rng, ascii_only)}"
            for key in keys
        )
        return listed(list(pairs), "{}")
    if isinstance(value, list):
        return listed([spaced(item, rng, ascii_only) for item in value], "[]")
    return json.dumps(value, ensure_ascii=ascii_only)


def read_back(path, lists=LISTS):
    """Read a file as a stream, and its items once more; put its tree together."""
    stream = JsonStream(path)
    tree, read, spans = {}, [], []
    for key, value, span in stream.members(lists):
        if span is None:
            tree[key] = value
        else:
            tree[key].append(value)
            read.append(value)
            spans.append(span)
    assert list(stream.items(reversed(spans))) == read[::-1]
    return tree


def outcome(read, path):
    try:
        return "value", read(path)
    except DataError as error:
        return "fault", str(error)


@settings(deadline=None)
@given(
    tree=trees,
    seed=st.integers(0, 9999),
    ascii_only=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32-be"]),
    chunk=st.integers(1, 50),
)
@example({"annotations": [1.5, -12, True]}, 0, True, "utf-8", 1)
def test_any_object_is_read_as_the_standard_library_reads_it(
    tmp_path_factory, tree, seed, ascii_only, encoding, chunk
):
    path = tmp_path_factory.mktemp("json") / "a.json"
    rng = random.Random(seed)
    text = rng.choice(["", " \n"]) + spaced(tree, rng, ascii_only) + rng.choice(["", "\r\n "])
    path.write_bytes(text.encode(encoding))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", chunk)
        assert read_back(path) == json.loads(text)


@settings(deadline=None)
@given(
    value=st.lists(values, max_size=5) | values,
    seed=st.integers(0, 9999),
    chunk=st.integers(1, 50),
    data=st.data(),
)
def test_items_of_a_list_whole_or_damaged_are_those_of_the_whole_reading(
    tmp_path_factory, value, seed, chunk, data
):
    path = tmp_path_factory.mktemp("json") / "a.json"
    text = f" {spaced(value, random.Random(seed), ascii_only=False)}\n".encode()
    end = data.draw(st.just(len(text)) | st.integers(0, len(text)))
    path.write_bytes(text[:end])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", chunk)
        found = outcome(lambda path: list(json_items(path)), path)
    kind, whole = outcome(read_json, path)
    if kind == "value" and not isinstance(whole, list):
        whole = [whole]
    assert found == (kind, whole)


@settings(deadline=None)
@given(tree=trees, seed=st.integers(0, 9999), chunk=st.integers(1, 50), data=st.data())
def test_a_damaged_file_is_refused_with_the_words_of_the_whole_reading(
    tmp_path_factory, tree, seed, chunk, data
):
    path = tmp_path_factory.mktemp("json") / "a.json"
    whole = spaced(tree, random.Random(seed), ascii_only=False).encode()
    place = data.draw(st.integers(0, len(whole) - 1))
    sign = data.draw(st.sampled_from([*b'"[]{},:1e-. \\', 0, 255]))
    cut = data.draw(st.booleans())
    path.write_bytes(whole[:place] if cut else whole[:place] + bytes([sign]) + whole[place + 1 :])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", chunk)
        found = outcome(read_back, path)
    kind, value = expected = outcome(read_json, path)
    if kind == "fault" or isinstance(value, dict):
        assert found == expected
    else:
        assert "expected an object as the file" in found[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged or no JSON"),
        (b"[1, 2]", r"expected an object as the file, but got \[1, 2\]"),
        (b"3", "expected an object as the file, but got 3"),
        (b'{"a": [1, 2', "damaged or no JSON"),
        (b'{"a": [1, 2]', "damaged or no JSON"),
        (b'{"a": [1, 2,]}', "damaged or no JSON"),
        (b'{"a": [1 2]}', "damaged or no JSON"),
        (b'{"a": [1}', "damaged or no JSON"),
        (b'{"a": [1], }', "damaged or no JSON"),
        (b'{"a": [1]} []', "Extra data"),
        (b'{"a": [1], "a": 2}', "key 'a' stands twice in an object"),
        (b'{"a": [{"b": 1, "b": 2}]}', "key 'b' stands twice in an object"),
        (b'{"a": ["\\ud800"]}', "damaged or no JSON"),
        (b'{"\\ud800": [1]}', "damaged or no JSON"),
        (b'{"a": ["caf\xe9"]}', "not readable as text"),
        (b'{"a": ["caf\xc3', "not readable as text"),
        (b'{"a": [' + b"9" * 5000 + b"]}", "damaged or no JSON"),
        (b'{"a": [' + b"[" * 63 + b"]" * 63 + b"]}", "at most 64 levels, but got 65"),
        (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "at most 64 levels, but got 65"),
        (b'{"b": ' + b"[" * 64 + b"]" * 64 + b"}", "at most 64 levels, but got 65"),
        (b'{"a": [' + b"[" * 100_000, "at most 64 levels, but got 100002"),
    ],
)
def test_faults_are_named_with_the_file(tmp_path, content, message):
    path = tmp_path / "marks.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_back(path, ["a"])
    assert caught.value.path == path


def test_as_many_levels_as_elsewhere_are_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": [' + b"[" * 62 + b"]" * 62 + b', "[[[["]}')
    assert read_back(path, ["a"]) == read_json(path)


def test_what_is_no_number_is_read_as_elsewhere(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": [NaN, -Infinity, 1e400, null]}')
    assert str(read_back(path, ["b"])) == "{'a': [nan, -inf, inf, None]}"
    *_, last = JsonStream(path).members(["a"])
    assert last.value is None


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        read_back(tmp_path / "a.json")
    with pytest.raises(DataError, match="not readable"):
        read_back(tmp_path)


@pytest.mark.parametrize("changed", ['{"a": [{"b": 2}]}', '{"a": [{"b": 100}]}', "{}"])
def test_a_file_that_changes_between_the_readings_is_refused(tmp_path, changed):
    path = tmp_path / "a.json"
    path.write_text('{"a": [{"b": 1}]}')
    stream = JsonStream(path)
    *_, last = stream.members(["a"])
    path.write_text(changed)
    os.utime(path, ns=(0, 0))
    with pytest.raises(DataError, match=r"a\.json: has changed while it was read"):
        next(stream.items([last.span]))


def test_a_file_that_is_gone_between_the_readings_is_refused(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": [1]}')
    stream = JsonStream(path)
    *_, last = stream.members(["a"])
    path.unlink()
    with pytest.raises(DataError, match=r"a\.json: has changed while it was read"):
        next(stream.items([last.span]))


def test_memory_is_that_of_an_item_not_of_the_file(tmp_path):
    path = tmp_path / "a.json"
    item = {"segmentation": [[float(number) for number in range(50)]]}
    path.write_text(json.dumps({"a": [item] * 20_000}))
    stream = JsonStream(path)
    tracemalloc.start()
    try:
        count = sum(1 for _ in stream.members(["a"]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_001
    assert peak < path.stat().st_size / 4
