"""The paper's experiment: its kernels are those it names, its theory is that of networks, its page is fair."""

import numpy as np
import pytest

import ntkverify as nv
from ntkverify import paper
from ntkverify.cli import main
from ntkverify.paper import protocol as protocols
from ntkverify.paper.depth_step import STAGES
from ntkverify.paper.similarity import _compared

SMALL = paper.Protocol(points=60, dimension=4, trials=4, epochs=(400, 800))


def quiet(words: str) -> None:
    pass


def test_the_kernels_are_those_of_the_literature():
    x = np.random.default_rng(0).standard_normal((6, 4))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    table, cosine = paper.kernels(4), x @ x.T
    angle = np.arccos(cosine.clip(-1, 1))
    first = (np.sin(angle) + (np.pi - angle) * cosine) / np.pi
    # Arora et al. 2019, section 3: Theta = cos * (pi - angle) / pi + the arc-cosine kernel, c_sigma = 2.
    np.testing.assert_allclose(table["NTKA, 1 layer"](x), cosine * (np.pi - angle) / np.pi + first, atol=1e-7)
    np.testing.assert_allclose(np.diag(table["NTKA, 2 layers"](x)), 3)
    # Unit inputs, unscaled first layer, bias 1: variance 2, half of it behind ReLU, and a bias again.
    np.testing.assert_allclose(np.diag(table["GP, 1 layer"](x)), 2)
    np.testing.assert_allclose(np.diag(table["NTKB, 1 layer"](x)), 2 + 0.5 * 2)
    np.testing.assert_allclose(np.diag(table["NTKJ, 1 layer"](x)), 1.25 / 2 + 1 + 0.5 * 1.25)
    np.testing.assert_allclose(np.diag(table["Laplace"](x)), 2)
    assert len(table) == 9


def test_the_training_time_is_that_of_the_batches():
    """One epoch of single steps in function space, at a small rate, against gradient flow for its time."""
    small = paper.Protocol(learning_rate=1e-4, epochs=(1, 2))
    rng = np.random.default_rng(0)
    factor = rng.standard_normal((16, 20))
    k, y = factor @ factor.T, rng.standard_normal((16, 1))
    batches = nv.predict.batches(16, small.batch_size, 2, seed=0)
    rate = small.learning_rate * 2 / small.batch_size  # a batch's mean square, in units of 1/2 sum
    steps = nv.predict.minibatch_gradient_descent(k, y, batches=batches, learning_rate=rate)
    flow = nv.predict.gradient_flow(k, y, time=small.time(1))
    np.testing.assert_allclose(steps.train, flow.train, rtol=2e-2)


def test_the_theory_of_the_networks_is_what_wide_networks_do():
    step = paper.depth_step(SMALL, 0, (32, 1024), 4, quiet)
    theory, wide, narrow = step.infinite, step.trained[1024], step.trained[32]
    assert np.abs(wide - theory).mean() < 0.25 * theory.mean()
    assert set(step.theory) == set(STAGES) and step.theory[STAGES[0]].shape == (4, 2)
    assert (step.theory[STAGES[0]] > step.theory[STAGES[1]]).all()  # a spread can only add
    assert narrow.shape == (4, 2)


def test_the_last_stage_is_plain_regression():
    step = paper.depth_step(SMALL, 0, (), 0, quiet)
    table = paper.kernels(SMALL.dimension)
    for trial, task in enumerate(protocols.tasks(SMALL, table["NTKB, 1 layer"], 0)):
        for place, name in enumerate(("NTKJ, 1 layer", "NTKJ, 2 layers")):
            expected = protocols.regression_error(table[name], task)
            assert step.theory[STAGES[-1]][trial, place] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("centre", "spread", "verdict"),
    [
        (0.0, 0.01, "equivalent"),
        (0.2, 0.05, "NTK better"),
        (-0.2, 0.05, "NNGP better"),
        (0.0, 0.5, "undecided"),
    ],
)
def test_the_equivalence_test_tells_the_four_cases_apart(centre, spread, verdict):
    draws = centre + spread * np.random.default_rng(0).standard_normal(25)
    assert _compared("NTK", 3, 1, draws - draws.mean() + centre).verdict == verdict


def test_equivalence_is_hardly_ever_claimed_at_the_margin():
    rng = np.random.default_rng(0)
    wrong = [
        _compared("NTK", 3, 1, 0.05 + 0.03 * rng.standard_normal(25)).verdict == "equivalent"
        for _ in range(1000)
    ]
    assert sum(wrong) <= 80  # 50 expected; the binomial's 1e-4 quantile


def test_the_command_writes_its_page(tmp_path, capsys):
    out = tmp_path / "page.md"
    arguments = ["paper", "--trials=4", "--points=40", "--networks=1", "--widths", "16", "--out", str(out)]
    assert main(arguments) == 0
    text = out.read_text()
    assert text in capsys.readouterr().out
    for words in (
        "Claim 1",
        "Claim 2",
        "NTKJ, 2 layers",
        "by finite-time theory",
        "width 16, trained",
        "Laplace",
    ):
        assert words in text
    assert main(["paper", "--trials=1"]) == 2
