"""`ntkverify map`: where, over the width and one other axis, a trained network is NTK regression."""

import argparse
import os
import sys
from pathlib import Path

from ntkverify.cli.watching import INTERRUPTED
from ntkverify.maps import AXES, PAGE, Problem, Settings, map_equivalence

PROBLEM = {
    "depth": "hidden layers",
    "weight-std": "of every layer",
    "bias-std": "of every layer",
    "source": "of the inputs: sphere, gaussian, diabetes, digits, ...",
    "dimension": "of the inputs",
    "points": "that are trained on",
    "test-points": "that the gap is measured on",
    "label-scale": "multiplies the targets, which are standard normal",
    "steps": "of gradient descent",
    "step-size": "the learning rate as a share of the largest stable one",
    "seed": "of the data and of every network",
}
"""What the options say of the problem."""


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this command to an argparse parser's `commands`."""
    parser = commands.add_parser(
        "map",
        help="map where a trained network is NTK regression, and from which width",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.set_defaults(command=draw)
    add, problem, settings = parser.add_argument, Problem(), Settings()
    add("--axes", nargs=2, default=["width", "depth"], help=f"width and one of {', '.join(AXES)}")
    add("--widths", type=int, nargs="+", default=settings.widths, help="at least five")
    add(
        "--levels",
        type=float,
        nargs="+",
        default=argparse.SUPPRESS,
        help="of the other axis (default: some that show both sides)",
    )
    add("--tolerance", type=float, default=settings.tolerance, help="of the relative gap")
    add("--replicates", type=int, default=settings.replicates, help="networks of each cell")
    add("--activation", default="ReLU", help="of every hidden layer")
    for name, words in PROBLEM.items():
        value = getattr(problem, name.replace("-", "_"))
        add(f"--{name}", type=type(value), default=value, help=words)
    add("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    add("--out", type=Path, default=Path("reports/map"), help="the folder that it writes, and goes on from")


def draw(options: argparse.Namespace) -> int:
    """Prints what each level needs and the page's path; returns 0, or 130 where it was interrupted."""
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
        return INTERRUPTED
    print("\n".join(drawn.sentences))
    print(f"page: {options.out / PAGE}")
    return 0


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
