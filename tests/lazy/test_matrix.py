"""A Gaussian matrix drawn where it is asked: one matrix whatever the order of asks, and Gaussian."""

import copy
import math

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp, kstest

from ntkverify.errors import InvalidArgument
from ntkverify.lazy import TOLERANCE, LazyGaussian, matrix
from ntkverify.seeds import derive

ROWS, COLUMNS = 40, 56
LEVEL = 1e-6
"""Probability with which each test of a law would reject the right one, had its seeds been drawn."""


def normal(*names, shape):
    return torch.from_numpy(derive(0, "test", *names).standard_normal(shape))


def asked(seed: int, rows: int = ROWS, columns: int = COLUMNS, rounds: int = 4, **options):
    """A matrix after adaptive asks from both sides, what it answered, and all of it."""
    lazy = LazyGaussian(rows, columns, seed, "test", **options)
    answers, v = [], normal("start", shape=(columns, 3))
    for _ in range(rounds):
        u = lazy @ v
        answers.append(("right", v, u))
        u = torch.tanh(u)
        v = lazy.transposed_times(u)
        answers.append(("left", u, v))
        v = v / torch.linalg.vector_norm(v) + 0.1 * torch.cos(v)
    return lazy, answers, lazy @ torch.eye(columns, dtype=torch.float64)


def worst_disagreement(seed: int = 0, **options) -> float:
    """Between what was answered and the whole matrix, relative to its norm and the vectors'."""
    _, answers, whole = asked(seed, **options)
    norm = torch.linalg.matrix_norm(whole, 2)
    errors = []
    for side, vectors, answer in answers:
        right = whole @ vectors if side == "right" else whole.T @ vectors
        errors.append((answer - right).norm(dim=0) / norm / vectors.norm(dim=0))
    return float(torch.stack(errors).max())


def test_all_answers_are_those_of_one_matrix():
    # Half of the double-precision digits remain where a direction of size TOLERANCE was divided out.
    assert worst_disagreement() < 2 * TOLERANCE


def test_products_are_linear_and_the_transpose_is_the_transpose():
    lazy, _, _ = asked(1)
    a, b = normal("a", shape=(COLUMNS, 2)), normal("b", shape=(COLUMNS, 2))
    u = normal("u", shape=(ROWS, 2))
    rounding = 1e3 * torch.finfo(torch.float64).eps
    torch.testing.assert_close(lazy @ (2 * a - b), 2 * (lazy @ a) - lazy @ b, rtol=0, atol=rounding)
    torch.testing.assert_close(u.T @ (lazy @ a), lazy.transposed_times(u).T @ a, rtol=0, atol=rounding)


def test_questions_are_orthonormal_to_rounding():
    lazy = LazyGaussian(3000, 2000, 0)
    base = normal("base", shape=(2000, 8))
    for size in 10.0 ** -np.arange(0, 8):  # each block differs by less from what is known
        lazy @ (base + size * normal("near", str(size), shape=(2000, 8)))
    gram = lazy.right.questions.filled @ lazy.right.questions.filled.T
    assert len(gram) > 50
    # Sums of 2,000 products, each rounded: about sqrt(2000) of them add up.
    assert (gram - torch.eye(len(gram))).abs().max() < 2000**0.5 * torch.finfo(torch.float64).eps


def test_what_is_left_out_is_within_the_tolerance_and_on_record():
    lazy = LazyGaussian(500, 400, 0, tolerance=1e-3)
    base, near = normal("base", shape=(400, 4)), 3e-4 * normal("near", shape=(400, 4))
    first = lazy @ base
    assert lazy.right.dropped == 0
    second = lazy @ (base + near)
    lost = float((near.norm(dim=0) / base.norm(dim=0)).max())
    assert lazy.right.questions.count == 4
    assert 0.5 * lost < lazy.right.dropped <= 2 * lost  # a root sum of squares over four
    assert (second - first).norm(dim=0).max() <= lazy.error_bound() * (base + near).norm(dim=0).max()
    assert lazy.error_bound() >= lazy.right.dropped * (math.sqrt(500) + math.sqrt(400))
    lazy @ base  # of which nothing is lost
    assert lazy.right.dropped >= 0.5 * lost


