"""Times empirical NTKs against the official recipe and other libraries, each in a process of its own.

    python ci/bench_empirical.py [--alternatives PYTHON] [--neural-tangents PYTHON] [--rounds N]

Prints a table of seconds (best of several) and of peak memory above the model; a library that an
interpreter lacks is left out. Networks: 3 hidden ReLU layers, 64 inputs of dimension 64, float32.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CELLS = [(256, 64, 1), (1024, 64, 1), (4096, 64, 1), (1024, 32, 10)]
"""(width, points, outputs): the last one in full, (points, points, outputs, outputs)."""

DIMENSION = 64


def torch_case(width: int, points: int, outputs: int):
    import torch
    from torch import nn

    torch.manual_seed(0)
    hidden = (nn.Linear(width, width), nn.ReLU())
    net = nn.Sequential(nn.Linear(DIMENSION, width), nn.ReLU(), *hidden, nn.Linear(width, width), nn.ReLU())
    net.append(nn.Linear(width, outputs))
    return net, torch.randn(points, DIMENSION)


def ntkverify(net, x) -> Callable:
    sys.path.insert(0, str(Path(__file__).parent.parent))
    import ntkverify as nv

    outputs = "full" if net[-1].out_features > 1 else "mean"
    return lambda: nv.empirical_ntk(net, x, outputs=outputs)


def official_recipe(net, x) -> Callable:
    """Jacobian contraction by torch.func: per-example Jacobians, then one einsum for each parameter."""
    import torch
    from torch.func import functional_call, jacrev, vmap

    parameters = {name: value.detach() for name, value in net.named_parameters()}

    def single(values, row):
        return functional_call(net, values, (row[None],))[0]

    def kernel():
        jacobians = vmap(jacrev(single), (None, 0))(parameters, x).values()
        return sum(torch.einsum("Naf,Mbf->NMab", *[j.flatten(2)] * 2) for j in jacobians)

    return kernel


def nngeometry(net, x) -> Callable:
    import torch
    from nngeometry import GramMatrix
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(x, torch.zeros(len(x))), batch_size=len(x))
    return lambda: GramMatrix(net, loader, function=lambda *d: net(d[0])).data.permute(1, 3, 0, 2)


def backpack(net, x) -> Callable:
    import torch
    from backpack import backpack, extend
    from backpack.extensions import BatchGrad

    extend(net)

    def kernel():
        rows = []
        for output in range(net[-1].out_features):
            net.zero_grad()
            with backpack(BatchGrad()):
                net(x)[:, output].sum().backward()
            rows.append([p.grad_batch.flatten(1) for p in net.parameters()])
            for p in net.parameters():
                del p.grad_batch
        pairs = [[sum(a @ b.T for a, b in zip(r, s, strict=True)) for s in rows] for r in rows]
        return torch.stack([torch.stack(row, -1) for row in pairs], -2)

    return kernel


def curvlinops(net, x) -> Callable:
    import torch
    from curvlinops import JacobianLinearOperator

    parameters = list(net.parameters())
    data = [(x, torch.zeros(len(x), net[-1].out_features))]
    jacobian = JacobianLinearOperator(net, parameters, data, check_deterministic=False)
    size, outputs = len(x) * net[-1].out_features, net[-1].out_features

    def kernel():
        matrix = jacobian @ (jacobian.adjoint() @ torch.eye(size))
        return matrix.reshape(len(x), outputs, len(x), outputs).permute(0, 2, 1, 3)

    return kernel


def neural_tangents(width: int, points: int, outputs: int) -> Callable:
    import jax
    import neural_tangents as nt
    from neural_tangents import stax

    dense = [stax.Dense(width, parameterization="standard"), stax.Relu()] * 3
    init, apply, _ = stax.serial(*dense, stax.Dense(outputs, parameterization="standard"))
    x = jax.random.normal(jax.random.PRNGKey(0), (points, DIMENSION))
    _, parameters = init(jax.random.PRNGKey(1), x.shape)
    kernel = nt.empirical_ntk_fn(
        apply, trace_axes=(), vmap_axes=0, implementation=nt.NtkImplementation.STRUCTURED_DERIVATIVES
    )
    compiled = jax.jit(lambda x, parameters: kernel(x, None, parameters))
    return lambda: compiled(x, parameters).block_until_ready()


TOOLS = {
    "ntkverify": ntkverify,
    "official recipe": official_recipe,
    "nngeometry": nngeometry,
    "backpack": backpack,
    "curvlinops": curvlinops,
    "neural-tangents": neural_tangents,
}


def measure(tool: str, width: int, points: int, outputs: int, seconds: float) -> dict[str, float]:
    """Best seconds of the calls that fit into `seconds`, and peak bytes above the model and a small call."""
    if tool == "neural-tangents":
        call = neural_tangents(width, points, outputs)
        call()
    else:
        TOOLS[tool](*torch_case(8, 2, outputs))()  # libraries load on their first call
        net, x = torch_case(width, points, outputs)
        call = TOOLS[tool](net, x)
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # starts the peak anew
    best, total, value = float("inf"), 0.0, None
    while total < seconds:
        value = None
        start = time.perf_counter()
        value = call()
        best, total = min(best, time.perf_counter() - start), total + time.perf_counter() - start
    check(tool, value, points, outputs)
    return {"seconds": best, "bytes": memory("VmHWM") - before}


def check(tool: str, value, points: int, outputs: int) -> None:
    """Stops where a tool's kernel has another shape than the question."""
    sizes = [int(n) for n in value.shape]
    assert sizes[:2] == [points, points] and sizes[2:] in ([], [outputs, outputs]), (tool, sizes)


