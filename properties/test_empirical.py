"""The empirical NTK of torch modules: claims of `ntkverify/claims/empirical.py`."""

from ntkverify.pytest_plugin import parametrize_with_family


@parametrize_with_family("empirical")
def test_empirical(claim, premises, try_claim):
    try_claim(claim, premises)
