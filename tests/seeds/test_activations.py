import numpy as np
import pytest
import torch
from torch import nn

from weakseg.models.backbone import Backbone
from weakseg.models.map_geometry import MapGeometry
from weakseg.models.network import build_network
from weakseg.recipes.recipe import ModelConfig
from weakseg.seeds.activations import class_activations, select_classes
from weakseg.seeds.classifier import FrozenTagClassifier, TagClassifier, equivariance_loss
from weakseg.support.errors import NonFiniteError


class Brightness(nn.Module):
    """Feature maps at stride 4: mean brightness and its opposite."""

    def forward(self, image):
        small = nn.functional.avg_pool2d(image.mean(1, keepdim=True), 4)
        return [torch.cat([small, -small], 1)]


@pytest.fixture
def classifier():
    geometry = MapGeometry(strides=(4,), channels=(2,))
    body = Backbone(Brightness(), geometry, mean=(0, 0, 0), std=(1, 1, 1))
    classifier = TagClassifier(body, 2).eval()
    classifier.head.weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0]])[..., None, None]
    return classifier


def test_activations_lie_where_the_image_is_bright(classifier):
    image = torch.zeros(3, 64, 96)
    image[:, :32, :48] = 1
    found = class_activations(classifier, image, side=96, scales=[0.5, 1.0], flip=True)
    assert found.shape == (2, 8, 12)
    assert found[0, :3, :5].min() > 3  # two scales, two views: 4 in all
    assert found[0, 5:, 7:].max() < 0.1
    assert (found[1] == 0).all()  # negative activations count for nothing


def test_mirroring_the_image_mirrors_the_activations(classifier):
    image = torch.rand(3, 48, 64, generator=torch.Generator().manual_seed(0))
    kwargs = {"side": 64, "scales": [1.0, 1.5], "flip": True}
    found = class_activations(classifier, image, **kwargs)
    mirrored = class_activations(classifier, image.flip(-1), **kwargs)
    torch.testing.assert_close(found, mirrored.flip(-1))


def test_every_class_of_the_image_is_scaled_to_one_and_others_are_left_out():
    activations = torch.tensor([[[1.0, 4.0]], [[9.0, 9.0]], [[0.0, 0.0]]])
    found = select_classes(activations, [3, 1], first=1)
    assert found.class_ids.tolist() == [1, 3]
    assert found.maps.tolist() == [[[0.25, 1.0]], [[0.0, 0.0]]]
    assert np.isfinite(found.maps).all()


def test_the_equivariance_loss_is_zero_for_shrunk_activations_and_counts_tags_only():
    activations = torch.rand(1, 2, 8, 8, generator=torch.Generator().manual_seed(1))
    smaller = nn.functional.interpolate(activations, (4, 4), mode="bilinear")
    other = torch.stack([smaller[:, 0], smaller[:, 1].flip(-1)], 1)
    assert equivariance_loss(activations, smaller, torch.ones(1, 2)) < 1e-6
    assert equivariance_loss(activations, other, torch.tensor([[1.0, 0.0]])) < 1e-6
    assert equivariance_loss(activations, other, torch.tensor([[0.0, 1.0]])) > 0.05
    assert equivariance_loss(activations, other, torch.zeros(1, 2)) == 0


@pytest.fixture
def frozen():
    model = ModelConfig(backbone="test_resnet", weights="none", head="pyramid", train="head")
    torch.manual_seed(0)
    return FrozenTagClassifier(build_network(model, 3), 2)


def test_scores_of_images_of_other_sizes_are_the_means_of_their_activations(frozen):
    frozen.eval()
    images = [torch.rand(3, 64, 96), torch.rand(3, 48, 50)]
    scores = frozen.scores_of(images, ["a", "b"])
    for image, score in zip(images, scores, strict=True):
        mean = frozen(image[None])[0].mean(dim=(1, 2))
        torch.testing.assert_close(mean + frozen.bias, score)


def test_the_tag_classifier_of_frozen_features_trains_its_head_alone(frozen):
    frozen.train()
    frozen.scores_of([torch.rand(3, 64, 64)], ["a"]).sum().backward()
    trained = {
        name.split(".")[0] for name, each in frozen.named_parameters() if each.grad is not None
    }
    assert trained == {"head", "bias"}
    assert not frozen.network.backbone.body.training


def test_an_image_whose_features_are_not_finite_is_named(frozen):
    with torch.no_grad():
        next(frozen.network.backbone.parameters()).fill_(float("nan"))
    with pytest.raises(NonFiniteError, match="Image b: a feature of the backbone is NaN"):
        frozen.scores_of([torch.rand(3, 64, 64)], ["b"])
