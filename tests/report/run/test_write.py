"""The report of a run that stages have left, without any training."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from weakseg.datasets.data_folder import DataFolder
from weakseg.evaluation.confusion import Confusion
from weakseg.evaluation.label_quality import label_quality
from weakseg.evaluation.protocol import Protocol
from weakseg.inference import Segmenter
from weakseg.inference.memory import Memory
from weakseg.marks.kinds import Marks
from weakseg.marks.label_maps import read_label_map, write_label_map
from weakseg.models.network import build_network
from weakseg.oversegments.region_maps import save_oversegment
from weakseg.recipes.reading import parse_recipe
from weakseg.recipes.recipe import Recipe
from weakseg.recipes.run_folder import RunFolder
from weakseg.report.run.logs import label_stages, loss_curves, stage_seconds
from weakseg.report.run.panels import Panels, example
from weakseg.report.run.pick import agreements, pick, spread
from weakseg.report.run.write import write_run_report
from weakseg.training.pipeline import Outcome

LOG = "step,loss,annotation,classifier,lr,seconds\n1,3,1,2,0.1,5\n2,2,1,1,0.1,5\n"


class Run:
    """A run on the test folder: an untrained network, and what stages would have left."""

    def __init__(self, data: Path, root: Path, marks: str = "tags", **changes) -> None:
        tree = {
            "data": {"marks": [marks]},
            "model": {"backbone": "test_resnet", "weights": "none", "dimensions": 8},
            "relabel": {"enabled": True},
            "classify": {"steps": 2},
            "inference": {"grid": [3, 3]},
        }
        source = DataFolder.open(data, (tree | changes)["data"])
        self.recipe: Recipe = replace(parse_recipe(tree | changes), data=source.config)
        self.folder = RunFolder(root)
        self.classes = source.classes
        self.trained = source.split("train")
        self.scored = source.split("val")
        self.folder.prepare(self.recipe, self.classes)
        self.folder.log.write_text(LOG)
        torch.manual_seed(0)
        network = build_network(self.recipe.model, 3, weights="none")
        vectors = torch.nn.functional.normalize(torch.randn(20, 8), dim=1)
        memory = Memory(vectors, torch.arange(20) % 3)
        self.segmenter = Segmenter(network, self.classes, self.recipe.inference, memory)
        self.outcome = Outcome(network, memory, self.trained, self.trained)
        self.result = None
        self.oversegments = None

    def leave(self, stage: str, **found) -> Path:
        """Make a stage's folder, with a log."""
        folder = self.folder.stages / stage
        folder.mkdir(parents=True)
        (folder / "stage.json").write_text(json.dumps({"key": "a", **found}))
        (folder / "log.csv").write_text("step,loss,tags,lr,seconds\n1,3,3,0.1,7\n")
        return folder

    def label(self, right: dict[str, int]) -> None:
        """Refine labels; of each image so many rows are as in the truth, the rest unlabelled."""
        refined = []
        for record in self.trained:
            truth = read_label_map(record.truth, num_classes=3)
            truth[right.get(record.name, 0) :] = 254
            path = self.folder.stages / "relabel" / "labels" / f"{record.name}.png"
            write_label_map(path, truth)
            refined.append(replace(record, pseudo_labels=path))
        self.outcome = replace(self.outcome, refined=refined)

    def score(self) -> None:
        confusion = Confusion(self.classes.names)
        for record in self.scored:
            truth = read_label_map(record.truth, num_classes=3)
            confusion.update(truth, truth, record.name)
        self.result = confusion.compute(), Protocol("val", len(self.scored))

    def write(self) -> str:
        write_run_report(
            self.folder,
            self.recipe,
            self.segmenter,
            self.outcome,
            self.scored,
            self.result,
            oversegments=self.oversegments,
        )
        return self.folder.report.read_text()


def pseudo_labels(record) -> np.ndarray:
    return read_label_map(record.pseudo_labels, num_classes=3)


def captions(html: str) -> list[list[str]]:
    """Give the captions of every example."""
    examples = re.findall(r"<article.*?</article>", html, flags=re.DOTALL)
    return [re.findall(r"<figcaption>([^<:]*)", one) for one in examples]


