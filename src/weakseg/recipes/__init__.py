"""Recipes: typed settings of a run, their YAML files, and the run folder."""
