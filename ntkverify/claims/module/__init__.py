"""Claims about someone's torch module, of which nothing is known but how to build it at any width.

Each network is held against itself: its own NTK at the start, and what that predicts of training.
"""

from ntkverify.claims.module import concentration, regime

CLAIMS = (*concentration.CLAIMS, *regime.CLAIMS)
