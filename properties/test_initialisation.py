"""Finite networks before training: claims of `ntkverify/claims/initialisation/`."""

from ntkverify.pytest_plugin import parametrize_with_family


@parametrize_with_family("initialisation")
def test_initialisation(claim, premises, try_claim):
    try_claim(claim, premises)
