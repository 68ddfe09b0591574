"""The version of weakseg, for rooms that must not import the package's root."""

__version__ = "0.1.0"
