"""Inputs and targets: drawn from a recipe, or real data that ships with scikit-learn."""

import functools
from dataclasses import dataclass

import numpy as np

from ntkverify.domain import Domain
from ntkverify.errors import InvalidArgument
from ntkverify.seeds import derive

GENERATED = ("sphere", "gaussian", "duplicates", "antipodes", "near", "hostile", "axes")
REAL = {"diabetes": 10, "digits": 64}
"""Data sets and their number of features."""


@dataclass(frozen=True, kw_only=True)
class Points:
    """A recipe that draws `count` inputs of `dimension` features, the same rows every time.

    source: "sphere" (radius sqrt(dimension)), "gaussian" (standard normal), "duplicates"
    (gaussian, the last row repeating the first), "antipodes" (sphere, the second half the negative
    of the first), "near" (sphere, the odd rows within an angle of 1e-9 to 1e-3 of those before),
    "hostile" (gaussian times 1, 1e-30, 0, 1e30, in turn), "axes" (0, and multiples of the axes, in an order
    drawn at random), "diabetes" or "digits" (rows chosen at
    random; over the whole set, the columns of the one are standardised, and the pixels of the
    other centred and put on one scale, since some pixels are hardly ever lit).
    domain: what inputs are brought into, the nearest way; None leaves them as they are.
    Raises InvalidArgument for an unknown source or impossible sizes, and later for more points than have room in the
    domain.
    """

    source: str
    count: int
    dimension: int
    seed: int = 0
    domain: Domain | None = None

    def __post_init__(self) -> None:
        if self.source not in (*GENERATED, *REAL):
            known = ", ".join((*GENERATED, *REAL))
            raise InvalidArgument("source", repr(self.source), f"one of {known}", "Choose one of those.")
        for name in ("count", "dimension"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InvalidArgument(name, repr(value), "an integer >= 1", "Ask for at least one.")
        wanted = REAL.get(self.source, self.dimension)
        if self.dimension != wanted:
            remedy = f"Pass dimension={wanted}."
            raise InvalidArgument("dimension", str(self.dimension), f"{wanted}, as {self.source} has", remedy)

    def inputs(self) -> np.ndarray:
        """Draws, or looks up, the inputs (count, dimension), float64."""
        if self.domain is None:
            return self._drawn()
        return self.domain.fitted(self.domain.apart(self._drawn(), derive(self.seed, "apart", self.source)))

    @property
    def have_room(self) -> bool:
        """Whether as many find room in the domain."""
        try:
            return len(self.inputs()) == self.count
        except InvalidArgument:
            return False

    def _drawn(self) -> np.ndarray:
        if self.source in REAL:
            return _dataset(self.source)[0][self._chosen()]
        rng = derive(self.seed, "inputs", self.source)
        draws = rng.standard_normal((self.count, self.dimension))
        if self.source in ("sphere", "antipodes", "near"):
            draws = _projected(draws)
        if self.source == "duplicates":
            draws[-1] = draws[0]
        if self.source == "antipodes":
            half = self.count // 2
            draws[half : 2 * half] = -draws[:half]
        if self.source == "near":
            angles = 10.0 ** rng.uniform(-9, -3, (self.count // 2, 1))
            draws[1::2] = _projected(draws[: 2 * len(angles) : 2] + angles * draws[1::2])
        if self.source == "hostile":
            draws *= np.resize([1, 1e-30, 0, 1e30], (self.count, 1))
        if self.source == "axes":
            turns = -(-self.count // self.dimension)
            multiples = np.concatenate([(1 + turn) * np.eye(self.dimension) for turn in range(turns)])
            draws = rng.permutation(np.concatenate([0 * draws[:1], multiples])[: self.count])
        return draws

    def targets(self, outputs: int = 1) -> np.ndarray:
        """Returns targets (count, outputs), float64: standard normal, or the data set's own, standardised, for every
        output."""
        if self.source in REAL:
            return np.tile(_dataset(self.source)[1][self._chosen()], outputs)
        return derive(self.seed, "targets", self.source).standard_normal((self.count, outputs))

    def _chosen(self) -> np.ndarray:
        rows = len(_dataset(self.source)[0])
        if self.count > rows:
            raise InvalidArgument(
                "count", str(self.count), f"at most {rows}", f"{self.source} has no more rows."
            )
        return derive(self.seed, "rows", self.source).permutation(rows)[: self.count]


@functools.cache
def _dataset(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Loads scaled features (rows, d) and the standardised target (rows, 1) of one of scikit-learn's data sets."""
    from sklearn import datasets  # late: it takes a second

    features, target = getattr(datasets, f"load_{name}")(return_X_y=True)
    if name == "digits":
        target = target % 2  # odd against even
        features = (features - features.mean(axis=0)) / np.sqrt(features.var(axis=0).mean())
    else:
        features = _standardised(features)
    return features, _standardised(target[:, None].astype(float))


def _projected(rows: np.ndarray) -> np.ndarray:
    """Scales every row to length sqrt(dimension)."""
    return rows * (np.sqrt(rows.shape[1]) / np.linalg.norm(rows, axis=1, keepdims=True))


def _standardised(columns: np.ndarray) -> np.ndarray:
    return (columns - columns.mean(axis=0)) / columns.std(axis=0)
