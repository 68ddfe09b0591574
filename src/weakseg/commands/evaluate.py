"""`weakseg evaluate`."""

from __future__ import annotations

from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from weakseg.commands.options import add_device, inference_options, out
from weakseg.config import InferenceConfig


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
        parser.add_argument("--out", type=str, help="write the scores to this JSON file")
        add_device(parser)
        parser.add_class_arguments(InferenceConfig, None)

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it."""
        from weakseg.api import evaluate
        from weakseg.evaluation import score_table, write_scores

        scores, protocol = evaluate(
            options.RUN, options.DATA, split=options.get("split"), masks=options.get("masks"),
            **inference_options(options),
        )  # fmt: skip
        if "out" in options:
            write_scores(Path(options.out), scores, protocol)
        out.print(score_table(scores, protocol))
        return 0
