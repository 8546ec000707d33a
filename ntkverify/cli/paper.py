"""`ntkverify paper`: the two claims of arXiv 2501.10929, measured by its protocol."""

import argparse
import sys
from pathlib import Path


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this command to an argparse parser's `commands`."""
    parser = commands.add_parser("paper", help="measure the claims of the paper that doubts the equivalence")
    parser.add_argument(
        "--trials", type=int, default=50, help="of the kernels (default: 50, as in the paper)"
    )
    parser.add_argument("--points", type=int, default=1000, help="default: 1000, as in the paper")
    parser.add_argument("--widths", type=int, nargs="*", default=[128, 512], help="of trained networks")
    parser.add_argument("--networks", type=int, default=3, help="trials with trained networks (default: 3)")
    parser.add_argument("--seed", type=int, default=0, help="of every draw (default: 0)")
    parser.add_argument(
        "--out", type=Path, default=Path("reports/paper.md"), help="default: reports/paper.md"
    )
    parser.set_defaults(command=paper)


def paper(options: argparse.Namespace) -> int:
    """Writes the page, prints it and its path; returns 0.

    Raises InvalidArgument for too few trials or points.
    """
    from ntkverify.errors import InvalidArgument
    from ntkverify.paper import Protocol, compare_nngp_with_ntk, depth_step, page, score_kernels

    for name, least in (("trials", 4), ("points", 20), ("networks", 0)):
        if getattr(options, name) < least:
            raise InvalidArgument(name, str(getattr(options, name)), f"at least {least}", "Ask for more.")
    protocol = Protocol(trials=options.trials, points=options.points)

    def progress(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    errors = score_kernels(protocol, options.seed, progress)
    step = depth_step(protocol, options.seed, tuple(options.widths), options.networks, progress)
    text = page(protocol, errors, step, compare_nngp_with_ntk(protocol, options.seed, progress))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, encoding="utf-8")
    print(text)
    print(f"page: {options.out}")
    return 0
