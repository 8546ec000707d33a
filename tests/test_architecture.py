import pytest

import ntkverify as nv
from ntkverify.errors import InvalidArgument


def test_mlp_is_the_architecture_written_out():
    linear = nv.Linear(weight_std=2**0.5, bias_std=0.1)
    written_out = nv.Architecture(
        inputs=5, outputs=3, layers=nv.Sequential(linear, nv.ReLU(), linear, nv.ReLU(), linear)
    )
    assert nv.mlp(inputs=5, depth=2, weight_std=2**0.5, bias_std=0.1, outputs=3) == written_out
    assert written_out.depth == 2


def test_json_round_trip_keeps_everything_even_nested():
    inner = nv.Sequential(nv.Linear(0.1 + 0.2), nv.Erf())
    arch = nv.Architecture(inputs=2, layers=nv.Sequential(inner, nv.Linear(1, 1e-300)))
    again = nv.Architecture.from_json(arch.to_json())
    assert again == arch
    assert hash(again) == hash(arch)
    assert again.to_json() == arch.to_json()


def test_repr_reads_back():
    arch = nv.mlp(inputs=2, depth=1, activation=nv.Erf())
    names = {name: getattr(nv, name) for name in ("Architecture", "Sequential", "Linear", "Erf")}
    assert eval(repr(arch), names) == arch


def test_different_architectures_differ():
    assert nv.mlp(inputs=2, depth=1) != nv.mlp(inputs=2, depth=2)
    assert nv.mlp(inputs=2, depth=1) != nv.mlp(inputs=2, depth=1, activation=nv.Erf())


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: nv.Linear(weight_std=-1.0), "weight_std"),
        (lambda: nv.Linear(weight_std=0.0), "weight_std"),
        (lambda: nv.Linear(bias_std=float("nan")), "bias_std"),
        (lambda: nv.Linear(bias_std="1"), "bias_std"),
        (lambda: nv.Sequential(nv.Linear(), nv.ReLU), r"layers\[1\]"),
        (lambda: nv.Architecture(inputs=0, layers=nv.Sequential(nv.Linear())), "inputs"),
        (lambda: nv.Architecture(inputs=1, layers=nv.Sequential(nv.ReLU(), nv.Linear())), "layers"),
        (lambda: nv.Architecture(inputs=1, layers=nv.Sequential(nv.Linear(), nv.ReLU())), "layers"),
        (
            lambda: nv.Architecture(
                inputs=1, layers=nv.Sequential(nv.Linear(), nv.ReLU(), nv.Erf(), nv.Linear())
            ),
            "layers",
        ),
        (lambda: nv.mlp(inputs=1, depth=0), "depth"),
        (lambda: nv.Architecture.from_json("{"), "json"),
        (lambda: nv.Architecture.from_json('{"inputs": 1}'), "json"),
        (
            lambda: nv.Architecture.from_json(nv.mlp(inputs=1, depth=1).to_json().replace("ReLU", "Relu")),
            "json",
        ),
    ],
)
def test_bad_architectures_are_refused_by_name(make, argument):
    with pytest.raises(InvalidArgument, match=f"^{argument}: got .* but expected .*"):
        make()


def test_queries_see_through_nested_layers():
    first, last = nv.Linear(2.0), nv.Linear(3.0)
    layers = nv.Sequential(first, nv.Sequential(nv.ReLU(), nv.Sequential(last)))
    arch = nv.Architecture(inputs=2, layers=layers, outputs=3)
    assert arch.walk() == (first, nv.ReLU(), last)
    assert arch.every(nv.Linear) == (first, last) and arch.every(nv.Erf) == () and arch.depth == 1
    assert arch.deeper(2).walk() == (first, *[nv.ReLU(), last] * 3) and arch.deeper().outputs == 3
    assert arch.deeper(0).walk() == arch.walk()
    other = arch.mapped(lambda layer: nv.Erf() if layer == nv.ReLU() else layer)
    assert other.walk() == (first, nv.Erf(), last)
