"""Training steps: the loss that each kind of training minimises."""
