"""How layers may differ from one another, and move; and the metrics of inputs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

NTK_PARAMETERIZED = ((None, None),)
RATES = ((None, None), (None, 0.25), (0.0, None), (0.5, 0.0))
"""How the weights and the biases of a layer may move: as they are spread; with biases of a rate of their own, which may
start at zero; with frozen weights; and slower, with frozen biases."""


@dataclass(frozen=True)
class Metrics:
    """Chooses metrics for any number of features: none, a diagonal, or a whole matrix."""

    kinds: tuple[str, ...] = ("none",)

    def of(self, kind: str, inputs: int) -> Any:
        """Returns the metric of that kind: positive definite, with eigenvalues from about 1/2 to 3."""
        diagonal = np.linspace(0.5, 2.0, inputs)
        if kind == "none":
            return None
        return diagonal if kind == "diagonal" else np.diag(diagonal) + 1.0 / inputs


NO_METRIC = Metrics()
ANY_METRIC = Metrics(("none", "diagonal", "full"))
ANY_LAYERS: dict[str, Any] = {
    "unlike": (False, True),
    "rates": RATES,
    "zero_heads": (False, True),
    "metrics": ANY_METRIC,
}
"""What `Scenarios` takes for layers of numbers and activations of their own, that move in every way, and inputs in every
metric."""
