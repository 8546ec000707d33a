"""The workflow for GitHub Actions asks for things that exist."""

import re
import subprocess
from pathlib import Path

from ntkverify.budgets import BUDGETS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "ci" / "ntkverify.yml").read_text()
OPTIONS = (ROOT / "ntkverify" / "pytest_plugin" / "__init__.py").read_text()


def test_its_commands_options_and_budgets_exist():
    commands = re.findall(r"^\s+run: (.*)$", TEXT, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        shell, script, *options = command.split()
        assert shell == "sh" and (ROOT / script).stat().st_mode & 0o111
        assert all(f'"{option.partition("=")[0]}"' in OPTIONS for option in options)
    assert '"--ntk-subject"' in OPTIONS and "--ntk-subject=" in TEXT
    assert set(re.findall(r"'(quick|standard|thorough)'", TEXT)) == {"quick", "thorough"} <= set(BUDGETS)
    assert (ROOT / re.search(r"cache-dependency-path: (\S+)", TEXT).group(1)).is_file()


def test_it_runs_on_pull_requests_and_at_night_and_keeps_what_it_should():
    assert {"pull_request:", "schedule:"} <= set(TEXT.split())
    minute, hour, *rest = re.search(r'cron: "(.*)"', TEXT).group(1).split()
    assert 0 <= int(minute) < 60 and 0 <= int(hour) < 6 and rest == ["*"] * 3
    for action in ("actions/cache/restore", "actions/cache/save", "actions/upload-artifact"):
        assert re.search(rf"uses: {action}@v\d", TEXT)
    assert TEXT.count("path: .hypothesis") == 2


def test_it_is_indented_as_yaml_wants():
    lines = [line for line in TEXT.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert not any("\t" in line for line in lines)
    assert all((len(line) - len(line.lstrip())) % 2 == 0 for line in lines)
    top = [line.partition(":")[0] for line in lines if not line.startswith(" ")]
    assert top == ["name", "on", "permissions", "jobs"]


def test_chromium_is_left_alone_where_it_is(tmp_path):
    (tmp_path / "chromium").touch(mode=0o755)
    command = ["/bin/sh", str(ROOT / "ci" / "chromium.sh")]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
