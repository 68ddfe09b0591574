"""Training steps, named after what they train: the losses of one batch."""
