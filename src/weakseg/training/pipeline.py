"""Run of all stages: seeds → embed → relabel → classify, without those that it does not need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from weakseg.datasets.records import Record, fingerprint
from weakseg.inference.memory import Memory, build_memory
from weakseg.marks.classes import ClassList
from weakseg.models.network import EmbeddingNetwork, save_network
from weakseg.recipes.recipe import Recipe
from weakseg.recipes.run_folder import CACHE_KEYS, LATE_STAGES, RunFolder
from weakseg.support.devices import accelerator_device
from weakseg.support.machine import is_first_process
from weakseg.training.stages.classify import classify
from weakseg.training.stages.context import Context
from weakseg.training.stages.embed import embed
from weakseg.training.stages.folder import stage_folder
from weakseg.training.stages.relabel import relabel
from weakseg.training.stages.seeds import seeds


@dataclass(frozen=True)
class Outcome:
    """Result of the stages of a run.

    Args:
        network: The final network, on its device.
        memory: Its labelled prototypes.
        seeded: Training images that stage embed trained on, with seeds.
        refined: Training images that the last stage trained on, with pseudo-labels.
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
    features: Path | None = None,
) -> Outcome:
    """Run the stages from marks to a final network.

    A stage that is complete and up to date is skipped; one that broke off is resumed.

    Args:
        recipe: The recipe, resolved.
        records: The training images.
        classes: The classes.
        run: The run folder.
        oversegments: Folder of region maps, where the recipe uses them.
        features: Folder for the features of frozen backbones; none: they are not kept.

    Returns:
        The network, and what it was trained on.

    Raises:
        RecipeError: The accelerator is not there.
        WeaksegError: A stage failed; its message has what and where.
    """
    context = Context(recipe, classes, oversegments, features)
    device = accelerator_device(recipe.training.accelerator)
    settings = asdict(recipe)
    for key in ("root", *CACHE_KEYS):  # a copy of the data elsewhere is the same data
        settings["data"].pop(key)
    early = {key: value for key, value in settings.items() if key not in LATE_STAGES}
    steps = early["training"].pop("steps")  # a training that is resumed may end later
    basis = [fingerprint(records), classes.names, early]
    seeds_stage = stage_folder(run, "seeds", *basis)
    seeded = seeds(context, records, seeds_stage)
    network = embed(context, seeded, run, stage_folder(run, "embed", *basis)).to(device)
    memory = build_memory(network, seeded, classes, recipe)
    basis.append(steps)
    refined = seeded
    if recipe.relabel.enabled:
        basis += [settings["relabel"], _retrieval(settings["inference"])]
        stage = stage_folder(run, "relabel", *basis)
        refined = relabel(context, network, memory, seeded, stage, seeds_stage)
    if recipe.classify.steps:
        stage = stage_folder(run, "classify", *basis, settings["classify"])
        network = classify(context, network, refined, stage).to(device)
    if recipe.relabel.enabled or recipe.classify.steps:
        memory = build_memory(network, refined, classes, recipe)
    if is_first_process():
        save_network(network, run.model)
        memory.save(run.memory)
    return Outcome(network, memory, seeded, refined)


def _retrieval(inference: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of inference that bear on pseudo-labels."""
    return {key: inference[key] for key in ("k", "grid", "iterations", "tile", "overlap")}
