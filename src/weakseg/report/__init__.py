"""Pages for the browser (`run`, `inspection`, both from `kit`) and tables for the terminal."""
