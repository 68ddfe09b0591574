"""`python -m weakseg`."""

import sys

from weakseg.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
