"""`ntkverify check`: all claims on a subject, and a report."""

import argparse
import sys
from pathlib import Path

from ntkverify.budgets import BUDGETS, TIMEOUT_HELP, budget_named
from ntkverify.cli.watching import DONE, FAILED, INTERRUPTED
from ntkverify.errors import InvalidArgument
from ntkverify.pace import Pace


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this command to an argparse parser's `commands`."""
    parser = commands.add_parser("check", help="try all claims on your kernel, library or torch module")
    parser.add_argument("subject", help="path/to/file.py:name or package.module:name")
    parser.add_argument(
        "--claims", nargs="+", metavar="CLAIM", help="ids or families of claims (default: all)"
    )
    parser.add_argument(
        "--budget", choices=tuple(BUDGETS), default="quick", help="how hard to look (default: quick)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="the same seed gives the same findings (default: 0)"
    )
    parser.add_argument(
        "--keep-going", action="store_true", help="draw networks even where kernels have settled the matter"
    )
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help=TIMEOUT_HELP)
    parser.add_argument(
        "--report", type=Path, default=Path("reports"), help="where reports go (default: reports)"
    )
    parser.set_defaults(command=check, runs_foreign_code=True)


def check(options: argparse.Namespace) -> int:
    """Prints the table of verdicts, what failed and why, and the report's path.

    Returns FAILED where a claim fails or stays undecided, INTERRUPTED where it was, NO_VERDICT where no claim is about
    the subject, else DONE.
    """
    from ntkverify import checking, reports, subjects
    from ntkverify.findings import Verdict
    from ntkverify.hunt import ClaimRefuted, describe
    from ntkverify.runs import Run

    subject = subjects.load(options.subject)
    claims = checking.claims_named(options.claims)
    header = describe(subject, budget_named(options.budget), options.seed) | {"spec": options.subject}
    run = Run.start(options.report, header)
    print(run.title)
    names = ("seed", "budget", "timeout", "keep_going")
    settings = {name: getattr(options, name) for name in names}
    progress = _Progress()
    try:
        found = checking.check(subject, claims, **settings, record=run.record, progress=progress)
        run.note(spared=found.header.get("spared", {}))
    except KeyboardInterrupt:
        run.note(interrupted=f"while {progress.claim or 'the first claim'} was tried")
    path = reports.write(run)
    print(reports.verdict_table(run))
    rows = reports.rows(run)
    for cause in reports.causes(rows):
        others = [claim for claim in cause.claims if claim != cause.shown.claim]
        print(f"\n{ClaimRefuted(cause.shown, str(run.folder))}")
        if others:
            print(f"  for the same cause: {', '.join(others)}")
    print(f"report: {path}")
    if "interrupted" in run.header:
        print(
            f"ntkverify: interrupted {run.header['interrupted']}; the report has what was found",
            file=sys.stderr,
        )
        return INTERRUPTED
    if not any(row.was_tried for row in rows):
        named = ", ".join(options.claims or ["all"])
        remedy = "Leave --claims out for all, or give the subject what they are about."
        raise InvalidArgument("claims", named, f"some that are about {subject.name}", remedy)
    return FAILED if any(row.verdict in (Verdict.FAILS, Verdict.UNDECIDED) for row in rows) else DONE


class _Progress(Pace):
    """Prints a line for each claim, and more of those that take long, on standard error."""

    def __call__(self, claim: str, number: int, planned: int) -> None:
        line = self.line(claim, number, planned)
        if self.is_due():
            print(line, file=sys.stderr, flush=True)
