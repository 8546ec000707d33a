"""Training of finite networks by gradient descent, one or several at once."""

from ntkverify.training.descent import train
from ntkverify.training.ensemble import train_ensemble
from ntkverify.training.records import Record, Trajectory

__all__ = ["Record", "Trajectory", "train", "train_ensemble"]
