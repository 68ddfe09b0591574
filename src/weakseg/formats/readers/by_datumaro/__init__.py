"""Formats that datumaro reads, after a look of our own at each image's entry."""
