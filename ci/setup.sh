#!/bin/sh
# Makes .venv with the pinned versions; does nothing where it is already as the project's files say.
set -eu
cd "$(dirname "$0")/.."
wanted=$(cat pyproject.toml ci/constraints.txt ci/setup.sh | cksum)
if [ "$(cat .venv/installed 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ntkverify needs Python 3.11 or newer: set PYTHON to one")'
[ -x .venv/bin/python ] || "$python" -m venv .venv
# First and by itself: a package that pulls torch would choose another build of it.
.venv/bin/python -m pip install --quiet "$(grep '^torch==' ci/constraints.txt)"
.venv/bin/python -m pip install --quiet --constraint ci/constraints.txt --editable '.[test]'
echo "$wanted" >.venv/installed
