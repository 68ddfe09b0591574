"""Marks of people, as label maps and tags."""
