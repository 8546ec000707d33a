"""Methods of training: each with its optimiser, its stability limit, and what it does to a linear model.

All of full-batch descent on 1/2 sum (f - y)^2, where a linear model with kernel K has the residual f - y.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ntkverify import serialization
from ntkverify.errors import InvalidArgument


@serialization.tagged_family
@dataclass(frozen=True)
class Method:
    """How parameters move along the gradient. limit: the largest stable learning rate, in words."""

    limit: ClassVar[str] = "the largest stable one of this method"

    def optimizer(
        self, parameters: Iterable[Tensor], learning_rate: float, weight_decay: float = 0.0
    ) -> torch.optim.Optimizer:
        """What takes the steps on `parameters`."""
        raise NotImplementedError

    @property
    def forgetting(self) -> float:
        """The share of its velocity that a step forgets: all of it, unless there is momentum."""
        return 1.0

    @property
    def moves(self) -> tuple[float, float, float]:
        """(m, a, b) of v <- m v + g, w <- w - eta (a g + b v), for the gradient g and a velocity v that starts at 0."""
        raise NotImplementedError

    def stable_below(self, largest_eigenvalue: float) -> float:
        """The learning rate below which training with a kernel of this largest eigenvalue converges; infinite for 0."""
        raise NotImplementedError

    def filters(self, spectrum: Tensor, steps: Sequence[int], learning_rate: float) -> Tensor:
        """(len(steps), n): after each of `steps`, the share learned of each eigendirection, over its eigenvalue.

        spectrum: (n,), the eigenvalues of the kernel. Raises InvalidArgument for a method whose outputs are not
        known from the kernel alone.
        """
        raise InvalidArgument(
            "method", repr(self), "one that follows from the kernel alone", "Train a network."
        )


@dataclass(frozen=True)
class GradientDescent(Method):
    """w <- w - eta g, for the gradient g."""

    limit: ClassVar[str] = "2 / lambda_max"

    def optimizer(
        self, parameters: Iterable[Tensor], learning_rate: float, weight_decay: float = 0.0
    ) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, learning_rate, weight_decay=weight_decay)

    @property
    def moves(self) -> tuple[float, float, float]:
        return 0.0, 1.0, 0.0

    def stable_below(self, largest_eigenvalue: float) -> float:
        return _over(2.0, largest_eigenvalue)

    def filters(self, spectrum: Tensor, steps: Sequence[int], learning_rate: float) -> Tensor:
        """(1 - (1 - eta l)^steps) / l, without cancellation as l goes to 0: Lee et al. 2019, equation S3."""
        return torch.stack([_learned(spectrum, count, learning_rate) for count in steps])


@dataclass(frozen=True)
class HeavyBall(Method):
    """v <- momentum v + g, w <- w - eta v (Polyak 1964), as torch.optim.SGD defines it.

    Its largest stable learning rate is (2 + 2 momentum) / lambda_max: the roots of its characteristic polynomial
    (Lessard, Recht & Packard 2016, section 4.2). Raises InvalidArgument for a momentum outside (0, 1).
    """

    momentum: float
    limit: ClassVar[str] = "(2 + 2 momentum) / lambda_max"

    def __post_init__(self) -> None:
        if not 0 < self.momentum < 1:
            remedy = "GradientDescent() has none."
            raise InvalidArgument("momentum", repr(self.momentum), "a number in (0, 1)", remedy)

    @property
    def forgetting(self) -> float:
        return 1 - self.momentum

    @property
    def moves(self) -> tuple[float, float, float]:
        return self.momentum, 0.0, 1.0

    def optimizer(
        self, parameters: Iterable[Tensor], learning_rate: float, weight_decay: float = 0.0
    ) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, learning_rate, self.momentum, weight_decay=weight_decay)

    def stable_below(self, largest_eigenvalue: float) -> float:
        return _over(2 + 2 * self.momentum, largest_eigenvalue)

    def filters(self, spectrum: Tensor, steps: Sequence[int], learning_rate: float) -> Tensor:
        """Follows the optimiser's own recursion in each eigendirection, for the residual 1 - l s of a share s."""
        learned, velocity = torch.zeros_like(spectrum), torch.zeros_like(spectrum)
        known = {0: learned}
        momentum, of_gradient, of_velocity = self.moves
        for step in range(1, max(steps, default=0) + 1):
            residual = 1 - spectrum * learned
            velocity = momentum * velocity + residual
            learned = learned + learning_rate * (of_gradient * residual + of_velocity * velocity)
            if step in steps:
                known[step] = learned
        return torch.stack([known[count] for count in steps])


@dataclass(frozen=True)
class Nesterov(HeavyBall):
    """v <- momentum v + g, w <- w - eta (g + momentum v) (Nesterov 1983), as torch.optim.SGD defines it.

    Its largest stable learning rate is 1 / (1 + 2 momentum) of the heavy ball's (source as there).
    """

    limit: ClassVar[str] = "(2 + 2 momentum) / (1 + 2 momentum) / lambda_max"

    def optimizer(
        self, parameters: Iterable[Tensor], learning_rate: float, weight_decay: float = 0.0
    ) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            parameters, learning_rate, self.momentum, weight_decay=weight_decay, nesterov=True
        )

    def stable_below(self, largest_eigenvalue: float) -> float:
        return _over((2 + 2 * self.momentum) / (1 + 2 * self.momentum), largest_eigenvalue)

    @property
    def moves(self) -> tuple[float, float, float]:
        return self.momentum, 1.0, self.momentum


def _over(limit: float, largest_eigenvalue: float) -> float:
    return limit / largest_eigenvalue if largest_eigenvalue > 0 else float("inf")


def _learned(spectrum: Tensor, steps: int, learning_rate: float) -> Tensor:
    rate = learning_rate * spectrum
    gentle = -torch.expm1(steps * torch.log1p(-rate.clamp(max=0.5)))
    learned = torch.where(rate <= 0.5, gentle, 1 - (1 - rate) ** steps)
    positive = spectrum > 0
    return torch.where(positive, learned / torch.where(positive, spectrum, 1), steps * learning_rate)


KNOWN = (GradientDescent, HeavyBall, Nesterov)
"""Every method of training."""
