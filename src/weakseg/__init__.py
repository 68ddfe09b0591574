"""Train a semantic segmenter from tags, points, scribbles or masks, in any mix."""

__version__ = "0.1.0"
