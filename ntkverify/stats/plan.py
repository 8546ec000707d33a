"""What a decision was asked to show, and how many draws that takes."""

from dataclasses import dataclass

import numpy as np

from ntkverify.findings import Statistics
from ntkverify.stats.confirmation import Betting
from ntkverify.stats.location import samples_needed, standard_deviation, visible_discrepancy


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The arguments of `decide_mean` once they are checked; see there."""

    allowed: tuple[float, float]
    level: float
    resolution: float
    power: float
    screen: int
    max_samples: int
    screen_level: float
    confirm: Betting

    @property
    def stage_power(self) -> float:
        """Is each stage's power: both must see a violation, so each may miss half of what the whole may."""
        return (1 + self.power) / 2

    def screening_draws(self, spread: float) -> int:
        """Counts the draws of the screen that a violation of `resolution` takes."""
        return samples_needed(self.resolution, spread, self.screen_level, self.stage_power)

    def confirming_draws(self, spread: float) -> int:
        """Counts the draws of the confirmation: what `resolution` takes, within `max_samples`."""
        return min(self.max_samples, self.confirm.needed(self.resolution, spread, self.stage_power))

    def statistics(self, screened: np.ndarray, samples: int) -> Statistics:
        """States the three forms, from the screen's (n,) draws; `samples` counts those of both stages."""
        spread = standard_deviation(screened)
        by_screen = visible_discrepancy(screened.size, spread, self.screen_level, self.stage_power)
        by_confirming = self.confirm.visible(self.confirming_draws(spread), spread, self.stage_power)
        needed = self.confirm.needed(self.resolution, spread, self.stage_power)
        return Statistics(
            level=self.level,
            samples=samples,
            visible=max(by_screen, by_confirming),
            resolution=self.resolution,
            needed=max(self.screen, self.screening_draws(spread), needed),
            power=self.power,
            method=f"screen: Student's t at {self.screen_level:g}; confirm: {self.confirm.describe()}",
        )
