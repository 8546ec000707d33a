import collections
import copy
import dataclasses
import io

import numpy as np
import pytest
import torch
from torch import nn

import ntkverify as nv
from ntkverify.cli import main
from ntkverify.empirical import METHODS
from ntkverify.errors import InvalidArgument, OutOfMemory
from tests.empirical.hard_modules import KeepsFeatures

X = np.random.default_rng(0).standard_normal((3, 4))
IDS = np.array([[1, 2, 3], [3, 4, 5], [9, 9, 1]])

EACH_METHOD = pytest.mark.parametrize("method", ["auto", *METHODS])


def seeded(kind, *args, **settings) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind(*args, **settings)


class TwoInputs(nn.Module):
    """A network of numbers and tokens, which returns one tensor in a dict."""

    def __init__(self):
        super().__init__()
        self.linear, self.embedding = nn.Linear(4, 3), nn.Embedding(10, 3)

    def forward(self, x, ids, scale=1.0):
        return {"values": scale * torch.tanh(self.linear(x)) * self.embedding(ids).mean(dim=1), "rest": None}


class OneDict(TwoInputs):
    def forward(self, batch):
        return super().forward(batch["x"], batch["ids"])


class Stated(nn.Module):
    """The same numbers, with tokens held as a constant."""

    def __init__(self, net, ids):
        super().__init__()
        self.net, self.ids = net, torch.as_tensor(ids)

    def forward(self, x):
        index = (x[:, None] == torch.as_tensor(X).to(x)).all(dim=2).int().argmax(dim=1)
        return self.net(x, self.ids[index])["values"]


@EACH_METHOD
def test_tuples_dicts_and_keywords(method):
    net = seeded(TwoInputs)
    expected = nv.empirical_ntk(Stated(net, IDS), X, outputs="full")
    assert expected.dtype == np.float32
    inputs = {"x": X, "ids": IDS}
    for kernel in (
        nv.empirical_ntk(net, inputs, outputs="full", method=method),
        nv.empirical_ntk(net, (X, IDS), outputs="full", method=method),
        nv.empirical_ntk(seeded(OneDict), inputs, outputs="full", method=method),
        nv.empirical_ntk(net, inputs | {"scale": 2.0}, outputs="full", method=method) / 4,
        nv.empirical_ntk(net, inputs, outputs="full", method=method, memory=20_000),
    ):
        np.testing.assert_allclose(kernel, expected, rtol=1e-5, atol=1e-6)
    cross = nv.empirical_ntk(net, inputs, {"x": X[:1], "ids": IDS[:1]}, outputs="full", method=method)
    np.testing.assert_allclose(cross, expected[:, :1], rtol=1e-5, atol=1e-6)


def test_training_and_operators_take_them_too():
    inputs, y = {"x": X, "ids": IDS}, np.ones((3, 3))
    one, other = seeded(TwoInputs), seeded(TwoInputs)
    run = nv.train(one, inputs, y, {"x": X[:2], "ids": IDS[:2]}, steps=5, learning_rate=0.1, record_at=(5,))
    same = nv.train(Stated(other, IDS), X, y, X[:2], steps=5, learning_rate=0.1, record_at=(5,))
    np.testing.assert_allclose(run.train, same.train, rtol=1e-5)
    np.testing.assert_allclose(run.test, run.train[:2], rtol=1e-5)
    np.testing.assert_allclose(run.records[0].kernel_drift, same.records[0].kernel_drift, rtol=1e-4)
    matrix = nv.ntk_operator(one, inputs) @ np.eye(9)
    full = nv.empirical_ntk(one, inputs, outputs="full").transpose(0, 2, 1, 3).reshape(9, 9)
    np.testing.assert_allclose(matrix, full, rtol=1e-4, atol=1e-5)


class Whole(nn.Module):
    """Takes any numbers."""

    def forward(self, x):
        return x.long()


def test_the_gap_is_explained_for_them_too(tmp_path, capsys):
    inputs, y = {"x": X, "ids": IDS}, np.eye(3)
    test = {name: array[:2] for name, array in inputs.items()}
    settings = {"steps": 20, "learning_rate": 0.1}
    gap = nv.explain_module_gap(seeded(TwoInputs).double(), inputs, y, test, **settings)
    same = nv.explain_module_gap(Stated(seeded(TwoInputs).double(), IDS), X, y, X[:2], **settings)
    np.testing.assert_allclose(gap.network, same.network, rtol=1e-9)
    for term, other in zip(gap.terms, same.terms, strict=True):
        np.testing.assert_allclose(term.values, other.values, rtol=1e-6, atol=1e-9)

    data = {
        f"{part}.{name}": array
        for part, some in (("x", inputs), ("x_test", test))
        for name, array in some.items()
    }
    np.savez(tmp_path / "data.npz", y=y, **data)
    module = f"{__file__}:TwoInputs"
    assert main(["explain", "--module", module, "--data", str(tmp_path / "data.npz"), "--steps", "20"]) == 0
    assert "moving kernel" in capsys.readouterr().out


