"""A search for a failure's cause that crashes is told, wherever the failure is."""

import ntkverify as nv
from ntkverify import diagnosis
from ntkverify.budgets import Budget
from ntkverify.findings import Finding, Verdict
from ntkverify.hunt import ClaimRefuted

TINY = Budget(name="tiny", examples=5, stochastic_examples=1, max_samples=64, widths=(64, 32, 16, 8, 4))


class TwiceTooLarge(nv.BuiltinSubject):
    def ntk(self, arch, x1, x2):
        return 2 * super().ntk(arch, x1, x2)


def test_a_crash_of_the_diagnosis_is_told_and_the_failure_stands(monkeypatch, tmp_path):
    def crash(subject, arch):
        raise ZeroDivisionError("no such slip")

    monkeypatch.setattr(diagnosis, "diagnose", crash)
    found = nv.check(TwiceTooLarge(name="twice"), ["kernel.oracle"], budget=TINY)
    (failed,) = [finding for finding in found if finding.minimal]
    assert failed.verdict is Verdict.FAILS and failed.diagnosis is None
    assert failed.undiagnosed == ("known slips: ZeroDivisionError: no such slip",)
    assert Finding.from_json(failed.to_json()) == failed
    told = "he search for its cause crashed, known slips: ZeroDivisionError: no such slip"
    assert told in str(ClaimRefuted(failed))
    page = nv.write_report(found, tmp_path)
    assert told in page.read_text() and told in (page.parent / "report.md").read_text()
