#!/usr/bin/env bash
# timm 1.0.31, MViTv2: an image smaller than the model was built for is accepted, and its relative
# positions are looked up in the wrong rows of their table: distance 0 is row (k - 1) · ratio, where k
# is the image's own number of keys, in place of the row that distance 0 had in the training. In the
# first block of mvitv2_tiny that row is 12 at the size of 64 pixels that it was built for, of rows 0
# to 27, and 4 at 32 pixels. A larger image raises an IndexError that names a row of the table and not
# the size.
#
# Expected: rows 8 to 19 at 32 pixels, or the table interpolated to the image; or an
#           error that names the sizes, for smaller images and for larger ones.
# Seen:     rows 0 to 11 at 32 pixels; at 96: index 31 is out of bounds for dimension 0 with size 31
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'timm==1.0.31' torch torchvision
"$folder/venv/bin/python" - <<'PYTHON'
import timm
import torch

torch.manual_seed(0)
model = timm.create_model("mvitv2_tiny", img_size=64).eval()
table = model.stages[0].blocks[0].attn.rel_pos_h


def rows(side):
    """Return the first and last row of the table on which the result depends, or the error."""
    table.grad = None
    try:
        model(torch.rand(1, 3, side, side)).square().sum().backward()
    except IndexError as error:
        return str(error)
    used = table.grad.abs().sum(dim=1).nonzero().flatten().tolist()
    return used[0], used[-1]


seen = {side: rows(side) for side in (64, 32, 96)}
print(f"timm {timm.__version__}: {seen}")
error = "index 31 is out of bounds for dimension 0 with size 31"
assert seen == {64: (0, 27), 32: (0, 11), 96: error}, "the behaviour has changed"
PYTHON
echo "as described"