@EACH_METHOD
def test_integers_stay_integers_where_the_network_takes_them(method):
    """Rounded to half precision, token 2049 would be 2048."""
    ids = np.array([[2049], [2048]])
    for first in (nn.Identity(), Whole()):
        net = nn.Sequential(first, nn.Embedding(4096, 2), nn.Flatten()).half()
        assert nv.empirical_ntk(net, ids, method=method).tolist() == [[1, 0], [0, 1]]
    linear = nn.Linear(1, 1, bias=False)
    assert nv.empirical_ntk(linear, np.array([[1], [2]]), method=method).tolist() == [[1, 2], [2, 4]]


class Adapted(nn.Module):
    """A frozen base in half precision, and adapters in float32."""

    def __init__(self, base_takes: torch.dtype):
        super().__init__()
        self.base = nn.Linear(4, 3, dtype=torch.bfloat16).requires_grad_(False)
        self.down, self.up = nn.Linear(4, 2, bias=False), nn.Linear(2, 3, bias=False)
        self.base_takes = base_takes

    def forward(self, x):
        base = self.base(x.to(torch.bfloat16) if self.base_takes == torch.float32 else x)
        return base.float() + self.up(self.down(x.float()))


class ScaledInDoubles(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale, self.linear = nn.Parameter(torch.tensor(1.5, dtype=torch.float64)), nn.Linear(4, 3)

    def forward(self, x):
        return self.linear(self.scale * x)


@EACH_METHOD
def test_inputs_go_to_the_dtype_that_the_network_takes(method):
    for takes in (torch.float32, torch.bfloat16):
        net = seeded(Adapted, takes)
        x = torch.from_numpy(X).to(torch.float32 if takes == torch.float32 else torch.bfloat16).float()
        down, up = (layer.weight.detach() for layer in (net.down, net.up))
        h = x @ down.T
        expected = h @ h.T + (x @ x.T) * (up**2).sum() / 3
        kernel = nv.empirical_ntk(net, X, method=method)
        assert kernel.dtype == np.float32
        np.testing.assert_allclose(kernel, expected, rtol=1e-5)
    net = seeded(ScaledInDoubles)
    x = torch.from_numpy(X).float()
    moved = x @ net.linear.weight.detach().T
    expected = 1 + 1.5**2 * x @ x.T + moved @ moved.T / 3
    np.testing.assert_allclose(nv.empirical_ntk(net, X, method=method), expected, rtol=1e-5)
    assert nv.empirical_ntk(nn.Linear(4, 2).bfloat16(), X, method=method).dtype == np.float32


class HalfALayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 3, bias=False).half(), nn.Linear(3, 2)

    def forward(self, x):
        return self.second(self.first(x.half()).float())


@EACH_METHOD
def test_the_kernel_has_the_digits_of_the_finest_parameter(method):
    """Its first share is of a layer in half precision."""
    net = seeded(HalfALayer)
    x = torch.from_numpy(X).half().float()
    h, second = x @ net.first.weight.detach().float().T, net.second.weight.detach()
    expected = 1 + h @ h.T + x @ x.T * (second**2).sum() / 2
    kernel, choice = nv.empirical_ntk(net, X, method=method, return_choice=True)
    assert kernel.dtype == np.float32 and "no known layer" not in choice.reason
    np.testing.assert_allclose(kernel, expected, rtol=2e-3)


Returned = collections.namedtuple("Returned", "values loss")


@dataclasses.dataclass
class Predicted:
    logits: torch.Tensor
    hidden: torch.Tensor


