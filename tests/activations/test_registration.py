"""An activation says of itself all that the package asks: one file adds it everywhere."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import ntkverify as nv
from ntkverify.activations import BY_NAME

PACKAGE = Path(nv.__file__).parent
MINE = '''
from dataclasses import dataclass

from ntkverify.activations.base import registered
from ntkverify.activations.error_function import Erf


@registered(1000, drawn=[()], suspected=[()], stax=lambda _: ("Probit", {}))
@dataclass(frozen=True)
class Probit(Erf):
    """The error function by another name."""
'''
PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
import ntkverify as nv
from ntkverify.activations import DRAWN, SUSPECTED
from ntkverify.space import space
from ntkverify.subjects.neural_tangents.translation import calls
assert nv.__file__.startswith(sys.argv[1])
mine = nv.Probit()
arch = nv.mlp(inputs=2, depth=1, activation=mine)
print(json.dumps({
    "public": "Probit" in dir(nv),
    "space": "Probit" in space()["activation"]["values"],
    "drawn": mine in DRAWN,
    "suspected": mine in SUSPECTED,
    "translated": calls(arch)[1] == ("Probit", {}),
    "read back": nv.Architecture.from_json(arch.to_json()) == arch,
}))
"""


def test_one_file_adds_an_activation_everywhere(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "ntkverify")
    (tmp_path / "ntkverify" / "activations" / "probit.py").write_text(MINE)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout).values()) == {True}, done.stdout


def test_every_activation_is_public():
    assert set(BY_NAME) <= set(nv.__all__)


def test_counterexamples_shrink_to_the_simplest_activation():
    assert next(iter(BY_NAME)) == "ReLU"
