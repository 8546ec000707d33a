"""Why something failed, as values: data first, words later. Imports neither torch nor NumPy."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A known slip that would explain a wrong kernel. left: the relative distance that it leaves unexplained."""

    slip: str
    left: float


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Why a kernel may be wrong: known slips, the best fitting first.

    kernel: "NTK" or "NNGP". distance: of the subject's kernel from the right one, relative to the
    latter's Frobenius norm. accuracy: the distance at which two kernels count as the same.
    """

    kernel: str
    distance: float
    accuracy: float
    suspects: tuple[Suspect, ...]

    @property
    def fitting(self) -> tuple[str, ...]:
        """The slips that explain the whole distance."""
        return tuple(suspect.slip for suspect in self.suspects if suspect.left <= self.accuracy)

    @property
    def explained(self) -> bool:
        """Whether a known slip explains the whole distance."""
        return bool(self.fitting)

    def __str__(self) -> str:
        if self.distance <= self.accuracy:
            return f"{self.kernel}: right on ordinary inputs, to {self.accuracy:.1g}; only inputs like these are wrong"
        if self.explained:
            return f"{self.kernel}: explained by {'; or by '.join(self.fitting)}"
        nearest = "; ".join(f"{suspect.slip} (leaves {suspect.left:.2g})" for suspect in self.suspects)
        text = f"{self.kernel}: none of the known slips explains it (relative distance {self.distance:.2g})"
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
