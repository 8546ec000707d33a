"""What is under test: any `Subject` with some of the parts listed in `PARTS`."""

from ntkverify.subjects.builtin import BuiltinSubject
from ntkverify.subjects.kernel import KernelSubject
from ntkverify.subjects.loading import check_subject, load, named
from ntkverify.subjects.module import ModuleSubject
from ntkverify.subjects.parts import FOREIGN_ACCURACY, PARTS, has, part
from ntkverify.subjects.protocol import Subject

__all__ = [
    "FOREIGN_ACCURACY",
    "PARTS",
    "BuiltinSubject",
    "KernelSubject",
    "ModuleSubject",
    "Subject",
    "check_subject",
    "has",
    "load",
    "named",
    "part",
]
