"""Networks of timm without their classifier, that return feature maps.

Convolutional networks are dilated to the output stride where timm can; they keep the names that
timm's wrapper uses. All others, transformers among them, return the maps of
`forward_intermediates` at the strides they have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import timm
import torch
from timm.layers.patch_embed import PatchEmbed
from torch import Tensor, nn

from weakseg.models.map_geometry import MapGeometry, Size, measure

_FINEST = 4  # stride of the finest level
_COARSEST = 32  # stride of the coarsest map that a head can read alone
_BLOCKS = 4  # levels of a network whose maps all have one stride
_MANY = 5  # maps above which a network lists blocks, not stages
# Options by which families of timm take images of other sizes than in pretraining.
_SIZE_OPTIONS: tuple[dict[str, Any], ...] = (
    {"dynamic_img_size": True},
    {"strict_img_size": False},
    {},
)


class UnsuitableError(Exception):
    """A network from which no feature maps can be had.

    Args:
        reason: Why.
        remedy: What to do, where the network will do with another option.
    """

    def __init__(self, reason: str, *, remedy: str | None = None) -> None:
        super().__init__(reason)
        self.remedy = remedy


class Intermediates(nn.Module):
    """Feature maps between the blocks of a timm model, normalised by its last norm where it can.

    Shape:
        - Input: (B, 3, H, W)
        - Output: list of (B, C_i, h_i, w_i); prefix tokens (class, registers) are dropped

    Args:
        model: A timm model with `forward_intermediates`.
        norm: Apply the last norm to every map.
    """

    def __init__(self, model: nn.Module, *, norm: bool) -> None:
        super().__init__()
        self.model = model
        self.norm = norm
        self.indices: list[int] | None = None  # None: all

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the chosen maps."""
        return self._maps(image, self.indices)

    def every(self, image: Tensor) -> list[Tensor]:
        """Return all maps up to the last chosen."""
        last = None if self.indices is None else list(range(self.indices[-1] + 1))
        return self._maps(image, last)

    def choose(self, indices: Sequence[int]) -> None:
        """Return these maps from now on; layers behind the last are dropped."""
        self.indices = list(indices)
        if hasattr(self.model, "prune_intermediate_layers"):
            self.model.prune_intermediate_layers(self.indices, prune_norm=not self.norm)  # type: ignore[operator]

    def _maps(self, image: Tensor, indices: list[int] | None) -> list[Tensor]:
        maps = self.model.forward_intermediates(  # type: ignore[operator]
            image,
            indices=indices,
            norm=self.norm,
            output_fmt="NCHW",
            intermediates_only=True,
        )
        return list(maps)


def feeding_parameters(
    body: nn.Module, image: Tensor, strides: Sequence[int], limit: int
) -> list[nn.Parameter]:
    """List the trainable parameters on which a network's finer maps depend.

    Args:
        body: Image to list of maps.
        image: (1, 3, H, W), of a size the network takes.
        strides: Of every map.
        limit: Largest stride of a map that counts.
    """
    parameters = [parameter for parameter in body.parameters() if parameter.requires_grad]
    with torch.enable_grad():
        maps = body.every(image) if isinstance(body, Intermediates) else body(image)
        fine = [
            features.sum()
            for features, stride in zip(maps, strides, strict=False)
            if stride <= limit and features.requires_grad
        ]
        if not fine:
            return []
        gradients = torch.autograd.grad(sum(fine), parameters, allow_unused=True)
    pairs = zip(parameters, gradients, strict=True)
    return [parameter for parameter, gradient in pairs if gradient is not None]


def dilated_body(name: str, output_stride: int) -> tuple[nn.Module, MapGeometry] | None:
    """Build a convolutional network dilated to an output stride, with random weights.

    Returns:
        The network, which returns all its maps, and their geometry; None where timm cannot dilate
        it to that stride.
    """
    options: dict[str, Any] = {"features_only": True, "output_stride": output_stride}
    try:
        body: nn.Module = timm.create_model(name, **options)
        count = len(body.feature_info.info)  # type: ignore[arg-type, union-attr]
        if len(body.feature_info.out_indices) < count:  # type: ignore[arg-type, union-attr]
            body = timm.create_model(name, out_indices=tuple(range(count)), **options)
        declared = body.feature_info.reduction()  # type: ignore[operator, union-attr]
        geometry = measure(body, _native_size(body), declared)
    except Exception:  # each family of timm refuses in its own way, some by `assert`
        return None
    if geometry.strides[-1] != output_stride or geometry.fixed is not None:
        return None
    return body, geometry if geometry.multiple > 1 else geometry._replace(min_side=1)


