"""Times analytic kernels against a plain recursion, in PyTorch and in NumPy, and against neural-tangents.

    python ci/bench.py kernels [--neural-tangents PYTHON] [--points N]

ReLU networks, weight variance 2, inputs Gaussian in 256 dimensions. Prints seconds (best of several) as
multiples of ntkverify's, and ntkverify's peak memory as a multiple of two (n, n) matrices.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable

CELLS = [
    (depth, bias_std, dtype)
    for depth in (3, 10)
    for bias_std in (0.0, 0.5)
    for dtype in ("float64", "float32")
]
DIMENSION = 256
ROUNDS = 3

NEURAL_TANGENTS = """
import json, sys, time
import numpy as np
depth, bias_std, dtype, points, rounds = json.loads(sys.argv[1])
import jax
jax.config.update("jax_enable_x64", dtype == "float64")
from neural_tangents import stax
layers = [stax.Dense(1, 2**0.5, bias_std), stax.Relu()] * depth + [stax.Dense(1, 2**0.5, bias_std)]
kernel = jax.jit(stax.serial(*layers)[2], static_argnames="get")
x = np.random.default_rng(0).standard_normal((points, 256)).astype(dtype)
best = 1e9
for _ in range(rounds + 1):
    started = time.perf_counter()
    kernel(x, None, get="ntk").block_until_ready()
    best = min(best, time.perf_counter() - started)
print(json.dumps(best))
"""

PEAK = """
import json, sys
from pathlib import Path
import numpy as np
import ntkverify as nv
depth, bias_std, dtype, points, rounds = json.loads(sys.argv[1])
x = np.random.default_rng(0).standard_normal((points, 256)).astype(dtype)
arch = nv.mlp(inputs=256, depth=depth, weight_std=2**0.5, bias_std=bias_std)
nv.ntk(arch, x[:200])


def most():  # not ru_maxrss, which a child inherits
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024


before = most()
kernels = nv.nngp(arch, x), nv.ntk(arch, x)
print(json.dumps((most() - before) / sum(k.nbytes for k in kernels)))
"""


def plain_torch(x, depth: int, bias_std: float):
    """The recursion as papers write it, on whole matrices."""
    import torch

    k = theta = 2 * (x @ x.T) / x.shape[1] + bias_std**2
    for _ in range(depth):
        scale = (k.diagonal()[:, None] * k.diagonal()[None, :]).sqrt()
        cosine = (k / scale).clamp(-1, 1)
        angle = torch.acos(cosine)
        derivative = (math.pi - angle) / math.pi
        k = scale * (torch.sin(angle) + (math.pi - angle) * cosine) / math.pi + bias_std**2
        theta = k + derivative * theta
    return theta


def plain_numpy(x, depth: int, bias_std: float):
    """The same, in NumPy."""
    import numpy as np

    k = theta = 2 * (x @ x.T) / x.shape[1] + bias_std**2
    for _ in range(depth):
        scale = np.sqrt(np.outer(np.diag(k), np.diag(k)))
        cosine = np.clip(k / scale, -1, 1)
        angle = np.arccos(cosine)
        derivative = (math.pi - angle) / math.pi
        k = scale * (np.sin(angle) + (math.pi - angle) * cosine) / math.pi + bias_std**2
        theta = k + derivative * theta
    return theta


def best_of(function: Callable, rounds: int = ROUNDS) -> float:
    """Seconds of the fastest call, after one that does not count."""
    function()
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def in_process(python: str, code: str, *cell) -> float:
    """What `code` prints for the cell, run by another interpreter."""
    command = [python, "-c", code, json.dumps(cell)]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(result.stdout) if result.returncode == 0 else math.nan


def run(options: argparse.Namespace) -> None:
    """Prints one line for each cell."""
    import numpy as np
    import torch

    import ntkverify as nv

    print("depth  bias  dtype      ntkverify  x torch  x numpy  x neural-tangents  peak / outputs")
    for depth, bias_std, dtype in CELLS:
        x = np.random.default_rng(0).standard_normal((options.points, DIMENSION)).astype(dtype)
        tensor = torch.from_numpy(x)
        arch = nv.mlp(inputs=DIMENSION, depth=depth, weight_std=2**0.5, bias_std=bias_std)
        ours = best_of(lambda: nv.ntk(arch, x))  # noqa: B023
        others = [
            best_of(lambda: plain_torch(tensor, depth, bias_std)),  # noqa: B023
            best_of(lambda: plain_numpy(x, depth, bias_std), 1),  # noqa: B023
        ]
        cell = (depth, bias_std, dtype, options.points, ROUNDS)
        nt = (
            in_process(options.neural_tangents, NEURAL_TANGENTS, *cell)
            if options.neural_tangents
            else math.nan
        )
        ratios = "".join(f"{seconds / ours:9.1f}" for seconds in others)
        peak = in_process(sys.executable, PEAK, *cell)
        print(
            f"{depth:5} {bias_std:5} {dtype:8} {ours:9.3f} s{ratios}{nt / ours:19.1f}{peak:16.2f}", flush=True
        )


def add_to(commands) -> None:
    """Adds the comparison to the bench's command line."""
    parser = commands.add_parser("kernels", help="analytic kernels of large matrices")
    parser.add_argument("--neural-tangents", metavar="PYTHON", help="an interpreter that has neural-tangents")
    parser.add_argument("--points", type=int, default=3000, help="default: 3000")
    parser.set_defaults(run=run)
