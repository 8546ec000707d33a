#!/bin/sh
# Passes when ntkverify itself is in order: style, and its own tests. Takes pytest's options.
set -eu
cd "$(dirname "$0")/.."
sh ci/setup.sh
sh ci/chromium.sh
.venv/bin/ruff check .
.venv/bin/ruff format --check .
exec .venv/bin/python -m pytest -m "not equivalence" tests "$@"
