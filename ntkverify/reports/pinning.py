"""How to measure a finding again, and how to keep it: a command, and a Hypothesis test."""

import json
import shlex

from ntkverify.findings import Finding
from ntkverify.runs import Run

TEST = """\
from hypothesis import HealthCheck, assume, example, given, settings

from ntkverify import subjects
from ntkverify.budgets import budget_named
from ntkverify.claims import Effort, claim_named, examine
from ntkverify.findings import Verdict
from ntkverify.scenarios import Scenario

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


def replay_command(run: Run, finding: Finding) -> str:
    """The command line that measures `finding` again, also when later runs have moved "latest" on."""
    folder = run.folder.parent / run.folder.resolve().name
    return f"ntkverify replay {shlex.quote(f'{folder}#{finding.id}')}"


def pinned_example(finding: Finding) -> str:
    """A line above a Hypothesis test that makes it try the finding's scenario each time."""
    return f"@example(Scenario.from_json({json.dumps(finding.scenario, sort_keys=True)!r}))"


def pinned_test(run: Run, finding: Finding) -> str:
    """A file for pytest that tries the finding's scenario, and a few others of its claim."""
    spec = run.header.get("spec", "")
    inside = not finding.is_outside
    return TEST.format(
        subject=f"subjects.load({spec!r})" if spec else "subjects.BuiltinSubject()",
        claim=finding.claim,
        level=finding.level,
        max_samples=finding.max_samples,
        example=pinned_example(finding),
        premises="inside" if inside else "outside",
        name=finding.claim.replace(".", "_"),
        guard=f"assume({'not ' * inside}claim.broken_premises(scenario))",
    )
