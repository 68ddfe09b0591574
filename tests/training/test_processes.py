import pytest
from torch import distributed

from weakseg.training.processes import split_among_processes, wait_for_all


def test_a_single_process_sees_to_everything():
    assert split_among_processes([1, 2, 3]) == [1, 2, 3]
    wait_for_all()


@pytest.mark.parametrize("processes", [2, 3, 7])
def test_processes_share_all_items_and_none_twice(monkeypatch, processes):
    items = list(range(5))
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: processes)
    shares = []
    for rank in range(processes):
        monkeypatch.setattr(distributed, "get_rank", lambda rank=rank: rank)
        shares += split_among_processes(items)
    assert sorted(shares) == items
