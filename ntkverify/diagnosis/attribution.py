"""Where the gap between a trained network and kernel regression comes from, on the scenario of a failure."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from ntkverify import empirical, predict
from ntkverify.causes import GapTerm
from ntkverify.claims import Claim
from ntkverify.errors import NtkverifyError
from ntkverify.experiments import Task, descent
from ntkverify.gap import Gap, explain_gap, explain_module_gap
from ntkverify.scenarios import Scenario
from ntkverify.subjects import BuiltinSubject, has

FAMILIES = ("equivalence", "module", "paper")
"""The first words of the names of claims about trained networks against kernel regression."""


def gap_terms(claim: Claim, subject: Any, scenario: Scenario) -> tuple[GapTerm, ...]:
    """Returns the terms of the gap at the largest width, for ntkverify's own networks and for someone's
    modules.

    Empty for other claims, and where there is no gap to take apart: training that diverges, or a kernel
    that cannot be inverted.
    """
    if claim.id.split(".")[0] not in FAMILIES or not scenario.training or not scenario.widths:
        return ()
    try:
        gap = _gap(subject, scenario)
    except NtkverifyError:
        return ()
    return tuple(
        GapTerm(name=term.name, size=term.size, share=term.share, theory=term.theory, slope=term.slope)
        for term in (gap.terms if gap else ())
    )


def _gap(subject: Any, scenario: Scenario) -> Gap | None:
    task, width, seed = Task.posed_by(scenario), scenario.widths[0], scenario.network_seed("gap")
    data: dict[str, Any] = {"x": task.x, "y": task.y, "x_test": task.x_test, "steps": scenario.run.steps}
    if has(subject, "build"):
        net = subject.network(None, width, seed)
        kernel = np.asarray(empirical.empirical_ntk(net, task.x, outputs="full"))
        data["y"] = scenario.points.targets(net(_tensor(net, task.x)).shape[1])[: len(task.x)]
        rate = scenario.run.step_size * predict.max_learning_rate(kernel)
        return explain_module_gap(net, **data, learning_rate=rate)
    if isinstance(subject, BuiltinSubject) and scenario.arch.depth:
        kernel = np.asarray(subject.ntk(scenario.arch, task.x, task.x))
        rate = descent(scenario, (kernel + kernel.T) / 2)["learning_rate"]
        return explain_gap(scenario.arch, width, **data, learning_rate=rate, seed=seed)
    return None


def _tensor(net: nn.Module, x: np.ndarray) -> Tensor:
    return next(net.parameters()).new_tensor(x)
