"""`ntkverify check`: all claims on a subject, and a report."""

import argparse
import sys
from pathlib import Path


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this command to an argparse parser's `commands`."""
    parser = commands.add_parser("check", help="try all claims on your kernel, library or torch module")
    parser.add_argument("subject", help="path/to/file.py:name or package.module:name")
    parser.add_argument(
        "--claims", nargs="+", metavar="CLAIM", help="ids or families of claims (default: all)"
    )
    parser.add_argument("--budget", choices=("quick", "standard", "thorough"), default="quick")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same findings")
    parser.add_argument("--report", type=Path, default=Path("reports"), help="default: reports")
    parser.set_defaults(command=check)


def check(options: argparse.Namespace) -> int:
    """Prints the table of verdicts, what failed and why, and the report's path.

    Returns 1 where a claim fails or stays undecided, else 0.
    """
    from ntkverify import checking, reports, subjects
    from ntkverify.budgets import budget_named
    from ntkverify.findings import Verdict
    from ntkverify.hunt import ClaimRefuted, describe
    from ntkverify.runs import Run

    subject = subjects.load(options.subject)
    claims = checking.claims_named(options.claims)
    header = describe(subject, budget_named(options.budget), options.seed) | {"spec": options.subject}
    run = Run.start(options.report, header)
    print(run.title)
    checking.check(subject, claims, options.seed, options.budget, record=run.record, progress=_Progress())
    path = reports.write(run)
    print(reports.verdict_table(run))
    rows = reports.rows(run)
    for row in rows:
        if row.defect:
            print(f"\n{ClaimRefuted(row.defect, str(run.folder))}")
    print(f"report: {path}")
    return int(any(row.verdict in (Verdict.FAILS, Verdict.UNDECIDED) for row in rows))


class _Progress:
    """Prints one line for each claim, on standard error."""

    def __init__(self) -> None:
        self._claim = ""

    def __call__(self, claim: str, number: int, planned: int) -> None:
        if claim != self._claim:
            print(f"{claim} ...", file=sys.stderr, flush=True)
        self._claim = claim
