"""What was found about the paper's two claims, as a page of Markdown."""

from collections import Counter

import numpy as np

from ntkverify.paper.depth_step import STAGES, DepthStep
from ntkverify.paper.protocol import Protocol
from ntkverify.paper.similarity import MARGIN, Comparison


def page(
    protocol: Protocol, errors: dict[str, np.ndarray], step: DepthStep, comparisons: list[Comparison]
) -> str:
    """Returns the whole page. errors: kernel -> (trials,), as `score_kernels` gives them."""
    return (
        "\n\n".join([_errors(protocol, errors, step), _depth(step), _similarity(errors, comparisons)]) + "\n"
    )


def mean_and_error(values: np.ndarray) -> str:
    """Returns the mean of `values` (trials,) plus or minus its standard error."""
    error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return f"{values.mean():.4f} ± {error:.4f}"


def _errors(protocol: Protocol, errors: dict[str, np.ndarray], step: DepthStep) -> str:
    rows = [f"| {name} | {mean_and_error(values)} | {len(values)} |" for name, values in errors.items()]
    stage = step.theory[STAGES[0]]
    for place, depth in enumerate((1, 2)):
        name = f"network, {depth} layer{'s' * (depth > 1)}, infinitely wide, by finite-time theory"
        rows.append(f"| {name} | {mean_and_error(stage[:, place])} | {len(stage)} |")
        rows += [
            f"| network, {depth} layer{'s' * (depth > 1)}, width {width}, trained | "
            f"{mean_and_error(values[:, place])} | {len(values)} |"
            for width, values in step.trained.items()
        ]
    return "\n".join(
        [
            "# Does the equivalence fail in practice? Liu, Tai, Crandall & Huang 2025 (arXiv 2501.10929), measured",
            "",
            f"{protocol.points} points in {protocol.dimension} dimensions, uniform on ({protocol.low:g}, "
            f"{protocol.high:g})^{protocol.dimension}, scaled to norm 1; targets a noise-free draw from the Gaussian "
            "process of the one-hidden-layer biased NTK; "
            f"{protocol.test_share:.0%} held out; ridgeless regression. Networks hold {protocol.validation_share:.0%} "
            f"of the rest back and train for {protocol.epochs[0]} and {protocol.epochs[1]} epochs, which is gradient "
            f"flow for {protocol.time(1):g} and {protocol.time(2):g} units of time. Trained networks take full-batch "
            "gradient descent for that time.",
            "",
            "| predictor | test RMSE, mean ± standard error | trials |",
            "|---|---|---|",
            *rows,
        ]
    )


def _depth(step: DepthStep) -> str:
    changes = {stage: errors[:, 1] - errors[:, 0] for stage, errors in step.theory.items()}
    rows = [f"| {stage} | {mean_and_error(change)} |" for stage, change in changes.items()]
    for width, errors in step.trained.items():
        gap = errors - step.infinite
        rows.append(
            f"| networks of width {width}: their change | {mean_and_error(errors[:, 1] - errors[:, 0])} |"
        )
        rows.append(f"| ... less that of infinitely wide ones | {mean_and_error(gap[:, 1] - gap[:, 0])} |")
    first, last = changes[STAGES[0]].mean(), changes[STAGES[-1]].mean()
    parts = [changes[a].mean() - changes[b].mean() for a, b in zip(STAGES, STAGES[1:], strict=False)]
    names = ("the spread of the initial function", "unfinished training", "the points held back")
    shares = "; ".join(f"{name} {part:+.4f}" for name, part in zip(names, parts, strict=True))
    return "\n".join(
        [
            "## Claim 1: a second layer changes the error of networks and of the NTK differently",
            "",
            "| | change in RMSE from one to two hidden layers |",
            "|---|---|",
            *rows,
            "",
            f"Found as stated: the change is {first:+.4f} for networks and {last:+.4f} for their NTK. But infinitely "
            "wide networks, which are kernel regression by theorem, show the networks' change too. The mismatch of "
            f"{first - last:+.4f} is made of: {shares}. None of these is a failure of the equivalence: they are ways in "
            "which the networks were not trained as ridgeless regression on all points from a start at 0. What finite "
            "width and a moving kernel add is in the last rows of the table.",
        ]
    )


def _similarity(errors: dict[str, np.ndarray], comparisons: list[Comparison]) -> str:
    rows = [
        f"| {c.target} | {c.dimension} | {c.depth} | {c.mean:+.1%} ({c.low:+.1%} to {c.high:+.1%}) | {c.verdict} |"
        for c in comparisons
    ]
    counts = Counter(c.verdict for c in comparisons)
    told = ", ".join(f"{verdict} in {count}" for verdict, count in counts.most_common())
    best = min(errors, key=lambda name: errors[name].mean())
    return "\n".join(
        [
            "## Claim 2: a Gaussian process kernel that ignores training predicts about as well",
            "",
            f"Error of NNGP regression over that of NTK regression, less 1, with a 90% interval; equivalent: both "
            f"one-sided tests at 5% reject a difference of {MARGIN:.0%}.",
            "",
            "| targets drawn from | dimension | hidden layers | NNGP / NTK - 1 | verdict |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"Of {len(comparisons)} settings: {told}. Which kernel is better depends on how smooth the target is, as "
            "the kernels' spectra say: the NTK's decays like the Laplace kernel's, the NNGP's faster, so that the NTK "
            "wins on rough targets and the NNGP on smooth ones. That two kernels predict alike on a task says nothing "
            "about whether a network is one of them: the equivalence is about the function that training finds. In the "
            f"paper's own setting the best of its nine kernels here is: {best}.",
        ]
    )
