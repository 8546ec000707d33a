"""What theorems assume, one premise for each name: of inputs, architectures, widths, training and modules."""

from ntkverify.premises.architectures import (
    BIASED,
    CRITICAL_RELU,
    EXACT_MEAN,
    GAUSSIAN,
    GAUSSIAN_FIRST_LAYER,
    HOMOGENEOUS,
    LOW_RANK,
    NO_CUSP,
    NO_HIDDEN_LAYER,
    NON_POLYNOMIAL,
    REPRESENTABLE,
    UNBIASED,
    UNIFORM,
)
from ntkverify.premises.inputs import APART, CLOSE_PAIR, DISTINCT, ONE_INPUT, SEPARATED
from ntkverify.premises.modules import MORE_THAN_PARAMETERS
from ntkverify.premises.premise import Premise
from ntkverify.premises.training import (
    FINISHED,
    LARGE_STEPS,
    LAZY,
    MODERATE_STEPS,
    SMALL_STEPS,
    STABLE,
    UNSATURATED,
    WELL_CONDITIONED,
)
from ntkverify.premises.widths import NO_BOTTLENECK, WIDE

__all__ = [
    "APART",
    "BIASED",
    "CLOSE_PAIR",
    "CRITICAL_RELU",
    "DISTINCT",
    "EXACT_MEAN",
    "FINISHED",
    "GAUSSIAN",
    "GAUSSIAN_FIRST_LAYER",
    "HOMOGENEOUS",
    "LARGE_STEPS",
    "LAZY",
    "LOW_RANK",
    "MODERATE_STEPS",
    "MORE_THAN_PARAMETERS",
    "NON_POLYNOMIAL",
    "NO_BOTTLENECK",
    "NO_CUSP",
    "NO_HIDDEN_LAYER",
    "ONE_INPUT",
    "REPRESENTABLE",
    "SEPARATED",
    "SMALL_STEPS",
    "STABLE",
    "UNBIASED",
    "UNIFORM",
    "UNSATURATED",
    "WELL_CONDITIONED",
    "WIDE",
    "Premise",
]
