"""`python -m streamfold.adapters.cli` is the command `streamfold`."""

import sys

from .main import main

sys.exit(main())
