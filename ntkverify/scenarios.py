"""A scenario: everything that a claim is measured on, as one frozen JSON value."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ntkverify import serialization
from ntkverify.architecture import Architecture
from ntkverify.data import Points
from ntkverify.errors import InvalidArgument
from ntkverify.methods import GradientDescent, Method
from ntkverify.recipes import Recipe
from ntkverify.seeds import derive


@dataclass(frozen=True, kw_only=True)
class Training:
    """Full-batch training on 1/2 sum (f - y)^2.

    step_size: the learning rate as a fraction of the method's largest stable one for the kernel of the
    training points, which is 2 / lambda_max for gradient descent.
    test_points: how many of the scenario's points (its last ones) are held out.
    """

    steps: int
    step_size: float
    test_points: int
    method: Method = GradientDescent()

    def __post_init__(self) -> None:
        for name in ("steps", "step_size", "test_points"):
            value = getattr(self, name)
            if not value > 0:
                raise InvalidArgument(name, repr(value), "a number above 0", "Choose a larger one.")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What a claim is measured on.

    architecture: of the networks, whose limit the kernels are; None where the subject states none, or where
    `module` takes its place.
    widths: units per hidden layer, largest first; empty where the claim is about the limit.
    profile: units of single hidden layers that stay whatever the width, None where the width
    rules; empty for None everywhere.
    module: a torch module that the claim is about.
    seed: of the networks' weights; streams also depend on the whole scenario, so that two
    scenarios never share random numbers.
    """

    architecture: Architecture | None = None
    points: Points
    widths: tuple[int, ...] = ()
    seed: int = 0
    training: Training | None = None
    profile: tuple[int | None, ...] = ()
    module: Recipe | None = None

    def __post_init__(self) -> None:
        arch = self.architecture
        if arch is not None and self.points.dimension != arch.inputs:
            got = f"{self.points.dimension} features for an architecture with {arch.inputs} inputs"
            raise InvalidArgument("points", got, "as many features as inputs", "Make the two agree.")
        if any(width < 1 for width in self.widths):
            raise InvalidArgument("widths", repr(self.widths), "integers >= 1", "Drop the empty layers.")
        depth = arch.depth if arch else 0
        if self.profile and len(self.profile) != depth:
            expected = f"one entry for each of {depth} hidden layers"
            raise InvalidArgument("profile", repr(self.profile), expected, "Use None where the width rules.")
        if self.training and self.training.test_points >= self.points.count:
            got = f"{self.training.test_points} of {self.points.count} points"
            raise InvalidArgument("test_points", got, "fewer than all points", "Leave some to train on.")

    @property
    def arch(self) -> Architecture:
        """The architecture, for claims that ask of a subject that it has one."""
        assert self.architecture is not None, "this scenario has no architecture"
        return self.architecture

    @property
    def run(self) -> Training:
        """The training, for claims about trained networks."""
        assert self.training is not None, "nothing is trained in this scenario"
        return self.training

    @property
    def recipe(self) -> Recipe:
        """The torch module, for claims about one."""
        assert self.module is not None, "this scenario has no torch module"
        return self.module

    def hidden_widths(self, width: int = 0) -> list[int]:
        """Returns the units of each hidden layer of the architecture's network of that width."""
        return [fixed or width for fixed in self.profile or [None] * self.arch.depth]

    def network_seed(self, *names: str | int) -> int:
        """A seed for one network, its own for every scenario and every name."""
        return int(derive(self.seed, self._text, *names).integers(2**63))

    def signs(self, shape: tuple[int, ...]) -> np.ndarray:
        """Random signs of that shape, the scenario's own: a direction to look in."""
        return derive(self.seed, self.network_seed("direction")).choice([-1.0, 1.0], shape)

    @functools.cached_property
    def _text(self) -> str:
        return self.to_json()

    def to_plain(self) -> dict[str, Any]:
        """Writes it as dicts, lists, strings and numbers, for a finding's record; what stands at its default is left out."""
        return serialization.to_plain(self)

    @staticmethod
    def from_plain(plain: dict[str, Any]) -> "Scenario":
        """Reads what `to_plain` wrote; raises InvalidArgument for anything else."""
        return serialization.from_plain(plain, Scenario)

    def to_json(self) -> str:
        """One line of JSON; equal scenarios give equal text."""
        return serialization.to_json(self.to_plain())

    @staticmethod
    def from_json(text: str) -> "Scenario":
        """Reads what `to_json` wrote; raises InvalidArgument for anything else."""
        return serialization.from_json(text, Scenario)