def test_a_training_image_tells_its_story_from_marks_to_truth(folder, tmp_path):
    run = Run(folder, tmp_path / "run")
    seeded = []
    for record in run.trained:
        path = run.folder.stages / "seeds" / "labels" / f"{record.name}.png"
        write_label_map(path, np.full((48, 64), 254, np.uint8))
        seeded.append(replace(record, pseudo_labels=path))
        save_oversegment(
            tmp_path / "regions" / f"{record.name}.png",
            np.arange(48 * 64, dtype=np.int32).reshape(48, 64) // 1000,
        )
    run.label({"img0": 48})
    run.outcome = replace(run.outcome, seeded=seeded)
    run.oversegments = tmp_path / "regions"
    run.score()
    html = run.write()
    shown = captions(html)
    story = ["image", "marks", "seeds", "oversegments", "embedding", "pseudo-labels", "prediction"]
    assert shown[0] == [*story, "truth"]
    assert shown[-1] == ["image", "embedding", "prediction", "truth"]
    assert len(shown) == 3 + 2, "best, median and worst of four; two validation images"
    lists = re.findall(r'<dl class="card meanings">.*?</dl>', html, flags=re.DOTALL)
    assert re.findall(r"<dt>([\w -]+)</dt>", "".join(lists)) == [*story, "truth"], "each once"
    assert "<figcaption>pseudo-labels: 100.0%" in html
    assert "<figcaption>seeds: 0.0%" in html


def test_what_a_run_does_not_have_is_left_out(folder, tmp_path):
    run = Run(
        folder,
        tmp_path / "run",
        "points",
        method="cross-entropy",
        relabel={},
        inference={"labels": "classifier"},
    )
    run.trained = [replace(record, truth=None) for record in run.trained]
    run.outcome = replace(run.outcome, seeded=run.trained, refined=run.trained)
    run.scored = []
    html = run.write()
    assert captions(html) == [["image", "marks", "embedding", "prediction"]] * 4
    for part in ("scores", "labels", "gallery-2", "class-scores", "confusions"):
        assert f'id="{part}"' not in html
    assert 'id="curves"' in html


def test_one_image_is_enough_for_a_report(folder, tmp_path):
    run = Run(folder, tmp_path / "run", "masks")
    run.outcome = replace(run.outcome, seeded=run.trained[:1], refined=run.trained[:1])
    run.scored = run.scored[:1]
    run.score()
    html = run.write()
    assert len(captions(html)) == 2
    assert "mean IoU 100.0%" in html
    assert "among the" not in html


def test_a_report_is_small_the_same_again_and_asks_for_nothing_from_outside(folder, tmp_path):
    run = Run(folder, tmp_path / "run")
    run.score()
    html = run.write()
    assert html == run.write()
    assert len(html) < 1e6
    assert not re.search(r'(src|href)="(?!data:|#)', html)


def test_training_images_are_ranked_by_their_refined_labels(folder, tmp_path):
    run = Run(folder, tmp_path / "run")
    run.label({"img0": 20, "img1": 48, "img2": 30, "img3": 10})
    found = agreements(run.outcome.refined, run.classes, pseudo_labels, 120)
    assert sorted(found, key=found.__getitem__) == ["img3", "img0", "img2", "img1"]
    assert found["img1"] == 1
    picked = pick(run.trained, found)
    assert [each.record.name for each in picked] == ["img1", "img2", "img3"]
    assert picked[0].note == "among the best of 4 images: mean IoU 100.0%"
    assert picked[-1].note.startswith("among the worst of 4 images")


def test_without_refined_labels_predictions_are_compared_and_void_truth_is_passed_over(
    folder, tmp_path
):
    run = Run(folder, tmp_path / "run")
    write_label_map(run.trained[0].truth, np.full((48, 64), 255, np.uint8))
    right = {r.name: read_label_map(r.truth, num_classes=3) for r in run.trained}
    found = agreements(run.trained, run.classes, lambda record: right[record.name], 12)
    assert found == {"img1": 1.0, "img2": 1.0, "img3": 1.0}


def test_images_are_taken_evenly_where_no_truth_tells(folder, tmp_path):
    records = Run(folder, tmp_path / "run").trained
    many = [replace(records[0], name=str(number)) for number in range(100)]
    assert [record.name for record in spread(many)] == ["0", "20", "40", "59", "79", "99"]
    assert [each.record.name for each in pick(many, {"a stranger": 0.5})][-1] == "99"
    assert spread([]) == []
    assert pick([], {}) == []


def test_losses_of_every_stage_have_clear_names(folder, tmp_path):
    run = Run(folder, tmp_path / "run")
    run.leave("seeds")
    run.leave("classify")
    curves = loss_curves(run.folder, run.recipe)
    assert curves["Network: all losses"] == [(1, 3.0), (2, 2.0)]
    assert [*curves] == [
        "Tag classifier: tags",
        "Network: all losses",
        "Network: annotation",
        "Network: cross-entropy",
        "On pseudo-labels: tags",
    ]
    assert stage_seconds(run.folder, run.recipe) == {"seeds": 7, "embed": 10, "classify": 7}
    off = replace(run.recipe, classify=replace(run.recipe.classify, steps=0))
    assert [*stage_seconds(run.folder, off)] == ["seeds", "embed"], "a stage of an earlier recipe"
    assert "seeds 7 s, embed 10 s, classify 7 s" in run.write()


