#!/bin/sh
# Tries the claims about kernels on neural-tangents, in an environment of its own (2.6 GB), which it makes where it
# is missing: jax and numpy have to be older there. Takes pytest's and ntkverify's options.
set -eu
cd "$(dirname "$0")/.."
place=${NEURAL_TANGENTS_VENV:-.venv-neural-tangents}
python=${PYTHON:-python3}
sh ci/setup.sh
wanted=$(.venv/bin/python -c 'import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["neural-tangents"])')
if [ "$(cat "$place/installed" 2>/dev/null)" != "$wanted" ]; then
    "$python" -c 'import sys; sys.exit(sys.version_info >= (3, 13) and "jaxlib 0.4.25 needs Python 3.12 or older: set PYTHON to one")'
    [ -x "$place/bin/python" ] || "$python" -m venv "$place"
    # Unquoted: one argument for each requirement, none of which holds a blank.
    "$place/bin/python" -m pip install --quiet $wanted
    echo "$wanted" >"$place/installed"
fi
export NTKVERIFY_NEURAL_TANGENTS_PYTHON="$(cd "$place" && pwd)/bin/python"
echo "NTKVERIFY_NEURAL_TANGENTS_PYTHON=$NTKVERIFY_NEURAL_TANGENTS_PYTHON"
exec sh ci/equivalence.sh properties/test_kernel.py --ntk-subject=ntkverify.subjects.neural_tangents:subject "$@"
