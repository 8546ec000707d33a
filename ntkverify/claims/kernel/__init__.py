"""Claims about the analytic kernels: deterministic, judged at rounding level."""

from ntkverify.claims.kernel import deep, robustness, spectrum, structure, values

CLAIMS = (*structure.CLAIMS, *values.CLAIMS, *spectrum.CLAIMS, *deep.CLAIMS, *robustness.CLAIMS)
