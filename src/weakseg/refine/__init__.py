"""Refinement of class scores into better masks.

`random_walk` propagates them to pixels of similar embedding, `crf` aligns them with an image's
colour edges, `guided` enlarges them along these. Import the modules themselves: `crf` needs no
torch.
"""
