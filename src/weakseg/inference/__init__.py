"""Prediction: image -> class probabilities -> mask."""

from weakseg.inference.segmenter import Prediction, Segmenter

__all__ = ["Prediction", "Segmenter"]
