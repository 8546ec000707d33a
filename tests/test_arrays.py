"""What is read as numbers, and what is refused because it would lose something on the way."""

import warnings

import numpy as np
import pytest
import scipy.sparse
import torch

import ntkverify as nv
from ntkverify.arrays import as_batch, as_matrix, as_tensor
from ntkverify.errors import InvalidArgument

ONES = np.ones((2, 3))
MASKED = np.ma.masked_array(ONES, mask=[[0, 0, 1], [0, 0, 0]])

with warnings.catch_warnings(action="ignore"):  # torch's own, of what it may change
    QUANTIZED = torch.quantize_per_tensor(torch.ones(2, 3), 0.1, 0, torch.qint8)
    NESTED = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.ones(2, 3) + 1j, "dtype torch.complex64.*real and imaginary parts"),
        (torch.ones(2, 3, dtype=torch.complex128), "complex128"),
        (ONES + 1j, "complex128.*real and imaginary parts"),
        ([[1j, 2.0]], "complex128"),
        (MASKED, "1 masked entries.*impute"),
        ([MASKED[0], MASKED[1]], "1 masked"),
        (torch.ones(2, 3).to_sparse(), r"a sparse tensor.*to_dense\(\)"),
        (scipy.sparse.eye(3).tocsr(), r"a sparse csr_matrix.*toarray\(\)"),
        (QUANTIZED, r"a quantized tensor.*dequantize\(\)"),
        (torch.ones(2, 3, device="meta"), "a meta tensor"),
        (NESTED, "a nested tensor"),
        ([[1.0], [1.0, 2.0]], "numpy cannot read"),
        ([torch.ones(3, requires_grad=True)] * 2, "numpy cannot read"),
        ([["a", "b"]], "dtype <U1"),
        ({"x": ONES}, "dict of dtype object"),
        (None, "NoneType of dtype object"),
        (np.array([["2020-01-01"]], dtype="datetime64[D]"), "datetime64"),
    ],
)
def test_what_would_lose_something_is_refused(value, words):
    for read in (as_tensor, as_matrix, as_batch):
        with pytest.raises(InvalidArgument, match=f"(?s)^x: got .*{words}"):
            read("x", value)


def test_images_are_told_to_be_flattened():
    with pytest.raises(InvalidArgument, match=r"^x1: got shape \(2, 1, 8, 8\).*x.reshape\(len\(x\), -1\)"):
        nv.ntk(nv.mlp(inputs=64, depth=1), np.ones((2, 1, 8, 8)))
    with pytest.raises(InvalidArgument, match=r"x\[:, None\]"):
        nv.ntk(nv.mlp(inputs=1, depth=1), np.ones(3))


def test_kernels_and_predictors_refuse_it_too():
    arch = nv.mlp(inputs=3, depth=1)
    for call in (
        lambda value: nv.ntk(arch, value),
        lambda value: nv.nngp(arch, ONES, value),
        lambda value: nv.predict.kernel_regression(np.eye(2), value, np.eye(2)),
        lambda value: nv.explain_gap(arch, 8, value, ONES[:, :1], ONES, steps=1, learning_rate=0.1),
    ):
        for value in (MASKED, torch.ones(2, 3, dtype=torch.complex64)):
            with pytest.raises(InvalidArgument, match="masked|complex"):
                call(value)


@pytest.mark.parametrize(
    "value",
    [
        np.ma.masked_array(ONES),  # nothing is masked
        ONES.tolist(),
        ONES[:, ::-1],
        ONES.astype(">f8"),
        ONES.astype(np.longdouble),
        ONES.astype(bool),
        *(ONES.astype(kind) for kind in ("f2", "f4", "i1", "i4", "u1", "u2", "u4", "u8")),
        torch.ones(2, 3, requires_grad=True),
        torch.ones(2, 3, dtype=torch.bfloat16),
        torch.ones(2, 3, dtype=torch.int32),
        [torch.ones(3), torch.ones(3)],
    ],
    ids=lambda value: str(getattr(value, "dtype", type(value).__name__)),
)
def test_ordinary_numbers_are_read(value):
    matrix = as_matrix("x", value)
    assert matrix.shape == (2, 3) and (matrix == 1).all()
    assert matrix.dtype in (torch.float32, torch.float64)


def test_integers_stay_integers_until_they_are_asked_to_be_features():
    assert as_tensor("x", np.array([[2**53 + 1]])).item() == 2**53 + 1
    assert as_tensor("x", np.array([3], dtype=np.uint16)).dtype == torch.int64
    assert as_tensor("x", np.array([2**64 - 1], dtype=np.uint64)).item() == 2.0**64


def test_whole_numbers_keep_their_digits():
    matrix = as_matrix("x", np.array([[2**25 + 1]]))
    assert matrix.dtype == torch.float64 and matrix.item() == 2**25 + 1
