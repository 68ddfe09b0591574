"""Stages of a run: seeds, embed, relabel, classify. Each reads files that earlier ones left."""
