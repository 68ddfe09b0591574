"""Classes of published data sets: names, numbers and colours, as their makers list them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from weakseg.marks.classes import ClassFinder
from weakseg.marks.label_values import VOID
from weakseg.marks.palette import class_palette
from weakseg.marks.palette_files import Colour, Palette
from weakseg.marks.pixel_runs import code_colour
from weakseg.support.entries import Entry
from weakseg.support.errors import DataError
from weakseg.support.folders import read_entries

LABEL_COLOURS = "label_colors.txt"
"""A folder's own list of classes, beside the masks of CamVid and Cityscapes."""


@dataclass(frozen=True)
class ClassTable:
    """Classes by their number in a data set's masks.

    Args:
        names: Names by number.
        void: Names of classes that are left out of training and scores.
        colours: Colours by number, where there are any.
    """

    names: tuple[str, ...]
    void: frozenset[str] = frozenset()
    colours: tuple[Colour, ...] = ()

    def ids(self, classes: ClassFinder, path: Path) -> list[int]:
        """Return the class ids by number, `VOID` among them; `path` is for messages."""
        return [
            VOID if name in self.void else classes.find(name, Entry(path)) for name in self.names
        ]

    def ids_by_colour(self, ids: Sequence[int]) -> dict[Colour, int]:
        """Return the class ids by colour, from those by number."""
        by_name = dict(zip(self.names, ids, strict=True))
        return {colour: by_name[name] for colour, name in self.palette().items()}

    def palette(self) -> Palette:
        """Return the names by colour; of classes that share a colour, those of no void count."""
        pairs = list(zip(self.colours, self.names, strict=True))
        palette = {colour: name for colour, name in reversed(pairs) if name in self.void}
        return palette | {colour: name for colour, name in pairs if name not in self.void}


def read_label_colours(
    folder: Path, void: Collection[str], *, black_first: bool
) -> ClassTable | None:
    """Read a folder's label_colors.txt: lines "red green blue name", or of names alone.

    Where no class is black, or none has a colour, "background" is added in front.

    Args:
        folder: The folder. Classes without colours get those of PASCAL VOC.
        void: Names of classes that are left out of training and scores.
        black_first: A class that is black has number 0, wherever it stands.

    Returns:
        The classes, or None where there is no such file.

    Raises:
        DataError: The file cannot be read, or a line is not what it should be.
    """
    path = folder / LABEL_COLOURS
    if not path.is_file():
        return None
    colours: dict[str, Colour | None] = {}
    for entry, line in read_entries(path):
        if not line.startswith("#"):
            name, colour = _label_colour(line.split(), entry)
            if name in colours:
                raise entry.error(f"class {name!r} is listed twice")
            colours[name] = colour
    if None in colours.values() and set(colours.values()) != {None}:
        raise DataError("expected a colour for every class, or for none", path=path)
    black = next((name for name, colour in colours.items() if colour == (0, 0, 0)), None)
    if black is None or black_first:
        first = black or "background"
        colours = {first: colours.get(first, (0, 0, 0))} | colours
    drawn = [
        colour or (int(red), int(green), int(blue))
        for colour, (red, green, blue) in zip(colours.values(), class_palette(), strict=False)
    ]
    return ClassTable(tuple(colours), frozenset(void) & colours.keys(), tuple(drawn))


def _label_colour(parts: list[str], entry: Entry) -> tuple[str, Colour | None]:
    if len(parts) < 4:
        return " ".join(parts), None
    values = [int(part) for part in parts[:3] if part.isdecimal() and int(part) < 256]
    if len(values) != 3:
        raise entry.error(
            f"expected red, green, blue, 0 to 255, and a name, but got {' '.join(parts)!r:.60}"
        )
    red, green, blue = values
    return " ".join(parts[3:]), (red, green, blue)


def _coloured(listed: str) -> ClassTable:
    """Read name:rrggbb, with a "-" before what is void."""
    pairs = [item.removeprefix("-").split(":") for item in listed.split()]
    void = {item[1:].split(":")[0] for item in listed.split() if item.startswith("-")}
    colours = tuple(code_colour(int(code, 16)) for _, code in pairs)
    return ClassTable(tuple(name for name, _ in pairs), frozenset(void), colours)


def _grouped(listed: str) -> tuple[str, ...]:
    """Read names whose common beginning stands before them, ending in "--"."""
    names, group = [], ""
    for word in listed.split():
        if word.endswith("--"):
            group = word
        else:
            names.append(group + word)
    return tuple(names)


