"""Someone's torch module: the right answers about lazy and other ones, and clear words for what is no subject."""

import numpy as np
import pytest
import torch
from modules import InNTKParameterisation, Lazy, MeanField, bottleneck, wider
from torch import nn

import ntkverify as nv
from ntkverify.budgets import Budget
from ntkverify.claims import CATALOGUE, Effort, examine
from ntkverify.claims.module.concentration import measure_falling
from ntkverify.claims.series import WidthSeries
from ntkverify.data import Points
from ntkverify.diagnosis import gap_terms
from ntkverify.errors import InvalidArgument
from ntkverify.findings import Verdict
from ntkverify.scenarios import Scenario, Training

ONE = Budget(name="one", examples=5, stochastic_examples=1, max_samples=8000, widths=(512, 256, 128, 64, 32))


def subject(network=Lazy, **fields):
    build = {"build": lambda width, seed: network(width)}
    return nv.ModuleSubject(**{"name": network.__name__, "width": 128} | build | fields)


def answers(found):
    verdicts = {finding.claim: finding.verdict for finding in found if finding.claim.startswith("module.")}
    told = {m.name: m for finding in found for m in finding.measurements}
    return verdicts, told


def task(mine, steps: int = 30) -> Scenario:
    points, training = (
        Points(source="sphere", count=9, dimension=3),
        Training(steps=steps, step_size=0.5, test_points=4),
    )
    return Scenario(points=points, widths=mine.widths, training=training)


def measured(mine):
    """Each claim about modules on one task: without the search for a simpler one."""
    claims = [claim for claim in CATALOGUE.values() if claim.id.startswith("module.")]
    return [examine(claim, mine, task(mine), Effort(level=1e-4, max_samples=2000)) for claim in claims]


def test_a_lazy_module_is_lazy_and_its_regime_begins_below_its_width():
    verdicts, told = answers(nv.check(subject(tolerance=0.05), budget=ONE))
    assert set(verdicts.values()) == {Verdict.HOLDS}
    begins = told["width at which the kernel regime begins, to within 5%"]
    assert begins.interval[0] < begins.value < begins.interval[1] < 128
    assert told["distance to the linearised network at width 128"].interval[1] < 0.05


def test_a_module_that_is_not_lazy_is_said_not_to_be_at_any_width():
    mine = subject(MeanField, tolerance=0.05)
    verdicts, told = answers(measured(mine))
    assert verdicts == {
        "module.kernel_concentrates": Verdict.HOLDS,
        "module.kernel_regime": Verdict.FAILS,
        "module.lazy": Verdict.FAILS,
    }
    begins = told["width at which the kernel regime begins, to within 5%"]
    assert begins.value == np.inf or begins.value > 100 * 128
    terms = {term.name: term for term in gap_terms(CATALOGUE["module.kernel_regime"], mine, task(mine))}
    assert terms["moving kernel"].size > 0


def test_a_bottleneck_keeps_the_kernel_from_settling():
    mine = nv.ModuleSubject(name="bottleneck", build=bottleneck, width=512)
    claim, effort = CATALOGUE["module.kernel_concentrates"], Effort(level=1e-4, max_samples=1000)
    assert examine(claim, mine, task(mine), effort).verdict is Verdict.FAILS


def test_its_own_width_may_be_too_narrow_for_the_tolerance():
    verdicts, told = answers(measured(subject(tolerance=0.002)))
    assert (verdicts["module.kernel_regime"], verdicts["module.lazy"]) == (Verdict.HOLDS, Verdict.FAILS)
    begins = told["width at which the kernel regime begins, to within 0.2%"]
    assert begins.value > 128 and "extrapolated" in begins.tolerance


