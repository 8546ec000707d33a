"""The command line: `ntkverify explain`, `ntkverify paper`, `ntkverify replay`, `ntkverify report`."""

import argparse
import sys

from ntkverify.cli import explain, paper, replay, report
from ntkverify.errors import NtkverifyError


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns 0 for success, 1 where a replay or a comparison differs, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="ntkverify", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (explain, paper, replay, report):
        module.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        return options.command(options)
    except NtkverifyError as error:
        print(f"ntkverify: {error}", file=sys.stderr)
        return 2
