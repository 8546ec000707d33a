"""What is raised for a claim that failed inside its premises. Imports neither torch nor Hypothesis."""

from ntkverify.errors import NtkverifyError
from ntkverify.findings import Finding, Verdict


class ClaimRefuted(NtkverifyError, AssertionError):
    """A claim failed inside its premises; `finding` holds the scenario and the numbers, `folder` its record."""

    def __init__(self, finding: Finding, folder: str = ""):
        super().__init__(finding)
        self.finding, self.folder = finding, folder

    def __str__(self) -> str:
        failed = [m for m in self.finding.measurements if m.verdict is not Verdict.HOLDS]
        lines = [f"{self.finding.claim} {self.finding.verdict} for {self.finding.subject}"]
        lines += [f"  {line}" for measurement in failed for line in measurement.lines]
        lines += [self.finding.error] if self.finding.error else []
        lines += [f"  diagnosis, {self.finding.diagnosis}"] if self.finding.diagnosis else []
        lines += [f"  the search for its cause crashed, {crash}" for crash in self.finding.undiagnosed]
        place = f"{self.folder}#" if self.folder else ""
        lines += [f"  replay: ntkverify replay '{place}{self.finding.id}'"] if self.finding.scenario else []
        return "\n".join(lines)
