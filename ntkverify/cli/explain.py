"""`ntkverify explain`: why a trained network is not regression with its NTK, on one's own network and data."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntkverify.errors import InvalidArgument, UnstableLearningRate

if TYPE_CHECKING:
    from ntkverify.activations import Activation
    from ntkverify.gap import Gap


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this command to an argparse parser's `commands`."""
    parser = commands.add_parser("explain", help="take the gap between a trained network and its NTK apart")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FILE.npz",
        help="arrays x, y, x_test, or x.NAME, x_test.NAME for each argument of a module (default: generated)",
    )
    parser.add_argument(
        "--module", metavar="FILE.py:NAME", help="your torch module, or a function that makes it, for an mlp"
    )
    parser.add_argument("--activation", default="ReLU", help="of the mlp (default: ReLU)")
    parser.add_argument("--depth", type=int, default=2, help="its hidden layers (default: 2)")
    parser.add_argument("--width", type=int, default=1024, help="units in each (default: 1024)")
    parser.add_argument("--weight-std", type=float, default=2**0.5, help="default: the square root of 2")
    parser.add_argument("--bias-std", type=float, default=0.1, help="default: 0.1")
    parser.add_argument("--steps", type=int, default=200, help="of gradient descent (default: 200)")
    parser.add_argument(
        "--step-size",
        type=float,
        default=0.5,
        help="the learning rate as a share of the largest stable one (default: 0.5)",
    )
    parser.add_argument("--ridge", type=float, default=0.0, help="of the regression (default: 0)")
    parser.add_argument("--seed", type=int, default=0, help="of the mlp's weights (default: 0)")
    parser.set_defaults(command=explain, runs_foreign_code=True)


def explain(options: argparse.Namespace) -> int:
    """Prints the terms of the gap, and what they mean; returns 0."""
    data = _generated() if options.data is None else _read(options.data)
    settings = {"steps": options.steps, "ridge": options.ridge}
    try:
        gap = (_explain_module if options.module else _explain_mlp)(options, data, settings)
    except UnstableLearningRate as error:
        remedy = "Training diverges there; pass a smaller --step-size."
        raise InvalidArgument(
            "--step-size", f"{options.step_size:g}, {error.got}", error.expected, remedy
        ) from error
    print(gap)
    return 0


def _explain_mlp(options: argparse.Namespace, data: dict, settings: dict) -> "Gap":
    import ntkverify as nv

    arch = nv.mlp(
        inputs=data["x"].shape[-1],
        outputs=data["y"].shape[-1],
        depth=options.depth,
        activation=activation_named(options.activation),
        weight_std=options.weight_std,
        bias_std=options.bias_std,
    )
    rate = options.step_size * nv.predict.max_learning_rate(nv.ntk(arch, data["x"]))
    print(f"{arch.depth} hidden layers of {options.width}, {options.activation}; learning rate {rate:.4g}\n")
    return nv.explain_gap(arch, options.width, **data, learning_rate=rate, seed=options.seed, **settings)


def _explain_module(options: argparse.Namespace, data: dict, settings: dict) -> "Gap":
    import numpy as np

    import ntkverify as nv
    from ntkverify import subjects

    found = subjects.named(options.module)
    net = found() if not hasattr(found, "parameters") or isinstance(found, type) else found
    kernel = np.asarray(nv.empirical_ntk(net, data["x"], outputs="full"))
    rate = options.step_size * nv.predict.max_learning_rate(kernel)
    print(f"{options.module}; learning rate {rate:.4g}; no analytic kernel to compare with\n")
    return nv.explain_module_gap(net, **data, learning_rate=rate, **settings)


def activation_named(name: str) -> "Activation":
    """Returns an activation that needs no arguments. Raises InvalidArgument for another name."""
    from ntkverify.activations import BY_NAME

    if name not in BY_NAME:
        raise InvalidArgument("activation", repr(name), f"one of {', '.join(BY_NAME)}", "Choose one.")
    try:
        return BY_NAME[name]()
    except TypeError as error:
        remedy = "Call ntkverify from Python, where it can have its arguments."
        raise InvalidArgument("activation", name, "one that needs no arguments", remedy) from error


def _read(path: Path) -> dict:
    import numpy as np

    try:
        with np.load(path) as arrays:
            data = {name: _inputs(arrays, name) for name in ("x", "y", "x_test")}
    except FileNotFoundError as error:
        raise InvalidArgument("data", str(path), "an existing file", f"Looked in {Path.cwd()}.") from error
    except Exception as error:  # NumPy raises many kinds for a broken or a foreign file
        remedy = "Write it with numpy.savez(path, x=x, y=y, x_test=x_test)."
        raise InvalidArgument("data", f"{path}: {error}", "a .npz with x, y and x_test", remedy) from error
    return data


def _inputs(arrays: Mapping[str, Any], name: str) -> Any:
    """Returns the array of that name, or a dict of those called name.PART, for a network of several arguments."""
    parts = {key.removeprefix(f"{name}."): arrays[key] for key in arrays if key.startswith(f"{name}.")}
    return parts or arrays[name]


def _generated() -> dict:
    """Returns a function of twelve points on a sphere in five dimensions, asked for at eight more."""
    from ntkverify.data import Points

    points = Points(source="sphere", count=20, dimension=5)
    x, y = points.inputs(), points.targets()
    return {"x": x[:12], "y": y[:12], "x_test": x[12:]}
