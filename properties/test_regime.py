"""Where networks are known not to be kernel regression: claims of `ntkverify/claims/regime`."""

from ntkverify.pytest_plugin import parametrize_with_family


@parametrize_with_family("regime")
def test_regime(claim, premises, try_claim):
    try_claim(claim, premises)
