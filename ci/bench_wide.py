"""Times training of very wide networks, whose hidden weights are drawn where they are asked.

    python ci/bench.py wide [--widest 131072] [--points 16] [--depth 3]

ReLU networks are trained by heavy ball to a thousandth of their first residual, each in a process of its own.
Prints seconds, microseconds for each unit of width (constant where time grows linearly), peak memory, and how
many directions were asked; and, at width 4096, seconds as a fraction of the dense network's.
"""

import argparse
import json
import subprocess
import sys

COMPARED = 4096
"""The width that dense networks are timed at too."""

TRAIN = """
import json, sys, time
from pathlib import Path
import numpy as np
import ntkverify as nv
weights, width, points, depth = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
x, y = rng.standard_normal((points, 8)), rng.standard_normal((points, 1))
x *= 8**0.5 / np.linalg.norm(x, axis=1, keepdims=True)
arch = nv.mlp(inputs=8, depth=depth, weight_std=2**0.5, bias_std=0.5)
low, *_, high = np.linalg.eigvalsh(nv.ntk(arch, x)) ** 0.5
best = {"learning_rate": 0.9 * 4 / (high + low) ** 2, "method": nv.HeavyBall(((high - low) / (high + low)) ** 2)}
nv.train(nv.network(arch, 64, seed=0, weights=weights), x, y, steps=2, **best)  # what is loaded at the first use
started = time.perf_counter()
net = nv.network(arch, width, seed=0, weights=weights)
run = nv.train(net, x, y, steps=200, stop_at=1e-3, **best)
seconds = time.perf_counter() - started
asked = [m.matrix for m in net if hasattr(m, "matrix")]
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 2**20
print(json.dumps({
    "seconds": seconds,
    "peak": peak,
    "steps": len(run.losses) - 1,
    "residual": (run.losses[-1] / run.losses[0]) ** 0.5,
    "directions": max([max(m.right.questions.count, m.left.questions.count) for m in asked], default=0),
    "error": max([m.error_bound() for m in asked], default=0.0),
}))
"""


def measured(*cell) -> dict:
    """What one network's training took."""
    result = subprocess.run(
        [sys.executable, "-c", TRAIN, json.dumps(cell)], stdout=subprocess.PIPE, check=True
    )
    return json.loads(result.stdout)


def run(options: argparse.Namespace) -> None:
    """Prints one line for each width."""
    dense = measured("dense", COMPARED, options.points, options.depth)
    print(
        f"{options.depth} hidden layers, {options.points} points; dense at {COMPARED}: {dense['seconds']:.1f} s,"
    )
    print(f"{dense['peak']:.2f} GiB, {dense['steps']} steps to a residual of {dense['residual']:.1e}\n")
    print("  width  seconds  us / unit  peak GiB  steps  residual  directions  error bound  x dense")
    width = COMPARED
    while width <= options.widest:
        lazy = measured("lazy", width, options.points, options.depth)
        ratio = f"{lazy['seconds'] / dense['seconds']:9.2f}" if width == COMPARED else ""
        print(
            f"{width:7} {lazy['seconds']:8.1f} {1e6 * lazy['seconds'] / width:10.0f} {lazy['peak']:9.2f}"
            f" {lazy['steps']:6} {lazy['residual']:9.1e} {lazy['directions']:11} {lazy['error']:12.1e}{ratio}",
            flush=True,
        )
        width *= 2


def add_to(commands) -> None:
    """Adds the comparison to the bench's command line."""
    parser = commands.add_parser("wide", help="training of networks too wide for dense weights")
    parser.add_argument("--widest", type=int, default=2**17, help="default: 131072")
    parser.add_argument("--points", type=int, default=16, help="default: 16")
    parser.add_argument("--depth", type=int, default=3, help="default: 3")
    parser.set_defaults(run=run)
