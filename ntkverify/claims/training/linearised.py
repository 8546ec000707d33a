"""The linearised network: what training does to it follows from its own kernel, to rounding, at any width."""

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from ntkverify.claims.claim import Claim, Effort
from ntkverify.empirical.inputs import prepared
from ntkverify.empirical.jacobian_contraction import jacobian_features
from ntkverify.experiments import Task, descent
from ntkverify.findings import Measurement, Verdict
from ntkverify.methods import HeavyBall, Nesterov
from ntkverify.numerics import ROUNDING_CONSTANT, unit_roundoff
from ntkverify.premises import STABLE
from ntkverify.scenarios import Scenario
from ntkverify.strategies import ANY_LAYERS, CLOSED_FORMS, Scenarios, Trainings
from ntkverify.subjects import Subject, part
from ntkverify.training import Trajectory, train

METHODS = tuple(method(momentum) for method in (HeavyBall, Nesterov) for momentum in (0.5, 0.9))

PENALTY = 0.5
"""The penalty as a share of the kernel's largest eigenvalue: enough for training to end within the steps allowed."""

CURVE_POINTS = 8
"""Steps at which the report shows both sides."""


class Linearised(nn.Module):
    """f_lin(x; w) = f(x; w_0) + df/dw(x; w_0) (w - w_0), a module with the weights w (p,), started at w_0 of `net`.

    It is linear in the weights, so it takes `features` of x, which say all about x: (n, 1 + p) -> (n, 1).
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self._start = nn.utils.parameters_to_vector(net.parameters()).detach()
        self.weights = nn.Parameter(self._start.clone())

    def forward(self, features: Tensor) -> Tensor:
        return features[:, :1] + features[:, 1:] @ (self.weights - self._start)[:, None]


def features(net: nn.Module, x: np.ndarray) -> np.ndarray:
    """What a network with one output says of x, and its gradient there: (n, d) -> (n, 1 + p)."""
    model, inputs, _ = prepared(net, x, None)
    gradients = jacobian_features(model, inputs, model.names)
    columns = [model.values(inputs), *(rows.formed()[:, 0] for rows in gradients.values())]
    return torch.cat(columns, dim=1).numpy()


def measure_recursion(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Outputs of the linearised network after training, against the recursion of its own kernel."""
    task, net, kernels = _linearised(subject, scenario)
    settings = descent(scenario, kernels[0])
    run = train(net, task.x, task.y, task.x_test, **settings)
    starts = {"f0_train": run.initial_train, "f0_test": run.initial_test}

    def predict(steps: int) -> tuple[np.ndarray, np.ndarray]:
        descend = part(subject, "gradient_descent")
        return descend(kernels[0], task.y, kernels[1], **settings | starts | {"steps": steps})

    predicted = np.concatenate(predict(settings["steps"]))
    (measured,) = _compare(run, predicted, task, kernels, net, scenario)
    spread = np.linspace(1, settings["steps"], CURVE_POINTS, dtype=int).tolist()
    shown = sorted({step for step in spread if step < len(run.losses)})
    curves = {
        "step": tuple(shown),
        "network": tuple(math.sqrt(2 * run.losses[step]) for step in shown),
        "kernel": tuple(float(np.linalg.norm(predict(step)[0] - task.y)) for step in shown),
    }
    return (replace(measured, series=curves),)


def measure_penalty(subject: Subject, scenario: Scenario, effort: Effort) -> tuple[Measurement, ...]:
    """Outputs of the linearised network trained with a penalty to its start, against kernel ridge regression."""
    task, net, (k_train, k_test_train) = _linearised(subject, scenario)
    spectrum = np.linalg.eigvalsh(k_train)
    ridge = PENALTY * spectrum[-1]
    steps, rate = scenario.run.steps, scenario.run.step_size * 2 / (spectrum[-1] + ridge)
    settings = {"steps": steps, "learning_rate": rate, "allow_unstable": True}
    run = train(net, task.x, task.y, task.x_test, **settings, penalty=ridge)
    regression = part(subject, "kernel_regression")
    residual = task.y - run.initial_train
    learned = [regression(k_train, residual, cross, ridge).test for cross in (k_train, k_test_train)]
    predicted = np.concatenate([run.initial_train, run.initial_test]) + np.concatenate(learned)
    left = float((np.abs(1 - rate * (spectrum + ridge)) ** steps).max())
    return _compare(run, predicted, task, (k_train, k_test_train), net, scenario, unfinished=left)


