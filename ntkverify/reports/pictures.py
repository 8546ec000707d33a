"""Pictures of the evidence, as inline SVG."""

from ntkverify.drawing import BLUE, GREY, ORANGE, svg
from ntkverify.findings import Finding
from ntkverify.reports.words import law_in_words


def picture(finding: Finding) -> str:
    """An SVG of the finding's first measurement that has a picture, or nothing."""
    for measurement in finding.measurements:
        if "width" in measurement.series:
            return _rate(measurement.series)
        if "eigenvalue" in measurement.series:
            return _spectrum(measurement.series["eigenvalue"], measurement.allowed[0])
    return ""


def _rate(series: dict[str, tuple[float, ...]]) -> str:
    figure, axes = _axes("width", "relative distance to the limit")
    axes.loglog(series["width"], series["distance"], "o", color=BLUE, label="measured (geometric mean)")
    axes.loglog(series["width"], series["fitted"], "-", color=BLUE, label=law_in_words(series))
    axes.loglog(series["width"], series["predicted"], "--", color=ORANGE, label="theory: width^(-1/2)")
    axes.set_xticks(series["width"], [f"{width:g}" for width in series["width"]])
    axes.minorticks_off()
    axes.legend(frameon=False)
    return svg(figure)


def _spectrum(eigenvalues: tuple[float, ...], bound: float) -> str:
    figure, axes = _axes("index", "eigenvalue / largest")
    relative = [value / eigenvalues[-1] for value in reversed(eigenvalues)]
    axes.semilogy(range(1, len(relative) + 1), relative, "o", color=BLUE, label="eigenvalues above zero")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.axhline(bound, linestyle="--", color=ORANGE, label="rounding bound")
    axes.legend(frameon=False)
    return svg(figure)


def _axes(x_label: str, y_label: str):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 3.2), layout="constrained")
    axes = figure.add_subplot(xlabel=x_label, ylabel=y_label)
    axes.grid(color=GREY, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
