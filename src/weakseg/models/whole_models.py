"""Entries of a whole timm model, classifier and all, for the model without its classifier."""

from __future__ import annotations

import sys

from torch import Tensor, nn


def convert(state: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Drop a classifier's entries; bring names and position tables to what timm has today.

    Published files of transformers use older names, other grids of positions, or the names of the
    project they come from. timm converts them family by family.

    Args:
        state: Entries of a file.
        model: A timm model without its classifier.

    Returns:
        The entries, for strict comparison with the model's.
    """
    fitting = _without_classifier(state, model)
    if _fits(fitting, model):
        return fitting
    family = sys.modules[type(model).__module__]
    by_timm = getattr(family, "checkpoint_filter_fn", None)
    if by_timm is None:
        return fitting
    try:
        return _without_classifier(dict(by_timm(dict(state), model)), model)
    except Exception:  # of entries it does not expect; comparison lists them
        return fitting


def _without_classifier(state: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Drop the classifier, and what is beside it in the head and has no place in the model."""
    classifier = model.pretrained_cfg.get("classifier") or ()  # type: ignore[operator, union-attr]
    names = [classifier] if isinstance(classifier, str) else list(classifier)
    heads = tuple(f"{name.split('.')[0]}." for name in names)
    whole = tuple(f"{name}." for name in names)
    own = model.state_dict().keys()
    return {
        key: value
        for key, value in state.items()
        if not key.startswith(whole) and not (key.startswith(heads) and key not in own)
    }


def _fits(state: dict[str, Tensor], model: nn.Module) -> bool:
    own = model.state_dict()
    return state.keys() == own.keys() and all(own[key].shape == state[key].shape for key in own)
