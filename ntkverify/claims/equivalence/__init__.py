"""Claims about trained networks: that they are kernel regression."""

from ntkverify.claims.equivalence import ensemble, regression

CLAIMS = (*regression.CLAIMS, *ensemble.CLAIMS)
