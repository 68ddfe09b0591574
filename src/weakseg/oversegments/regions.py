"""Closed regions from boundary strength, by OWT-UCM.

Arbeláez, Maire, Fowlkes and Malik, "Contour Detection and Hierarchical Image Segmentation", PAMI
2011, section 4: the watershed of the boundary map gives basins; basins merge in the order of the
mean strength of the boundary between them, and the strength at which two meet is the weight of
their contour (the ultrametric contour map).
"""

from __future__ import annotations

import higra as hg
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Regions = NDArray[np.int32]


def closed_regions(
    boundary: NDArray[np.floating],
    *,
    regions: int | None = None,
    threshold: float | None = None,
    balance: float = 0.5,
) -> Regions:
    """Cut an image into regions enclosed by its strongest contours.

    By strength alone, a bright speck ranks above the outline of a cow, and a few dozen regions are
    spent on specks. Contours are therefore weighted by the area they cut off: with A the smaller
    side's fraction of the image, a contour of strength s has the weight s · (2A)^balance.

    Args:
        boundary: Boundary strength, (H, W), 0 to 1.
        regions: Number of regions; fewer where the image has fewer basins.
        threshold: Cut contours above this weight, 0 to 1, instead of into a number of regions.
        balance: Exponent of the area; 0 is the plain ultrametric contour map.

    Returns:
        Region ids from 0 without gaps, (H, W). Every region is connected (4-neighbourhood).

    Raises:
        ValueError: The boundary is not a finite map, or neither `regions` nor `threshold` is set.

    Examples:
        >>> boundary = np.zeros((4, 7))
        >>> boundary[:, 3] = 1.0
        >>> closed_regions(boundary, regions=2)[0, [0, 1, 5, 6]].tolist()
        [0, 0, 1, 1]
    """
    _validate(boundary, regions, threshold)
    basins, ends, strength, length = _watershed(boundary)
    if len(strength) == 0:
        return np.zeros(boundary.shape, np.int32)
    area = np.bincount(basins.ravel()) / basins.size
    tree_ends, weight = _contours(ends, strength, length, area, balance)
    if threshold is not None:
        kept = weight <= threshold
    else:
        kept = np.ones(len(weight), bool)
        kept[np.argsort(-weight, kind="stable")[: (regions or 1) - 1]] = False
    return _join(tree_ends[:, kept], len(area))[basins]


def _watershed(
    boundary: NDArray[np.floating],
) -> tuple[Regions, NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return basins (H, W), adjacent pairs (2, E), their boundaries' strengths and lengths (E,)."""
    empty = np.zeros(0)
    if boundary.size == 1:  # a graph without edges, which higra does not accept
        return np.zeros(boundary.shape, np.int32), np.zeros((2, 0), np.int64), empty, empty
    graph = hg.get_4_adjacency_graph(boundary.shape)
    # Strength between adjacent pixels.
    step = hg.weight_graph(graph, boundary.astype(np.float64).ravel(), hg.WeightFunction.mean)
    adjacency, strength = hg.oriented_watershed(graph, step)
    basins = hg.CptRegionAdjacencyGraph.construct(adjacency)["vertex_map"]
    length = hg.rag_accumulate_on_edges(adjacency, hg.Accumulators.counter, step)
    ends = np.stack(adjacency.edge_list())
    return basins.reshape(boundary.shape).astype(np.int32), ends, strength, length


def _contours(
    ends: NDArray[np.int64],
    strength: NDArray[np.float64],
    length: NDArray[np.float64],
    area: NDArray[np.float64],
    balance: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the weighted contours of all merges.

    Undoing any n merges leaves n + 1 connected regions, because each merge is an edge of a spanning
    tree over the basins.

    Returns:
        The two basins (2, B - 1) that each merge connects, and its weight (B - 1,).
    """
    adjacency = hg.UndirectedGraph(len(area))
    adjacency.add_edges(*ends)
    merges, altitude = hg.binary_partition_tree_average_linkage(adjacency, strength, length)
    ultrametric = hg.saliency(merges, altitude, leaf_graph=adjacency, handle_rag=False)
    # The same hierarchy, built so that its spanning tree is available.
    tree, altitude = hg.bpt_canonical(adjacency, ultrametric)
    chosen = hg.CptBinaryHierarchy.get_mst_edge_map(tree).ravel()
    fraction = hg.attribute_area(tree, vertex_area=area)
    leaves = tree.num_leaves()
    smaller = hg.accumulate_parallel(tree, fraction, hg.Accumulators.min)[leaves:]
    return ends[:, chosen], altitude[leaves:] * (2 * smaller) ** balance


def _join(ends: NDArray[np.int64], count: int) -> Regions:
    """Number the connected components of `count` vertices, (count,)."""
    graph = coo_array((np.ones(ends.shape[1], bool), tuple(ends)), shape=(count, count))
    labels: Regions = connected_components(graph, directed=False)[1]
    return labels.astype(np.int32)


def _validate(boundary: NDArray[np.floating], regions: int | None, threshold: float | None) -> None:
    if boundary.ndim != 2 or boundary.size == 0 or not np.isfinite(boundary).all():
        raise ValueError(
            f"Expected `boundary` to be a finite map (H, W) that is not empty, but got shape "
            f"{boundary.shape}."
        )
    if regions is None and threshold is None:
        raise ValueError("Expected `regions` or `threshold`, but got neither.")
    if regions is not None and regions < 1:
        raise ValueError(f"Expected `regions` to be at least 1, but got {regions}.")
