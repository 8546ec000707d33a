"""Trained networks against kernel regression: claims of `ntkverify/claims/equivalence`."""

from ntkverify.pytest_plugin import parametrize_with_family


@parametrize_with_family("equivalence")
def test_equivalence(claim, premises, try_claim):
    try_claim(claim, premises)
