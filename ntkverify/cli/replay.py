"""`ntkverify replay`: a recorded finding is measured again, and compared to the last digit."""

import argparse
from pathlib import Path

from ntkverify import serialization
from ntkverify.errors import InvalidArgument
from ntkverify.findings import Finding
from ntkverify.guarding import exits_raise
from ntkverify.runs import find_finding


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds this command to an argparse parser's `commands`."""
    parser = commands.add_parser("replay", help="measure a recorded finding again and compare every digit")
    parser.add_argument("finding", help="ID in the latest run, or RUN_FOLDER#ID")
    parser.add_argument(
        "--reports", type=Path, default=Path("reports"), help="where runs lie (default: reports)"
    )
    parser.add_argument("--subject", help="the subject, where the run's own has moved")
    parser.set_defaults(command=replay, runs_foreign_code=True)


def replay(options: argparse.Namespace) -> int:
    """Prints what is measured now and how it differs; returns 0 where the record is met, 1 where it is not.

    Raises InvalidArgument for a finding that is not there, or another subject than the recorded one.
    """
    from ntkverify import subjects
    from ntkverify.claims import Effort, claim_named, examine
    from ntkverify.reports import measurement_in_words, scenario_in_words
    from ntkverify.scenarios import Scenario

    run, recorded = find_finding(options.finding, options.reports)
    if not recorded.scenario:
        remedy = "Try the claim again, with `ntkverify check`."
        raise InvalidArgument("finding", recorded.id, "one that was measured on a scenario", remedy)
    spec = options.subject or run.header.get("spec", "")
    subject = subjects.load(spec) if spec else subjects.BuiltinSubject()
    if subject.name != recorded.subject:
        remedy = "Pass --subject=path/to/file.py:name."
        raise InvalidArgument(
            "subject", repr(subject.name), f"the one recorded, {recorded.subject!r}", remedy
        )
    effort = Effort(level=recorded.level, max_samples=recorded.max_samples)
    print(f"{recorded.claim} on {scenario_in_words(recorded.scenario)}")
    with exits_raise():
        now = examine(claim_named(recorded.claim), subject, Scenario.from_plain(recorded.scenario), effort)
    now = Finding.from_json(now.to_json())  # a whole number is read back as a float
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
