"""Claims about how finite networks train: exactly where they are linear, and how soon they are."""

from ntkverify.claims.training import last_layer, laziness, linearised

CLAIMS = (*linearised.CLAIMS, *laziness.CLAIMS, *last_layer.CLAIMS)
