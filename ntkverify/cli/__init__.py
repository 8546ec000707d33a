"""The command line: `ntkverify check`, `ntkverify explain`, `ntkverify map`, `ntkverify paper`, `ntkverify replay`, `ntkverify report`."""

import argparse
import importlib.metadata
import os
import sys
import traceback

from ntkverify.cli import check, explain, map, paper, replay, report
from ntkverify.cli.watching import DONE, FAILED, INTERRUPTED, NO_VERDICT, watched
from ntkverify.errors import NtkverifyError

STATUS = f"""exit status: {DONE}: what was asked holds, or is done; {FAILED}: a claim fails or stays undecided, or what was
compared differs; {INTERRUPTED}: interrupted; {NO_VERDICT}: there is no verdict, since the input is wrong or something crashed"""


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status.

    arguments: the words of the command line, or None for sys.argv's. Those of a command that runs code under test then
    run in a process of their own: if that code ends it, this one still says so. Returns what STATUS says.
    """
    parser = argparse.ArgumentParser(prog="ntkverify", description=__doc__, epilog=STATUS)
    parser.add_argument(
        "--version", action="version", version=f"ntkverify {importlib.metadata.version('ntkverify')}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (check, explain, map, paper, replay, report):
        module.add_command(commands)
    options = parser.parse_args(arguments)
    is_watched = arguments is None and getattr(options, "runs_foreign_code", False)
    return watched(lambda: _run(options)) if is_watched else _run(options)


def _run(options: argparse.Namespace) -> int:
    """Runs the command; whatever it raises is told on standard error, and is no verdict."""
    try:
        return options.command(options)
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # of `| head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except NtkverifyError as error:
        _complain(error)
    except OSError as error:
        _complain(f"{error}. Name a file or folder that can be read and written.")
    except SystemExit as error:
        _complain(f"the code under test ended the process ({error}). Take that call out of it.")
    except Exception:
        traceback.print_exc()
    return NO_VERDICT


def _complain(words: object) -> None:
    print(f"ntkverify: {words}", file=sys.stderr)
