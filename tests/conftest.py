"""Shared by all tests: pytest's own test bench, and torch on one thread, which small work prefers."""

import pytest
import torch

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)
