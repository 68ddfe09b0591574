import contextlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from weakseg.evaluation.confusion import Confusion
from weakseg.evaluation.folder import score_folder
from weakseg.support.errors import DataError

CLASSES = ["background", "cow", "sea"]


def write(path: Path, labels: np.ndarray, mode: str = "L") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels.astype(np.uint8))
    if mode == "P":
        image.putpalette(np.random.default_rng(0).integers(0, 256, 768).astype(np.uint8).tobytes())
    image.save(path)
    return path


@pytest.fixture
def folders(tmp_path):
    """Eight predictions and truths; the names hold dots and a folder."""
    generator = np.random.default_rng(0)
    truths = {}
    for number in range(8):
        name = f"street/frame.{number}"
        labels = generator.choice([0, 1, 2, 255], (6 + number, 9))
        truths[name] = write(tmp_path / "truths" / f"{name}.png", labels)
        guess = generator.integers(0, 3, labels.shape)
        write(tmp_path / "predictions" / f"{name}.png", guess, mode="P" if number % 2 else "L")
    return tmp_path / "predictions", truths


def test_a_folder_scores_as_its_arrays_do(folders):
    predictions, truths = folders
    (predictions / ".DS_Store.png").write_bytes(b"left by a file manager")
    confusion = Confusion(CLASSES)
    for name, truth in truths.items():
        guess = np.array(Image.open(predictions / f"{name}.png"))
        confusion.update(guess, np.array(Image.open(truth)), "file", image=name)
    scores = score_folder(predictions, truths, CLASSES)
    assert scores.to_json() == confusion.compute().to_json()


def test_missing_predictions_are_counted_and_some_are_named(folders):
    predictions, truths = folders
    for name in list(truths)[:7]:
        (predictions / f"{name}.png").unlink()
    with pytest.raises(DataError) as error:
        score_folder(predictions, truths, CLASSES)
    assert "8 images, but got 7 missing: street/frame.0.png, " in str(error.value)
    assert str(error.value).endswith("street/frame.4.png and 2 more.")


def test_a_prediction_without_a_truth_is_named(folders):
    predictions, truths = folders
    write(predictions / "other.png", np.zeros((2, 2)))
    with pytest.raises(DataError, match=r"but got 1 without a truth: other\.png"):
        score_folder(predictions, truths, CLASSES)


def test_predictions_of_another_size_are_named_with_both_sizes(folders):
    predictions, truths = folders
    write(predictions / "street/frame.3.png", np.zeros((9, 8)))
    with pytest.raises(DataError, match=r"1 differ: .*frame.3.png: expected \(9, 9\).*\(9, 8\)"):
        score_folder(predictions, truths, CLASSES)


@pytest.mark.parametrize("value", [7, 254, 255])
def test_a_value_that_is_no_class_is_named_with_its_file(folders, value):
    predictions, truths = folders
    write(predictions / "street/frame.0.png", np.full((6, 9), value))
    with pytest.raises(DataError, match=rf"predictions/street/frame.0.png: .*\b{value}\b"):
        score_folder(predictions, truths, CLASSES)


def test_a_true_value_that_is_no_class_is_named_with_the_file_of_the_truth(folders):
    predictions, truths = folders
    for name, path in truths.items():
        write(predictions / f"{name}.png", np.zeros_like(np.array(Image.open(path))))
    with pytest.raises(DataError, match=r"truths/street/frame.\d.png: .*\b2\b"):
        score_folder(predictions, truths, CLASSES[:2])


def test_a_coloured_picture_is_no_label_map(folders):
    predictions, truths = folders
    Image.new("RGB", (9, 6)).save(predictions / "street/frame.0.png")
    with pytest.raises(DataError, match=r"frame.0.png: .* mode RGB"):
        score_folder(predictions, truths, CLASSES)


@pytest.mark.parametrize("end", [0, 4, 8, 20, 40, 46])
def test_a_cut_file_is_named_wherever_it_is_cut(tmp_path, end):
    truth = write(tmp_path / "truths/a.png", np.zeros((4, 4)))
    path = write(tmp_path / "predictions/a.png", np.zeros((4, 4)))
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(DataError, match=r"predictions/a\.png: "):
        score_folder(path.parent, {"a": truth}, CLASSES)


def test_a_damaged_byte_ends_in_no_other_error_than_ours(tmp_path):
    truth = write(tmp_path / "truths/a.png", np.zeros((4, 4)))
    path = write(tmp_path / "predictions/a.png", np.zeros((4, 4)))
    content = path.read_bytes()
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        with contextlib.suppress(DataError):
            score_folder(path.parent, {"a": truth}, CLASSES)


def test_no_folder_or_no_truths_are_refused(tmp_path):
    with pytest.raises(DataError, match="Expected a folder of predictions"):
        score_folder(tmp_path / "nowhere", {"a": tmp_path / "a.png"}, CLASSES)
    with pytest.raises(DataError, match="at least one true label map"):
        score_folder(tmp_path, {}, CLASSES)
    write(tmp_path / "a.png", np.zeros((2, 2)))
    with pytest.raises(DataError, match=r"a\.png: there is no such label map"):
        score_folder(tmp_path, {"a": tmp_path / "gone" / "a.png"}, CLASSES)
