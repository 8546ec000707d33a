"""`python -m ntkverify`."""

import sys

from ntkverify.cli import main

sys.exit(main())
