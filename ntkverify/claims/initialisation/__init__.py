"""Claims about finite networks before training."""

from ntkverify.claims.initialisation import limit, moments, parameterisation

CLAIMS = (*parameterisation.CLAIMS, *moments.CLAIMS, *limit.CLAIMS)
