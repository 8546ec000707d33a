"""The paper that doubts the equivalence: claims of `ntkverify/claims/paper.py`."""

from ntkverify.pytest_plugin import parametrize_with_family


@parametrize_with_family("paper")
def test_paper(claim, premises, try_claim):
    try_claim(claim, premises)
