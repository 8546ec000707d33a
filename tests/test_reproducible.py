"""The same seed asks the same questions, whatever else is loaded, edited or installed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ntkverify

PACKAGE = Path(ntkverify.__file__).parent
PROGRAM = """
import json, sys
sys.path.insert(0, {place!r})
{before}
import ntkverify as nv
from ntkverify.budgets import Budget
from ntkverify.subjects import BuiltinSubject
assert nv.__file__.startswith({place!r})
budget = Budget(name="few", examples=15, stochastic_examples=1, max_samples=64, widths=(64, 32, 16))
findings = nv.check(BuiltinSubject(), ["kernel.symmetric"], budget=budget, seed=3)
print(json.dumps([finding.id for finding in findings]))
"""


def asked(place: Path, before: str = "") -> list[str]:
    """Ids of the questions that the package in `place` asks."""
    program = PROGRAM.format(place=str(place), before=before)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def here() -> list[str]:
    found = asked(PACKAGE.parent)
    assert len(set(found)) > 10
    return found


@pytest.mark.parametrize("folder", ["clone", "site-packages"])
def test_a_clone_and_an_installed_wheel_ask_the_same(here, tmp_path, folder):
    shutil.copytree(PACKAGE, tmp_path / folder / "ntkverify")
    assert asked(tmp_path / folder) == here


def test_a_file_of_constants_beside_it_changes_nothing(here, tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "ntkverify")
    (tmp_path / "mine.py").write_text(f"A = {[*range(1000, 1400)]}\nB = {[n / 7 for n in range(100)]}\n")
    assert asked(tmp_path, before="import mine") == here
