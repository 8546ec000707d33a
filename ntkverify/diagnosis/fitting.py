"""Which numbers make a structure the kernel that is seen: least squares, the fewest numbers first.

Given the variances of the layers below the last, a kernel is linear in everything else, which is solved for exactly
(variable projection, Golub & Pereyra 1973): what is left to search has few dimensions.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares, minimize_scalar, nnls

from ntkverify.activations import Activation, LeakyReLU
from ntkverify.architecture import Architecture
from ntkverify.diagnosis.seen import Data, Deadline, Fit
from ntkverify.diagnosis.structures import Numbers, Structure, claimed
from ntkverify.errors import NtkverifyError

ALL_AT_ONCE = 40
"""Evaluations for each number where all are searched for together."""

SLOWEST = 1e-3
"""Where a step gains less than this share, the residual is not going to 0, which it nears ever faster."""

STARTS = (1.0, 0.3, 3.0)
"""Factors of the numbers claimed from which a search starts."""


Move = Callable[[list[Numbers], float], list[Numbers]]
"""Numbers with one thing about them set."""


def starting(structure: Structure, arch: Architecture) -> list[Numbers]:
    """Returns the numbers that were claimed; layers that were not claimed take those of the last hidden one."""
    own = [(linear.weight_std**2, linear.bias_std**2) for linear in arch.linears]
    hidden = own[:-1] or own
    return [(hidden + [own[-1]] * structure.depth)[place] for place in range(structure.depth)]


def fits(
    structure: Structure, arch: Architecture, data: Data, most: int, deadline: Deadline
) -> Iterator[Fit]:
    """Yields fits of a structure in which 0, 1, ... `most` things about its numbers are free, at most two; then, where
    most is more, all numbers."""
    start = starting(structure, arch)
    moves = _moves(start, structure.words)
    for count in range(min(most, 2) + 1):
        for chosen in itertools.combinations(moves, count):
            if fit := _fitted(structure, data, start, chosen, deadline):
                yield fit
    if most > 2 and start:
        yield from whole_fits(structure, arch, data, deadline)


def whole_fits(structure: Structure, arch: Architecture, data: Data, deadline: Deadline) -> Iterator[Fit]:
    """Yields fits of a structure in which all numbers are free, each from another start."""
    start = starting(structure, arch)
    places = list(itertools.product(range(len(start)), (0, 1)))
    for factor in STARTS if start else ():
        single = tuple((_set(place, part), factor * start[place][part]) for place, part in places)
        if fit := _fitted(structure, data, start, single, deadline):
            yield fit


def _moves(start: list[Numbers], words: tuple[str, ...]) -> list[tuple[Move, float]]:
    """What may be free, each with where its search starts: numbers of one layer, its scale, and those of all layers.

    Where the structure differs in something already (words), of single layers the first alone.
    """
    moves: list[tuple[Move, float]] = []
    for place, numbers in enumerate(start[:1] if words else start):
        moves += [(_set(place, part), numbers[part]) for part in (1, 0)]
        moves.append((_scale(place), 1.0))
    if len(start) > 1:
        moves += [(_set_biases, start[0][1]), (_scale_weights, 1.0)]
    return moves


def leaky_fit(arch: Architecture, data: Data, deadline: Deadline) -> Iterator[Fit]:
    """Yields the fit of rectifiers whose slope below 0 is free."""
    right = claimed(arch)

    def fitted(slope: float) -> Fit | None:
        other = LeakyReLU(round(slope, 9))
        words = (f"activation {other}",)
        layers = tuple(other if isinstance(layer, Activation) else layer for layer in right.layers)
        return _fitted(replace(right, layers=layers, words=words), data, starting(right, arch), (), deadline)

    def left(slope: float) -> float:
        fit = fitted(slope)
        return fit.left if fit else math.inf

    start = min(np.linspace(0.0, 0.9, 19), key=left)
    found = minimize_scalar(
        left, bounds=(start - 0.05, start + 0.05), method="bounded", options={"xatol": 1e-10}
    )
    for slope in (round(found.x, 4), found.x):
        if fit := fitted(slope):
            yield fit


def _set(place: int, part: int) -> Move:
    def move(numbers: list[Numbers], value: float) -> list[Numbers]:
        out = [list(pair) for pair in numbers]
        out[place][part] = value
        return [(weights, biases) for weights, biases in out]

    return move


def _scale(place: int) -> Move:
    """Scales what enters an activation: weights and biases alike."""

    def move(numbers: list[Numbers], value: float) -> list[Numbers]:
        scaled = [(value * weights, value * biases) for weights, biases in numbers]
        return [*numbers[:place], scaled[place], *numbers[place + 1 :]]

    return move


def _set_biases(numbers: list[Numbers], value: float) -> list[Numbers]:
    return [(weights, value) for weights, _ in numbers]


def _scale_weights(numbers: list[Numbers], value: float) -> list[Numbers]:
    return [(value * weights, biases) for weights, biases in numbers]


def _fitted(
    structure: Structure,
    data: Data,
    start: list[Numbers],
    free: tuple[tuple[Move, float], ...],
    deadline: Deadline,
) -> Fit | None:
    """Searches for the numbers that are free; None where the time is up."""
    weights = (1 / np.outer(data.scale, data.scale))[data.known]
    target = data.got[data.known] * weights

    def numbers_at(values: np.ndarray) -> list[Numbers]:
        numbers = start
        for (move, _), value in zip(free, values, strict=True):
            numbers = move(numbers, float(value))
        return numbers

    def solved(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if deadline.over:
            raise TimeoutError
        terms = structure.basis(data.name, data.x, numbers_at(values))[:, data.known] * weights
        size = np.linalg.norm(terms, axis=1, keepdims=True)
        size[size == 0] = 1.0
        columns = (terms / size).T
        coefficients = _nonnegative(columns, target)
        return coefficients / size[:, 0], columns @ coefficients - target

    # Off the claim, at which a number may sit on its bound.
    values = np.array([1.1 * at if at > 0 else 0.1 for _, at in free])
    try:
        if free:
            values = least_squares(
                lambda values: solved(values)[1],
                values,
                bounds=(0.0, np.inf),
                x_scale=np.maximum(values, 0.1),
                xtol=1e-13,
                ftol=SLOWEST,
                gtol=1e-15,
                max_nfev=ALL_AT_ONCE,
            ).x
        coefficients, residual = solved(values)
    except (TimeoutError, NtkverifyError):  # or numbers at which an activation cannot be integrated
        return None
    return Fit(
        structure=structure,
        numbers=tuple(numbers_at(values)),
        coefficients=tuple(coefficients.tolist()),
        left=float(np.abs(residual).max()),
        free=len(free),
    )


def _nonnegative(columns: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Solves for coefficients that are not negative; plain least squares already has them where it finds none."""
    plain = np.linalg.lstsq(columns, target, rcond=1e-13)[0]
    return plain if (plain >= 0).all() else nnls(columns, target)[0]
