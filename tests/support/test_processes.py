import math
import operator
import os

import pytest

from weakseg.support.errors import RunError
from weakseg.support.processes import in_processes


@pytest.mark.parametrize("workers", [0, 2])
def test_results_come_in_the_order_of_the_tasks(workers):
    numbers = list(range(-50, 50))
    done = in_processes(operator.neg, numbers, doing="counts", workers=workers)
    assert list(done) == [-number for number in numbers]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_a_task_reaches_the_caller_after_the_results_before_it(workers):
    done = in_processes(math.sqrt, [4.0, -1.0, 9.0], doing="counts", workers=workers)
    assert next(done) == 2
    with pytest.raises(ValueError, match=r"math domain|nonnegative"):
        next(done)


def test_the_death_of_a_process_is_said_with_a_way_out():
    with pytest.raises(RunError, match=r"A process that counts died.*Try fewer workers"):
        list(in_processes(os._exit, [3, 3], doing="counts", workers=1))


def test_few_tasks_start_no_process():
    assert set(in_processes(_own_process, range(5), doing="counts")) == {os.getpid()}


def test_nothing_to_do_is_done():
    assert list(in_processes(abs, [], doing="counts", workers=2)) == []


def _own_process(_):
    return os.getpid()
