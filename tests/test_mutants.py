"""Mutants can be planted: each is one edit of a file that still compiles, and names tests that are there."""

import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "ci"))

from mutants import failures  # noqa: E402
from mutations import AREAS  # noqa: E402

MUTANTS = [mutant for mutants in AREAS.values() for mutant in mutants]


@pytest.mark.parametrize("area", AREAS)
def test_each_is_one_edit_of_a_file_that_still_compiles(area):
    for mutant in AREAS[area]:
        path = ROOT / "ntkverify" / mutant.file
        text = path.read_text(encoding="utf-8")
        mutated = mutant.applied(text)
        assert mutated != text, mutant.name
        compile(mutated, str(path), "exec")


def test_each_has_a_name_of_its_own():
    assert not [name for name, count in Counter(mutant.name for mutant in MUTANTS).items() if count > 1]


def test_each_names_tests_that_are_there():
    for mutant in MUTANTS:
        assert mutant.tests, mutant.name
        for test in mutant.tests:
            path, _, name = test.partition("::")
            assert (ROOT / path).exists(), mutant.name
            assert not name or f"def {name}(" in (ROOT / path).read_text(), mutant.name


def test_an_edit_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="0 times, not once"):
        MUTANTS[0].applied("another text")


def test_what_failed_is_read_from_the_summary():
    output = "..F\nFAILED tests/a.py::test_b[x - y] - assert 1 == 2\nERROR tests/c.py - ImportError\n1 failed"
    assert failures(output) == ["tests/a.py::test_b[x - y]", "tests/c.py"]
