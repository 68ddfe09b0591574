"""Formats of annotation tools: reading marks, writing masks."""
