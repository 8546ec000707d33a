"""What people do to inputs before the kernel."""

from collections.abc import Callable, Iterator

import numpy as np


def prepared() -> Iterator[tuple[str, Callable[[np.ndarray], np.ndarray]]]:
    """Yields what may be done to inputs (n, d) first."""

    def unit(x: np.ndarray) -> np.ndarray:
        norms = np.linalg.norm(x, axis=1, keepdims=True)
        return x / np.where(norms > 0, norms, 1)

    def centred(x: np.ndarray) -> np.ndarray:
        return x - x.mean(axis=1, keepdims=True)

    def standardised(x: np.ndarray) -> np.ndarray:
        deviations = x.std(axis=1, keepdims=True)
        return centred(x) / np.where(deviations > 0, deviations, 1)

    yield "inputs normalised to norm 1", unit
    yield "inputs normalised to the root of their dimension", lambda x: unit(x) * x.shape[1] ** 0.5
    yield "inputs centred, each over its features", centred
    yield "inputs centred over the batch", lambda x: x - x.mean(axis=0)
    yield "inputs standardised over the batch", lambda x: (x - x.mean(axis=0)) / x.std(axis=0)
    yield "inputs standardised, each over its features", standardised
