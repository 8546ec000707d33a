"""What is under test: any object with `name` and some of the parts listed in `PARTS`."""

from ntkverify.subjects.builtin import BuiltinSubject
from ntkverify.subjects.kernel import KernelSubject
from ntkverify.subjects.loading import load, named
from ntkverify.subjects.parts import FOREIGN_ACCURACY, PARTS, has, part

__all__ = ["FOREIGN_ACCURACY", "PARTS", "BuiltinSubject", "KernelSubject", "has", "load", "named", "part"]
