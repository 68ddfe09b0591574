"""`python -m weakseg`."""

import sys

from weakseg.cli.main import main

sys.exit(main())
