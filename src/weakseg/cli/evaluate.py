"""`weakseg evaluate`."""

from __future__ import annotations

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import NonNegativeInt

from weakseg.cli.options import add_device, add_flag, flag, inference_options, out
from weakseg.recipes.recipe import InferenceConfig


class Evaluate:
    """Score a run, or a folder of masks, against full masks."""

    usage = "RUN DATA [options]"

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add its options."""
        parser.add_argument("RUN", type=str, help="run folder, or folder of masks NAME.png")
        parser.add_argument("DATA", type=str, help="data with full masks")
        parser.add_argument("--split", type=str, help="split to score (the recipe's, or val)")
        parser.add_argument("--masks", type=str, help="folder of full masks, if not DATA's own")
        parser.add_argument(
            "--instances",
            type=str,
            help="folder of instance maps NAME.png for iIoU, if not DATA's own",
        )
        add_flag(parser, "--compare-crf", "score masks without and with the dense CRF")
        add_flag(
            parser, "--compare-labels", "score labels by retrieval, by the classifier, and by both"
        )
        parser.add_argument(
            "--confusions",
            type=NonNegativeInt,
            help="list this many of the most frequent confusions of two classes",
        )
        parser.add_argument("--out", type=str, help="write the scores to this JSON file")
        add_device(parser)
        parser.add_class_arguments(InferenceConfig, None)

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it."""
        if flag(options, "compare_crf") or flag(options, "compare_labels"):
            _compare(options)
        else:
            _score(options)
        return 0


def _score(options: Namespace) -> None:
    from weakseg.api.evaluate import evaluate
    from weakseg.evaluation import write_scores
    from weakseg.report.score_table import confusion_table, score_table

    scores, protocol = evaluate(
        options.RUN,
        options.DATA,
        split=options.get("split"),
        masks=options.get("masks"),
        instances=options.get("instances"),
        **inference_options(options),
    )
    if "out" in options:
        write_scores(Path(options.out), scores, protocol)
    out.print(score_table(scores, protocol))
    if options.get("confusions"):
        out.print(confusion_table(scores, options.confusions))


def _compare(options: Namespace) -> None:
    from weakseg.api.evaluate import evaluate_variants
    from weakseg.evaluation import write_variants
    from weakseg.report.score_table import confusion_table, variants_table

    variants = evaluate_variants(
        options.RUN,
        options.DATA,
        split=options.get("split"),
        masks=options.get("masks"),
        instances=options.get("instances"),
        compare_crf=flag(options, "compare_crf"),
        compare_labels=flag(options, "compare_labels"),
        **inference_options(options),
    )
    if "out" in options:
        write_variants(Path(options.out), variants)
    out.print(variants_table(variants))
    if options.get("confusions"):
        for variant in variants:
            out.print(confusion_table(variant.scores, options.confusions, title=variant.name))
