"""The verbs of weakseg, one file each, named like the command."""
