"""Readers of marks, one file a format; this is the one list of formats."""
