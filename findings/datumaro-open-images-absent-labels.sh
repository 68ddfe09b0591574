#!/usr/bin/env bash
# datumaro 1.13.12, format "open_images": a human-verified image label of confidence 0 means that the
# class is NOT in the image. It is read as a label of the image like any other, told apart by an
# attribute "score" of 0.0 alone; and the classes carry their codes (/m/01yrx), though the folder
# holds the descriptions (Cat).
#
# Expected: the tags of the image are Cat, or the absent class is marked as such by its kind.
# Seen:     [('label', '/m/01yrx', 1.0), ('label', '/m/0bt9lr', 0.0)]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'datumaro==1.13.12'
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from pathlib import Path

from datumaro import Dataset
from PIL import Image

root = Path(sys.argv[1]) / "open-images"
(root / "annotations").mkdir(parents=True)
(root / "images/train").mkdir(parents=True)
Image.new("RGB", (20, 10)).save(root / "images/train/a.jpg")
described = "LabelName,DisplayName\n/m/01yrx,Cat\n/m/0bt9lr,Dog\n"
(root / "annotations/oidv6-class-descriptions.csv").write_text(described)
labels = "ImageID,Source,LabelName,Confidence\na,verification,/m/01yrx,1\na,verification,/m/0bt9lr,0\n"
(root / "annotations/train-annotations-human-imagelabels.csv").write_text(labels)
data = Dataset.import_from(str(root), "open_images")
names = [label.name for label in data.categories()[next(iter(data.categories()))]]
(item,) = list(data)
seen = [(mark.type.name, names[mark.label], mark.attributes["score"]) for mark in item.annotations]
print(seen)
assert seen == [("label", "/m/01yrx", 1.0), ("label", "/m/0bt9lr", 0.0)]
PYTHON
echo "as described"
