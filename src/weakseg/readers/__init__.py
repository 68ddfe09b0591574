"""Readers of marks, one file a format; `formats.detection` lists them."""
