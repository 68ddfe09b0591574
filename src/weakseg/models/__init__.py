"""The embedding network: timm backbone, pyramid head, classifier head, and their weights."""
