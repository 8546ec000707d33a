"""How networks train: claims of `ntkverify/claims/training`."""

from ntkverify.pytest_plugin import parametrize_with_family


@parametrize_with_family("training")
def test_training(claim, premises, try_claim):
    try_claim(claim, premises)