def test_numbers_too_large_to_be_squared_are_asked_like_any_other():
    vectors = normal("some", shape=(5, 2))
    expected = LazyGaussian(6, 5, 0) @ vectors
    for size in (1e200, 1e-200):
        torch.testing.assert_close((LazyGaussian(6, 5, 0) @ (size * vectors)) / size, expected)


def test_nothing_new_draws_nothing():
    lazy, _, whole = asked(2)
    assert lazy.right.questions.count == COLUMNS
    torch.testing.assert_close(
        lazy @ normal("more", shape=(COLUMNS, 70)), whole @ normal("more", shape=(COLUMNS, 70))
    )
    assert lazy.right.questions.count == lazy.right.answers.count == COLUMNS
    assert not (lazy @ torch.zeros(COLUMNS, 1, dtype=torch.float64)).any()


def test_the_same_asks_give_the_same_numbers_and_copies_are_one_matrix():
    torch.testing.assert_close(asked(3)[2], asked(3)[2], rtol=0, atol=0)
    lazy = LazyGaussian(5, 5, 0)
    twin, v = copy.deepcopy(lazy), normal("twin", shape=(5, 1))
    torch.testing.assert_close(twin @ v, lazy @ v, rtol=0, atol=0)
    assert not torch.equal(LazyGaussian(5, 5, 1) @ v, lazy @ v)
    with pytest.raises(InvalidArgument, match="^tolerance: got 0"):
        LazyGaussian(5, 5, 0, tolerance=0)


def test_a_vector_that_overflowed_gets_nan_and_leaves_the_others_alone():
    lazy, vectors = LazyGaussian(6, 5, 0), normal("some", shape=(5, 3))
    vectors[2, 1] = math.inf
    product = lazy @ vectors
    assert product[:, 1].isnan().all() and product[:, ::2].isfinite().all()
    assert (LazyGaussian(6, 5, 1) @ vectors[:, 1:2]).isnan().all()


def least_probability(seeds: int = 300) -> float:
    """The smallest of the p-values of several statistics of (7, 7) matrices, were they drawn whole."""
    lazy = np.stack([asked(seed, 7, 7, rounds=1)[2].numpy() for seed in range(seeds)])
    whole = derive(0, "whole").standard_normal((4000, 7, 7))

    def statistics(drawn: np.ndarray):
        singular = np.linalg.svd(drawn, compute_uv=False)
        v = normal("start", shape=(7, 3)).numpy()
        both = np.einsum("sij,sji->s", drawn, drawn)  # 0 on average, unless rows repeat columns
        along = np.tanh(drawn @ v)
        pulled = np.linalg.norm(np.einsum("sij,sik->sjk", drawn, along), axis=(1, 2))
        # The norm beside everything that was asked, which the answers say nothing about.
        return [singular[:, 0], singular[:, -1], both, pulled, np.trace(drawn, axis1=1, axis2=2)]

    pairs = zip(statistics(lazy), statistics(whole), strict=True)
    return min([kstest(lazy.ravel(), "norm").pvalue, *(ks_2samp(*pair).pvalue for pair in pairs)])


def test_the_matrix_is_gaussian_however_it_was_asked():
    assert least_probability() > LEVEL


def _no_projection(side, other, new):
    fresh = torch.from_numpy(side.stream(side.asks).standard_normal((len(new), side.answers.filled.shape[1])))
    return fresh + (new @ other.answers.filled.T) @ other.questions.filled


def _forgets_the_other_side(side, other, new):
    return torch.from_numpy(side.stream(side.asks).standard_normal((len(new), side.answers.filled.shape[1])))


@pytest.mark.parametrize("fault", [_no_projection, _forgets_the_other_side])
def test_a_wrong_conditional_law_is_found(fault, monkeypatch):
    monkeypatch.setattr(matrix, "_answers", fault)
    assert worst_disagreement() > 0.01
    if fault is _no_projection:  # the other one is two Gaussian matrices, for want of agreement
        assert least_probability() < LEVEL


def test_one_stream_for_both_sides_is_found(monkeypatch):
    monkeypatch.setattr(matrix, "derive", lambda seed, *names: derive(seed, *names[:-2], names[-1]))
    assert worst_disagreement() < 2 * TOLERANCE  # it is one matrix still
    assert least_probability() < LEVEL


def test_leaving_out_too_much_is_found():
    assert worst_disagreement(tolerance=0.6) > 0.01