def test_with_an_architecture_it_is_held_against_the_limit_of_that():
    arch = nv.mlp(inputs=3, depth=1, activation=nv.Erf())
    points = Points(source="sphere", count=2, dimension=3)
    found = []
    for build, draws in ((lambda width, seed: InNTKParameterisation(width), 8000), (wider, 150)):
        claimed = nv.ModuleSubject(name="mine", build=build, architecture=arch, width=512)
        scenario = Scenario(architecture=arch, points=points, widths=claimed.widths)
        claim, effort = CATALOGUE["initialisation.ntk_rate"], Effort(level=1e-4, max_samples=draws)
        found.append(examine(claim, claimed, scenario, effort).verdict)
    assert found == [Verdict.HOLDS, Verdict.FAILS]


def test_widths_stay_those_at_which_an_architecture_has_a_limit():
    def build(width, seed):
        layers = [nn.Linear(3, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh()]
        return nn.Sequential(*layers, nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    arch = nv.mlp(inputs=3, depth=3, activation=nv.Erf())
    deep = nv.ModuleSubject(name="deep", build=build, architecture=arch)
    assert deep.widths == (512, 283, 157, 87, 48)
    points = Points(source="sphere", count=2, dimension=3)
    scenario = Scenario(architecture=arch, points=points, widths=deep.widths)
    assert not CATALOGUE["initialisation.ntk_rate"].broken_premises(scenario)


def test_a_module_whose_features_are_fixed_is_as_lazy_as_can_be():
    def build(width, seed):
        net = Lazy(width)
        net.first.requires_grad_(False)
        return net

    verdicts, told = answers(
        nv.check(nv.ModuleSubject(name="fixed", build=build, width=128), ["module"], budget=ONE)
    )
    assert set(verdicts.values()) == {Verdict.HOLDS, Verdict.OUT_OF_SCOPE}
    assert told["largest size of the kernel's drift"].value < 1e-9


def test_inputs_of_any_shape_and_several_outputs():
    def build(width, seed):
        return nn.Sequential(nn.Conv2d(1, width, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * width, 2))

    images = nv.ModuleSubject(name="images", build=build, inputs=(1, 4, 4), width=128)
    found = nv.check(images, ["module.kernel_concentrates"], budget=ONE)
    assert {finding.verdict for finding in found} == {Verdict.HOLDS}
    assert images.network(None, 16, 0)(torch.ones(3, 16, dtype=torch.float64)).shape == (3, 2)


class Tokens(nn.Module):
    """A small network of token ids and a mask, whose heads divide its width."""

    def __init__(self, width: int):
        super().__init__()
        self.embedding = nn.Embedding(20, width)
        self.attention, self.last = nn.MultiheadAttention(width, 4, batch_first=True), nn.Linear(width, 1)

    def forward(self, ids, mask):
        h = self.embedding(ids)
        h = h + self.attention(h, h, h, need_weights=False)[0]
        return {"logits": self.last((h * mask[:, :, None]).mean(dim=1)), "hidden": h}


def test_networks_of_any_inputs_are_tried_on_their_owners():
    stream = np.random.default_rng(0)
    data = {"ids": stream.integers(20, size=(50, 3)), "mask": stream.integers(2, size=(50, 3)) > 0}
    mine = nv.ModuleSubject(
        name="tokens", build=lambda width, seed: Tokens(width), data=data, widths=(64, 48, 32, 16, 8)
    )
    assert (mine.width, mine.widths) == (64, (64, 48, 32, 16, 8))
    net, points = mine.network(None, 8, 0), stream.standard_normal((40, mine.inputs))
    found = net(torch.from_numpy(points))
    ids, mask = (torch.from_numpy(data[name]) for name in ("ids", "mask"))
    every = net.net(ids, mask)["logits"]
    assert all(torch.isclose(value, every).any() for value in found) and len(found.unique()) > 15
    kernels = [
        nv.empirical_ntk(mine.network(None, width, 0), points[:9], outputs="full") for width in (8, 64)
    ]
    assert all(kernel.shape == (9, 9, 1, 1) and np.isfinite(kernel).all() for kernel in kernels)


@pytest.mark.parametrize(
    ("still", "distance", "verdict"),
    [
        (0.0, lambda n, share: n**-0.5, Verdict.HOLDS),
        (0.0, lambda n, share: 0.1, Verdict.FAILS),
        (30.0, lambda n, share: n**-0.5, Verdict.HOLDS),
        (300.0, lambda n, share: share * n**-0.5, Verdict.UNDECIDED),
        (30.0, lambda n, share: share * 0.1, Verdict.FAILS),
    ],
    ids=["falls", "stays", "falls, mixed", "bent by the mixture", "stays, mixed"],
)
def test_a_law_that_has_not_set_in_is_undecided_and_says_where_it_would(still, distance, verdict):
    """Of a kernel still + 2 width whose growing part alone fluctuates, or both."""

    def replicates(width, seeds):
        size = still + 2 * width
        noise = np.exp([0.05 * np.random.default_rng([seed, width]).standard_normal() for seed in seeds])
        return np.stack([distance(width, 2 * width / size) * noise, np.full(len(seeds), size)])

    series = WidthSeries(replicates, task(subject(width=128)))
    measured = measure_falling(series, Effort(level=1e-4, max_samples=3000), 0, "it", sizes=1)
    assert measured.verdict is verdict
    assert ("widths of 1.5e+03 to 2.4e+04 would show it" in measured.tolerance) is (
        verdict is Verdict.UNDECIDED
    )


def test_a_network_is_tried_in_the_mode_in_which_it_is_built():
    def build(width, seed):
        return nn.Sequential(nn.Linear(3, width), nn.Dropout(), nn.Linear(width, 1)).eval()

    assert not nv.ModuleSubject(name="evaluated", build=build).network(None, 8, 0).training


def test_torchs_global_generator_is_seeded_and_left_as_it_was():
    before = torch.get_rng_state()
    mine = subject()
    first, again, other = (mine.network(None, 16, seed) for seed in (1, 1, 2))
    assert torch.equal(first.first, again.first) and not torch.equal(first.first, other.first)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"build": lambda width, seed: 3}, "build: got 3 for width 8"),
        ({"build": lambda width, seed: Lazy(9)}, "more parameters at a larger width"),
        ({"build": lambda width, seed: nn.Sequential(nn.Linear(3, width), nn.Dropout())}, "Dropout '1'"),
        (
            {"build": lambda width, seed: nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width))},
            "BatchNorm1d",
        ),
        ({"inputs": 4}, "inputs: got RuntimeError for float64 inputs of shape"),
        ({"width": 16}, "width: got 16, but expected an integer >= 32"),
        ({"width": None, "widths": (64, 32, 16)}, "widths: got \\(64, 32, 16\\), but expected 5 integers"),
        ({"widths": (64, 32, 16, 8, 4)}, "width: got 128, but expected 64"),
        ({"width": 128, "architecture": nv.mlp(inputs=3, depth=3)}, "an integer >= 192"),
        ({"build": lambda width: Lazy(width)}, "called as build\\(width, seed\\)"),
        ({"tolerance": 0.0}, "tolerance: got 0.0"),
        ({"architecture": "relu"}, "architecture: got 'relu'"),
        ({"architecture": nv.mlp(inputs=3, depth=1, outputs=2)}, "a network of 1 outputs"),
    ],
)
def test_what_is_no_subject_is_refused_with_the_remedy(fields, words):
    with pytest.raises(InvalidArgument, match=words):
        subject(**fields)


def test_a_network_that_draws_from_elsewhere_is_refused():
    stream = np.random.default_rng(0)

    def build(width, seed):
        net = Lazy(width)
        net.first.data = torch.from_numpy(stream.standard_normal((width, 3)))
        return net.double()

    with pytest.raises(InvalidArgument, match="two different networks for one seed"):
        nv.ModuleSubject(name="elsewhere", build=build, inputs=3)


def test_the_same_weights_for_all_seeds_are_refused():
    def build(width, seed):
        torch.manual_seed(0)
        return Lazy(width)

    with pytest.raises(InvalidArgument, match="the same network for two seeds"):
        nv.ModuleSubject(name="constant", build=build, inputs=3)
