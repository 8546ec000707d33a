"""The command line: `ntkverify check`, `ntkverify explain`, `ntkverify map`, `ntkverify paper`, `ntkverify replay`, `ntkverify report`."""

import argparse
import sys

from ntkverify.cli import check, explain, map, paper, replay, report
from ntkverify.errors import NtkverifyError


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status.

    arguments: the words of the command line, sys.argv's for None. Returns 0 for success, 1 where a claim
    fails, or a replay or a comparison differs, 2 for bad input.
    """
    parser = argparse.ArgumentParser(prog="ntkverify", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (check, explain, map, paper, replay, report):
        module.add_command(commands)
    options = parser.parse_args(arguments)
    try:
        return options.command(options)
    except NtkverifyError as error:
        print(f"ntkverify: {error}", file=sys.stderr)
        return 2
