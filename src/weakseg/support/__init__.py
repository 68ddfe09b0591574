"""Errors, files, processes, progress and the machine: what every room stands on."""
