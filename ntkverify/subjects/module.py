"""Someone's torch module as what is under test."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ntkverify.architecture import Architecture
from ntkverify.empirical.checks import check_network
from ntkverify.empirical.inputs import prepared
from ntkverify.errors import InvalidArgument

WIDTHS = 5
"""Laws over width are fitted to so many, from the one asked for down to a sixteenth of it where that may be."""

NARROWEST, UNITS_PER_LAYER, LEAST_RANGE = 8, 16, 4
"""Units below which no law over width shows; or, for each layer of depth, no limit of an architecture; and the
widest over the narrowest width at least."""


class ModuleSubject:
    """Someone's network, and the architecture, if any, that it claims to be one of.

    build: (width, seed) -> a module (n, ...) -> (n, outputs), freshly initialised, on the CPU. torch's
        global generator is seeded around each call, and restored, so that `lambda width, seed: MyNet(width)`
        will do. Networks are tried in float64.
    width: what its owner uses; laws over width are fitted to it and to four smaller ones.
    tolerance: claims that, at `width`, training ends within this relative distance of the linearised
        network's; None claims nothing, and the distance is reported anyway.
    inputs: features of an example, or its shape; None reads it off the architecture or the first matrix.
    Raises InvalidArgument where `build` gives no module, not the same one for the same seed, the same for
    all seeds or all widths, or one that has no NTK (examples that see one another, random layers).
    """

    def __init__(
        self,
        *,
        name: str,
        build: Callable[[int, int], nn.Module],
        architecture: Architecture | None = None,
        width: int = 512,
        tolerance: float | None = None,
        inputs: int | Sequence[int] | None = None,
        version: str = "",
    ):
        if architecture is not None and not isinstance(architecture, Architecture):
            remedy = "Build one with mlp(...), or leave it out."
            raise InvalidArgument("architecture", repr(architecture), "an Architecture or None", remedy)
        narrowest = max(NARROWEST, UNITS_PER_LAYER * architecture.depth if architecture else 0)
        if isinstance(width, bool) or not isinstance(width, int) or width < LEAST_RANGE * narrowest:
            remedy = f"Laws over width are fitted from {narrowest} units on."
            raise InvalidArgument("width", repr(width), f"an integer >= {LEAST_RANGE * narrowest}", remedy)
        if tolerance is not None and not 0 < tolerance < 1:
            remedy = "It is relative to how far training moves the outputs."
            raise InvalidArgument("tolerance", repr(tolerance), "a number between 0 and 1, or None", remedy)
        self.name, self.version, self.architecture = name, version, architecture
        self.width, self.tolerance, self.build = width, tolerance, build
        ladder = np.geomspace(width, max(width // 16, narrowest), WIDTHS)
        self.widths = tuple(int(units) for units in ladder.round())
        self.shape = self._shape(inputs)
        self.inputs = int(torch.Size(self.shape).numel())
        self._check()

    def supports(self, arch: Architecture) -> bool:
        """Tells whether `arch` is the one that the networks are of."""
        return self.architecture in (None, arch)

    def network(self, arch: Architecture | None, width: int | Sequence[int], seed: int) -> nn.Module:
        """Makes a network (n, inputs) -> (n, outputs) of that width, the same for the same seed.

        Raises InvalidArgument for hidden layers of different widths: `build` takes one.
        """
        units = set(width) if isinstance(width, Sequence) else {width}
        if len(units) != 1:
            remedy = "The claim needs networks that build cannot make."
            raise InvalidArgument("width", repr(width), "one width for all layers", remedy)
        net = self._built(units.pop(), seed).double()
        return net if len(self.shape) == 1 else nn.Sequential(nn.Unflatten(1, self.shape), net)

    def _built(self, width: int, seed: int) -> nn.Module:
        seed %= 2**32  # what every library's generators take
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            try:
                net = self.build(width, seed)
            except Exception as error:
                got = f"{type(error).__name__}: {error} for width {width}"
                raise InvalidArgument(
                    "build", got, "a network", "It is called as build(width, seed)."
                ) from error
        if not isinstance(net, nn.Module):
            remedy = "Return the network that build made."
            raise InvalidArgument("build", f"{net!r} for width {width}", "a torch.nn.Module", remedy)
        return net

    def _shape(self, inputs: int | Sequence[int] | None) -> tuple[int, ...]:
        if inputs is not None:
            return tuple(inputs) if isinstance(inputs, Sequence) else (inputs,)
        if self.architecture is not None:
            return (self.architecture.inputs,)
        matrices = [p for p in self._built(self.widths[-1], 0).parameters() if p.ndim == 2]
        if not matrices:
            remedy = "Pass inputs=, the shape of an example."
            raise InvalidArgument("inputs", "None, and a network without a matrix", "a shape", remedy)
        return (matrices[0].shape[1],)

    def _check(self) -> None:
        narrow, wide = self.widths[-1], self.widths[-2]
        first, again, other, wider = (
            self.network(None, *asked) for asked in ((narrow, 0), (narrow, 0), (narrow, 1), (wide, 0))
        )
        x = torch.ones(2, self.inputs, dtype=torch.float64) * torch.tensor(
            [[1.0], [0.5]], dtype=torch.float64
        )
        try:
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                values = first(x)
        except Exception as error:
            got = f"{type(error).__name__} for float64 inputs of shape (2, {', '.join(map(str, self.shape))}): {error}"
            remedy = "Pass inputs=, the features of an example or its shape; networks are tried in float64."
            raise InvalidArgument("inputs", got, "a shape that the network takes", remedy) from error
        model, examples, _ = prepared(first, x, None)
        check_network(model, examples)
        if not _equal(first, again):
            remedy = "Draw weights from torch's generator, which is seeded, or from one seeded with `seed`."
            raise InvalidArgument("build", "two different networks for one seed", "the same network", remedy)
        if _equal(first, other):
            remedy = "Draw the weights afresh at each call."
            raise InvalidArgument("build", "the same network for two seeds", "different networks", remedy)
        if _parameters(first) == _parameters(wider):
            remedy = "Make the hidden layers as wide as `width` says."
            got = f"{_parameters(first)} parameters at width {narrow} and at {wide}"
            raise InvalidArgument("build", got, "more parameters at a larger width", remedy)
        if self.architecture is not None and values.shape[1] != self.architecture.outputs:
            expected = f"{self.architecture.outputs}, as its architecture says"
            raise InvalidArgument(
                "build", f"a network of {values.shape[1]} outputs", expected, "Make the two agree."
            )


def _parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def _equal(first: nn.Module, second: nn.Module) -> bool:
    pairs: zip[tuple[Tensor, Tensor]] = zip(
        first.state_dict().values(), second.state_dict().values(), strict=True
    )
    return all(torch.equal(a, b) for a, b in pairs)
