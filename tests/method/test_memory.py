import io

import pytest
import torch

from weakseg.method import MemoryBank, Prototypes


def step(seed, count=4, images=2):
    generator = torch.Generator().manual_seed(seed)
    image = torch.randint(images, (count,), generator=generator)
    if count:
        image[-1] = images - 1
    return Prototypes(
        torch.randn(count, 3, generator=generator),
        torch.randn(count, 5, generator=generator),
        torch.randint(6, (count,), generator=generator),
        torch.randint(2, (count, 6), generator=generator).bool(),
        image,
    )


def assert_same(bank, other):
    assert len(bank) == len(other)
    for ours, theirs in zip(bank.steps(), other.steps(), strict=True):
        for column, expected in zip(ours, theirs, strict=True):
            assert torch.equal(column, expected)


def saved_and_loaded(bank, size):
    file = io.BytesIO()
    torch.save(bank.state_dict(), file)
    file.seek(0)
    fresh = MemoryBank(size)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    return fresh


def test_the_last_steps_are_kept_oldest_first():
    bank = MemoryBank(2)
    for seed in range(4):
        bank.append(step(seed, count=3 + seed))
    assert [len(kept.label) for kept in bank.steps()] == [5, 6]
    assert torch.equal(bank.steps()[1].prototype, step(3, count=6).prototype)


def test_images_of_different_steps_and_of_the_next_batch_have_different_ids():
    bank = MemoryBank(3)
    for seed in range(5):
        bank.append(step(seed, images=2 + seed % 2))
    ids = [set(kept.image.tolist()) for kept in bank.steps()]
    assert len(set.union(*ids)) == sum(len(one) for one in ids)
    assert max(max(one) for one in ids) < 0  # a batch counts from zero


def test_prototypes_of_one_image_keep_one_id():
    bank = MemoryBank(1)
    stored = step(0, count=9)
    bank.append(stored)
    image = bank.steps()[0].image
    assert torch.equal(image[:, None] == image, stored.image[:, None] == stored.image)


def test_stored_prototypes_have_no_gradient_and_are_copies():
    bank = MemoryBank(1)
    source = torch.randn(4, 3, requires_grad=True)
    bank.append(step(0)._replace(prototype=source * 2))
    kept = bank.steps()[0].prototype
    assert not kept.requires_grad
    with torch.no_grad():
        source.zero_()
    assert kept.abs().sum() > 0


@pytest.mark.parametrize("steps", [0, 1, 2, 5])
def test_saving_and_loading_keeps_everything_also_of_a_bank_not_yet_full(steps):
    bank = MemoryBank(3)
    for seed in range(steps):
        bank.append(step(seed, count=seed + 2))
    fresh = saved_and_loaded(bank, 3)
    assert_same(bank, fresh)
    bank.append(step(9))
    fresh.append(step(9))
    assert_same(bank, fresh)


def test_a_smaller_bank_takes_the_latest_steps_of_a_larger_one():
    bank = MemoryBank(3)
    for seed in range(3):
        bank.append(step(seed, count=seed + 1))
    assert [len(kept.label) for kept in saved_and_loaded(bank, 1).steps()] == [3]
    assert len(saved_and_loaded(bank, 0)) == 0


def test_a_bank_of_size_zero_stays_empty():
    bank = MemoryBank(0)
    bank.append(step(0))
    assert len(bank) == 0
    assert bank.steps() == []
    assert len(saved_and_loaded(bank, 0)) == 0


def test_a_step_without_prototypes_can_be_stored():
    bank = MemoryBank(2)
    bank.append(step(0, count=0))
    bank.append(step(1))
    assert [len(kept.label) for kept in saved_and_loaded(bank, 2).steps()] == [0, 4]


def test_a_bank_has_no_buffers_that_processes_would_exchange():
    """Banks of several processes differ in size; DDP broadcasts buffers and would hang."""
    bank = MemoryBank(2)
    bank.append(step(0))
    assert not list(bank.buffers())


def test_a_negative_size_is_refused():
    with pytest.raises(ValueError, match="`size` to be at least 0, but got -1"):
        MemoryBank(-1)
