"""Readers of marks, one file a format; `formats` lists them."""
