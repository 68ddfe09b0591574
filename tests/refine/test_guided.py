import numpy as np
import pytest
import torch
import torch.nn.functional as F

from weakseg.refine.guided import guided_upsample


def bilinear(probabilities, image):
    return F.interpolate(probabilities, image.shape[-2:], mode="bilinear", align_corners=False)


def random_probabilities(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)).softmax(dim=1)


def noise(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def half_and_half(edge, size=96):
    """An image that is dark left of an edge, and its label map."""
    image = torch.full((1, 3, size, size), 0.2)
    image[..., edge:] = 0.7
    return image, (image[0, 0] > 0.5).long()


@pytest.mark.parametrize("edge", [40, 53, 58])
def test_outlines_move_to_the_edge_of_the_image(edge):
    image, truth = half_and_half(edge)
    coarse = torch.tensor([0.8, 0.2]).view(1, 2, 1, 1).repeat(1, 1, 12, 12)
    coarse[..., 6:] = coarse[..., 6:].flip(1)  # the outline is at 48
    wrong = [
        int((found.argmax(dim=1)[0] != truth).sum())
        for found in (guided_upsample(coarse, image), bilinear(coarse, image))
    ]
    assert wrong[0] <= 2 * 96  # half a cell of the guide's grid, along the edge
    assert wrong[0] < wrong[1]


def test_a_wrong_cell_amid_one_colour_is_overruled():
    coarse = torch.tensor([0.8, 0.2]).view(1, 2, 1, 1).repeat(1, 1, 12, 12)
    coarse[0, :, 6, 6] = torch.tensor([0.2, 0.8])
    image = torch.full((1, 3, 96, 96), 0.5)
    assert (bilinear(coarse, image).argmax(dim=1) == 1).any()
    assert (guided_upsample(coarse, image).argmax(dim=1) == 0).all()


def test_in_an_image_of_one_colour_a_straight_outline_stays():
    coarse = torch.tensor([0.9, 0.1]).view(1, 2, 1, 1).repeat(1, 1, 12, 12)
    coarse[..., 6:] = coarse[..., 6:].flip(1)
    image = torch.full((1, 3, 96, 96), 0.5)
    masks = [
        found.argmax(dim=1) for found in (guided_upsample(coarse, image), bilinear(coarse, image))
    ]
    assert torch.equal(*masks)


def test_constant_probabilities_stay():
    coarse = torch.tensor([0.6, 0.3, 0.1]).view(1, 3, 1, 1).repeat(1, 1, 6, 7)
    found = guided_upsample(coarse, noise(1, 3, 45, 56))
    assert (found.argmax(dim=1) == 0).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (3, 5), (37, 53), (130, 90)])
@pytest.mark.parametrize("stride", [1, 4, 8])
def test_probabilities_sum_to_one_at_any_size(size, stride):
    cells = [-(-side // stride) for side in size]
    found = guided_upsample(random_probabilities(2, 4, *cells), noise(2, 3, *size))
    assert found.shape == (2, 4, *size)
    assert found.min() >= 0
    assert torch.allclose(found.sum(dim=1), torch.ones(2, *size), atol=1e-5)


def test_classes_that_are_nowhere_likely_are_enlarged_bilinearly():
    coarse = random_probabilities(1, 3, 6, 6)
    coarse = torch.cat([coarse * 0.96, torch.full((1, 1, 6, 6), 0.04)], dim=1)
    image = noise(1, 3, 48, 48)
    found = guided_upsample(coarse, image)
    assert torch.allclose(found[:, 3], torch.full((1, 48, 48), 0.04))
    assert torch.allclose(found.sum(dim=1), torch.ones(1, 48, 48), atol=1e-5)


def test_an_image_in_a_batch_is_enlarged_as_alone():
    coarse, images = random_probabilities(2, 3, 6, 8), noise(2, 3, 48, 64)
    coarse[0, 2] = 0  # a class of the second image alone
    coarse = coarse / coarse.sum(dim=1, keepdim=True)
    batch = guided_upsample(coarse, images)
    alone = torch.cat([guided_upsample(coarse[i : i + 1], images[i : i + 1]) for i in (0, 1)])
    assert torch.allclose(batch, alone, atol=1e-6)


def test_part_of_an_image_is_enlarged_as_in_the_whole():
    image = F.interpolate(noise(1, 3, 12, 24), (192, 384), mode="bilinear")
    coarse = F.interpolate(random_probabilities(1, 3, 6, 12) ** 4, (24, 48), mode="bilinear")
    coarse = coarse / coarse.sum(dim=1, keepdim=True)
    whole = guided_upsample(coarse, image)
    part = guided_upsample(coarse[..., :32], image[..., :256])[..., :128]  # 128 pixels around it
    assert (whole[..., :128].argmax(dim=1) == part.argmax(dim=1)).float().mean() > 0.999
    assert (whole[..., :128] - part).abs().mean() < 1e-3


def test_half_precision_is_enlarged_in_full():
    found = guided_upsample(random_probabilities(1, 3, 4, 4).half(), noise(1, 3, 32, 32).half())
    assert found.dtype == torch.float32


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"\(2, 3, 4, 4\) and \(1, 3, 32, 32\)"):
        guided_upsample(torch.rand(2, 3, 4, 4), torch.rand(1, 3, 32, 32))


def test_rounding_of_one_vote_of_twenty_changes_nothing():
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    found = []
    for share in (0.05, np.nextafter(np.float32(0.05), np.float32(1))):
        rare = torch.full((1, 1, 4, 4), float(share))
        found.append(guided_upsample(torch.cat([rare, 0.5 - rare, rare * 0 + 0.5], dim=1), image))
    assert torch.allclose(*found, atol=1e-4)
