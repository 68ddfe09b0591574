"""Architecture of the embedding network, checked, and the one a recipe describes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from weakseg.models.backbone import OutputStride
from weakseg.recipes.recipe import Recipe
from weakseg.support.errors import RecipeError

EmbeddingStride = Literal[4, 8]
HeadName = Literal["aspp", "psp"]


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """Architecture of an embedding network.

    Args:
        backbone: A timm model, or `resnet50_deep_stem`, `resnet101_deep_stem` (the paper's).
        output_stride: Stride of the backbone's features: 8 as in the paper, or 16, four times
            cheaper.
        head: "aspp" (DeepLab v2) or "psp" (PSPNet).
        dilations: Dilations of the ASPP head, in feature pixels; empty for the paper's, which reach
            48 to 192 pixels of the image. They suit crops of 512: in small crops so wide a reach
            covers little but padding, which whole images then do not have.
        dimensions: Dimensions D of the embedding.
        embedding_stride: Stride of the embedding: 4 as in the paper, or 8, four times cheaper.
        num_classes: Classes C, background included.
        classifier_hidden: Channels inside the classifier (the paper's: 2 D); None for a plain
            1×1 convolution.
        classifier_dropout: Dropout probability inside the classifier, where it has hidden channels.

    Raises:
        RecipeError: A value is out of range.

    Examples:
        >>> NetworkSpec(num_classes=21).head
        'aspp'
    """

    num_classes: int
    backbone: str = "tf_efficientnet_lite0"
    output_stride: OutputStride = 16
    head: HeadName = "aspp"
    dilations: tuple[int, ...] = ()
    dimensions: int = 64
    embedding_stride: EmbeddingStride = 8
    classifier_hidden: int | None = None
    classifier_dropout: float = 0.65

    def __post_init__(self) -> None:
        choices = {
            "output_stride": get_args(OutputStride),
            "head": get_args(HeadName),
            "embedding_stride": get_args(EmbeddingStride),
        }
        for key, allowed in choices.items():
            if getattr(self, key) not in allowed:
                self._refuse(key, " or ".join(map(str, allowed)))
        for key, minimum in {"num_classes": 1, "dimensions": 2, "classifier_hidden": 1}.items():
            if (value := getattr(self, key)) is not None and value < minimum:
                self._refuse(key, f"at least {minimum}")
        if min(self.dilations, default=1) < 1:
            self._refuse("dilations", "numbers of at least 1")
        if not 0 <= self.classifier_dropout < 1:
            self._refuse("classifier_dropout", "in [0, 1)")

    def _refuse(self, key: str, expected: str) -> None:
        raise RecipeError(f"Expected `{key}` to be {expected}, but got {getattr(self, key)!r}.")


def network_spec(recipe: Recipe, num_classes: int) -> NetworkSpec:
    """Return the architecture that a recipe describes."""
    model = recipe.model
    return NetworkSpec(
        num_classes=num_classes,
        backbone=model.backbone,
        output_stride=model.output_stride,
        head=model.head,
        dilations=tuple(model.dilations),
        dimensions=model.dimensions,
        embedding_stride=model.embedding_stride,
        classifier_hidden=model.classifier_hidden or None,
    )
