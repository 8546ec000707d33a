"""What the claims ask of a subject: a name, and as many of the other parts as it has, each a protocol of its own.

A part that is missing or None is not asked for: claims about it are out of scope, or ntkverify's own stands in
(`part`). Arrays are NumPy's, float64, and torch's only where a protocol says so.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from torch import nn

from ntkverify.architecture import Architecture
from ntkverify.arrays import Array
from ntkverify.domain import Domain


class Subject(Protocol):
    """Anything under test. Some of `PARTS` must be there too: what is verified are those."""

    @property
    def name(self) -> str:
        """Tells it apart from the other subjects of a run; findings are filed under it."""


class HasVersion(Subject, Protocol):
    """Says which version was tested; without, findings do not."""

    @property
    def version(self) -> str:
        """Is anything readable, "" for none."""


class HasArchitecture(Subject, Protocol):
    """Is about one network; a subject without this attribute is asked about every architecture it supports."""

    @property
    def architecture(self) -> Architecture | None:
        """Says what the kernels or networks are of; None where its owner does not say."""


class HasSupports(Subject, Protocol):
    """Can be asked about some architectures only; without, about all."""

    def supports(self, arch: Architecture) -> bool:
        """Tells whether the subject can be asked about `arch`."""


class KnowsRates(Subject, Protocol):
    """Reads layers' rates and an architecture's metric; without, it is asked about architectures that have none."""

    @property
    def knows_rates(self) -> bool:
        """Says whether it does."""


class HasInputs(Subject, Protocol):
    """Takes a certain number of features; read only where no architecture says it."""

    @property
    def inputs(self) -> int | None:
        """Is the number of features d; None for any."""


class HasDomain(Subject, Protocol):
    """Is made for some inputs only; without, for those of `ntkverify.Domain()`."""

    @property
    def domain(self) -> Domain | None:
        """Says for which inputs its kernels are judged; None for all that there are numbers for."""


class HasTryCalls(Subject, Protocol):
    """Finds out how it wants to be called before any claim is tried."""

    def try_calls(self) -> None:
        """Raises InvalidArgument, with the remedy, where its parts cannot be called."""


class HasAccuracy(Subject, Protocol):
    """Claims an accuracy for its kernels; without, FOREIGN_ACCURACY is allowed."""

    @property
    def accuracy(self) -> float:
        """Is relative to the kernel's entries; 0 is judged at rounding level."""


class HasNNGP(Subject, Protocol):
    """Has the covariance of one output over initialisations, at infinite width."""

    def nngp(self, arch: Architecture, x1: Array, x2: Array) -> Array:
        """Returns (n1, n2) for x1 (n1, d), x2 (n2, d), which are torch tensors where gradients are asked
        for."""


class HasNTK(Subject, Protocol):
    """Has the neural tangent kernel of one output at infinite width, in NTK parameterisation."""

    def ntk(self, arch: Architecture, x1: Array, x2: Array) -> Array:
        """Returns (n1, n2) for x1 (n1, d), x2 (n2, d), which are torch tensors where gradients are asked
        for."""


class HasNetwork(Subject, Protocol):
    """Makes finite networks in NTK parameterisation."""

    def network(self, arch: Architecture, width: int | Sequence[int], seed: int) -> nn.Module:
        """Makes a network (n, d) -> (n, outputs) in float64 on the CPU, the same for the same seed.

        width: units in every hidden layer, or one number for each. A subject whose architecture is None gets
        None for `arch`.
        """


class HasStandardNetwork(Subject, Protocol):
    """Makes finite networks in standard parameterisation, the functions of `HasNetwork.network`."""

    def standard_network(self, arch: Architecture, width: int | Sequence[int], seed: int) -> nn.Module:
        """Makes the function that `HasNetwork.network` makes from the same arguments, up to rounding."""


class HasEmpiricalNTK(Subject, Protocol):
    """Computes the NTK of a finite network: sum over parameters p of d f(x1)/dp . d f(x2)/dp."""

    def empirical_ntk(self, net: nn.Module, x1: Array, x2: Array | None = None, **options: Any) -> Array:
        """Returns (n1, n2), the mean over outputs, for x1 (n1, ...), x2 (n2, ...), None standing for x1.

        options: outputs="full", for which it is (n1, n2, outputs, outputs); and, for a subject with
        `empirical_methods`, method=, one of them.
        """


class HasEmpiricalMethods(HasEmpiricalNTK, Protocol):
    """Computes empirical NTKs in several ways, each of which is tried."""

    @property
    def empirical_methods(self) -> tuple[str, ...]:
        """Lists their names; without, `empirical_ntk` is called without a method."""


class HasGradientDescent(Subject, Protocol):
    """Predicts full-batch gradient descent in function space."""

    def gradient_descent(
        self, k_train: Array, y: Array, k_test_train: Array, **options: Any
    ) -> Sequence[Any]:
        """Returns predictions (train (n, outputs), test (m, outputs)).

        k_train: (n, n); y: (n, outputs); k_test_train: (m, n). Options: as in `predict.gradient_descent`.
        """


class HasKernelRegression(Subject, Protocol):
    """Regresses with a kernel."""

    def kernel_regression(self, k_train: Array, y: Array, k_test_train: Array, ridge: float = 0.0) -> Any:
        """Returns something whose `test` (m, outputs) is k_test_train (k_train + ridge I)^-1 y; shapes as in
        `HasGradientDescent.gradient_descent`."""


class HasEnsemble(Subject, Protocol):
    """Predicts the outputs of trained networks over their initialisations."""

    def ensemble(self, k_train: Array, y: Array, k_test_train: Array, **options: Any) -> Sequence[Any]:
        """Returns (mean (m, outputs), covariance (m, m)); options, and shapes, as in `predict.ensemble`."""


class HasBuild(HasNetwork, Protocol):
    """Is someone's network, to be had at several widths. `ModuleSubject` wraps one."""

    @property
    def build(self) -> Callable[[int, int], nn.Module]:
        """Makes a module from (width, seed); claims call `network` instead, with None for `arch`."""

    @property
    def width(self) -> int:
        """Is the width that its owner uses."""

    @property
    def widths(self) -> tuple[int, ...]:
        """Lists the widths to fit laws to, the largest first."""


class HasTolerance(HasBuild, Protocol):
    """Claims that it stays near its linearisation."""

    @property
    def tolerance(self) -> float | None:
        """Bounds its distance at `width`, relative to how far training moves outputs; None claims nothing."""
