"""Reports: they read findings and nothing else, so an old run can be rendered again."""

from ntkverify.reports.comparison import compare, comparison_in_words
from ntkverify.reports.github import announce
from ntkverify.reports.grouping import causes
from ntkverify.reports.render import HTML, MARKDOWN, write
from ntkverify.reports.table import rows, verdict_table
from ntkverify.reports.words import measurement_in_words, scenario_in_words

__all__ = [
    "HTML",
    "MARKDOWN",
    "announce",
    "causes",
    "compare",
    "comparison_in_words",
    "measurement_in_words",
    "rows",
    "scenario_in_words",
    "verdict_table",
    "write",
]
