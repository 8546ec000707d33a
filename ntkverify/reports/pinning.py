"""How to measure a finding again, and how to keep it: a command, and a Hypothesis test."""

import json
import shlex
from typing import Any

from ntkverify.findings import Finding
from ntkverify.runs import Run

BUILTIN = "ntkverify"
"""The name of the subject that a run without a specification tries."""
LONGEST = 1500
"""How many characters of JSON a page shows of a scenario; a longer one is read from the run's folder."""
TEST = """\
from hypothesis import HealthCheck, assume, example, given, settings

from ntkverify import subjects
from ntkverify.budgets import budget_named
from ntkverify.claims import Effort, claim_named, examine
from ntkverify.findings import Verdict
from ntkverify.scenarios import Scenario
{imports}
subject = {subject}
claim = claim_named("{claim}")
effort = Effort(level={level!r}, max_samples={max_samples})


{example}
@given(claim.{premises}(subject, budget_named("quick"), 0))
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_{name}(scenario):
    {guard}
    finding = examine(claim, subject, scenario, effort)
    assert finding.verdict is not Verdict.FAILS and not finding.error, finding
"""


def scenario_json(finding: Finding) -> str:
    """Returns the finding's scenario as JSON, or nothing where that is too long to show."""
    text = json.dumps(finding.scenario, sort_keys=True)
    return text if len(text) <= LONGEST else ""


def replay_command(run: Run, finding: Finding) -> str:
    """Returns the command line that measures `finding` again, also when later runs have moved "latest" on."""
    return f"ntkverify replay {shlex.quote(_name(run, finding))}"


def pinned_test(run: Run, finding: Finding) -> str:
    """Returns a file for pytest that tries the finding's scenario each time, and a few of its claim's."""
    text, inside = scenario_json(finding), not finding.is_outside
    recorded = f"find_finding({_name(run, finding)!r}, Path())[1].scenario"
    return TEST.format(
        imports="" if text else "from pathlib import Path\nfrom ntkverify.runs import find_finding\n",
        subject=_subject(run.header),
        claim=finding.claim,
        level=finding.level,
        max_samples=finding.max_samples,
        example=f"@example(Scenario.{f'from_json({text!r})' if text else f'from_plain({recorded})'})",
        premises="inside" if inside else "outside",
        name=finding.claim.replace(".", "_"),
        guard=f"assume({'not ' * inside}claim.broken_premises(scenario))",
    )


def _subject(header: dict[str, Any]) -> str:
    """Returns the expression that makes the run's subject, where the run knows one."""
    if header.get("spec"):
        return f"subjects.load({header['spec']!r})"
    if header["subject"] == BUILTIN:
        return "subjects.BuiltinSubject()"
    return f"...  # put {header['subject']!r} here: the run does not know where it is defined"


def _name(run: Run, finding: Finding) -> str:
    """Returns FOLDER#ID, with the folder's own name in place of "latest"."""
    return f"{run.folder.parent / run.folder.resolve().name}#{finding.id}"
