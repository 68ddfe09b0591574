"""How a score was measured: without it a number cannot be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from weakseg.errors import DataError

LabelSource = Literal["retrieval", "classifier", "masks"]
"""Where a pixel's class comes from: nearest prototypes of the memory, the softmax classifier, or
masks in a folder, of which nothing more is known."""


@dataclass(frozen=True)
class Protocol:
    """What was scored, and with which options of the predictor.

    Args:
        split: Name of the scored part of the data, for example ``val``.
        images: Number of scored images, 0 or more.
        scales: Factors by which images were resized before prediction.
        flip: Whether predictions on mirrored images were averaged in.
        labels: Where classes come from: ``retrieval``, the ``classifier``, or given ``masks``; of
            the last, scales, flip and CRF are unknown and not said.
        crf: Whether a dense CRF refined the masks.
        notes: Anything else that a reader must know, each a few words.

    Examples:
        >>> Protocol("val", 1449, scales=(0.5, 1.0), flip=True, crf=True).describe()
        'val split, 1449 images; scales 0.5, 1; flipped too; labels by retrieval; dense CRF'
    """

    split: str
    images: int
    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    labels: LabelSource = "retrieval"
    crf: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.labels not in get_args(LabelSource):
            raise ValueError(
                f"Expected `labels` to be one of {get_args(LabelSource)}, but got {self.labels!r}."
            )

    def describe(self) -> str:
        """Say the protocol in one line, to be printed with every score."""
        scored = f"{self.split} split, {self.images} image{'' if self.images == 1 else 's'}"
        return "; ".join((scored, *self._prediction(), *self.notes))

    def _prediction(self) -> tuple[str, ...]:
        if self.labels == "masks":
            return ("masks as given",)
        scales = ", ".join(f"{scale:g}" for scale in self.scales)
        return (
            f"scale{'' if len(self.scales) == 1 else 's'} {scales}",
            "flipped too" if self.flip else "not flipped",
            f"labels by {self.labels}",
            "dense CRF" if self.crf else "no CRF",
        )

    def to_json(self) -> dict[str, Any]:
        """Give the fields as values that `json.dump` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Protocol:
        """Read what `to_json` gave, after its way through a JSON file.

        Raises:
            DataError: A field is unknown, missing or of a wrong value.
        """
        try:
            listed = {key: tuple(data[key]) for key in ("scales", "notes") if key in data}
            return cls(**{**data, **listed})
        except (TypeError, ValueError) as error:
            raise DataError(f"Expected a protocol, but got {data!r}: {error}") from error
