"""Stack the demo's pictures into README's.

weakseg demo --out DEMO && python docs/images/demo.py DEMO
"""

import argparse
from pathlib import Path

from PIL import Image

GAP = 10


def main() -> None:
    """Write the picture beside this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", type=Path, help="folder of a demo")
    folder = parser.parse_args().demo / "pictures"
    names = ("photograph", "scribbles_to_masks")
    pictures = [Image.open(folder / f"{name}.png").convert("RGB") for name in names]
    width = max(each.width for each in pictures)
    whole = Image.new("RGB", (width, sum(each.height + GAP for each in pictures) - GAP), "white")
    top = 0
    for each in pictures:
        whole.paste(each, ((width - each.width) // 2, top))
        top += each.height + GAP
    whole.quantize().save(Path(__file__).with_suffix(".png"), optimize=True)


if __name__ == "__main__":
    main()
