from ntkverify import pace
from ntkverify.pace import Pace


def test_time_left_is_told_from_the_scenarios_that_are_done(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: clock[0])
    mine, lines = Pace(), []
    for number in (1, 2, 3, 4):
        lines.append((mine.line("family.claim", number, 3), mine.is_due()))
        clock[0] += 60 if number == 1 else 5
    lines.append((mine.line("family.other", 1, 2), mine.is_due()))
    assert lines == [
        ("family.claim: scenario 1 of 3", True),
        ("family.claim: scenario 2 of 3, about 2 min left", True),
        ("family.claim: scenario 3 of 3, about 32 s left", False),
        ("family.claim: scenario 4, shrinking", False),
        ("family.other: scenario 1 of 2", True),
    ]
