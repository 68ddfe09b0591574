"""The language of marks: kinds, classes, label values, drawing, rasterising, simulation."""
