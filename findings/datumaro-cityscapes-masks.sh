#!/usr/bin/env bash
# datumaro 1.13.12, format "cityscapes": of a folder whose ground truth is *_gtFine_labelIds.png
# alone, the import succeeds and holds no annotation at all; of *_gtFine_labelTrainIds.png alone,
# every class but road (train id 0). Only *_gtFine_instanceIds.png is read in full. Nothing is
# reported in any of the three.
#
# Expected: road and car from each, as most training code reads the first two; or an error.
# Seen:     labelIds nothing / labelTrainIds car / instanceIds road and car
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'datumaro==1.13.12'
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
from datumaro import Dataset
from PIL import Image

NAME = "x_000000_000000"


def read(kind, road, car):
    root = Path(sys.argv[1]) / kind
    images, masks = root / "leftImg8bit/val/x", root / "gtFine/val/x"
    images.mkdir(parents=True)
    masks.mkdir(parents=True)
    Image.new("RGB", (8, 4)).save(images / f"{NAME}_leftImg8bit.png")
    values = np.repeat(np.array([[road, car]], np.uint8), 4, axis=1).repeat(4, axis=0)
    Image.fromarray(values).save(masks / f"{NAME}_gtFine_{kind}.png")
    data = Dataset.import_from(str(root), "cityscapes")
    names = [label.name for label in data.categories()[next(iter(data.categories()))]]
    (item,) = list(data)
    return [(mark.type.name, names[mark.label]) for mark in item.annotations]


seen = {
    "labelIds": read("labelIds", 7, 26),
    "labelTrainIds": read("labelTrainIds", 0, 13),
    "instanceIds": read("instanceIds", 7, 26),
}
print(seen)
assert seen["labelIds"] == []
assert [name for _, name in seen["labelTrainIds"]] == ["car"]
assert [name for _, name in seen["instanceIds"]] == ["road", "car"]
PYTHON
echo "as described"