def test_a_report_comes_without_any_log(folder, tmp_path):
    run = Run(folder, tmp_path / "run")
    run.folder.log.unlink()
    html = run.write()
    assert captions(html)
    assert 'id="curves"' not in html


@pytest.mark.parametrize(
    "log",
    [
        b"",
        b"\xff\xfe\x00",
        b"step,loss\n1,2\n",
        LOG[:60].encode(),
        LOG.encode() + b"3,oo,nan,inf,1,\n",
        b"step,loss,lr,seconds\n,,,\nx,1,1,1\n",
        LOG.replace("0.1,5", "0.1,5,6,7").encode(),
    ],
)
def test_what_is_no_number_in_a_log_is_passed_over(folder, tmp_path, log):
    run = Run(folder, tmp_path / "run")
    run.folder.log.write_bytes(log)
    for curve in loss_curves(run.folder, run.recipe).values():
        assert all(isinstance(step, int) and isinstance(value, float) for step, value in curve)
    assert stage_seconds(run.folder, run.recipe).get("embed", 0) in (0, 1, 5, 10)


def test_the_quality_of_labels_is_shown_as_the_stages_measured_it(folder, tmp_path):
    run = Run(folder, tmp_path / "run")
    truth = np.array([[0, 1, 2]], np.uint8)
    some, good = (
        label_quality([(labels, truth)], run.classes.names).to_json()
        for labels in (np.array([[0, 1, 254]], np.uint8), truth)
    )
    run.leave("relabel", before=some, quality=good)
    assert [*label_stages(run.folder, run.recipe)] == ["marks", "pseudo-labels"]
    run.leave("seeds", quality=some)
    assert [*label_stages(run.folder, run.recipe)] == ["marks and seeds", "pseudo-labels"]
    (run.folder.stages / "seeds" / "stage.json").write_text(
        json.dumps({"quality": some | {"images": 5}})
    )
    assert len(label_stages(run.folder, run.recipe)) == 3, "of a mix, only some have seeds"
    assert "66.7" in run.write()
    off = replace(run.recipe, relabel=replace(run.recipe.relabel, enabled=False))
    assert [*label_stages(run.folder, off)] == ["marks and seeds"]


@pytest.mark.parametrize("found", ["[]", "{", '{"quality": 3}', '{"quality": {"images": "x"}}'])
def test_a_damaged_note_of_a_stage_is_passed_over(folder, tmp_path, found):
    run = Run(folder, tmp_path / "run")
    (run.leave("relabel") / "stage.json").write_text(found)
    assert label_stages(run.folder, run.recipe) == {}


def test_tags_that_no_other_mark_names_are_written_into_the_picture(folder, tmp_path):
    run = Run(folder, tmp_path / "run")
    plain, tagged = (
        Panels(replace(run.trained[0], marks=marks), run.classes, run.recipe.data)
        for marks in (Marks(), Marks(tags=frozenset({1, 2})))
    )
    for panels in (plain, tagged):
        panels.add_marks()
    (_, without), (_, with_tags) = plain.pictures[-1], tagged.pictures[-1]
    changed = np.argwhere((without != with_tags).any(axis=2))
    assert len(changed) > 500
    assert changed.max(axis=0).tolist() < [60, 160]
    assert tagged.example().labels == {1, 2}


def test_colours_of_an_example_are_those_of_its_panels(folder, tmp_path):
    run = Run(folder, tmp_path / "run", "points")
    shown = example(run.trained[0], run.classes, run.recipe.data, {}, marks=True)
    assert [caption for caption, _ in shown.panels] == ["image", "marks", "truth"]
    assert shown.labels == {0, 1}


def test_panels_of_a_large_image_are_held_small(folder, tmp_path):
    run = Run(folder, tmp_path / "run")
    Image.new("RGB", (900, 1500), "teal").save(run.trained[0].image)
    panels = Panels(replace(run.trained[0], truth=None), run.classes, run.recipe.data)
    panels.add_marks()
    panels.add_labels("all void", np.full((1500, 900), 255, np.uint8))
    panels.add_embedding(np.zeros((7, 5, 3), np.uint8))
    save_oversegment(tmp_path / "regions.png", np.zeros((1500, 900), np.int32))
    panels.add_regions(tmp_path / "regions.png")
    assert all(max(picture.shape) <= 480 for _, picture in panels.pictures)
