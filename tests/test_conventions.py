"""Each row of the README's table of conventions: the architecture has the kernel of the formula."""

import re
from pathlib import Path

import numpy as np
import pytest

import ntkverify as nv

README = (Path(__file__).parents[1] / "README.md").read_text()
SECTION = README.partition("\n## How conventions are written down\n")[2].partition("\n## ")[0]
ROWS = [
    line.strip("| ").split(" | ") for line in SECTION.splitlines() if line.count("`") >= 4 and line[0] == "|"
]
FEATURES = 4
RNG = np.random.default_rng(0)
NUMBERS = {
    "β": 0.5, "b": 0.3, "v": 1.7, "w": 0.6, "n": 256, "d": FEATURES, "π": np.pi, "asin": np.arcsin,
    "λ": np.array([0.5, 1.0, 2.0, 3.0]), "A": RNG.standard_normal((FEATURES, FEATURES)),
}  # fmt: skip


def κ0(c):
    return 1 - np.arccos(np.clip(c, -1, 1)) / np.pi


def κ1(c):
    return np.sqrt(1 - np.clip(c, -1, 1) ** 2) / np.pi + c * κ0(c)


def points(text, x):
    """Evaluates what a formula is of, rows (n, ...); the parts of a list stand side by side."""
    parts = eval(text, {}, NUMBERS | {"x": x})
    if not isinstance(parts, list):
        return parts
    return np.hstack([part if np.ndim(part) else np.full((len(x), 1), part) for part in parts])


def value(formula, x1, x2):
    """Evaluates a formula in the README's words."""
    g, n1, n2 = x1 @ x2.T, np.linalg.norm(x1, axis=1)[:, None], np.linalg.norm(x2, axis=1)[None]
    c = g / (n1 * n2)
    words = {"g": g, "n1": n1, "n2": n2, "c": c, "κ": n1 * n2 * κ1(c), "δ": κ0(c), "κ1": κ1, "κ0": κ0}
    return eval(formula, {}, NUMBERS | words)


def architecture(text):
    namespace = dict(NUMBERS)
    exec(re.search(r"```python\n(.*?)```", SECTION, flags=re.DOTALL)[1], namespace)
    return eval(text, namespace)


@pytest.mark.parametrize(("convention", "formula", "written", "users"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row(convention, formula, written, users):
    x1, x2 = RNG.standard_normal((5, FEATURES)), RNG.standard_normal((3, FEATURES))
    if "unit_norm=True" in written:
        x1, x2 = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (x1, x2))
    words, *of = re.findall("`(.*?)`", formula)
    expected = value(words, *(points(of[0] if of else "x", x) for x in (x1, x2)))
    kernel = nv.nngp if convention.startswith("NNGP") else nv.ntk
    got = kernel(architecture(re.search("`(.*?)`", written)[1]), x1, x2)
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_the_table_is_read():
    assert len(ROWS) >= 15 and all(len(row) == 4 for row in ROWS)