CITYSCAPES = _coloured("""
-unlabeled:000000 -egovehicle:000000 -rectificationborder:000000 -outofroi:000000 -static:000000
-dynamic:6f4a00 -ground:510051 road:804080 sidewalk:f423e8 -parking:faaaa0 -railtrack:e6968c
building:464646 wall:66669c fence:be9999 -guardrail:b4a5b4 -bridge:966464 -tunnel:96785a
pole:999999 -polegroup:999999 trafficlight:faaa1e trafficsign:dcdc00 vegetation:6b8e23
terrain:98fb98 sky:4682b4 person:dc143c rider:ff0000 car:00008e truck:000046 bus:003c64
-caravan:00005a -trailer:00006e train:005064 motorcycle:0000e6 bicycle:770b20 -licenseplate:00008e
""")
"""By the numbers of labelIds; labelTrainIds count those that are not void."""

CAMVID = _coloured("""
-Void:000000 Animal:408040 Archway:c00080 Bicyclist:0080c0 Bridge:008040 Building:800000
Car:400080 CartLuggagePram:4000c0 Child:c08040 Column_Pole:c0c080 Fence:404080 LaneMkgsDriv:8000c0
LaneMkgsNonDriv:c00040 Misc_Text:808040 MotorcycycleScooter:c000c0 OtherMoving:804040
ParkingBlock:40c080 Pedestrian:404000 Road:804080 RoadShoulder:8080c0 Sidewalk:0000c0
SignSymbol:c08080 Sky:808080 SUVPickupTruck:4080c0 TrafficCone:000040 TrafficLight:004040
Train:c04080 Tree:808000 Truck_Bus:c080c0 Tunnel:400040 VegetationMisc:c0c000 Wall:40c000
""")

CAMVID_11 = ClassTable(
    _grouped(
        "Sky Building Column_Pole Road Sidewalk Tree SignSymbol Fence Car Pedestrian Bicyclist Void"
    ),
    frozenset({"Void"}),
)
"""The classes of CamVid that SegNet's masks of numbers hold."""

_MAPILLARY_20 = """
animal-- bird ground-animal
construction--barrier-- ambiguous concrete-block curb fence guard-rail other-barrier road-median
    road-side separator temporary wall
construction--flat-- bike-lane crosswalk-plain curb-cut driveway parking parking-aisle
    pedestrian-area rail-track road road-shoulder service-lane sidewalk traffic-island
construction--structure-- bridge building garage tunnel
human--person-- individual person-group
human--rider-- bicyclist motorcyclist other-rider
marking--continuous-- dashed solid zigzag
marking--discrete-- ambiguous arrow--left arrow--other arrow--right arrow--split-left-or-straight
    arrow--split-right-or-straight arrow--straight crosswalk-zebra give-way-row give-way-single
    hatched--chevron hatched--diagonal other-marking stop-line symbol--bicycle symbol--other text
marking-only--continuous-- dashed
marking-only--discrete-- crosswalk-zebra other-marking text
nature-- mountain sand sky snow terrain vegetation water
object-- banner bench bike-rack catch-basin cctv-camera fire-hydrant junction-box mailbox manhole
    parking-meter phone-booth pothole
object--sign-- advertisement ambiguous back information other store
object-- street-light
object--support-- pole pole-group traffic-sign-frame utility-pole
object-- traffic-cone
object--traffic-light-- cyclists general-horizontal general-single general-upright other
    pedestrians
object--traffic-sign-- ambiguous back direction-back direction-front front information-parking
    temporary-back temporary-front
object-- trash-can
object--vehicle-- bicycle boat bus car caravan motorcycle on-rails other-vehicle trailer truck
    vehicle-group wheeled-slow
object-- water-valve
void-- car-mount dynamic ego-vehicle ground static unlabeled
"""

_MAPILLARY_12 = """
animal-- bird ground-animal
construction--barrier-- curb fence guard-rail other-barrier wall
construction--flat-- bike-lane crosswalk-plain curb-cut parking pedestrian-area rail-track road
    service-lane sidewalk
construction--structure-- bridge building tunnel
human-- person
human--rider-- bicyclist motorcyclist other-rider
marking-- crosswalk-zebra general
nature-- mountain sand sky snow terrain vegetation water
object-- banner bench bike-rack billboard catch-basin cctv-camera fire-hydrant junction-box
    mailbox manhole phone-booth pothole street-light
object--support-- pole traffic-sign-frame utility-pole
object-- traffic-light
object--traffic-sign-- back front
object-- trash-can
object--vehicle-- bicycle boat bus car caravan motorcycle on-rails other-vehicle trailer truck
    wheeled-slow
void-- car-mount ego-vehicle unlabeled
"""

MAPILLARY = {"v2.0": _grouped(_MAPILLARY_20), "v1.2": _grouped(_MAPILLARY_12)}
"""Names of Mapillary Vistas by number, by version; those of "void--" are left out."""
