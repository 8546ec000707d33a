"""What the README shows works as it stands there."""

import re
from pathlib import Path

import pytest

from ntkverify import subjects

README = (Path(__file__).parents[1] / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_examples_run(number):
    exec(PYTHON[number], {})


def test_its_kernel_can_be_loaded_and_is_right(tmp_path):
    path = tmp_path / "my_kernel.py"
    path.write_text(next(code for code in PYTHON if "KernelSubject" in code))
    subject = subjects.load(f"{path}:mine")
    import numpy as np

    import ntkverify as nv

    x = np.random.default_rng(0).standard_normal((3, 4))
    np.testing.assert_allclose(subject.ntk(subject.architecture, x, x), nv.ntk(subject.architecture, x))


@pytest.mark.parametrize("script", re.findall(r"^(ci/\S+)", README, flags=re.MULTILINE))
def test_its_commands_exist(script):
    assert (Path(__file__).parents[1] / script).stat().st_mode & 0o111
