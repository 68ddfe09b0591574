"""Scores over a data set, with the protocol by which they were measured."""
