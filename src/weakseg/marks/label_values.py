"""Reserved values of a label map, the same on disk and in memory."""

UNLABELLED = 254
"""Takes part in grouping and in every relation but annotation."""

VOID = 255
"""The ignore index: never trained on, never scored; padding is void."""

MAX_CLASSES = 254
"""Class ids are 0 … 253, so that a label map fits 8 bits."""
