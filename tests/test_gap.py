"""The gap adds up, and every term is there exactly where its cause is."""

import numpy as np
import pytest
import torch
from torch import nn

import ntkverify as nv
from ntkverify.cli import main
from ntkverify.errors import InvalidArgument, NotPositiveDefinite

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
    for name in ("finite width at start", "moving kernel", "initial function"):
        slope, low, high = slopes[name]
        assert low < slope < high
    assert sorted(gap.fitted) == [32, 64, 128, 256, 512]


@pytest.mark.parametrize(
    ("activation", "rate"), [(nv.Erf(), "-1"), (nv.ReLU(), "between -1 and -1/2")], ids=str
)
def test_the_moving_kernel_falls_by_the_rate_of_its_activation(activation, rate):
    arch = nv.mlp(inputs=3, depth=1, activation=activation)
    gap = nv.explain_gap(arch, 32, X, Y, X_TEST, steps=1, learning_rate=1e-3, replicates=2)
    assert {term.name: term.theory for term in gap.terms}["moving kernel"] == rate


class Two(nn.Module):
    """One linear function and its double: exactly linear, with a kernel that no multiple of the identity is."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(3, 1, dtype=torch.float64))

    def forward(self, x):
        f = x @ self.w
        return torch.cat([f, 2 * f], 1)


def test_outputs_that_share_parameters_are_no_moving_kernel():
    y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    gap = nv.explain_module_gap(Two(), np.eye(3), y, np.eye(3), steps=100, learning_rate=0.1)
    np.testing.assert_allclose(gap.network, [[0.2, 0.4], [0.4, 0.8], [0.6, 1.2]], rtol=1e-12)
    np.testing.assert_allclose(gap.regression, gap.network, rtol=1e-12)
    assert sizes(gap)["moving kernel"] < 1e-14
    assert gap.singular and "cannot be inverted" in str(gap)
    ridged = nv.explain_module_gap(Two(), np.eye(3), y, np.eye(3), steps=100, learning_rate=0.1, ridge=5.0)
    assert sizes(ridged)["rest"] > 0.1 and not ridged.singular
    with pytest.raises(NotPositiveDefinite):  # a ridge that rounding swallows was meant to be one
        nv.explain_module_gap(Two(), np.eye(3), y, np.eye(3), steps=1, learning_rate=0.1, ridge=1e-30)


def test_a_network_of_too_few_parameters_to_fit_is_explained_too():
    net = nn.Linear(3, 1).double()  # 4 parameters for 8 points
    gap = nv.explain_module_gap(net, X, Y, X_TEST, steps=20, learning_rate=0.01)
    assert gap.singular and sizes(gap)["moving kernel"] < 1e-12
    least_squares = np.linalg.lstsq(np.c_[X, np.ones(8)], Y, rcond=None)[0]
    np.testing.assert_allclose(gap.regression, np.c_[X_TEST, np.ones(4)] @ least_squares, rtol=1e-10)


def test_the_moving_kernel_of_several_outputs_is_the_distance_to_the_linearised_network():
    """Independent: the network's linearisation, trained by gradient descent in its parameters."""
    arch, y, steps = (
        nv.mlp(inputs=3, depth=2, activation=nv.Erf(), outputs=3),
        RNG.standard_normal((8, 3)),
        40,
    )
    rate = 0.5 * nv.predict.max_learning_rate(nv.ntk(arch, X))
    gap = nv.explain_gap(arch, 64, X, y, X_TEST, steps=steps, learning_rate=rate, replicates=0)
    net, points = nv.network(arch, 64, 0), torch.tensor(np.concatenate([X, X_TEST]))
    theta = dict(net.named_parameters())
    jacobian = torch.func.jacrev(lambda p: torch.func.functional_call(net, p, (points,)))(theta)
    features = torch.cat([part.flatten(2) for part in jacobian.values()], dim=2).detach().numpy()
    start, w = net(points).detach().numpy(), np.zeros(features.shape[2])
    for _ in range(steps):
        residual = (start + features @ w)[:8] - y
        w -= rate * np.einsum("nop,no->p", features[:8], residual)
    expected = gap.network - (start + features @ w)[8:]
    moving = next(term for term in gap.terms if term.name == "moving kernel")
    np.testing.assert_allclose(moving.values, expected, rtol=1e-6, atol=1e-10)


