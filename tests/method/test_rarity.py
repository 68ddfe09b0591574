"""Rarity of tags and overlap of sets, on sets small enough for paper."""

import pytest
import torch

from weakseg.method import set_overlap, tag_rarity


def test_a_tag_that_all_have_means_nothing_and_the_rarest_means_most():
    tags = torch.zeros(10, 4, dtype=torch.bool)
    tags[:, 0], tags[:5, 1], tags[0, 2] = True, True, True
    weights = tag_rarity(tags)
    torch.testing.assert_close(weights, torch.tensor([0.0, 0.5 / 0.9, 1.0, 1.0]))


def test_equally_frequent_tags_weigh_one_as_in_the_paper():
    tags = torch.eye(5).bool().repeat(3, 1)
    assert torch.equal(tag_rarity(tags), torch.ones(5))


def test_images_without_tags_do_not_make_the_others_rarer():
    tags = torch.tensor([[1, 0], [1, 1], [0, 0], [0, 0]]).bool()
    assert torch.equal(tag_rarity(tags), tag_rarity(tags[:2]))


@pytest.mark.parametrize("tags", [torch.ones(4, 2), torch.zeros(4, 2), torch.zeros(0, 2)])
def test_where_tags_tell_no_images_apart_all_weigh_the_same(tags):
    assert torch.equal(tag_rarity(tags.bool()), torch.ones(2))


def test_a_set_meets_itself_whole_and_all_that_has_its_tags_with_weight():
    weights = torch.tensor([0.0, 0.3, 0.8, 1.0])
    sets = torch.tensor([[1, 1, 1, 0], [0, 1, 1, 1], [1, 0, 1, 0], [1, 0, 0, 0]]).bool()
    overlap = set_overlap(sets, weights)
    assert overlap[0, 0] == overlap[1, 1] == overlap[2, 2] == overlap[0, 1] == 1
    assert overlap[2, 0] == 1
    assert overlap[0, 2].item() == pytest.approx(0.8 / (1 - 0.7 * 0.2))
    assert (overlap[3] == 0).all()
    assert (overlap[:, 3] == 0).all()


def test_more_shared_tags_meet_more():
    sets = torch.tensor([[1, 1, 1], [1, 0, 0], [1, 1, 0]]).bool()
    overlap = set_overlap(sets, torch.full((3,), 0.4))
    assert 0 < overlap[0, 1] < overlap[0, 2] < overlap[0, 0] == 1
