#!/usr/bin/env bash
# timm 1.0.31, model "vitamin_small_224" with dynamic_img_size=True: of an image whose sides are no
# multiples of 16, forward_intermediates returns maps without any error in which positions and
# channels are mixed: the sequence of tokens is reshaped with other rows and columns than it was
# made of, and the channels take what is left over.
#
# Expected: maps of 384 channels, 7 × 9 for 97 × 130 pixels; or an error that names the sides.
# Seen:     at 96 × 128 384 channels, 6 × 8; at 97 × 130 504 channels, 6 × 8
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'timm==1.0.31' torch torchvision
"$folder/venv/bin/python" - <<'PYTHON'
import timm
import torch

model = timm.create_model("vitamin_small_224", dynamic_img_size=True).eval()
seen = {}
for sides in ((96, 128), (97, 130)):
    with torch.no_grad():
        maps = model.forward_intermediates(torch.zeros(1, 3, *sides), intermediates_only=True)
    seen[sides] = tuple(maps[-1].shape)
print(f"timm {timm.__version__}: {seen}")
assert seen == {(96, 128): (1, 384, 6, 8), (97, 130): (1, 504, 6, 8)}, "the behaviour has changed"
PYTHON