def intermediates_model(name: str) -> nn.Module:
    """Build a whole timm model without classifier, for images of any size where it can.

    Raises:
        UnsuitableError: timm cannot build it, or it has no intermediate features.
    """
    for options in _SIZE_OPTIONS:
        try:
            model: nn.Module = timm.create_model(name, num_classes=0, **options)
        except TypeError as error:
            if not options:
                raise UnsuitableError(_reason(error)) from error
        except Exception as error:  # a family may refuse in its own way
            raise UnsuitableError(_reason(error)) from error
        else:
            break
    if not hasattr(model, "forward_intermediates"):
        raise UnsuitableError("timm returns no intermediate features of it")
    # With average pooling, timm's last norm comes behind the pooling and the maps would have none.
    behind = getattr(model, "fc_norm", None)
    if isinstance(getattr(model, "norm", None), nn.Identity) and behind is not None:
        model.norm, model.fc_norm = behind, nn.Identity()
    return model


def intermediates_body(model: nn.Module) -> tuple[Intermediates, MapGeometry]:
    """Wrap a timm model so that it returns all its feature maps.

    Raises:
        UnsuitableError: It returns no maps, even at its own size.
    """
    info = getattr(model, "feature_info", [])
    declared = [level["reduction"] for level in getattr(info, "info", info)]
    embedding = getattr(model, "patch_embed", None)
    patch = embedding.patch_size[0] if isinstance(embedding, PatchEmbed) else 1
    failure: Exception | None = None
    for norm in (True, False):  # some families refuse to normalise
        body = Intermediates(model, norm=norm)
        try:
            return body, measure(body, _native_size(model), declared, patch)
        except Exception as error:
            failure = error
    raise UnsuitableError(_reason(failure)) from failure


def overlap_patches(model: nn.Module, stride: int) -> None:
    """Let the patches of a plain vision transformer overlap, for finer maps.

    Source: DINO-ViT features (Amir et al., arXiv 2112.05814), section 3. Every patch is padded to
    lie around its cell of the finer grid; positions are interpolated to that grid.

    Args:
        model: A timm model for images of any size.
        stride: Pixels from patch to patch, at most the patch's side.

    Raises:
        UnsuitableError: The model has no patches of that kind, or smaller ones.
    """
    embedding = getattr(model, "patch_embed", None)
    plain = isinstance(embedding, PatchEmbed) and hasattr(model, "blocks")
    if not plain or not getattr(model, "dynamic_img_size", False):
        raise UnsuitableError(
            "it has no patch embedding whose stride could be changed; only plain vision "
            "transformers have",
            remedy="Use patch_stride: 0 with it",
        )
    assert isinstance(embedding, PatchEmbed)
    patch = embedding.patch_size[0]
    if stride > patch:
        raise UnsuitableError(
            f"its patches have {patch} pixels a side",
            remedy=f"Use patch_stride: 0, or at most {patch} (the patch's side)",
        )
    padding = -(-(patch - stride) // 2)
    embedding.proj.stride = (stride, stride)
    embedding.proj.padding = (padding, padding)
    embedding.patch_size = (stride, stride)  # by it timm counts the tokens


def chosen_maps(strides: Sequence[int], *, all_levels: bool) -> list[int]:
    """Choose the maps a head reads.

    Args:
        strides: Of all maps, in the network's order.
        all_levels: Every stride from 4 on, else the last map of stride 32 or less.

    Returns:
        Indices. Of a network with maps of one stride: of four blocks, evenly spaced, the last among
        them. Of one that lists its blocks: of the last block of every stride.

    Raises:
        UnsuitableError: No map has such a stride.

    Examples:
        >>> chosen_maps([2, 4, 8, 16, 32], all_levels=True)
        [1, 2, 3, 4]
        >>> chosen_maps([16] * 12, all_levels=True)
        [2, 5, 8, 11]
    """
    if not all_levels:
        fine = [index for index, stride in enumerate(strides) if stride <= _COARSEST]
        if not fine:
            found = ", ".join(map(str, strides))
            raise UnsuitableError(f"its maps have strides {found}; a head needs one of 32 or less")
        return fine[-1:]
    usable = [index for index, stride in enumerate(strides) if stride >= _FINEST]
    if not usable:
        raise UnsuitableError(f"no map has a stride of 4 or more, but {max(strides)} at most")
    if len({strides[index] for index in usable}) == 1 and len(usable) > _BLOCKS:
        return [usable[(i + 1) * len(usable) // _BLOCKS - 1] for i in range(_BLOCKS)]
    if len(usable) > _MANY:
        return sorted({strides[index]: index for index in usable}.values())
    return usable


def _native_size(model: nn.Module) -> Size:
    _, height, width = model.pretrained_cfg["input_size"]  # type: ignore[index]
    return int(height), int(width)


def _reason(error: Exception | None) -> str:
    lines = str(error).strip().split("\n")
    return lines[0] or type(error).__name__
