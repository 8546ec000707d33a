"""How the false-alarm probability of a run is shared out: over decisions, and over what one of them measures."""

from dataclasses import dataclass, replace

from ntkverify.stats import checks


@dataclass(frozen=True, kw_only=True)
class ErrorBudget:
    """The false-alarm probability of a whole run, and the equal share of each decision.

    total: probability that a run in which every claim is true reports any failure.
    claims: stochastic claims in the run.
    examples: examples that each claim may try, shrinking included; each makes one decision.

    The union bound holds although Hypothesis picks each example after seeing how the earlier
    ones ended: every scenario draws from fresh streams of its own, so given the past, and so
    given the scenario picked, a decision on a true claim still fails with probability at most
    `per_decision`. The expected number of false alarms is the sum of these conditional
    probabilities whatever the rule that picked, and it bounds the probability of one. The
    same scenario tried twice repeats its draws and its verdict, so it costs nothing.

    Raises InvalidArgument for a total outside (0, 1) or a count below 1.
    """

    total: float = 1e-3
    claims: int
    examples: int

    def __post_init__(self) -> None:
        checks.probability("total", self.total)
        checks.count("claims", self.claims, 1)
        checks.count("examples", self.examples, 1)

    @property
    def per_decision(self) -> float:
        """Is the false-alarm rate that one decision may spend."""
        return self.total / (self.claims * self.examples)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Says what measuring a claim on one scenario may spend.

    level: the false-alarm probability of all its measurements together. max_samples: draws at each width.
    """

    level: float
    max_samples: int

    def split(self, *weights: int) -> tuple["Effort", ...]:
        """Splits the level over measurements in proportion to `weights`, and gives each all draws."""
        return tuple(replace(self, level=self.level * weight / sum(weights)) for weight in weights)
