#!/usr/bin/env bash
# Pillow 12.3.0: Image.save to a path writes JPEG by a C encoder of its own, which does not look at how
# many bytes the system took. On a full disk (here: a limit on the size of files, 8 KiB) it returns
# without an error, and the file is cut short. PNG to the same place raises OSError.
#
# Expected: an OSError in both cases.
# Seen:     JPEG: no error, 8192 of some 25,000 bytes, which cannot be decoded; PNG: OSError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'pillow==12.3.0'
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import io
import os
import resource
import signal
import sys
from pathlib import Path

import PIL
from PIL import Image

folder = Path(sys.argv[1])
picture = Image.frombytes("RGB", (200, 200), os.urandom(200 * 200 * 3))
whole = io.BytesIO()
picture.save(whole, "JPEG")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))


def outcome(name):
    try:
        picture.save(folder / name)
    except OSError as error:
        return type(error).__name__
    try:
        with Image.open(folder / name) as written:
            written.load()
    except OSError:
        return f"no error, cut short at {(folder / name).stat().st_size} of {len(whole.getvalue())}"
    return "whole"


jpeg, png = outcome("a.jpg"), outcome("a.png")
print(f"Pillow {PIL.__version__}: JPEG: {jpeg}; PNG: {png}")
assert jpeg.startswith("no error, cut short at 8192 of"), "the behaviour has changed"
assert png == "OSError", "the behaviour has changed"
PYTHON
