"""Pages and tables for people: the report of a run, the inspection of a data set."""
