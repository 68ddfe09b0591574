"""Train a semantic segmenter from tags, boxes, points, scribbles or masks, in any mix.

import weakseg
weakseg.train("data", recipe="small", out="run")
mask = weakseg.Segmenter.load("run").predict("image.jpg")

The public names are listed in __init__.pyi; each is imported when first used, as torch
takes seconds.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
