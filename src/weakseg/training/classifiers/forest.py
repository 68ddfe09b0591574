"""Random forest, fitted by scikit-learn."""

from __future__ import annotations

from weakseg.models.forest import ForestClassifier
from weakseg.recipes.recipe import FittingConfig
from weakseg.training.classifiers.cells import Cells


def fit_forest(
    cells: Cells, num_classes: int, config: FittingConfig, *, seed: int
) -> ForestClassifier:
    """Fit a random forest.

    Args:
        cells: The cells.
        num_classes: Classes C; those without a cell are never predicted.
        config: Number of trees and size of leaves; all else is scikit-learn's default.
        seed: Seed of the trees.

    Returns:
        The forest, on the cells' device.
    """
    from sklearn.ensemble import RandomForestClassifier  # takes a second to import

    forest = RandomForestClassifier(
        config.trees, min_samples_leaf=config.min_leaf, random_state=seed, n_jobs=-1
    )
    vector, label, weight = (
        part.cpu().numpy() for part in (cells.vector, cells.label, cells.weight)
    )
    forest.fit(vector, label, weight)
    return ForestClassifier.from_sklearn(forest, num_classes).to(cells.vector.device)
