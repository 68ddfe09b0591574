"""Inspection of a data set of marks: counts, findings, and a sample of images."""
