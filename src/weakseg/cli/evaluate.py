"""Score a run, or a folder of masks, against full masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import NonNegativeInt

from weakseg.cli.options import add_device, add_flag, add_inference_options, given, print_table

USAGE = "RUN DATA [options]"
STOPPED = "nothing was written"


def add_options(parser: ArgumentParser) -> None:
    """Add the options to the command's parser."""
    parser.add_argument("RUN", type=str, help="run folder, or folder of masks NAME.png")
    parser.add_argument("DATA", type=str, help="data with full masks")
    parser.add_argument("--split", type=str, help="split to score; by default the recipe's, or val")
    parser.add_argument(
        "--masks", type=str, metavar="FOLDER", help="folder of full masks, if not DATA's own"
    )
    parser.add_argument(
        "--instances",
        type=str,
        metavar="FOLDER",
        help="folder of instance maps NAME.png for iIoU, if not DATA's own",
    )
    add_flag(parser, "--compare-crf", "score masks without and with the dense CRF")
    add_flag(
        parser, "--compare-labels", "score labels by retrieval, by the classifier, and by both"
    )
    parser.add_argument(
        "--confusions",
        type=NonNegativeInt,
        metavar="N",
        help="list the N most frequent confusions of two classes",
    )
    parser.add_argument("--out", type=str, metavar="FILE", help="write the scores to a JSON file")
    add_device(parser)
    add_inference_options(parser)


def run(options: Namespace) -> int:
    """Run the command and return the exit code."""
    chosen = given(options)
    file = chosen.pop("out", None)
    count = chosen.pop("confusions", 0)
    compared = [chosen.get(name, False) for name in ("compare_crf", "compare_labels")]
    show = _compare if any(compared) else _score
    show(options.RUN, options.DATA, chosen, None if file is None else Path(file), count)
    return 0


def _score(run: str, data: str, chosen: dict[str, Any], file: Path | None, count: int) -> None:
    from weakseg.api.evaluate import evaluate
    from weakseg.evaluation.files import write_scores
    from weakseg.report.score_table import confusion_table, score_table

    scores, protocol = evaluate(run, data, **chosen)
    if file is not None:
        write_scores(file, scores, protocol)
    print_table(score_table(scores, protocol))
    if count:
        print_table(confusion_table(scores, count))


def _compare(run: str, data: str, chosen: dict[str, Any], file: Path | None, count: int) -> None:
    from weakseg.api.evaluate import evaluate_variants
    from weakseg.evaluation.files import write_variants
    from weakseg.report.score_table import confusion_table, variants_table

    variants = evaluate_variants(run, data, **{"compare_crf": False} | chosen)
    if file is not None:
        write_variants(file, variants)
    print_table(variants_table(variants))
    for variant in variants if count else []:
        print_table(confusion_table(variant.scores, count, title=variant.name))
