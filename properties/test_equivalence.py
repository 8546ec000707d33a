"""Trained networks against kernel regression: claims of `ntkverify/claims/equivalence`."""

from ntkverify.pytest_plugin import parametrize_with_family, try_claim


@parametrize_with_family("equivalence")
def test_equivalence(claim, premises, hunt):
    try_claim(hunt, claim, premises)
