"""The paper that doubts the equivalence (Liu, Tai, Crandall & Huang 2025, arXiv 2501.10929), measured.

It claims that (1) a further layer changes the error of a network and of its NTK differently, and that
(2) a Gaussian process kernel that ignores training predicts about as well as the NTK.
"""

from ntkverify.paper.depth_step import DepthStep, depth_step
from ntkverify.paper.page import page
from ntkverify.paper.protocol import Protocol, Task, kernels, score_kernels
from ntkverify.paper.similarity import Comparison, compare_nngp_with_ntk

__all__ = [
    "Comparison",
    "DepthStep",
    "Protocol",
    "Task",
    "compare_nngp_with_ntk",
    "depth_step",
    "kernels",
    "page",
    "score_kernels",
]
