"""Finite networks before training: claims of `ntkverify/claims/initialisation/`."""

from ntkverify.pytest_plugin import parametrize_with_family, try_claim


@parametrize_with_family("initialisation")
def test_initialisation(claim, premises, hunt):
    try_claim(hunt, claim, premises)
