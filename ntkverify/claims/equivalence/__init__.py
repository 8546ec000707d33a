"""Claims about trained networks: that they are kernel regression."""

from ntkverify.claims.equivalence import decades, ensemble, regression

CLAIMS = (*regression.CLAIMS, *decades.CLAIMS, *ensemble.CLAIMS)
