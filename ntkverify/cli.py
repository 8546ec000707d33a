"""The command line: `ntkverify replay`, `ntkverify report`."""

import argparse
import sys
from pathlib import Path

from ntkverify import serialization
from ntkverify.errors import NtkverifyError
from ntkverify.findings import Finding
from ntkverify.runs import Run, find_finding


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns 0 for success, 1 where a replay differs, 2 for bad input."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except NtkverifyError as error:
        print(f"ntkverify: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ntkverify", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    replay = commands.add_parser("replay", help="measure a recorded finding again and compare every digit")
    replay.add_argument("finding", help="ID in the latest run, or RUN_FOLDER#ID")
    replay.add_argument(
        "--reports", type=Path, default=Path("reports"), help="where runs lie (default: reports)"
    )
    replay.add_argument("--subject", help="the subject, where the run's own has moved")
    replay.set_defaults(command=_replay)
    report = commands.add_parser(
        "report", help="render the report of a run again, also of one that was killed"
    )
    report.add_argument("folder", type=Path, help="the run's folder, for example reports/latest")
    report.set_defaults(command=_report)
    return parser


def _replay(options: argparse.Namespace) -> int:
    from ntkverify import subjects
    from ntkverify.claims import Effort, claim_named, examine
    from ntkverify.reports import measurement_in_words, scenario_in_words
    from ntkverify.scenarios import Scenario

    run, recorded = find_finding(options.finding, options.reports)
    spec = options.subject or run.header["spec"]
    subject = subjects.load(spec) if spec else subjects.BuiltinSubject()
    effort = Effort(level=recorded.level, max_samples=recorded.max_samples)
    print(f"{recorded.claim} on {scenario_in_words(recorded.scenario)}")
    now = examine(claim_named(recorded.claim), subject, Scenario.from_plain(recorded.scenario), effort)
    for measurement in now.measurements:
        print(f"  {measurement.verdict}: {measurement_in_words(measurement)}")
    print(now.error, end="")
    # Compared as text: NaN does not equal itself.
    if _answer(now) == _answer(recorded):
        print("identical to the record, to the last digit")
        return 0
    print("differs from the record:")
    for measurement in recorded.measurements:
        print(f"  {measurement.verdict}: {measurement_in_words(measurement)}")
    changed = {name for name in now.versions if now.versions[name] != recorded.versions.get(name)}
    if changed:
        print(f"  versions differ: {', '.join(sorted(changed))}")
    return 1


def _answer(finding: Finding) -> str:
    return serialization.to_json([finding.verdict, finding.measurements, finding.error])


def _report(options: argparse.Namespace) -> int:
    from ntkverify import reports

    run = Run.read(options.folder)
    path = reports.write(run)
    print(reports.as_text(run))
    print(f"report: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
