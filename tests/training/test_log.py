"""The log of a training that goes on, or starts again."""

from pathlib import Path

import pytest

from weakseg.training.log import TrainingLog, read_log


def logged(path: Path) -> list[int]:
    return [int(row["step"]) for row in read_log(path)] if path.exists() else []


@pytest.mark.parametrize(("after", "kept"), [(2, [1, 2]), (1, [1]), (0, []), (-1, [])])
def test_rows_after_the_step_from_which_a_training_goes_on_are_dropped(tmp_path, after, kept):
    path = tmp_path / "log.csv"
    with TrainingLog(path) as log:
        for step in (1, 2, 3):
            log.add(step, {"loss": 1 / step})
    TrainingLog(path, after=after).close()
    assert logged(path) == kept
    with TrainingLog(path, after=after) as log:
        log.add(9, {"loss": 0.5})
    assert logged(path) == [*kept, 9]
    assert read_log(path)[-1]["loss"] == "0.5"
    assert float(read_log(path)[-1]["seconds"]) >= 0
