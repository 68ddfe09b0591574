import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weakseg.support.errors import DataError
from weakseg.support.json_files import first_keys, read_json
from weakseg.support.json_stream import json_items

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=20,
)


@settings(deadline=None)
@given(value=values, ascii_only=st.booleans(), indent=st.none() | st.integers(0, 2))
def test_any_json_is_read_as_the_standard_library_reads_it(
    tmp_path_factory, value, ascii_only, indent
):
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps(value, ensure_ascii=ascii_only, indent=indent), encoding="utf-8")
    assert read_json(path) == value
    assert list(json_items(path)) == (value if isinstance(value, list) else [value])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_the_encodings_of_json_are_known_by_themselves(tmp_path, encoding):
    (tmp_path / "a.json").write_bytes('{"löwe": [1]}'.encode(encoding))
    assert read_json(tmp_path / "a.json") == {"löwe": [1]}
    assert first_keys(tmp_path / "a.json") == (False, {"löwe"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged or no JSON"),
        (b'{"a": 1', "damaged or no JSON"),
        (b'{"a": 1} 2', "Extra data"),
        (b'["a", "b" "c"]', "damaged or no JSON"),
        (b"[1, 2", "damaged or no JSON"),
        (b"[1, ]", "damaged or no JSON"),
        (b"[1] ]", "Extra data"),
        (b'{"a": 1, "b": {"c": 2, "c": 3}}', "key 'c' stands twice in an object"),
        (b'["\\ud800"]', "damaged or no JSON"),
        (b'["caf\xe9"]', "not readable as text"),
        (b"[" + b"9" * 5000 + b"]", "damaged or no JSON"),
        (b"[" * 100_000, "at most 64 levels, but got 100000"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "at most 64 levels, but got 70"),
    ],
)
def test_what_is_no_json_is_refused_with_the_file_and_the_reason(tmp_path, content, message):
    path = tmp_path / "marks.json"
    path.write_bytes(content)
    for read in (read_json, lambda path: list(json_items(path))):
        with pytest.raises(DataError, match=message) as caught:
            read(path)
        assert caught.value.path == path


def test_brackets_inside_text_do_not_count_as_nesting(tmp_path):
    value = ["[" * 1000, '\\"[[' * 1000]
    (tmp_path / "a.json").write_text(json.dumps(value))
    assert read_json(tmp_path / "a.json") == value


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        read_json(tmp_path / "a.json")
    with pytest.raises(DataError, match="not readable"):
        read_json(tmp_path)


def test_items_before_a_fault_are_given(tmp_path):
    (tmp_path / "a.json").write_text('[{"a": 1}, {"a": 2}, {"a"')
    items = json_items(tmp_path / "a.json")
    assert [next(items), next(items)] == [{"a": 1}, {"a": 2}]
    with pytest.raises(DataError):
        next(items)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            '{"a": [{"b": 1}, {"c": {"d": 2}}], "e": "f"}',
            (False, {"a", "a.b", "a.c", "a.c.d", "e"}),
        ),
        ('[{"a": {"b": 1}}, {"c": 2}]', (True, {"a", "a.b"})),
        (' [ [ ], {"a": 1}]', (True, set())),
        ('{"a": "' + "x" * 200_000, (False, {"a"})),
        ('{"a": 1, "b" 2, "c', (False, {"a"})),
        ("a,b\n1,2\n", (False, set())),
        ("", (False, set())),
        ("\x89PNG\r\n", (False, set())),
        ('{"a":' * 10_000, None),
    ],
)
def test_the_first_keys_are_found_in_whole_and_broken_files(tmp_path, content, expected):
    (tmp_path / "a").write_text(content, encoding="latin-1")
    found = first_keys(tmp_path / "a")
    assert expected is None or found == expected


def test_looking_into_what_is_no_file_finds_no_keys(tmp_path):
    assert first_keys(tmp_path) == first_keys(tmp_path / "no") == (False, frozenset())
