"""Where networks are known not to be kernel regression: claims of `ntkverify/claims/regime`."""

from ntkverify.pytest_plugin import parametrize_with_family, try_claim


@parametrize_with_family("regime")
def test_regime(claim, premises, hunt):
    try_claim(hunt, claim, premises)
