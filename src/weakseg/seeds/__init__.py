"""Seeds: pixels labelled by class activation maps, for images with tags or boxes."""
