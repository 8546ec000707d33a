"""Claims about finite networks before training."""

from ntkverify.claims.initialisation import fluctuation, limit, mean, parameterisation

CLAIMS = (*parameterisation.CLAIMS, *mean.CLAIMS, *fluctuation.CLAIMS, *limit.CLAIMS)
