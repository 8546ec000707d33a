#!/bin/sh
# Passes when ntkverify itself is in order: style, types, and its own tests but for the slow ones, which
# -m "not equivalence" adds. Takes pytest's options.
set -eu
cd "$(dirname "$0")/.."
sh ci/setup.sh
sh ci/chromium.sh
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
# A process keeps its half of the tests in order, since neighbours share what they compute; the first one done
# takes over the end of the other's.
exec .venv/bin/python -m pytest -m "not equivalence and not slow" -n auto --dist worksteal tests "$@"
