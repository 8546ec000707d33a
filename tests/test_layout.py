"""Imports point downward only, and what must be light is light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ntkverify
from ntkverify import activations

PACKAGE = Path(ntkverify.__file__).parent
ORDER = """errors axes guarding pace serialization seeds causes witness findings runs drawing budgets memory arrays numerics activations architecture domain data recipes methods scenarios
space reproducible stats analytic lazy networks models empirical predict sklearn gpytorch training gap paper oracle premises subjects strategies experiments claims maps diagnosis refutation hunt reports checking pytest_plugin properties cli __main__""".split()
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(path: Path) -> str:
    """The top-level module or folder that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "ntkverify":
            rooms |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ntkverify."):
            rooms.add(node.module.split(".")[1])
    return rooms - {room(path)}


def test_every_module_has_its_place():
    assert {room(path) for path in MODULES} == set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downward(path):
    above = ORDER[: ORDER.index(room(path))]
    assert imported_rooms(path) <= set(above)


@pytest.mark.parametrize("path", sorted((PACKAGE / "reports").glob("*.py")), ids=lambda path: path.name)
def test_reports_read_findings_only(path):
    assert imported_rooms(path) <= {"errors", "axes", "findings", "runs", "drawing", "maps"}


def test_the_kernel_and_the_network_share_no_scaling_code():
    analytic, networks = (
        set().union(*map(imported_rooms, (PACKAGE / room).glob("*.py"))) for room in ("analytic", "networks")
    )
    shared = analytic & networks
    assert shared == {"activations", "architecture", "errors"}


@pytest.mark.parametrize(
    "module", ["", ".pytest_plugin", ".findings", ".runs", ".budgets", ".reports", ".maps", ".cli"]
)
def test_light_modules_import_neither_torch_nor_hypothesis(module):
    code = f"import sys, ntkverify{module}; sys.exit(bool({{'torch', 'hypothesis', 'matplotlib', 'sklearn'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_every_public_name_is_there():
    for name in ntkverify.__all__:
        assert getattr(ntkverify, name) is not None
    assert callable(ntkverify.network) and callable(ntkverify.train)
    with pytest.raises(AttributeError, match="no attribute 'ntkk'"):
        ntkverify.ntkk  # noqa: B018


def test_editors_and_type_checkers_see_the_names_that_are_loaded():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    block = next(
        node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen = {
        alias.name: node.module for node in block.body for alias in node.names if alias.asname == alias.name
    }
    modules = {name: "ntkverify" for name in ntkverify._MODULES + ntkverify._EXTRAS}
    modules |= dict.fromkeys(activations.BY_NAME, "ntkverify.activations")
    assert seen == {name: f"ntkverify.{home}" for name, home in ntkverify._HOME.items()} | modules


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").is_file()


def test_files_stay_short():
    long = {str(path): lines for path in MODULES if (lines := len(path.read_text().splitlines())) > 200}
    assert not long
