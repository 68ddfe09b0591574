import base64
import io

import numpy as np
import pytest
from PIL import Image

from weakseg.report.kit.pictures import picture_url, shrunk


def test_painted_label_maps_are_kept_exactly_and_photographs_shrunk():
    def opened(picture):
        return Image.open(io.BytesIO(base64.b64decode(picture_url(picture).split(",")[1])))

    painted = np.random.default_rng(0).integers(0, 2, (50, 60, 3)).astype(np.uint8) * 255
    assert (np.array(opened(painted).convert("RGB")) == painted).all()
    photo = np.random.default_rng(0).integers(0, 256, (600, 800, 3)).astype(np.uint8)
    assert opened(photo).size == (320, 240)
    large = np.kron(painted, np.ones((20, 20, 1), np.uint8))
    assert set(np.unique(shrunk(large))) == {0, 255}, "no colours between those of classes"
    assert opened(photo[:, :2]).size == (2, 480)
    for wrong in (photo[..., 0], photo.astype(float), photo[:0]):
        with pytest.raises(ValueError, match="Expected `picture`"):
            picture_url(wrong)
