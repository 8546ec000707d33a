"""What was measured, as frozen values and as lines of JSON. Imports neither torch nor NumPy."""

import functools
import hashlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from ntkverify import serialization
from ntkverify.causes import Diagnosis, GapTerm
from ntkverify.errors import InvalidArgument
from ntkverify.witness import Witness


class Verdict(StrEnum):
    """The answer to one question; `UNDECIDED` is never counted as a pass."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"
    OUT_OF_SCOPE = "out_of_scope"


def weakest(verdicts: list[Verdict]) -> Verdict:
    """Joins verdicts: one failure fails, one open question leaves the whole open; none is undecided."""
    for verdict in (Verdict.FAILS, Verdict.UNDECIDED, Verdict.HOLDS, Verdict.OUT_OF_SCOPE):
        if verdict in verdicts:
            return verdict
    return Verdict.UNDECIDED


TOLD = (-math.inf, math.inf)
"""What is allowed of a number that is told and not judged."""


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Says how far a random measurement can be trusted: the three forms of a statistical assertion.

    `level` is its false-alarm rate; `visible` the smallest violation that `samples` draws
    show with probability `power`; `needed` the draws that a violation of `resolution` takes.
    """

    level: float
    samples: int
    visible: float
    resolution: float
    needed: int
    power: float
    method: str


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One number held against what theory allows.

    allowed: the closed range that theory allows, already widened by `tolerance`; TOLD for what is not judged.
    interval: where the true value lies, for a random measurement.
    series: named columns of equal length, for pictures. witness: the inputs that show it best, where it is about
    single entries.
    """

    name: str
    verdict: Verdict
    value: float
    allowed: tuple[float, float]
    tolerance: str = ""
    interval: tuple[float, float] | None = None
    statistics: Statistics | None = None
    series: dict[str, tuple[float, ...]] = field(default_factory=dict)
    witness: Witness | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """Says in lines of text what was got and what was allowed: the counterexample before any ratio."""
        if self.witness is None:
            return (f"{self.name}: got {self.value:.6g}, {_allowed(*self.allowed)}{self._why}",)
        number = "got" if self.witness.wanted is None else "relative error"
        ratio = f"{number} {self.value:.3g}, {_allowed(*self.allowed)}{self._why}"
        return (f"{self.name}: {self.witness.lines[0]}", *self.witness.lines[1:], ratio)

    @property
    def _why(self) -> str:
        return f" ({self.tolerance})" if self.tolerance else ""

    @property
    def is_told(self) -> bool:
        """Tells whether the number is an answer of its own, which nothing is expected of."""
        return self.allowed == TOLD


def _allowed(low: float, high: float) -> str:
    if low == high:
        return f"expected {low:.4g}"
    if low == -math.inf:
        return f"expected at most {high:.4g}"
    if high == math.inf:
        return f"expected at least {low:.4g}"
    return f"allowed {high:.3g}" if low == 0 else f"expected {low:.4g} to {high:.4g}"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One claim measured on one scenario: all that is needed to read it, and to replay it.

    A minimal counterexample also has, where they apply: irrelevant, the parts of the scenario that could be
    anything else; diagnosis, why a kernel is wrong; gap, why a trained network differs; undiagnosed, which of
    these searches crashed, and how.
    """

    claim: str
    subject: str
    verdict: Verdict
    scenario: dict[str, Any]
    level: float
    max_samples: int
    broken_premises: tuple[str, ...] = ()
    minimal: bool = False
    measurements: tuple[Measurement, ...] = ()
    error: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    irrelevant: tuple[str, ...] = ()
    diagnosis: Diagnosis | None = None
    gap: tuple[GapTerm, ...] = ()
    undiagnosed: tuple[str, ...] = ()

    @functools.cached_property
    def id(self) -> str:
        """Names the question, neither the answer nor the effort: the same on every machine and in every run."""
        asked = [self.claim, self.subject, self.scenario]
        return hashlib.sha256(serialization.to_json(asked).encode()).hexdigest()[:12]

    @property
    def is_defect(self) -> bool:
        """Tells whether the claim failed although every premise of the theorem is met."""
        return self.verdict is Verdict.FAILS and not self.broken_premises

    @property
    def is_outside(self) -> bool:
        """Tells whether it was measured where the theorem promises nothing."""
        return bool(self.broken_premises)

    def untimed(self) -> "Finding":
        """Drops what differs between two runs of the same question."""
        return replace(self, seconds=0.0)

    def to_json(self) -> str:
        """Writes one line of JSON, whose floats read back to the last digit."""
        return serialization.to_json({"id": self.id, **serialization.to_plain(self)})

    @staticmethod
    def from_json(text: str) -> "Finding":
        """Reads a line that `to_json` wrote; raises InvalidArgument for anything else."""
        plain = serialization.from_json(text, dict[str, Any])
        plain.pop("id", None)
        return serialization.from_plain(plain, Finding)


def summary(findings: list[Finding]) -> Verdict:
    """Gives a claim's verdict over the scenarios inside its premises.

    One failure refutes it, and it holds only where at least one measurement was decisive and none crashed.
    """
    verdicts = {finding.verdict for finding in findings if not finding.is_outside}
    crashed = any(finding.error for finding in findings)
    best = (Verdict.UNDECIDED,) if crashed else (Verdict.HOLDS, Verdict.UNDECIDED)
    for verdict in (Verdict.FAILS, *best):
        if verdict in verdicts:
            return verdict
    return Verdict.OUT_OF_SCOPE


def append(path: Path, finding: Finding) -> None:
    """Adds one line to a journal of findings and hands it to the operating system at once."""
    with path.open("a", encoding="utf-8") as journal:
        journal.write(finding.to_json() + "\n")
        journal.flush()
        os.fsync(journal.fileno())


def read(path: Path) -> Iterator[Finding]:
    """Reads the findings of a journal in order; a last line cut short by a killed run is left out.

    Raises InvalidArgument, naming the line, for one that is no record.
    """
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
        if not line.endswith(b"\n"):
            continue
        try:
            yield Finding.from_json(line.decode())
        except ValueError as error:  # InvalidArgument is one
            got = f"{path}, line {number}: {getattr(error, 'got', error)}"
            remedy = "Delete that line to read the others, or run it again."
            raise InvalidArgument("run", got, "the record of a finding", remedy) from error