class Returning(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.linear, self.how = nn.Linear(4, 2, bias=False, dtype=torch.float64), how

    def forward(self, x):
        return self.how(self.linear(x))


@EACH_METHOD
def test_outputs_of_any_shape_and_structure(method):
    same = np.eye(2) * (X @ X.T)[:, :, None, None]
    natural = {
        "in a tuple": lambda out: (out,),
        "in a named tuple": lambda out: Returned(out, None),
        "in a dict": lambda out: {"out": out, "step": torch.tensor(3)},
        "logits of several": lambda out: Predicted(out, out**2),
        "with an axis of one": lambda out: out[:, None],
    }
    for how in natural.values():
        kernel = nv.empirical_ntk(Returning(how), X, outputs="full", method=method)
        np.testing.assert_allclose(kernel, same, rtol=1e-12)
    squeezed = Returning(lambda out: out[:, 0])
    np.testing.assert_allclose(nv.empirical_ntk(squeezed, X, method=method), X @ X.T, rtol=1e-12)
    several = Returning(lambda out: (out, 3 * out))
    chosen = nv.empirical_ntk(several, X, output=lambda out: out[1], outputs="full", method=method)
    np.testing.assert_allclose(chosen, 9 * same, rtol=1e-12)
    with pytest.raises(InvalidArgument, match=r"2 tensors \(0, 1\).*Pass output="):
        nv.empirical_ntk(several, X, method=method)
    sequences = np.stack([X, 2 * X], axis=1)  # (n, T, features) -> (n, T, outputs)
    kernel = nv.empirical_ntk(Returning(lambda out: out), sequences, outputs="full", method=method)
    times = np.array([[1, 2], [2, 4]])
    expected = np.einsum("ij,st,ab->ijsatb", X @ X.T, times, np.eye(2)).reshape(3, 3, 4, 4)
    np.testing.assert_allclose(kernel, expected, rtol=1e-12)


def test_training_fits_each_target_whatever_the_shape_of_the_outputs():
    def fitted(*last, y):
        net = nn.Sequential(nn.Linear(3, 1, bias=False, dtype=torch.float64), *last)
        return nv.train(net, np.eye(3), y, steps=300, learning_rate=0.1).train

    y = np.array([1.0, 2.0, 6.0])
    for outputs, targets in (
        ([nn.Unflatten(1, (1, 1))], y[:, None]),
        ([nn.Unflatten(1, (1, 1))], y[:, None, None]),
        ([nn.Flatten(0)], y[:, None]),
    ):
        np.testing.assert_allclose(fitted(*outputs, y=targets), y[:, None], atol=1e-9)
    with pytest.raises(InvalidArgument, match=r"^y: got shape \(3, 2\), but expected shape \(3, 1, 1\)"):
        fitted(nn.Unflatten(1, (1, 1)), y=np.ones((3, 2)))
    three_by_two = nn.Sequential(nn.Linear(4, 6).double(), nn.Unflatten(1, (3, 2)))
    with pytest.raises(InvalidArgument, match=r"^y: got shape \(3, 2, 3\), but expected shape \(3, 3, 2\)"):
        nv.train(three_by_two, X, np.ones((3, 2, 3)), steps=1, learning_rate=0.1)


@EACH_METHOD
def test_kernels_of_some_parameters_add_up_to_the_whole(method):
    net = seeded(nn.Sequential, nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)).double()
    names = [name for name, _ in net.named_parameters()]
    parts = {name: nv.empirical_ntk(net, X, parameters=name, method=method) for name in names}
    whole = nv.empirical_ntk(net, X, method=method)
    np.testing.assert_allclose(sum(parts.values()), whole, rtol=1e-12)
    first = nv.empirical_ntk(net, X, parameters="0.*", method=method)
    np.testing.assert_allclose(first, parts["0.weight"] + parts["0.bias"], rtol=1e-12)
    biases = nv.empirical_ntk(net, X, parameters=["*.bias"], method=method)
    np.testing.assert_allclose(biases, parts["0.bias"] + parts["2.bias"], rtol=1e-12)
    np.testing.assert_allclose(parts["2.bias"], np.ones((3, 3)))
    bare = KeepsFeatures().double()
    bare.hidden = lambda x: x @ bare.first.weight.T
    reason = nv.empirical_ntk(bare, X, method=method, return_choice=True)[1].reason
    assert ("12 of 23 parameters are in no known layer" in reason) is (
        method in ("auto", "structured_derivatives")
    )
    matrix = nv.ntk_operator(net, X, parameters="2.weight") @ np.ones(6)
    full = nv.empirical_ntk(net, X, parameters="2.weight", outputs="full").transpose(0, 2, 1, 3)
    np.testing.assert_allclose(matrix, full.reshape(6, 6).sum(axis=1), rtol=1e-12)
    with pytest.raises(InvalidArgument, match=r"^parameters: got '5\.\*'.*0\.weight, 0\.bias"):
        nv.empirical_ntk(net, X, parameters="5.*", method=method)


def test_nothing_is_left_in_the_network():
    net = seeded(KeepsFeatures).double()
    net.features = "mine"
    for method in METHODS:
        nv.empirical_ntk(net, X, method=method)
    nv.ntk_operator(net, X) @ np.ones(6)
    assert net.features == "mine" and net.history == []
    nv.train(copy.deepcopy(net), X, np.ones((3, 2)), steps=1, learning_rate=1e-3)
    torch.save(copy.deepcopy(net), io.BytesIO())
    assert (net.features, net.history) == ("mine", [])


