"""What is under test: any object with `name` and some of the parts listed in `PARTS`."""

from ntkverify.subjects.builtin import BuiltinSubject
from ntkverify.subjects.kernel import KernelSubject
from ntkverify.subjects.loading import check_subject, load, named
from ntkverify.subjects.module import ModuleSubject
from ntkverify.subjects.parts import FOREIGN_ACCURACY, PARTS, has, part

__all__ = [
    "FOREIGN_ACCURACY",
    "PARTS",
    "BuiltinSubject",
    "KernelSubject",
    "ModuleSubject",
    "check_subject",
    "has",
    "load",
    "named",
    "part",
]
