"""Refinement of class scores into better masks.

`random_walk` propagates them to pixels of similar embedding, `crf` aligns them with an image's
colour edges. Import the modules themselves: only the random walk needs torch.
"""
