"""Claims about the analytic kernels: deterministic, judged at rounding level."""

from ntkverify.claims.kernel import deep, definiteness, rank, reach, robustness, structure, values

CLAIMS = (
    *structure.CLAIMS,
    *values.CLAIMS,
    *definiteness.CLAIMS,
    *rank.CLAIMS,
    *deep.CLAIMS,
    *robustness.CLAIMS,
    *reach.CLAIMS,
)
