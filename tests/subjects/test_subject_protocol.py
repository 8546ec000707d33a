"""What is asked of a subject stands in its protocol."""

import ast
import inspect
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from torch import nn

import ntkverify
from ntkverify import mlp
from ntkverify.claims import CATALOGUE
from ntkverify.subjects import PARTS, BuiltinSubject, KernelSubject, ModuleSubject, Subject, has, protocol
from ntkverify.subjects.neural_tangents import NeuralTangentsSubject

ARCH = mlp(inputs=3, depth=1)
SUBJECTS = [
    BuiltinSubject(),
    KernelSubject(name="kernel", architecture=ARCH, ntk=lambda x1, x2: ntkverify.ntk(ARCH, x1, x2)),
    KernelSubject(name="unknown kernel", nngp=lambda x1, x2: ntkverify.nngp(ARCH, x1, x2)),
    ModuleSubject(
        name="module", build=lambda width, seed: nn.Sequential(nn.Linear(3, width), nn.Linear(width, 1))
    ),
    NeuralTangentsSubject(),
]

PROTOCOLS = [each for each in vars(protocol).values() if Subject in getattr(each, "__mro__", ())]
MEMBERS = {
    name: member for each in PROTOCOLS for name, member in vars(each).items() if not name.startswith("_")
}


def asked_of_subjects() -> Iterator[tuple[str, str]]:
    """Every attribute that ntkverify's code reads of something it calls `subject`, and where."""
    for path in sorted(Path(ntkverify.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Attribute(value=ast.Name("subject"), attr=name):
                    yield name, f"{path}:{node.lineno}"
                case ast.Call(
                    func=ast.Name("part" | "has" | "getattr" | "hasattr"),
                    args=[ast.Name("subject"), ast.Constant(name), *_],
                ):
                    yield name, f"{path}:{node.lineno}"
                case ast.Attribute(value=ast.Attribute(attr="subject"), attr=name):
                    yield name, f"{path}:{node.lineno}"


def test_every_attribute_that_is_asked_for_is_in_the_protocol():
    asked = list(asked_of_subjects())
    assert {"name", "version", "supports", "ntk", "tolerance"} <= {name for name, _ in asked}
    assert [(name, place) for name, place in asked if name not in {*MEMBERS, "any_architecture"}] == []


def test_every_part_that_a_claim_needs_is_in_the_protocol():
    needed = frozenset().union(*(claim.needs | claim.about for claim in CATALOGUE.values()))
    assert needed - {"any_architecture"} <= set(MEMBERS)
    assert set(PARTS) <= set(MEMBERS)


def test_nothing_is_in_the_protocol_that_nobody_asks_for():
    needed = frozenset().union(*(claim.needs | claim.about for claim in CATALOGUE.values()))
    assert set(MEMBERS) <= {name for name, _ in asked_of_subjects()} | needed


def test_every_member_says_what_it_is():
    for each in PROTOCOLS:
        assert inspect.getdoc(each), each
    for name, member in MEMBERS.items():
        function = member.fget if isinstance(member, property) else member
        assert function.__doc__ and "return" in typing.get_type_hints(function), name


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_subjects_have_the_protocols_signatures(subject):
    for name, member in MEMBERS.items():
        if isinstance(member, property) or not has(subject, name):
            continue
        asked = [*inspect.signature(member).parameters.values()][1:]
        arguments = [one.name for one in asked if one.kind is one.POSITIONAL_OR_KEYWORD]
        bound = inspect.signature(getattr(subject, name)).bind(*arguments)
        assert list(bound.arguments.values()) == arguments
