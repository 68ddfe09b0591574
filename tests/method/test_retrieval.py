import pytest
import torch

from weakseg.marks.label_values import UNLABELLED
from weakseg.method import nearest_labels, retrieval, vote_share


def memory_and_queries():
    generator = torch.Generator().manual_seed(0)
    memory = torch.nn.functional.normalize(torch.randn(50, 6, generator=generator), dim=1)
    query = torch.nn.functional.normalize(torch.randn(30, 6, generator=generator), dim=1)
    return query, memory, torch.randint(5, (50,), generator=generator)


def test_blocks_of_queries_change_nothing(monkeypatch):
    query, memory, label = memory_and_queries()
    whole = nearest_labels(query, memory, label, k=7)
    monkeypatch.setattr(retrieval, "_BLOCK", 120)  # two queries at a time
    assert torch.equal(nearest_labels(query, memory, label, k=7), whole)
    monkeypatch.setattr(retrieval, "_BLOCK", 1)
    assert torch.equal(nearest_labels(query, memory, label, k=7), whole)


def test_a_memory_smaller_than_k_votes_as_a_whole():
    query, memory, label = memory_and_queries()
    labels = nearest_labels(query, memory[:3], label[:3], k=20)
    assert labels.shape == (30, 3)
    assert torch.equal(labels.sort(dim=1).values, label[:3].sort().values.expand(30, 3))


def test_the_nearest_comes_first():
    query, memory, label = memory_and_queries()
    order = (query @ memory.T).argsort(dim=1, descending=True)
    assert torch.equal(nearest_labels(query, memory, label, k=4), label[order[:, :4]])


@pytest.mark.parametrize(("queries", "memories"), [(0, 50), (30, 0), (0, 0)])
def test_nothing_to_ask_or_nothing_to_find_is_no_error(queries, memories):
    query, memory, label = memory_and_queries()
    labels = nearest_labels(query[:queries], memory[:memories], label[:memories])
    assert labels.shape == (queries, min(20, memories))
    assert vote_share(labels, 5).shape == (queries, 5)


def test_shares_sum_to_one():
    share = vote_share(nearest_labels(*memory_and_queries()), 5)
    torch.testing.assert_close(share.sum(dim=1), torch.ones(30))


def test_labels_that_are_no_class_do_not_vote():
    share = vote_share(torch.tensor([[0, UNLABELLED, 1, 1], [UNLABELLED] * 4]), 2)
    torch.testing.assert_close(share, torch.tensor([[1 / 3, 2 / 3], [0.0, 0.0]]))


def test_the_lowest_class_wins_a_tie():
    assert vote_share(torch.tensor([[3, 1, 3, 1]]), 4).argmax(dim=1).tolist() == [1]


def test_half_precision_queries_are_compared_in_full():
    query, memory, label = memory_and_queries()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = nearest_labels(query, memory, label)
    assert torch.equal(actual, nearest_labels(query, memory, label))


def test_wrong_arguments_are_named():
    query, memory, label = memory_and_queries()
    with pytest.raises(ValueError, match="`memory_label` to be of one length, but got 50 and 3"):
        nearest_labels(query, memory, label[:3])
    with pytest.raises(ValueError, match="`k` to be at least 1, but got 0"):
        nearest_labels(query, memory, label, k=0)
