"""How networks train: claims of `ntkverify/claims/training`."""

from ntkverify.pytest_plugin import parametrize_with_family, try_claim


@parametrize_with_family("training")
def test_training(claim, premises, hunt):
    try_claim(hunt, claim, premises)
