"""`ntkverify report`: the report of a run is rendered again, or two runs are compared."""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path

from ntkverify.cli.watching import DONE, FAILED
from ntkverify.errors import InvalidArgument, NtkverifyError
from ntkverify.runs import Run


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this command to an argparse parser's `commands`."""
    parser = commands.add_parser(
        "report", help="render the report of a run again, also of one that was killed; or compare two"
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR", help="for example reports/latest")
    parser.add_argument(
        "--compare",
        action="store_true",
        help="say what changed from the first run to the second; 1 if anything",
    )
    parser.set_defaults(command=report)


def report(options: argparse.Namespace) -> int:
    """Prints the table of verdicts and the report's path, and returns 0; or what changed, and 1 for a change.

    Raises InvalidArgument for a number of folders that does not fit, and where there is no run.
    """
    from ntkverify import reports

    wanted = 2 if options.compare else 1
    if len(options.folders) != wanted:
        expected = "two runs to compare" if options.compare else "one run"
        remedy = "Write `ntkverify report DIR`, or `ntkverify report --compare BEFORE AFTER`."
        raise InvalidArgument("DIR", f"{len(options.folders)} folders", expected, remedy)
    runs = [Run.read(folder) for folder in options.folders]
    with _readable(options.folders):
        if options.compare:
            comparison = reports.compare(*runs)
            print(reports.comparison_in_words(comparison))
            return FAILED if comparison.differs else DONE
        path = reports.write(runs[0])
        print(reports.verdict_table(runs[0]))
    print(f"report: {path}")
    return DONE


@contextlib.contextmanager
def _readable(folders: list[Path]) -> Iterator[None]:
    """Raises InvalidArgument for records that are JSON, but lack what a report is made of."""
    try:
        yield
    except (NtkverifyError, OSError):
        raise
    except Exception as error:
        got = f"{', '.join(map(str, folders))} ({type(error).__name__}: {error})"
        remedy = "Undo what was changed in run.json or in findings.jsonl, or run it again."
        raise InvalidArgument("run", got, "a run as ntkverify wrote it", remedy) from error
