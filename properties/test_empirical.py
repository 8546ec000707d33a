"""The empirical NTK of torch modules: claims of `ntkverify/claims/empirical.py`."""

from ntkverify.pytest_plugin import parametrize_with_family, try_claim


@parametrize_with_family("empirical")
def test_empirical(claim, premises, hunt):
    try_claim(hunt, claim, premises)
