"""Shared by both pages: base template, style, pictures, overlays, chips, legend, formats."""
