#!/bin/sh
# Passes when ntkverify itself is in order: style, types, and its own tests. Takes pytest's options.
set -eu
cd "$(dirname "$0")/.."
sh ci/setup.sh
sh ci/chromium.sh
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
# A file stays in one process: its tests share what they compute.
exec .venv/bin/python -m pytest -m "not equivalence" -n auto --dist loadfile tests "$@"
