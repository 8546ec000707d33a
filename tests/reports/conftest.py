"""Runs to report on, of right kernels and of wrong ones; and the browser that opens their pages."""

from dataclasses import replace

import browser
import pytest

import ntkverify as nv
from ntkverify import reports, subjects
from ntkverify.budgets import Budget
from ntkverify.causes import Diagnosis, GapTerm, Suspect
from ntkverify.claims import CATALOGUE, Effort, examine
from ntkverify.data import Points
from ntkverify.findings import Finding
from ntkverify.hunt import ClaimRefuted, Hunt, describe
from ntkverify.recipes import Recipe
from ntkverify.runs import Run
from ntkverify.scenarios import Scenario

BUDGET = Budget(name="quick", examples=12, stochastic_examples=1, max_samples=64, widths=(128, 64, 32, 16, 8))
CLAIMS = (
    "kernel.oracle",
    "kernel.ntk_dominates_nngp",
    "kernel.strictly_positive",
    "regime.large_steps",
)
POINTS = Points(source="sphere", count=3, dimension=2)
WIDE = Scenario(architecture=nv.mlp(inputs=2, depth=1, bias_std=1.0), points=POINTS, widths=BUDGET.widths)
SINGLE = {
    "initialisation.ntk_rate": WIDE,
    "empirical.rank_at_most_parameters": replace(WIDE, widths=(), module=Recipe(kind="tied", width=3)),
}
"""Claims that are costly to hunt, on one scenario each."""
SUBJECT = """
import ntkverify as nv

class Subject(nv.BuiltinSubject):
    def ntk(self, arch, x1, x2):
        return super().ntk(arch, x1, x2) - FAULT * super().nngp(arch, x1, x2)

mine = Subject(name="mine")
"""
DIAGNOSIS = Diagnosis(
    kernel="NTK",
    distance=0.5,
    accuracy=1e-12,
    suspects=(Suspect(slip="<the last layer is left out>", left=0.0), Suspect(slip="no bias", left=0.3)),
)
TERM = GapTerm(name="moving kernel", size=0.01, share=0.25, theory="-1/2", slope=(-0.5, -0.6, -0.4))


def write_subject(folder, fault: int) -> str:
    """Its spec; a fault of 1 leaves the last layer's weights out of the NTK, one of 0 nothing."""
    path = folder / "mine.py"
    path.write_text(SUBJECT.replace("FAULT", str(fault)))
    return f"{path}:mine"


def make_run(folder, fault: int, seed: int = 0) -> Run:
    """A small run of a few claims, written down and rendered."""
    spec = write_subject(folder, fault)
    subject = subjects.load(spec)
    run = Run.start(folder / "reports", {**describe(subject, BUDGET, seed), "spec": spec})

    def record(finding: Finding) -> None:
        if finding.minimal and finding.is_defect:
            told = {"irrelevant": ("the seed",), "diagnosis": DIAGNOSIS, "gap": (TERM,)}
            finding = replace(finding, **told)
        run.record(finding)

    hunt = Hunt(subject=subject, budget=BUDGET, seed=seed, record=record, progress=lambda *_: None)
    for claim in map(CATALOGUE.__getitem__, CLAIMS):
        try:
            hunt.inside(claim)
            if claim.outside:
                hunt.outside(claim)
        except ClaimRefuted:
            pass
    for claim, scenario in SINGLE.items():
        run.record(examine(CATALOGUE[claim], subject, scenario, Effort(level=1e-5, max_samples=64)))
    reports.write(run)
    return run


@pytest.fixture(scope="session")
def good(tmp_path_factory) -> Run:
    """A run of right kernels."""
    return make_run(tmp_path_factory.mktemp("good"), 0)


@pytest.fixture(scope="session")
def failing(tmp_path_factory) -> Run:
    """A run of wrong kernels."""
    return make_run(tmp_path_factory.mktemp("failing"), 1)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """A browser without a window."""
    if browser.executable() is None:
        pytest.skip("no Chromium here: ci/chromium.sh installs one where it can")
    with browser.started(tmp_path_factory.mktemp("profile")) as page:
        yield page
