"""Pictures on a full disk."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from weakseg.images.writing import write_jpeg


def test_picture_is_written(tmp_path):
    write_jpeg(tmp_path / "a.jpg", np.full((30, 40, 3), 90, np.uint8), quality=90)
    with Image.open(tmp_path / "a.jpg") as picture:
        assert (picture.size, picture.format) == ((40, 30), "JPEG")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files")
def test_picture_that_a_full_disk_cuts_short_is_an_error(tmp_path):
    code = (
        "import resource, signal, sys, numpy, pathlib\n"
        "from weakseg.images.writing import write_jpeg\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))\n"
        "try: write_jpeg(pathlib.Path(sys.argv[1]), numpy.zeros((30, 40, 3), 'uint8'), 90)\n"
        "except OSError: sys.exit(7)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.jpg")]
    assert subprocess.run(command, check=False).returncode == 7
