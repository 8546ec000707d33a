"""What claims assume of the widths."""

from ntkverify.premises.premise import Premise
from ntkverify.scenarios import Scenario

WIDEST_DEPTH_RATIO = 16
"""Units per hidden layer and per layer of depth above which the leading order in depth / width rules."""


def narrowest(scenario: Scenario) -> int:
    """Units of the narrowest hidden layer of all the scenario's networks; 0 where there is none."""
    return min((n for width in scenario.widths for n in scenario.hidden_widths(width)), default=0)


WIDE = Premise(
    name="wide",
    statement=f"there is a hidden layer, and each has at least {WIDEST_DEPTH_RATIO} units per layer of depth",
    holds=lambda scenario: (
        scenario.arch.depth >= 1 and narrowest(scenario) >= WIDEST_DEPTH_RATIO * scenario.arch.depth
    ),
)
NO_BOTTLENECK = Premise(
    name="no bottleneck",
    statement="every hidden layer grows",
    holds=lambda scenario: not any(scenario.profile),
)
