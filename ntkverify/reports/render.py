"""Writes report.html and report.md into a run's folder."""

import functools
import itertools
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntkverify.findings import Finding, Measurement, Verdict
from ntkverify.reports import pinning, words
from ntkverify.reports.coverage import missed, reached, tallies
from ntkverify.reports.falling import fallen_claims, weakest
from ntkverify.reports.formulas import formula_in_mathml
from ntkverify.reports.grouping import causes
from ntkverify.reports.heat import heat
from ntkverify.reports.laws import laws
from ntkverify.reports.maps import read_maps
from ntkverify.reports.pictures import pictures
from ntkverify.reports.table import rows
from ntkverify.reports.totals import smallest_seen, totals
from ntkverify.runs import Run, writing

if TYPE_CHECKING:
    from jinja2 import Environment

HTML, MARKDOWN = "report.html", "report.md"
MOST_MARKDOWN = 1_000_000
"""How many bytes a page may have: GitHub shows no step summary of 1,024 KiB or more."""
ROOM_TO_SAY_SO = 100
MOST_MEASUREMENTS = 6
"""How many measurements of one finding are shown."""
LONGEST_ERROR = 2000
SIGNS = {Verdict.HOLDS: "✓", Verdict.FAILS: "✗", Verdict.UNDECIDED: "?", Verdict.OUT_OF_SCOPE: "\N{EN DASH}"}


def write(run: Run) -> Path:
    """Writes the run's report.html and report.md; returns the first's path.

    Their sizes are bounded whatever the run's length. Raises NotWritable where the folder cannot be written to.
    """
    page = _environment(run).get_template(f"{HTML}.jinja").render(_page(run))
    for name, text in ((HTML, page), (MARKDOWN, markdown(run))):
        with writing(run.folder):
            (run.folder / name).write_text(text, encoding="utf-8")
    return run.folder / HTML


def markdown(run: Run, most: int = MOST_MARKDOWN) -> str:
    """Returns the run as a page of Markdown of at most `most` bytes.

    The last sections are left out where they do not fit, which the end says; where not even that
    fits, all is.
    """
    page = _page(run)
    template: Any = _environment(run).get_template(f"{MARKDOWN}.jinja").make_module(page)  # with its macros
    stories = [template.story(row) for row in page["rows"] if row.defect or row.findings]
    parts = [template.head(), *stories, template.untried()]
    sizes = itertools.accumulate(len(part.encode()) for part in parts)
    if sum(len(part.encode()) for part in parts) <= most:
        return "".join(parts)
    kept = [part for part, size in zip(parts, sizes, strict=True) if size <= most - ROOM_TO_SAY_SO]
    left = len(parts) - len(kept)
    end = f"\nLeft out here: the last {left} of {len(parts)} sections. The run's report.html says more.\n"
    return "".join([*kept, end]) if most >= ROOM_TO_SAY_SO else ""


def _environment(run: Run) -> "Environment":
    from jinja2 import Environment, PackageLoader, select_autoescape
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("ntkverify", "reports"),
        autoescape=select_autoescape(["html.jinja"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "as_json": pinning.scenario_json,
        "duration": words.duration,
        "formula": lambda latex: Markup(formula_in_mathml(latex)),
        "heat": heat,
        "in_words": words.scenario_in_words,
        "laws": laws,
        "missed": functools.partial(missed, run),
        "measured": words.measurement_in_words,
        "pictures": pictures,
        "pinned": functools.partial(pinning.pinned_test, run),
        "replay": functools.partial(pinning.replay_command, run),
        "shortened": _shortened,
        "shown_measurements": _shown,
        "sign": SIGNS.get,
        "smallest_seen": smallest_seen,
        "tallies": tallies,
    }
    return environment


def _page(run: Run) -> dict[str, Any]:
    """Returns what the templates are filled with."""
    every, claims = rows(run), run.header["claims"]
    table = [row for row in every if row.was_tried]
    found = causes(table)
    failed = [row.claim for row in table if row.verdict is Verdict.FAILS]
    counted, families = Counter(row.verdict for row in every), defaultdict(list)
    for row in table:
        families[row.claim.partition(".")[0]].append(row)
    return {
        "header": run.header,
        "claims": claims,
        "rows": table,
        "out_of_scope": [row.claim for row in every if not row.was_tried],
        "families": list(families.items()),
        "verdicts": [(verdict, counted[verdict]) for verdict in SIGNS if counted[verdict]],
        "failed": failed,
        "causes": found,
        "told_by": {claim: cause.shown.claim for cause in found for claim in cause.claims},
        "weakest": weakest(failed, claims),
        "falls": {
            claim: [(other, other in failed) for other in fallen_claims(claim, claims)] for claim in failed
        },
        "blamed": {
            claim: [(other, False) for other in failed if claim in fallen_claims(other, claims)]
            for claim in failed
        },
        "linked": {row.claim for row in table},
        "totals": totals(run),
        "versions": ", ".join(f"{name} {value}" for name, value in sorted(_versions(run)) if value),
        "reached": reached(run),
        "maps": read_maps(run),
    }


def _versions(run: Run) -> set[tuple[str, str]]:
    return {item for finding in run.findings for item in finding.versions.items()}


def _shown(finding: Finding) -> list[Measurement]:
    """Returns the measurements that did not hold before others, and not too many."""
    ordered = sorted(finding.measurements, key=lambda measurement: measurement.verdict is Verdict.HOLDS)
    return ordered[:MOST_MEASUREMENTS]


def _shortened(error: str) -> str:
    """Returns the end of a traceback, which says what went wrong; it cannot close Markdown's fence."""
    error = error.replace("```", "'''")
    return error if len(error) <= LONGEST_ERROR else f"(its start is left out)\n{error[-LONGEST_ERROR:]}"
