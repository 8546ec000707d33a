"""`ntkverify report`: the report of a run is rendered again."""

import argparse
from pathlib import Path

from ntkverify.runs import Run


def add_to(commands) -> None:
    """Adds the command to the parser's."""
    parser = commands.add_parser(
        "report", help="render the report of a run again, also of one that was killed"
    )
    parser.add_argument("folder", type=Path, help="the run's folder, for example reports/latest")
    parser.set_defaults(command=report)


def report(options: argparse.Namespace) -> int:
    """Prints the table of verdicts and the report's path; 0."""
    from ntkverify import reports

    run = Run.read(options.folder)
    path = reports.write(run)
    print(reports.as_text(run))
    print(f"report: {path}")
    return 0
