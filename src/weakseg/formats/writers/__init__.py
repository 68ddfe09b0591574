"""Writers of marks, one file a format, for the tools that people correct them in."""
