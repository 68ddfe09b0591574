"""Marks made from full masks, as a person might make them: pure functions of label maps."""
