#!/usr/bin/env bash
# datumaro 1.13.12, format "cvat" (CVAT for images 1.1): an ellipse, which CVAT has offered since
# 2022, is left out without a word, so an image marked with ellipses alone comes out unmarked; and a
# shape whose label the file's own list does not hold is kept without any class.
#
# Expected: the ellipse as a polygon or mask, or an error; an error for the unknown label.
# Seen:     ellipse [] / unknown label [('bbox', None)]
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

HEAD = "<version>1.1</version><meta><task><labels><label><name>cat</name></label></labels></task></meta>"
ELLIPSE = '<ellipse label="cat" cx="10" cy="5" rx="4" ry="2" occluded="0" z_order="0"></ellipse>'
BOX = '<box label="dog" xtl="1" ytl="1" xbr="5" ybr="5" occluded="0" z_order="0"></box>'


def read(name, shape):
    root = Path(sys.argv[1]) / name
    (root / "images").mkdir(parents=True)
    Image.new("RGB", (20, 10)).save(root / "images/a.jpg")
    image = f'<image id="0" name="a.jpg" width="20" height="10">{shape}</image>'
    text = f'<?xml version="1.0" encoding="utf-8"?><annotations>{HEAD}{image}</annotations>'
    (root / "train.xml").write_text(text)
    (item,) = list(Dataset.import_from(str(root), "cvat"))
    return [(mark.type.name, mark.label) for mark in item.annotations]


seen = {"ellipse": read("ellipse", ELLIPSE), "unknown label": read("unknown", BOX)}
print(seen)
assert seen == {"ellipse": [], "unknown label": [("bbox", None)]}
PYTHON
echo "as described"
