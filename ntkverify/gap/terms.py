"""The gap and its terms: values, a table of them, and what they mean in words."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

VANISHING = ("moving kernel", "finite width at start")
"""The terms that theory says fall with the width."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """One part of the gap.

    name, meaning: what makes the difference. values: (m, outputs), at the test points.
    size: root mean square of the values. share: their part of the gap, signed; all shares add up to 1.
    theory: how the size scales with width. slope: the fitted exponent of the width, with the ends of its
    95% interval; None where it was not measured.
    """

    name: str
    meaning: str
    theory: str
    values: np.ndarray
    size: float
    share: float
    slope: tuple[float, float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A trained network less ridgeless kernel regression, at the test points.

    network, regression: (m, outputs) each. terms add up to network - regression.
    reference: whose NTK the regression takes. width: None for a module of the user's own.
    singular: whether that NTK cannot be inverted, so that the regression is where gradient flow from 0 ends.
    fitted: widths that the slopes are fitted over; unstable: some of which training diverged instead.
    """

    network: np.ndarray
    regression: np.ndarray
    reference: str
    width: int | None
    terms: tuple[Term, ...]
    singular: bool = False
    fitted: tuple[int, ...] = ()
    unstable: tuple[int, ...] = ()

    @property
    def total(self) -> np.ndarray:
        """Is network - regression, (m, outputs)."""
        return self.network - self.regression

    @property
    def size(self) -> float:
        """Is the root mean square of the gap."""
        return root_mean_square(self.total)

    def __str__(self) -> str:
        lines = [f"{'term':28} {'size':>9} {'share':>7}  width exponent: theory, measured"]
        for term in self.terms:
            fitted = "" if term.slope is None else "{:+.2f} ({:+.2f} to {:+.2f})".format(*term.slope)
            lines.append(
                f"{term.name:28} {term.size:9.3g} {term.share:7.1%}  {term.theory}; {fitted}".rstrip("; ")
            )
        lines.append(f"{'all: network - regression':28} {self.size:9.3g} {1:7.1%}")
        return "\n".join([*lines, "", *self.in_words()])

    def in_words(self) -> list[str]:
        """Says what the numbers mean, in a few sentences."""
        return list(_sentences(self))


def root_mean_square(values: np.ndarray) -> float:
    """Returns the root of the mean square of all entries."""
    return float(np.sqrt(np.mean(values**2)))


def _sentences(gap: Gap) -> Iterator[str]:
    scale = root_mean_square(gap.regression)
    relative = f", {gap.size / scale:.0%} of what the regression predicts" if scale > 0 else ""
    yield (
        f"The trained network and kernel regression with {gap.reference} differ by {gap.size:.3g} "
        f"(root mean square at the test points){relative}."
    )
    largest = max(gap.terms, key=lambda term: term.size)
    yield f'The largest part is "{largest.name}" ({largest.size:.3g}): {largest.meaning}.'
    shrinks, stays = (
        root_mean_square(
            sum((term.values for term in gap.terms if (term.name in VANISHING) is falls), np.zeros(()))
        )
        for falls in (True, False)
    )
    if gap.width is None:
        yield (
            f"{shrinks:.3g} is the kernel's own movement, which no regression with a fixed kernel follows; "
            f"{stays:.3g} comes from the start and the length of training, which one could follow."
        )
    else:
        yield (
            f"What theory says vanishes as the width grows amounts to {shrinks:.3g}; {stays:.3g} stays at "
            "any width, because the network was not trained as the regression assumes: that part does not "
            "speak against the theorem."
        )
    if gap.singular:
        yield (
            f"{gap.reference[0].upper()}{gap.reference[1:]} cannot be inverted: along directions that it cannot tell "
            "from 0 neither training nor the regression moves an output."
        )
    if gap.unstable:
        rest = (
            f"are fitted over widths {min(gap.fitted)} to {max(gap.fitted)}"
            if gap.fitted
            else "are not measured"
        )
        yield (
            f"At this learning rate training diverges at width {', '.join(map(str, gap.unstable))}, since the NTK of a "
            f"narrow network scatters around its limit: the exponents {rest}."
        )
