"""neural-tangents, a JAX library, as what is under test. It needs older packages than ntkverify, so it runs in a
Python of its own, which `ci/neural_tangents.sh` makes; importing this module starts nothing."""

import functools
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ntkverify.architecture import Architecture
from ntkverify.arrays import Array, as_given, as_matrix
from ntkverify.errors import InvalidArgument, NtkverifyError
from ntkverify.subjects.neural_tangents import translation, worker
from ntkverify.subjects.neural_tangents.process import Process, ProcessDied
from ntkverify.subjects.parts import FOREIGN_ACCURACY

VARIABLE = "NTKVERIFY_NEURAL_TANGENTS_PYTHON"
"""The environment variable that names a Python which has neural-tangents."""

REQUIREMENTS = ("neural-tangents==0.6.5", "jax==0.4.25", "jaxlib==0.4.25", "numpy==1.26.4")
REMEDY = (
    f"In an environment of its own: pip install {' '.join(REQUIREMENTS)} (ci/neural_tangents.sh makes one), "
    f"and set {VARIABLE} to its Python."
)


@dataclass(frozen=True, kw_only=True)
class NeuralTangentsSubject:
    """The kernels of neural-tangents (Novak et al. 2020), in float64, in another process.

    accuracy: the relative accuracy at which it is judged, since it states none; it reads angles off covariances,
    so that its ReLU NTK of a point with itself errs by 1e-8 at depth 3 and by 7e-7 at depth 100. python: the
    interpreter to run it; by default VARIABLE's, else this one where it has neural-tangents. limit: seconds that
    one answer may take.
    Every method raises InvalidArgument where no such interpreter is found, and NtkverifyError where the
    process dies or neural-tangents raises.
    """

    name: str = "neural-tangents"
    accuracy: float = FOREIGN_ACCURACY
    python: str | None = None
    limit: float = 600.0

    @property
    def version(self) -> str:
        """Is that of neural-tangents in the other process."""
        return self._running().greeting()["version"]

    def supports(self, arch: Architecture) -> bool:
        """Whether neural-tangents has every layer of `arch` in closed form."""
        return translation.supports(arch)

    def nngp(self, arch: Architecture, x1: Array, x2: Array) -> Array:
        """Computes the kernel (n1, n2) for x1 (n1, inputs), x2 (n2, inputs); torch in gives torch out,
        differentiable."""
        return self._kernel("nngp", arch, x1, x2)

    def ntk(self, arch: Architecture, x1: Array, x2: Array) -> Array:
        """Computes the kernel (n1, n2) for x1 (n1, inputs), x2 (n2, inputs); torch in gives torch out,
        differentiable."""
        return self._kernel("ntk", arch, x1, x2)

    def _kernel(self, part: str, arch: Architecture, x1: Array, x2: Array) -> Array:
        header = {"part": part, "layers": translation.calls(arch)}
        points = (as_matrix(name, x, columns=arch.inputs).double() for name, x in (("x1", x1), ("x2", x2)))
        return as_given(x1, x2)(_Kernel.apply(*points, functools.partial(self._ask, header)))

    def _ask(self, header: dict[str, Any], operation: str, **arrays: Tensor) -> dict[str, Tensor]:
        sent = {name: array.detach().cpu().numpy() for name, array in arrays.items()}
        answer, results = self._running().ask({**header, "operation": operation}, **sent)
        if "error" in answer:
            raise NtkverifyError(f"neural-tangents raised {answer['error']}")
        return {name: torch.from_numpy(array) for name, array in results.items()}

    def _running(self) -> Process:
        python = self.python or os.environ.get(VARIABLE)
        if python is None and importlib.util.find_spec("neural_tangents"):
            python = sys.executable
        if python is None:
            raise InvalidArgument(VARIABLE, "no value", "a Python that has neural-tangents", REMEDY)
        process = _process(python, self.limit)
        try:
            failure = process.greeting().get("error")
        except (OSError, ProcessDied) as error:
            failure = error
        if failure:
            process.close()
            got = f"{python}, which fails: {failure}"
            raise InvalidArgument(VARIABLE, got, "a Python that has neural-tangents", REMEDY)
        return process


@functools.cache
def _process(python: str, limit: float) -> Process:
    return Process((python, worker.__file__), limit)


class _Kernel(torch.autograd.Function):
    """k(x1, x2), `ask` being the subject's question with all but its operation and its arrays."""

    @staticmethod
    def forward(ctx: Any, x1: Tensor, x2: Tensor, ask: Callable[..., dict[str, Tensor]]) -> Tensor:
        ctx.save_for_backward(x1, x2)
        ctx.ask = ask
        return ask("value", x1=x1, x2=x2)["kernel"]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, weights: Tensor) -> tuple[Tensor, Tensor, None]:
        x1, x2 = ctx.saved_tensors
        gradient = ctx.ask("gradient", x1=x1, x2=x2, weights=weights)
        return gradient["x1"], gradient["x2"], None


subject = NeuralTangentsSubject()

__all__ = ["REMEDY", "VARIABLE", "NeuralTangentsSubject", "subject"]
