"""The gap adds up, and every term is there exactly where its cause is."""

import numpy as np
import pytest
import torch
from torch import nn

import ntkverify as nv
from ntkverify.cli import main
from ntkverify.errors import InvalidArgument

RNG = np.random.default_rng(0)
X, X_TEST = RNG.standard_normal((8, 3)), RNG.standard_normal((4, 3))
Y = np.sin(X[:, :1])
ARCH = nv.mlp(inputs=3, depth=1, weight_std=2**0.5, bias_std=0.5)
RATE = 0.5 * nv.predict.max_learning_rate(nv.ntk(ARCH, X))


def sizes(gap) -> dict[str, float]:
    return {term.name: term.size for term in gap.terms}


def explain(**changes):
    settings = {"steps": 50, "learning_rate": RATE, "replicates": 0} | changes
    return nv.explain_gap(ARCH, settings.pop("width", 256), X, Y, X_TEST, **settings)


class Features(nn.Module):
    """Linear in its parameters, so its kernel cannot move; it starts at `start` for every point."""

    def __init__(self, start: float):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(12, 1, dtype=torch.float64))
        self.start = start

    def forward(self, x):
        frequencies = torch.linspace(-2, 2, 36, dtype=x.dtype).reshape(3, 12)
        return torch.cos(x @ frequencies) @ self.weight + self.start


def test_the_terms_add_up_and_so_do_their_shares():
    gap = explain(ridge=1e-3)
    np.testing.assert_allclose(sum(term.values for term in gap.terms), gap.total, rtol=0, atol=1e-12)
    assert sum(term.share for term in gap.terms) == pytest.approx(1)
    net = nv.network(ARCH, 256, 0)
    run = nv.train(net, X, Y, X_TEST, steps=50, learning_rate=RATE)
    np.testing.assert_allclose(gap.network, run.test)


def test_a_width_whose_dense_weights_would_fill_the_memory_is_taken_apart_too():
    arch = nv.mlp(inputs=3, depth=2, weight_std=2**0.5, bias_std=0.5)
    rate = 0.5 * nv.predict.max_learning_rate(nv.ntk(arch, X))
    gap = nv.explain_gap(arch, 2**17, X[:3], Y[:3], X_TEST, steps=2, learning_rate=rate, replicates=0)
    np.testing.assert_allclose(sum(term.values for term in gap.terms), gap.total, rtol=0, atol=1e-12)
    assert 0 < sizes(gap)["finite width at start"] < 0.03 < sizes(gap)["unfinished training"]


def test_each_term_vanishes_with_its_cause():
    linear = nv.explain_module_gap(Features(0.0), X, Y, X_TEST, steps=20, learning_rate=0.01)
    assert sizes(linear)["moving kernel"] < 1e-10
    assert sizes(linear)["initial function"] < 1e-10 < sizes(linear)["unfinished training"]
    assert "finite width at start" not in sizes(linear)
    shifted = nv.explain_module_gap(Features(0.7), X, Y, X_TEST, steps=20, learning_rate=0.01)
    assert sizes(shifted)["initial function"] > 1e-3
    short, long = explain(steps=20), explain(steps=2000)
    assert sizes(long)["unfinished training"] < 0.1 * sizes(short)["unfinished training"]
    fine = explain(steps=500, learning_rate=RATE / 10)
    assert sizes(fine)["step size"] < 0.3 * sizes(explain())["step size"]
    assert sizes(explain(ridge=1.0))["rest"] > 1e3 * sizes(explain())["rest"]


def test_the_finite_width_term_is_the_kernels_difference_and_falls_with_width():
    gap = explain(width=512, replicates=4)
    slopes = {term.name: term.slope for term in gap.terms}
    assert -0.9 < slopes["finite width at start"][0] < -0.2
    assert slopes["moving kernel"][0] < -0.3
    assert -0.4 < slopes["initial function"][0] < 0.4
    low, high = slopes["finite width at start"][1:]
    assert low < slopes["finite width at start"][0] < high


def test_the_words_name_the_largest_term_and_the_theorem():
    text = str(explain())
    assert '"initial function"' in text and "does not speak against the theorem" in text
    own = str(nv.explain_module_gap(Features(0.7), X, Y, X_TEST, steps=20, learning_rate=0.01))
    assert "the network's own NTK" in own and "theorem" not in own


def test_an_unstable_learning_rate_is_refused():
    with pytest.raises(InvalidArgument, match="^learning_rate: got"):
        explain(learning_rate=5 * RATE)


def test_the_command_explains_a_module_on_data_from_a_file(tmp_path, capsys):
    np.savez(tmp_path / "mine.npz", x=X, y=Y, x_test=X_TEST)
    (tmp_path / "mine.py").write_text(
        "import torch\nnet = torch.nn.Sequential(torch.nn.Linear(3, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1)).double()\n"
    )
    code = main(
        [
            "explain",
            "--data",
            str(tmp_path / "mine.npz"),
            "--module",
            f"{tmp_path / 'mine.py'}:net",
            "--ridge=0.1",
        ]
    )
    out = capsys.readouterr().out
    assert code == 0 and "no analytic kernel" in out and "moving kernel" in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--activation", "Tanhh"], "activation: got 'Tanhh'"),
        (["--data", "nowhere.npz"], "data: got nowhere.npz"),
        (["--module", "nowhere.py:net"], "subject: got nowhere.py"),
        (["--width", "0"], "width: got 0"),
    ],
)
def test_the_command_names_what_is_wrong(arguments, complaint, capsys):
    assert main(["explain", *arguments]) == 2
    assert complaint in capsys.readouterr().err
