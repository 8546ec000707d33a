"""Writes report.html and report.md into a run's folder."""

from pathlib import Path

from ntkverify.reports.pictures import picture
from ntkverify.reports.table import rows
from ntkverify.reports.words import measurement_in_words, scenario_in_words
from ntkverify.runs import Run

HTML, MARKDOWN = "report.html", "report.md"


def write(run: Run) -> Path:
    """Renders the run's findings; returns the page's path."""
    from jinja2 import Environment, PackageLoader, select_autoescape

    environment = Environment(
        loader=PackageLoader("ntkverify", "reports"),
        autoescape=select_autoescape(["html.jinja"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "in_words": scenario_in_words,
        "measured": measurement_in_words,
        "picture": picture,
    }
    table = rows(run)
    for name in (HTML, MARKDOWN):
        text = environment.get_template(f"{name}.jinja").render(
            header=run.header, rows=table, claims=run.header["claims"], folder=run.folder.name
        )
        (run.folder / name).write_text(text, encoding="utf-8")
    return run.folder / HTML
