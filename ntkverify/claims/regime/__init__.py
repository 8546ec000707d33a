"""Where networks are known not to be kernel regression: each failure, and how large theory expects it.

A claim of this family holds where the failure is seen at its size. One that is not seen is a defect: of
the theory, or of a suite that is blind there.
"""

from ntkverify.claims.regime import losses, modules, scales, shapes, steps

CLAIMS = (*scales.CLAIMS, *steps.CLAIMS, *losses.CLAIMS, *shapes.CLAIMS, *modules.CLAIMS)
