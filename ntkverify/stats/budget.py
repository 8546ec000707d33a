"""How the false-alarm probability of a whole run is shared out."""

from dataclasses import dataclass

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

    def __post_init__(self):
        checks.probability("total", self.total)
        checks.count("claims", self.claims, 1)
        checks.count("examples", self.examples, 1)

    @property
    def per_decision(self) -> float:
        """The false-alarm rate that one decision may spend."""
        return self.total / (self.claims * self.examples)
