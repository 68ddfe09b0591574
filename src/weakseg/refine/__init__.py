"""Better masks from class scores.

`scores` evens them by class, `random_walk` spreads them over pixels of like embedding, `crf` cuts
them along an image's colour edges. Each is reached by its own module, since only the random walk
needs torch.
"""
