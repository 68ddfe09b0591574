"""`python -m weakseg.cli`."""

import sys

from weakseg.cli.main import main

sys.exit(main())
