"""`ntkverify map`: where, over the width and one other axis, a trained network is NTK regression."""

import argparse
import os
import sys
from pathlib import Path

from ntkverify.maps import AXES, PAGE, Problem, Settings, map_equivalence


def add_to(commands) -> None:
    """Adds the command to the parser's."""
    parser = commands.add_parser(
        "map", help="map where a trained network is NTK regression, and from which width"
    )
    parser.set_defaults(command=draw)
    add, problem, settings = parser.add_argument, Problem(), Settings()
    add("--axes", nargs=2, default=["width", "depth"], help=f"width and one of {', '.join(AXES)}")
    add("--widths", type=int, nargs="+", default=settings.widths, help="at least five")
    add("--levels", type=float, nargs="+", help="of the other axis (default: some that show both sides)")
    add("--tolerance", type=float, default=settings.tolerance, help="of the relative gap")
    add("--replicates", type=int, default=settings.replicates, help="networks of each cell")
    add("--activation", default="ReLU")
    add("--depth", type=int, default=problem.depth, help="hidden layers")
    add("--weight-std", type=float, default=problem.weight_std, help="(default: the square root of 2)")
    add("--bias-std", type=float, default=problem.bias_std)
    add("--source", default=problem.source, help="of the inputs: sphere, gaussian, diabetes, digits, ...")
    add("--dimension", type=int, default=problem.dimension, help="of the inputs")
    add("--points", type=int, default=problem.points, help="that are trained on")
    add("--test-points", type=int, default=problem.test_points, help="that the gap is measured on")
    add("--label-scale", type=float, default=problem.label_scale, help="multiplies the targets")
    add("--steps", type=int, default=problem.steps, help="of gradient descent")
    add(
        "--step-size",
        type=float,
        default=problem.step_size,
        help="the learning rate as a share of the largest stable one",
    )
    add("--seed", type=int, default=problem.seed)
    add("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one for each core)")
    add("--out", type=Path, default=Path("reports/map"), help="the folder that it writes, and goes on from")


def draw(options: argparse.Namespace) -> int:
    """Prints what each level needs and the page's path; 0, or 130 where it was interrupted."""
    from ntkverify.cli.explain import activation_named

    chosen = vars(options) | {"activation": activation_named(options.activation)}
    del chosen["command"]
    axes = [name.replace("-", "_") for name in chosen.pop("axes")]
    try:
        drawn = map_equivalence(axes, **chosen, progress=_say)
    except KeyboardInterrupt:
        _say(
            f"interrupted; {options.out / PAGE} shows what was measured, and the same command goes on from there"
        )
        return 130
    print("\n".join(drawn.sentences))
    print(f"page: {options.out / PAGE}")
    return 0


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