class Root(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2, bias=False, dtype=torch.float64)

    def forward(self, x):
        return (self.linear(x) ** 2).sqrt()


def broken() -> nn.Module:
    net = nn.Linear(4, 2)
    net.weight.data[1, 2] = torch.nan
    return net


REFUSED = {
    "^net: got a gradient that is not finite at example 1, of parameter 'linear.weight'": lambda: (
        Root(),
        X * [[1], [0], [1]],
    ),
    "^net: got parameter 'weight' that is not finite": lambda: (broken(), X),
    "^x1: got a sparse tensor.*to_dense": lambda: (nn.Linear(4, 2), torch.eye(4).to_sparse()),
    "^x1: got a meta tensor": lambda: (nn.Linear(4, 2), torch.eye(4, device="meta")),
    "^x1: got an array with 7 masked entries": lambda: (nn.Linear(4, 2), np.ma.masked_greater(X, 0)),
    "^x1: got ndarray of dtype <U1": lambda: (nn.Linear(4, 2), np.array([["a"] * 4])),
    r"^x1: got inf in example 1, entry 2 \(1 such": lambda: (
        nn.Linear(4, 2),
        np.where(np.arange(12).reshape(3, 4) == 6, np.inf, X),
    ),
    r"^x1: got shape \(0, 4\)": lambda: (nn.Linear(4, 2), X[:0]),
    r"^x1: got \['x'\] of 3, \['ids'\] of 2": lambda: (TwoInputs(), {"x": X, "ids": IDS[:2]}),
    "^x1: got dict without an array": lambda: (TwoInputs(), {"x": 1}),
    "^net: got a DataParallel.*net.module": lambda: (nn.DataParallel(nn.Linear(4, 2)), X),
    "^net: got a RecursiveScriptModule.*made from": lambda: (torch.jit.script(nn.Linear(4, 2)), X),
    "^net: got the class TwoInputs": lambda: (TwoInputs, X),
    "^net: got function": lambda: (lambda x: x, X),
    "^net: got Architecture.*network": lambda: (nv.mlp(inputs=4, depth=1), X),
    "^net: got parameter 'weight' without values": lambda: (nn.Linear(4, 2, device="meta"), X),
    "^net: got parameter '0.weight' without values": lambda: (nn.Sequential(nn.LazyLinear(2)), X),
    "^inputs: got 4 features for Linear": lambda: (nn.Sequential(nn.Linear(5, 2), nn.ReLU()), X),
    r"^net: got TypeError .* when called with 2 examples of shape \(4,\), float32": lambda: (
        nn.Bilinear(4, 4, 2),
        X,
    ),
    "^net: got a network with torch.complex64 outputs": lambda: (
        Returning(lambda out: out.to(torch.complex64)),
        X,
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_used_is_refused_with_a_remedy(message):
    net, x = REFUSED[message]()
    with pytest.raises(InvalidArgument, match=message):
        nv.empirical_ntk(net, x)


def test_what_is_too_large_for_memory_says_what_asks_for_less():
    with pytest.raises(OutOfMemory, match="ntk_operator"):
        nv.empirical_ntk(nn.Linear(1, 1), np.ones((2**21, 1)))
    with pytest.raises(InvalidArgument, match="^memory: got '1G'"):
        nv.empirical_ntk(nn.Linear(1, 1), np.ones((2, 1)), memory="1G")


def test_bad_settings_are_told_from_bad_networks():
    net = nn.Linear(4, 2)
    for parameters in (3, [], [0], net.weight):
        with pytest.raises(InvalidArgument, match="^parameters: got .*named_parameters"):
            nv.empirical_ntk(net, X, parameters=parameters)
    with pytest.raises(InvalidArgument, match="^output: got 3, but expected a function"):
        nv.empirical_ntk(net, X, output=3)
    with pytest.raises(InvalidArgument, match="^output: got output= that returns float"):
        nv.empirical_ntk(net, X, output=lambda out: 1.0)
    with pytest.raises(InvalidArgument, match=r"^x1: got shape \(4,\).*x\[:, None\]"):
        nv.empirical_ntk(net, X[0])
    with pytest.raises(
        InvalidArgument, match=r"^net: got RuntimeError .* 3 examples of shape \(5,\), float32"
    ):
        nv.train(net, np.ones((3, 5)), np.ones((3, 2)), steps=1, learning_rate=0.1)
    with pytest.raises(InvalidArgument, match=r"^y: got shape \(3,\).*one-hot.*numpy.eye"):
        nv.train(net, X, np.array([0, 1, 1]), steps=1, learning_rate=0.1)
    with pytest.raises(InvalidArgument, match="^count: got 'all'"):
        nv.empirical.extreme_eigenvalues(net, X, "all")
