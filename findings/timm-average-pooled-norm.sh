#!/usr/bin/env bash
# timm 1.0.31, forward_intermediates(norm=True) of an average-pooled vision transformer: the maps are
# not normalised. Such a model has its last normalisation behind the pooling (`fc_norm`), and `norm`,
# which forward_intermediates applies, is the identity. So it is in beit_base_patch16_224 as it
# comes, and in vit_tiny_patch16_224 with global_pool="avg". Nothing is reported.
#
# Expected: vectors of mean 0 and deviation 1 in both, as of a model with a class token; or an error.
# Seen:     norm=True changes vit_tiny_patch16_224; the two average-pooled ones return equal maps
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'timm==1.0.31' torch torchvision
"$folder/venv/bin/python" - <<'PYTHON'
import timm
import torch


def deviation(name, **options):
    """Return the mean standard deviation of the last map's vectors, with and without `norm`."""
    torch.manual_seed(0)
    model = timm.create_model(name, img_size=32, **options).eval()
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        maps = [
            model.forward_intermediates(image, indices=1, norm=norm, intermediates_only=True)[0]
            for norm in (True, False)
        ]
    return [round(float(each.std(dim=1, unbiased=False).mean()), 3) for each in maps]


seen = {
    "class token": deviation("vit_tiny_patch16_224"),
    "pooled": deviation("vit_tiny_patch16_224", global_pool="avg"),
    "pooled as it comes": deviation("beit_base_patch16_224"),
}
print(f"timm {timm.__version__}: deviations with norm and without {seen}")
assert abs(seen["class token"][0] - 1) < 0.01 and seen["class token"][1] < 0.9
for name in ("pooled", "pooled as it comes"):
    assert seen[name][0] == seen[name][1] < 0.9, "the behaviour has changed"
PYTHON
echo "as described"
