"""Decisions about random draws, each with a false-alarm rate and a smallest visible violation."""

from ntkverify.stats.betting_power import betting_samples_needed, betting_visible
from ntkverify.stats.budget import Effort, ErrorBudget
from ntkverify.stats.calibration import Calibration, detections, false_alarms, simulated_source
from ntkverify.stats.eprocess import betting_interval, betting_test
from ntkverify.stats.location import mean_interval, samples_needed, visible_discrepancy
from ntkverify.stats.scaling import (
    PowerLaw,
    curvature_interval,
    fit_power_law,
    replicate_slopes,
    width_reaching,
)
from ntkverify.stats.sequential import Decision, Draw, decide_mean

__all__ = [
    "Calibration",
    "Decision",
    "Draw",
    "Effort",
    "ErrorBudget",
    "PowerLaw",
    "betting_interval",
    "betting_samples_needed",
    "betting_test",
    "betting_visible",
    "curvature_interval",
    "decide_mean",
    "detections",
    "false_alarms",
    "fit_power_law",
    "mean_interval",
    "replicate_slopes",
    "samples_needed",
    "simulated_source",
    "visible_discrepancy",
    "width_reaching",
]
