"""Protocol of a score: without it a number cannot be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from weakseg.recipes.recipe import CrfPreset, InferenceConfig, Upsampling
from weakseg.support.errors import DataError
from weakseg.support.wording import counted

LabelSource = Literal["retrieval", "classifier", "both", "masks"]
"""Source of a pixel's class: nearest prototypes of the memory, the softmax classifier, the mean of
both, or masks in a folder, about which nothing more is known."""

_IN_WORDS = {"both": "retrieval and classifier"}

_OLDER_CRF: dict[Any, CrfPreset] = {False: "none", True: "deeplab"}


@dataclass(frozen=True)
class Protocol:
    """The scored data, and the options of the predictor.

    Args:
        split: Name of the scored part of the data, for example ``val``.
        images: Number of scored images, 0 or more.
        scales: Factors by which images were resized before prediction.
        flip: Whether predictions on mirrored images were averaged in.
        labels: Source of the labels: ``retrieval``, the ``classifier``, ``both``, or existing
            ``masks``, whose scales, flip, CRF and tiles are unknown and not reported.
        crf: Preset of the dense CRF that refined the masks, or none.
        upsample: How probabilities were enlarged to the image's size.
        tile: Side of the tiles into which larger images were cut; None if unknown.
        notes: Further remarks, each a few words.

    Examples:
        >>> Protocol("val", 1449, scales=(0.5, 1.0), flip=True, crf="deeplab").describe()
        'val split, 1449 images; scales 0.5, 1; flipped too; labels by retrieval; deeplab CRF'
    """

    split: str
    images: int
    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    labels: LabelSource = "retrieval"
    crf: CrfPreset = "none"
    upsample: Upsampling = "bilinear"
    tile: int | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, kind in (("labels", LabelSource), ("crf", CrfPreset), ("upsample", Upsampling)):
            value = getattr(self, name)
            if value not in get_args(kind):
                raise ValueError(
                    f"Expected `{name}` to be one of {get_args(kind)}, but got {value!r}."
                )

    @classmethod
    def of(
        cls, config: InferenceConfig, split: str, images: int, *, notes: Sequence[str] = ()
    ) -> Protocol:
        """Return the protocol of a predictor's scores."""
        return cls(
            split,
            images,
            scales=tuple(config.scales),
            flip=config.flip,
            labels=config.labels,
            crf=config.crf,
            upsample=config.upsample,
            tile=config.tile,
            notes=tuple(notes),
        )

    @property
    def crf_name(self) -> str:
        """Name of the CRF, or "no CRF"."""
        return "no CRF" if self.crf == "none" else f"{self.crf} CRF"

    def describe(self) -> str:
        """Return the protocol in one line, to be printed with every score."""
        scored = f"{self.split} split, {counted(self.images, 'image')}"
        return "; ".join((scored, *self._prediction(), *self.notes))

    def _prediction(self) -> tuple[str, ...]:
        if self.labels == "masks":
            return ("masks as given",)
        scales = ", ".join(f"{scale:g}" for scale in self.scales)
        return (
            f"scale{'' if len(self.scales) == 1 else 's'} {scales}",
            "flipped too" if self.flip else "not flipped",
            f"labels by {_IN_WORDS.get(self.labels, self.labels)}",
            *(("image-guided upsampling",) if self.upsample == "guided" else ()),
            self.crf_name,
            *(() if self.tile is None else (f"tiles of {self.tile}",)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the fields as values that `json.dump` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Protocol:
        """Rebuild a protocol from the result of `to_json`, also of older versions.

        Raises:
            DataError: A field is unknown, missing or of a wrong value.
        """
        try:
            listed = {key: tuple(data[key]) for key in ("scales", "notes") if key in data}
            crf = data.get("crf", "none")
            named = {"crf": _OLDER_CRF[crf]} if isinstance(crf, bool) else {}
            return cls(**{**data, **listed, **named})
        except (AttributeError, TypeError, ValueError) as error:
            raise DataError(f"Expected a protocol, but got {data!r}: {error}") from error