def _linearised(
    subject: Subject, scenario: Scenario
) -> tuple[Task, Linearised, tuple[np.ndarray, np.ndarray]]:
    """The task of the linearised network, whose points are their features; the network; its kernels."""
    task, hidden = Task.posed_by(scenario), scenario.hidden_widths(scenario.widths[0])
    net = part(subject, "network")(scenario.arch, hidden, scenario.network_seed("linearised"))
    kernel = np.asarray(part(subject, "empirical_ntk")(net, task.points, task.x))
    seen = replace(task, x=features(net, task.x), x_test=features(net, task.x_test))
    return seen, Linearised(net), task.split(kernel)


def _compare(
    run: Trajectory,
    predicted: np.ndarray,
    task: Task,
    kernels: tuple[np.ndarray, np.ndarray],
    net: Linearised,
    scenario: Scenario,
    unfinished: float = 0.0,
) -> tuple[Measurement, ...]:
    """The largest difference of any output, in units of what rounding explains.

    Every step rounds the weights by their size, seen through the largest gradient, and the outputs by
    theirs; stable steps do not amplify what came before, but momentum sums it over 1 / (1 - momentum).
    Weights learn along eigenvectors, so that errors at the test points grow by |k_test_train| / lambda_max.
    """
    before = np.concatenate([run.initial_train, run.initial_test])
    actual = np.concatenate([run.train, run.test])
    gradient = np.sqrt(max(np.diag(kernels[0]).max(), np.abs(kernels[1]).max()))
    weights = float(net.weights.detach().norm())
    outputs = np.linalg.norm(task.y) + np.linalg.norm(before) + np.linalg.norm(actual)
    largest = np.linalg.eigvalsh(kernels[0])[-1]
    reach = 1 + np.linalg.norm(kernels[1], 2) / largest
    training = scenario.run
    steps = training.steps / training.method.forgetting * len(task.points)
    size = gradient * weights + outputs
    bound = ROUNDING_CONSTANT * unit_roundoff(torch.float64) * steps * reach * size
    bound += unfinished * reach * outputs
    difference = float(np.abs(actual - predicted).max())
    return (
        Measurement(
            name="largest difference of any output",
            verdict=Verdict.HOLDS if difference <= bound else Verdict.FAILS,
            value=difference,
            allowed=(0.0, float(bound)),
            tolerance="rounding of every step"
            + (", and what training has not yet learned" * bool(unfinished)),
        ),
    )


def _at_any_width(training: Trainings) -> Scenarios:
    return Scenarios(
        counts=(4, 10),
        widths=((64,), (16,), (3,)),
        depths=(1, 2, 3),
        activations=CLOSED_FORMS,
        bias_stds=(0.5, 1.0),
        **ANY_LAYERS,
        training=training,
    )


RECURSION = Claim(
    id="training.linearised",
    statement="The linearised network trains as its own kernel says, at any width and any time.",
    formula=r"f_t = f_0 + \Theta(x, X)\, \Theta^{-1} (I - (I - \eta \Theta)^t) (y - f_0), \quad "
    r"\Theta \text{ the network's own NTK}",
    source="Lee, Xiao, Schoenholz et al. 2019, equations 6-9",
    premises=(STABLE,),
    needs=frozenset({"architecture", "network"}),
    implies=("training.laziness", "equivalence.regression"),
    stochastic=False,
    inside=_at_any_width(Trainings(steps=(10, 1, 30), step_sizes=(0.5, 0.9, 0.1), test_points=2)),
    measure=measure_recursion,
)
MOMENTUM = Claim(
    id="training.momentum",
    statement="With heavy-ball or Nesterov momentum the linearised network still follows a recursion of its kernel.",
    formula=r"v \leftarrow \mu v - \Theta (f - y),\ f \leftarrow f + \eta v; \quad "
    r"\text{Nesterov: } f \leftarrow f + \eta (\mu v - \Theta (f - y))",
    source="Polyak 1964; Nesterov 1983; momentum in function space: Lee et al. 2019, section 2.4",
    premises=(STABLE,),
    needs=frozenset({"architecture", "network"}),
    stochastic=False,
    inside=_at_any_width(Trainings(steps=(10, 30), step_sizes=(0.5, 0.1), methods=METHODS, test_points=2)),
    measure=measure_recursion,
)
PENALTY_IS_RIDGE = Claim(
    id="training.penalty_is_ridge",
    statement="A penalty on the distance to the initial weights makes training end in kernel ridge regression.",
    formula=r"\text{penalty } \frac{\lambda}{2} \|w - w_0\|^2: \quad "
    r"f = f_0 + \Theta(x, X) (\Theta + \lambda I)^{-1} (y - f_0)",
    source="Hu, Li & Yu 2020, Theorem 5.1",
    premises=(STABLE,),
    needs=frozenset({"architecture", "network"}),
    stochastic=False,
    inside=_at_any_width(Trainings(steps=(30,), step_sizes=(0.8,), test_points=2)),
    measure=measure_penalty,
)

CLAIMS = (RECURSION, MOMENTUM, PENALTY_IS_RIDGE)
