#!/bin/sh
# The main job: tries every claim and writes a report. Takes pytest's and ntkverify's options.
set -eu
cd "$(dirname "$0")/.."
sh ci/setup.sh
exec .venv/bin/python -m pytest -m equivalence "$@"