def memory(field: str) -> int:
    """Bytes that the kernel of the system reports for this process."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def in_process(
    python: str, tool: str, cell: tuple[int, int, int], seconds: float, threads: int
) -> dict[str, float] | str:
    """What `measure` says in a fresh process; or, in a word, why it says nothing."""
    command = [python, __file__, "--worker", tool, *map(str, cell), str(seconds)]
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=240,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            preexec_fn=lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads]),
        )
        if done.returncode == 0:
            return json.loads(done.stdout.splitlines()[-1])
        lines = done.stderr.strip().splitlines()
        return "not installed" if "No module named" in done.stderr else (lines or ["killed"])[-1][:100]
    return "too slow"


def main(arguments: list[str] | None = None) -> int:
    """Runs every tool on every cell, in turn; 0 where ntkverify is the fastest everywhere."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--alternatives", metavar="PYTHON", default=sys.executable)
    parser.add_argument("--neural-tangents", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0, help="of every tool on every cell, at least")
    parser.add_argument("--threads", type=int, default=1, help="and cores, of every tool")
    options = parser.parse_args(arguments)
    pythons = {name: options.alternatives for name in TOOLS}
    pythons |= {"ntkverify": sys.executable, "official recipe": sys.executable}
    pythons["neural-tangents"] = options.neural_tangents
    fastest = True
    for cell in CELLS:
        results: dict[str, dict[str, float] | str] = {}
        for _ in range(options.rounds):
            for tool, python in pythons.items():
                if python and not isinstance(results.get(tool), str):
                    new, old = (
                        in_process(python, tool, cell, options.seconds, options.threads),
                        results.get(tool),
                    )
                    better = (
                        isinstance(new, dict) and isinstance(old, dict) and old["seconds"] < new["seconds"]
                    )
                    results[tool] = old if better else new
        fastest &= show(cell, results)
    return 0 if fastest else 1


def show(cell: tuple[int, int, int], results: dict[str, dict[str, float] | str]) -> bool:
    """Prints one cell's rows; whether ntkverify is the fastest."""
    print(f"\nwidth {cell[0]}, {cell[1]} inputs, {cell[2]} outputs")
    own = results["ntkverify"]
    for tool, result in results.items():
        if isinstance(result, str) or isinstance(own, str):
            print(f"  {tool:16} {result}", flush=True)
            continue
        ratio, size = result["seconds"] / own["seconds"], result["bytes"] / 1e6
        print(f"  {tool:16} {result['seconds'] * 1e3:10.1f} ms {ratio:8.2f} x {size:9.1f} MB", flush=True)
    measured = [result["seconds"] for result in results.values() if isinstance(result, dict)]
    return isinstance(own, dict) and own["seconds"] <= min(measured)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        tool, width, points, outputs, seconds = sys.argv[2:]
        print(json.dumps(measure(tool, int(width), int(points), int(outputs), float(seconds))))
    else:
        sys.exit(main())
