"""Writes report.html and report.md into a run's folder."""

import functools
import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

from ntkverify.findings import Finding, Measurement, Verdict
from ntkverify.reports import pinning, words
from ntkverify.reports.coverage import reached, tally
from ntkverify.reports.falling import falls_with, weakest
from ntkverify.reports.formulas import formula_in_html
from ntkverify.reports.heat import heat
from ntkverify.reports.pictures import pictures
from ntkverify.reports.table import Row, rows
from ntkverify.reports.totals import smallest_seen, totals
from ntkverify.runs import Run

HTML, MARKDOWN = "report.html", "report.md"
MOST_MARKDOWN = 1_000_000
"""Bytes; GitHub shows no step summary of 1,024 KiB or more."""
MOST_MEASUREMENTS = 12
"""Of one finding that are shown."""
LONGEST_ERROR = 4000
SIGNS = {Verdict.HOLDS: "✓", Verdict.FAILS: "✗", Verdict.UNDECIDED: "?", Verdict.OUT_OF_SCOPE: "\N{EN DASH}"}


def write(run: Run) -> Path:
    """Renders the run's findings; returns the page's path. Sizes are bounded whatever the run's length."""
    environment, page = _environment(run), _page(run)
    for name in (HTML, MARKDOWN):
        text = environment.get_template(f"{name}.jinja").render(page)
        text = cut(text, MOST_MARKDOWN) if name == MARKDOWN else text
        (run.folder / name).write_text(text, encoding="utf-8")
    return run.folder / HTML


def cut(text: str, most: int) -> str:
    """At most `most` bytes of `text`: whole lines, and a last one that says how much is left out."""
    size = len(text.encode())
    if size <= most:
        return text
    room = most - 200
    kept = text.encode()[:room].decode(errors="ignore").rpartition("\n")[0]
    fence = "\n```" * (kept.count("\n```") % 2)
    left = size - len(kept.encode())
    return f"{kept}{fence}\n\nLeft out here: the last {left:,} of {size:,} bytes. The run's own report has all of it.\n"


def _environment(run: Run):
    from jinja2 import Environment, PackageLoader, select_autoescape
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("ntkverify", "reports"),
        autoescape=select_autoescape(["html.jinja"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "as_json": functools.partial(json.dumps, sort_keys=True),
        "diagnosed": words.diagnosis_in_words,
        "duration": words.duration,
        "formula": lambda formula: Markup(formula_in_html(formula)),
        "heat": heat,
        "in_words": words.scenario_in_words,
        "measured": words.measurement_in_words,
        "pictures": pictures,
        "pinned": functools.partial(pinning.pinned_test, run),
        "replay": functools.partial(pinning.replay_command, run),
        "shortened": _shortened,
        "shown_measurements": _shown,
        "sign": SIGNS.get,
        "smallest_seen": smallest_seen,
        "tally": tally,
    }
    return environment


def _page(run: Run) -> dict[str, Any]:
    """What the templates are filled with."""
    table, claims = rows(run), run.header["claims"]
    failed = [row.claim for row in table if row.verdict is Verdict.FAILS]
    counted = Counter(row.verdict for row in table)
    return {
        "header": run.header,
        "claims": claims,
        "rows": table,
        "families": [(name, list(some)) for name, some in itertools.groupby(table, _family)],
        "verdicts": [(verdict, counted[verdict]) for verdict in SIGNS if counted[verdict]],
        "failed": failed,
        "weakest": [
            (claim, [(other, other in failed) for other in falls_with(claim, claims)])
            for claim in weakest(failed, claims)
        ],
        "linked": {row.claim for row in table},
        "totals": totals(run),
        "versions": ", ".join(f"{name} {value}" for name, value in sorted(_versions(run))),
        "reached": reached(run),
    }


def _family(row: Row) -> str:
    return row.claim.partition(".")[0]


def _versions(run: Run) -> set[tuple[str, str]]:
    return {item for finding in run.findings for item in finding.versions.items()}


def _shown(finding: Finding) -> list[Measurement]:
    """The measurements that did not hold first, and not too many."""
    ordered = sorted(finding.measurements, key=lambda measurement: measurement.verdict is Verdict.HOLDS)
    return ordered[:MOST_MEASUREMENTS]


def _shortened(error: str) -> str:
    """The end of a traceback, which says what went wrong."""
    return error if len(error) <= LONGEST_ERROR else f"(its start is left out)\n{error[-LONGEST_ERROR:]}"
