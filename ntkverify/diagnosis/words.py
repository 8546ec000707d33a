"""A fit as an explanation, once it has been checked where it was not fitted."""

from typing import Any

import numpy as np

from ntkverify import analytic
from ntkverify.architecture import Architecture
from ntkverify.causes import Explanation
from ntkverify.diagnosis.decoding import Layer, claimed_layers, decoded, made, pasted
from ntkverify.diagnosis.naming import differences
from ntkverify.diagnosis.recursions import right_slope
from ntkverify.diagnosis.seen import Data, Fit
from ntkverify.domain import Domain
from ntkverify.errors import NtkverifyError
from ntkverify.seeds import derive

FAR = 300.0
"""Times the weight variance that was claimed: what is further off is no explanation."""

FRESH = (4, 3)
"""Points of two sets on which a fit is checked, at other norms than it was fitted at."""


def explanation_of(
    subject: Any, fit: Fit, arch: Architecture, data: Data, allowed: float
) -> Explanation | None:
    """Checks a fit on fresh points, asked for as two sets; None where it leaves more than ten times what is allowed."""
    domain = getattr(subject, "domain", None) or Domain(norms=(1e-30, 1e30))
    rng = derive(1, "fresh")
    x = rng.standard_normal((sum(FRESH), arch.inputs)) * rng.uniform(0.3, 3.0, (sum(FRESH), 1))
    x = domain.fitted(domain.apart(x, rng))
    first, second = x[: FRESH[0]], x[FRESH[0] :]
    with np.errstate(all="ignore"):
        got = np.asarray(getattr(subject, data.name.lower())(arch, first, second))
        scale = np.sqrt(np.diag(np.asarray(getattr(analytic, data.name.lower())(arch, x))))
    scales = np.outer(scale[: FRESH[0]], scale[FRESH[0] :])
    wanted = fit.kernel(data.name, x)[: FRESH[0], FRESH[0] :]
    known = claimed_layers(arch, fit.structure.depth + 1)
    ratios = [weights / was.weights for (weights, _), was in zip(fit.numbers, known, strict=False)]
    far = any(not 1 / FAR < ratio < FAR for ratio in ratios)  # one layer that makes up for another
    if far or not np.abs(got - wanted).max() <= 10 * allowed * scales.min():
        return None
    return told(fit, arch, data, allowed)


def told(
    fit: Fit, arch: Architecture, data: Data, allowed: float, beside: tuple[str, ...] = ()
) -> Explanation:
    """Writes a fit as an architecture with simple numbers, where those leave as little."""
    plain = fit.structure.slope is right_slope and not fit.structure.clip

    def right(layers: list[Layer]) -> bool:
        if not plain:
            return True
        kernel, prepared = getattr(analytic, data.name.lower()), fit.structure.prepare(data.x)
        try:
            simple = np.asarray(kernel(made(fit, arch, layers), prepared))
        except NtkverifyError:  # such as a layer without weights
            return False
        return data.error(simple) <= max(allowed, 2 * fit.left)

    layers = decoded(fit, arch, data.name, right)
    words = differences(fit, arch, layers)
    odd = fit.structure.words if not plain or fit.structure.prepare(data.x) is not data.x else ()
    return Explanation(
        architecture=pasted(fit, arch, layers),
        differences=tuple(one for one in words if one not in odd),
        beside=(*odd, *beside),
        left=fit.left,
    )
