"""Classifiers that are fitted to frozen features at once: logistic regression, random forest."""
