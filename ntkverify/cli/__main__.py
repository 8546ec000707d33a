"""`python -m ntkverify.cli`."""

import sys

from ntkverify.cli import main

sys.exit(main())
