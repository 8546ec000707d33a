"""Someone's torch module as what is under test."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ntkverify.architecture import Architecture
from ntkverify.empirical.checks import checked
from ntkverify.empirical.inputs import prepared
from ntkverify.errors import InvalidArgument
from ntkverify.models import Cast, Output, examples_for, model_of

USUAL_WIDTH = 512
"""What is tried where the owner does not say."""

FEATURES = 4
"""Of the random points that choose rows of the owner's data."""

WIDTHS = 5
"""Laws over width are fitted to so many, from the one asked for down to a sixteenth of it where that may be."""

NARROWEST, UNITS_PER_LAYER, LEAST_RANGE = 8, 16, 4
"""Units below which no law over width shows; or, for each layer of depth, no limit of an architecture; and the
widest over the narrowest width at least."""


class OnRows(nn.Module):
    """A network of any inputs as one of points (n, FEATURES), each of which stands for a row of `data`."""

    def __init__(self, net: nn.Module, data: Any, output: Output | None):
        super().__init__()
        self.model = model_of(net, output)
        self.net, self.data = net, Cast(torch.float64, integers=True)(examples_for(net, "data", data))

    def forward(self, points: Tensor) -> Tensor:
        # Digits from the middle of a number: they tell points apart, however these were drawn.
        place = (points * torch.arange(1, FEATURES + 1, dtype=points.dtype)).sum(dim=1) * 1000 % 1
        rows = (place * len(self.data)).long().clamp(max=len(self.data) - 1)
        return self.model(self.data.of(leaf[rows] for leaf in self.data.leaves))


class ModuleSubject:
    """Someone's network, and the architecture, if any, that it claims to be one of.

    build: (width, seed) -> a module, freshly initialised, on the CPU. torch's
        global generator is seeded around each call, and restored, so that `lambda width, seed: MyNet(width)`
        will do; so will `MyNet([width, 2 * width])` or `MyNet(multiplier=width / 16)`. Networks are tried in float64.
    width: what its owner uses; laws over width are fitted to it and to four smaller ones.
    widths: those that laws are fitted to, where not every number is one (heads that divide it); five or more. The
        first is the owner's.
    data: inputs of N examples, as `empirical_ntk` takes them (tokens, tuples, dicts): scenarios are rows of these,
        and `inputs` is not needed. None tries random numbers.
    output: a function that picks the tensor (n, ...) of what the network returns, where it returns several.
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
        width: int | None = None,
        widths: Sequence[int] | None = None,
        tolerance: float | None = None,
        inputs: int | Sequence[int] | None = None,
        data: Any = None,
        output: Output | None = None,
        version: str = "",
    ):
        if architecture is not None and not isinstance(architecture, Architecture):
            remedy = "Build one with mlp(...), or leave it out."
            raise InvalidArgument("architecture", repr(architecture), "an Architecture or None", remedy)
        if tolerance is not None and not 0 < tolerance < 1:
            remedy = "It is relative to how far training moves the outputs."
            raise InvalidArgument("tolerance", repr(tolerance), "a number between 0 and 1, or None", remedy)
        self.name, self.version, self.architecture = name, version, architecture
        self.tolerance, self.build, self.data, self.output = tolerance, build, data, output
        self.widths = _ladder(architecture, width) if widths is None else _own_ladder(width, widths)
        self.width = self.widths[0]
        self.shape = (FEATURES,) if data is not None else self._shape(inputs)
        self.inputs, self.domain = int(torch.Size(self.shape).numel()), None
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
        if self.data is not None:
            return OnRows(net, self.data, self.output)
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
        checked(model, examples)
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


def _ladder(architecture: Architecture | None, width: int | None) -> tuple[int, ...]:
    """The owner's width and smaller ones, at which an architecture has its limit yet."""
    width = USUAL_WIDTH if width is None else width
    narrowest = max(NARROWEST, UNITS_PER_LAYER * architecture.depth if architecture else 0)
    if isinstance(width, bool) or not isinstance(width, int) or width < LEAST_RANGE * narrowest:
        remedy = f"Laws over width are fitted from {narrowest} units on; pass widths= for other ones."
        raise InvalidArgument("width", repr(width), f"an integer >= {LEAST_RANGE * narrowest}", remedy)
    return tuple(int(n) for n in np.geomspace(width, max(width // 16, narrowest), WIDTHS).round())


def _own_ladder(width: int | None, widths: Sequence[int]) -> tuple[int, ...]:
    whole = all(isinstance(n, int) and not isinstance(n, bool) and n >= 1 for n in widths)
    ladder = tuple(sorted(set(widths), reverse=True)) if whole else ()
    if len(ladder) < WIDTHS or ladder[0] < LEAST_RANGE * ladder[-1]:
        expected = f"{WIDTHS} integers >= 1 or more, the largest at least {LEAST_RANGE} times the smallest"
        raise InvalidArgument("widths", repr(widths), expected, "Laws over width are fitted to them.")
    if width not in (None, ladder[0]):
        raise InvalidArgument("width", repr(width), f"{ladder[0]}, the largest of widths", "Leave it out.")
    return ladder


def _parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def _equal(first: nn.Module, second: nn.Module) -> bool:
    pairs: zip[tuple[Tensor, Tensor]] = zip(
        first.state_dict().values(), second.state_dict().values(), strict=True
    )
    return all(torch.equal(a, b) for a, b in pairs)
