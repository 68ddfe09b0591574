"""Folders -> samples -> batches."""
