"""The folder that a run writes: what was asked, and every finding as it comes. Imports no torch."""

import contextlib
import itertools
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ntkverify.errors import InvalidArgument
from ntkverify.findings import Finding, append, read

JOURNAL, HEADER, LATEST = "findings.jsonl", "run.json", "latest"
JOURNALS = "findings*.jsonl"
STAMP = "%Y-%m-%dT%H-%M-%S"


class NotWritable(InvalidArgument):
    """What is to be kept cannot be written where it was asked for."""


@contextlib.contextmanager
def writing(place: Path) -> Iterator[None]:
    """Raises NotWritable, naming `place`, where what runs inside cannot write."""
    try:
        yield
    except OSError as error:
        remedy = "Make room there, or name another folder: --report, --ntk-report or --out."
        got = f"{place} ({error.strerror or error})"
        raise NotWritable("report", got, "a folder that can be written to", remedy) from error


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run's folder: `header` in run.json, `findings` in findings.jsonl.

    journal: the file that this process appends to; processes that share a run each have their own.
    Whatever writes raises NotWritable where it cannot.
    """

    folder: Path
    header: dict[str, Any]
    findings: list[Finding] = field(default_factory=list)
    journal: str = JOURNAL

    @staticmethod
    def start(root: Path, header: dict[str, Any]) -> "Run":
        """Makes root/<time>/ and points root/latest at it."""
        folder = _new_folder(root, time.strftime(STAMP))
        run = Run.create(folder, header)
        _point(root / LATEST, folder)
        return run

    @staticmethod
    def join(folder: Path, header: dict[str, Any], writer: str) -> "Run":
        """Takes part, as `writer`, in a run that other processes write too; the first makes the folder."""
        run = Run.create(folder, header, f"findings-{writer}.jsonl")
        _point(folder.parent / LATEST, folder)
        return run

    @staticmethod
    def create(folder: Path, header: dict[str, Any], journal: str = JOURNAL) -> "Run":
        """Writes the header into that folder, which is made where it is missing."""
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        run = Run(folder=folder, header=header, journal=journal)
        run._write_header()
        return run

    @staticmethod
    def read(folder: Path) -> "Run":
        """Reads a run back, also one that was killed. Raises InvalidArgument where there is none, or a broken one."""
        if not (folder / HEADER).is_file():
            remedy = "Pass the folder that a run printed, for example reports/latest."
            raise InvalidArgument("run", str(folder), f"a folder with {HEADER}", remedy)
        header = _read_header(folder / HEADER)
        findings = [finding for path in sorted(folder.glob(JOURNALS)) for finding in read(path)]
        return Run(folder=folder, header=header, findings=findings)

    @property
    def title(self) -> str:
        """Says in one line what was tested, and how."""
        named = "{subject} {subject_version}".format_map(self.header).strip()
        return "{}, budget {budget}, seed {seed}".format(named, **self.header)

    def note(self, **facts: Any) -> None:
        """Adds to the run's header what is only known at its end."""
        self.header.update(facts)
        self._write_header()

    def _write_header(self) -> None:
        # Replaced at once: another process never reads half a header.
        temporary = self.folder / f".{self.journal}.{HEADER}"
        with writing(self.folder):
            temporary.write_text(json.dumps(self.header, indent=2) + "\n", encoding="utf-8")
            os.replace(temporary, self.folder / HEADER)

    def record(self, finding: Finding) -> None:
        """Writes a finding down before anything else can happen to it."""
        with writing(self.folder):
            append(self.folder / self.journal, finding)
        self.findings.append(finding)

    def findings_by_claim(self) -> dict[str, list[Finding]]:
        """Groups the findings by claim, each question once, with its last answer."""
        grouped: dict[str, dict[str, Finding]] = defaultdict(dict)
        for finding in self.findings:
            grouped[finding.claim][finding.id] = finding
        return {claim: list(answers.values()) for claim, answers in grouped.items()}


def _new_folder(root: Path, stamp: str) -> Path:
    """Makes root/stamp, or root/stamp-2 and so on where another run began in the same second."""
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
    for tries in itertools.count(1):
        folder = root / (stamp if tries == 1 else f"{stamp}-{tries}")
        with writing(root), contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder
    raise AssertionError("unreachable")


def _read_header(path: Path) -> dict[str, Any]:
    try:
        header = json.loads(path.read_bytes())
        if isinstance(header, dict):
            return header
        reason = f"it holds {header!r:.40}"
    except ValueError as error:  # of JSON, and of bytes that are no text
        reason = str(error)
    remedy = "Run it again: without its header a run cannot be read."
    raise InvalidArgument("run", f"{path} ({reason})", "the header that a run wrote", remedy)


def _point(link: Path, folder: Path) -> None:
    """Makes `link` point at `folder`, or does nothing on a system without links: the folder is printed
    anyway."""
    with contextlib.suppress(OSError):
        temporary = link.with_name(f".{folder.name}.{os.getpid()}")
        temporary.symlink_to(folder.name)
        os.replace(temporary, link)


def find_finding(spec: str, root: Path) -> tuple[Run, Finding]:
    """Looks up the finding that `spec` names, and its run: ID in the latest run under `root`, or FOLDER#ID.

    Raises InvalidArgument where there is no such record.
    """
    place, _, name = spec.rpartition("#")
    run = Run.read(Path(place) if place else root / LATEST)
    matching = [finding for finding in run.findings if finding.id == name]
    if not matching:
        raise InvalidArgument(
            "finding", repr(name), f"the id of a finding in {run.folder}", "Its report lists them."
        )
    return run, matching[-1]


Claims = dict[str, dict[str, Any]]
"""The claims of a run's header, by id."""


def fallen_claims(claim: str, claims: Claims) -> list[str]:
    """Returns the claims that cannot be trusted where `claim` fails, following what each implies."""
    fallen, waiting = [], [*claims[claim]["implies"]]
    while waiting:
        next_one = waiting.pop(0)
        if next_one not in fallen and next_one != claim:
            fallen.append(next_one)
            waiting += claims.get(next_one, {"implies": []})["implies"]
    return fallen
