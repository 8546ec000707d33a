"""The paper that doubts the equivalence: claims of `ntkverify/claims/paper.py`."""

from ntkverify.pytest_plugin import parametrize_with_family, try_claim


@parametrize_with_family("paper")
def test_paper(claim, premises, hunt):
    try_claim(hunt, claim, premises)
