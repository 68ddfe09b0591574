"""A run as stages: seeds → embed → relabel → classify. What a run does not need is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from weakseg.datasets.records import Record
from weakseg.inference.memory import Memory, build_memory
from weakseg.marks.classes import ClassList
from weakseg.models import EmbeddingNetwork, save_network
from weakseg.recipes.recipe import Recipe
from weakseg.recipes.run_folder import LATE_STAGES, RunFolder
from weakseg.support.devices import accelerator_device
from weakseg.support.machine import is_first_process
from weakseg.training.stages.classify import classify
from weakseg.training.stages.embed import embed
from weakseg.training.stages.folder import describe, stage_of
from weakseg.training.stages.relabel import relabel
from weakseg.training.stages.seeds import seeds


@dataclass(frozen=True)
class Outcome:
    """What the stages of a run came to.

    Args:
        network: The final network, on its device.
        memory: Its labelled prototypes.
        seeded: Training images as stage embed saw them.
        refined: Training images as the last stage saw them.
    """

    network: EmbeddingNetwork
    memory: Memory
    seeded: list[Record]
    refined: list[Record]


def run_stages(
    recipe: Recipe,
    records: Sequence[Record],
    classes: ClassList,
    run: RunFolder,
    *,
    oversegments: Path | None,
) -> Outcome:
    """Go from marks to a final network, stage by stage.

    A stage that is complete and up to date is skipped; one that broke goes on where it broke.

    Args:
        recipe: The recipe.
        records: Training images with their marks.
        classes: The classes.
        run: The prepared run folder.
        oversegments: Folder of region maps, where the recipe uses them.

    Returns:
        The network, and what it was trained on.
    """
    device = accelerator_device(recipe.training.accelerator)
    said = asdict(recipe)
    said["data"].pop("root")  # a copy of the data elsewhere is the same data
    early = {key: value for key, value in said.items() if key not in LATE_STAGES}
    basis = [describe(records), classes.names, early]
    seeds_stage = stage_of(run, "seeds", *basis)
    seeded = seeds(recipe, records, classes, seeds_stage, oversegments=oversegments)
    network = embed(
        recipe, seeded, classes, run, stage_of(run, "embed", *basis), oversegments=oversegments
    ).to(device)
    refined = seeded
    memory = build_memory(network, seeded, classes, recipe)
    if recipe.relabel.enabled:
        basis += [said["relabel"], _voting(said["inference"])]
        stage = stage_of(run, "relabel", *basis)
        refined = relabel(
            recipe, network, memory, seeded, classes, stage, seeds_stage, oversegments=oversegments
        )
    if recipe.classify.steps:
        stage = stage_of(run, "classify", *basis, said["classify"])
        network = classify(recipe, network, refined, classes, stage).to(device)
    if recipe.relabel.enabled or recipe.classify.steps:
        memory = build_memory(network, refined, classes, recipe)
    if is_first_process():
        save_network(network, run.model)
        memory.save(run.memory)
    return Outcome(network, memory, list(seeded), list(refined))


def _voting(inference: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what of a predictor's settings bears on refined labels."""
    return {key: inference[key] for key in ("k", "grid", "iterations", "tile", "overlap")}
