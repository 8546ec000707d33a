"""Why something failed, as values: data first, words later. Imports neither torch nor NumPy."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A known slip that would explain a wrong kernel. left: the relative distance that it leaves unexplained."""

    slip: str
    left: float


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The architecture that a kernel was found to be of, on points to which it was not fitted.

    architecture: as code. differences: to the one that was claimed, in words. beside: what an architecture cannot say, such
    as a clip. left: the relative error that remains; exact: whether its accuracy explains that.
    """

    architecture: str
    differences: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    left: float = 0.0
    exact: bool = False

    def __str__(self) -> str:
        how = "exactly" if self.exact else f"but for {self.left:.1g}"
        exactly = f"your kernel is {how} that of {self.architecture}"
        text = f"with {' and '.join(self.beside)}, {exactly}" if self.beside else exactly
        return f"{text}: {'; '.join(self.differences)}" if self.differences else text


SHARE_LEFT = 1e-4
"""The share of a difference that its explanation may leave."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Why a kernel may be wrong: the architecture that it is of, and known slips, the best fitting first.

    kernel: "NTK" or "NNGP". distance: of the subject's kernel from the right one, the largest error relative to
    sqrt(k(x, x) k(y, y)). accuracy: the distance at which two kernels count as the same. notes: what else was seen.
    """

    kernel: str
    distance: float
    accuracy: float
    suspects: tuple[Suspect, ...]
    explanation: Explanation | None = None
    notes: tuple[str, ...] = ()

    @property
    def fitting(self) -> tuple[str, ...]:
        """The slips that explain the distance: all of it but what the accuracy, or a ten-thousandth, leaves."""
        allowed = max(self.accuracy, SHARE_LEFT * self.distance)
        return tuple(suspect.slip for suspect in self.suspects if suspect.left <= allowed)

    @property
    def explained(self) -> bool:
        """Whether an architecture or a known slip explains the distance."""
        return bool(self.fitting or self.explanation)

    def __str__(self) -> str:
        return f"{self.kernel}: {'; '.join([self._told, *self.notes])}"

    @property
    def _told(self) -> str:
        if self.distance <= self.accuracy:
            return (
                f"right on ordinary inputs, off the diagonal and between two sets too, to {self.accuracy:.1g} of"
                " sqrt(k(x, x) k(y, y)); only inputs like these are wrong"
            )
        known = f"explained by {'; or by '.join(self.fitting)}" if self.fitting else ""
        if self.explained:
            return "; ".join(filter(None, [known, str(self.explanation or "")]))
        nearest = "; ".join(f"{suspect.slip} (leaves {suspect.left:.2g})" for suspect in self.suspects)
        text = f"no known slip and no architecture explains it (largest error relative to sqrt(k(x, x) k(y, y)): {self.distance:.2g})"
        return f"{text}; nearest: {nearest}" if nearest else text


@dataclass(frozen=True, kw_only=True)
class GapTerm:
    """A part of the difference between a trained network and NTK regression; see `ntkverify.gap`.

    size: root mean square over test points; share: of the whole; slope: over width, with the ends of its interval; theory: what it
    should be.
    """

    name: str
    size: float
    share: float
    theory: str
    slope: tuple[float, float, float] | None = None
