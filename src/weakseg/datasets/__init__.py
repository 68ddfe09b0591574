"""Data folders, read and written: folder -> records -> samples -> batches."""