def test_where_narrow_networks_are_unstable_the_exponents_are_of_wider_ones():
    arch = nv.mlp(inputs=3, depth=2, weight_std=2**0.5, bias_std=0.1)
    limit = nv.predict.max_learning_rate(nv.ntk(arch, X))
    settings = {"steps": 5, "replicates": 2, "seed": 1}
    gap = nv.explain_gap(arch, 64, X, Y, X_TEST, learning_rate=0.5 * limit, **settings)
    assert (
        gap.unstable and len(gap.fitted) == 5 and max(gap.unstable) < min(gap.fitted) < max(gap.fitted) == 64
    )
    assert f"diverges at width {gap.unstable[0]}" in str(gap) and f"widths {min(gap.fitted)} to 64" in str(
        gap
    )
    assert all(term.slope for term in gap.terms)
    settings["replicates"] = 8
    none = nv.explain_gap(arch, 64, X, Y, X_TEST, learning_rate=0.95 * limit, **settings)
    assert not none.fitted and "exponents are not measured" in str(none)
    assert not any(term.slope for term in none.terms)


def test_tensors_that_require_gradients_are_explained():
    x, y, x_test = (torch.tensor(part, requires_grad=True) for part in (X, Y, X_TEST))
    settings = {"steps": 5, "learning_rate": RATE, "replicates": 0}
    gap = nv.explain_gap(ARCH, 64, x, y, x_test, **settings)
    np.testing.assert_array_equal(gap.total, nv.explain_gap(ARCH, 64, X, Y, X_TEST, **settings).total)
    own = nv.explain_module_gap(Features(0.0), x, y, x_test, steps=5, learning_rate=0.01)
    assert np.isfinite(own.total).all()


@pytest.mark.parametrize("replicates", [-1, 1, 2.0, True])
def test_a_number_of_replicates_that_is_none_is_refused(replicates):
    with pytest.raises(InvalidArgument, match="^replicates: got .*0, or an integer >= 2"):
        explain(replicates=replicates)


def test_the_words_name_the_largest_term_and_the_theorem():
    gap = explain()
    text, parts = str(gap), {term.name: term.values for term in gap.terms}
    vanishes = np.sqrt(np.mean((parts["moving kernel"] + parts["finite width at start"]) ** 2))
    assert f"vanishes as the width grows amounts to {vanishes:.3g};" in text
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


def test_the_command_takes_its_learning_rate_from_all_outputs(tmp_path, capsys):
    """Eight outputs that move together: their mean kernel has an eighth of the largest eigenvalue."""
    (tmp_path / "eight.py").write_text(
        "import torch\n"
        "class Eight(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.one = torch.nn.Linear(3, 1).double()\n"
        "    def forward(self, x):\n"
        "        return self.one(x).expand(-1, 8)\n"
    )
    np.savez(tmp_path / "mine.npz", x=X, y=np.repeat(Y, 8, axis=1), x_test=X_TEST)
    words = ["explain", "--data", str(tmp_path / "mine.npz"), "--module", f"{tmp_path / 'eight.py'}:Eight"]
    assert main(words) == 0
    assert "moving kernel" in capsys.readouterr().out


def test_the_command_names_its_own_option_where_training_diverges(tmp_path, capsys):
    np.savez(tmp_path / "mine.npz", x=X, y=Y, x_test=X_TEST)
    assert main(["explain", "--data", str(tmp_path / "mine.npz"), "--width=32", "--step-size=3"]) == 2
    error = capsys.readouterr().err
    assert "--step-size: got 3" in error and "smaller --step-size" in error and "allow_unstable" not in error


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
