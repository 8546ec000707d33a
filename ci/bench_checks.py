"""What it costs to hold gradients against plain ones: kernels with the checks, and their bare computation."""

import argparse
import time
from collections.abc import Callable

ROUNDS = 15


def add_to(commands) -> None:
    """Adds this comparison to an argparse parser's commands."""
    parser = commands.add_parser(
        "checks", help="empirical NTKs with and without the checks of their gradients"
    )
    parser.set_defaults(run=run)


def networks():
    """Yields name, network and inputs: no plain chains, which need no checks."""
    import torch
    from torch import nn

    class Residual(nn.Sequential):
        def forward(self, x):
            return x + super().forward(x)

    torch.manual_seed(0)
    for width in (256, 1024, 2048):
        body = Residual(nn.Linear(width, width), nn.ReLU())
        yield (
            f"residual, width {width}",
            nn.Sequential(nn.Linear(64, width), body, nn.Linear(width, 1)),
            torch.randn(256, 64),
        )
    body = Residual(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU())
    tail = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
    yield "convolutions", nn.Sequential(nn.Conv2d(3, 32, 3), body, *tail).eval(), torch.randn(64, 3, 16, 16)
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
    yield (
        "transformer",
        nn.Sequential(nn.Linear(16, 64), layer, nn.Flatten(), nn.Linear(640, 2)).eval(),
        torch.randn(64, 10, 16),
    )


def run(_: argparse.Namespace) -> None:
    """Prints the milliseconds of each, best of several, in turn, and what the checks add."""
    import torch

    torch.set_num_threads(1)
    for name, net, x in networks():
        all_checks, bare, gradients = fastest(*calls(net, x))
        shares = f"all checks {all_checks / bare - 1:+.0%}, of gradients {gradients / bare:+.0%}"
        print(f"{name:24} {all_checks:8.1f} ms, {bare:8.1f} ms bare: {shares}", flush=True)


def calls(net, x) -> tuple[Callable[[], object], ...]:
    """Returns the kernel with its checks, its computation once it is known how, and the comparison of gradients."""
    import ntkverify as nv
    from ntkverify.empirical.blocks import blockwise_kernel
    from ntkverify.empirical.inputs import prepared
    from ntkverify.empirical.plain_gradients import disagreeing
    from ntkverify.empirical.plan import PROBES, Gradients, plan_for
    from ntkverify.empirical.structured_derivatives import _uses
    from ntkverify.models import examined

    model, examples, _ = prepared(net, x, None)
    choice, plan = nv.empirical.choose(net, x), plan_for(model, examples)

    def bare() -> None:
        with examined(net):
            gradients = Gradients(model, plan.by(choice.method))
            blockwise_kernel(gradients, examples, examples, choice.block, full=False)

    probes = examples[:PROBES]
    pieces = _uses(model, probes, plan.rules, check=False)[1]
    return lambda: nv.empirical_ntk(net, x), bare, lambda: disagreeing(model, probes, pieces)


def fastest(*calls: Callable[[], object]) -> list[float]:
    """Returns the least milliseconds of each call, made in turn."""
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for index, call in enumerate(calls):
            start = time.perf_counter()
            call()
            best[index] = min(best[index], 1e3 * (time.perf_counter() - start))
    return best
