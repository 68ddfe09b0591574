"""Messages quote little of a value, however long it is in the file."""

import pytest
from tests.fuzz.test_fuzz import try_import
from tests.fuzz.test_leading_out import words_in

from weakseg.support.errors import MAX_MESSAGE

KINDS = ("coco", "cvat_project", "labelme", "box_table", "via", "yolo_lists", "label_studio")


@pytest.mark.parametrize("kind", KINDS)
def test_messages_about_long_values_are_short(kind, make_sample, tmp_path):
    root = tmp_path / "s"
    make_sample(kind, root)
    for path, start, end in words_in(root)[:6]:
        text = path.read_text()
        path.write_text(f"{text[:start]}{'long' * 25_000}{text[end:]}")
        done = try_import(root, root, kind)
        said = [done] if isinstance(done, str) else map(str, done.findings)
        assert all(len(message) <= MAX_MESSAGE for message in said)
        path.write_text(text)
