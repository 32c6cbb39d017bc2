"""Every example of the README and of the documentation runs.

A page is run from top to bottom in an empty folder in which `tests` and `docs` are those of the
checkout:

- A `python` block is executed, or compared with its output if it has prompts. The blocks of a page
  share their names. A block that begins with the comment `# name.py` is written to this file.
- A `json` block that follows the comment `<!-- file: name.json -->` is written to this file.
- The lines of a `console` block that begin with `$` are run, and their output is compared with the
  lines below; `...` stands for any output.
- The comment `<!-- base-url: /text -->` names the recording with which `streamfold serve` answers
  the requests of the blocks below, from any client class of the official package.

- `http://127.0.0.1:8000` in a block, the default address of the command, stands for this server.

Blocks of other languages, `sh` among them, are not run: they install software, or send requests to
servers that a test cannot have.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from streamfold.reducer import SSEState, decode_sse, encode_event_stream
from streamfold.transports import Recording

from tests.support.effort import is_thorough

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

STEP = re.compile(
    r"^<!-- (?P<setting>base-url|file): (?P<value>\S+) -->$"
    r"|^```(?P<language>python|console|json)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
SERVED_AT = "http://127.0.0.1:8000"
FILE_NAME = re.compile(r"# ([\w./-]+\.py)\n")
STREAMFOLD = """
import sys
from streamfold.adapters import cli
if sys.argv[1] == "fuzz":
    from streamfold.adapters.conformance.search import Search
    Search.shrinking_tries = 20
sys.exit(cli.main())
"""
"""The command with less shrinking, which takes most of its time."""

COMMANDS = {
    "python": "",
    # without a folder for a cache, and without plugins that no page needs
    "pytest": "-m pytest -p no:cacheprovider -p no:anyio -p no:hypothesispytest -p no:xdist",
    "streamfold": "-m streamfold.adapters.cli" if is_thorough() else f"-c '{STREAMFOLD}'",
}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def steps(page: Path) -> list[dict[str, str]]:
    return [step.groupdict("") for step in STEP.finditer(page.read_text(encoding="utf-8"))]


def names(pages: list[Path]) -> list[str]:
    return [page.relative_to(ROOT).as_posix() for page in pages]


# --- the surroundings of a page -------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a server with the recordings of the tests, and below `/examples` those of
    the examples.
    """
    recordings = tmp_path_factory.mktemp("recordings") / "all"
    shutil.copytree(ROOT / "tests" / "recordings", recordings)
    shutil.copytree(ROOT / "docs" / "examples" / "recordings", recordings / "examples")
    events = decode_sse(SSEState(), (recordings / "text.sse").read_bytes())[1]
    framed = encode_event_stream([json.loads(event.data) for event in events])
    Recording.of(framed).save(recordings / "bedrock.jsonl")
    command = [sys.executable, "-m", "streamfold.adapters.cli", "serve", str(recordings)]
    with subprocess.Popen(
        [*command, "--port", "0", "--speed", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().decode().strip()
        finally:
            server.kill()


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the commands of the pages, which run the Python of the tests."""
    folder = tmp_path_factory.mktemp("commands")
    for name, arguments in COMMANDS.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        script.chmod(0o755)
    return folder


@pytest.fixture
def folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: str, commands: Path
) -> Iterator[Path]:
    """The folder in which a page is run, and its environment."""
    for name in ("tests", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PATH", os.pathsep.join([str(commands), os.environ["PATH"]]))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-example")
    set_base_urls(monkeypatch, f"{served}/text")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "example")
    monkeypatch.setenv("PYTHONUTF8", "1")
    monkeypatch.setenv("CI", "true")  # for Hypothesis: the same examples each time, at any speed
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:  # pages have modules of the same name
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def set_base_urls(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Send the requests of every client class to `url`."""
    for platform in ("", "AWS_", "BEDROCK_", "BEDROCK_MANTLE_", "FOUNDRY_", "GOOGLE_CLOUD_"):
        monkeypatch.setenv(f"ANTHROPIC_{platform}BASE_URL", url)
    monkeypatch.setenv("ANTHROPIC_VERTEX_BASE_URL", f"{url}/v1")


@pytest.fixture
def repeatable_find() -> Iterator[None]:
    """Make `hypothesis.find` in an example return the same minimal value in every run."""
    usual = settings.get_current_profile_name()
    settings.register_profile(
        "documentation", derandomize=True, database=None, phases=[Phase.generate, Phase.shrink]
    )
    settings.load_profile("documentation")
    yield
    settings.load_profile(usual)


# --- running a page -------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
@pytest.mark.usefixtures("repeatable_find")
def test_page(
    page: Path,
    folder: Path,
    served: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known: dict[str, Any] = {"__name__": "page"}
    file = ""
    for step in steps(page):
        step["code"] = step["code"].replace(SERVED_AT, served)
        if step["setting"] == "base-url":
            set_base_urls(monkeypatch, served + step["value"])
        elif step["setting"] == "file":
            file = step["value"]
        elif step["language"] == "console":
            run_console(step["code"], folder)
        elif step["language"] == "json":
            if file:
                (folder / file).write_text(step["code"], encoding="utf-8")
            file = ""
        else:
            run_python(step["code"], page.name, known, folder)


def run_python(code: str, page: str, known: dict[str, Any], folder: Path) -> None:
    named = FILE_NAME.match(code)
    if named:
        (folder / named[1]).parent.mkdir(parents=True, exist_ok=True)
        (folder / named[1]).write_text(code, encoding="utf-8")
    elif ">>>" in code:
        test = doctest.DocTestParser().get_doctest(code, known, page, page, 0)
        test.globs = known
        runner = doctest.DocTestRunner(optionflags=FLAGS)
        assert runner.run(test, clear_globs=False).failed == 0, code
    else:
        exec(compile(code, page, "exec"), known)


def run_console(code: str, folder: Path) -> None:
    """Run the commands of a block one after the other, and compare the output of each."""
    for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", code, re.MULTILINE):
        done = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=300,
            encoding="utf-8",
        )
        matches = doctest.OutputChecker().check_output(expected, done.stdout, FLAGS)
        assert matches, f"$ {command}\n{done.stdout}\nexpected:\n{expected}"


def test_the_pages_have_examples() -> None:
    languages = [step["language"] for page in PAGES for step in steps(page)]
    assert languages.count("python") > 20
    assert languages.count("console") > 10


# --- rules for the README -------------------------------------------------------------------------


def test_the_readme_has_at_most_700_words() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$|<!--.*?-->|\]\([^)]*\)", "", text, flags=re.DOTALL | re.MULTILINE)
    assert len(re.findall(r"\w[\w'’.-]*", prose)) <= 700


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_links_lead_to_files(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("https://", "http://", "mailto:")):
            assert (page.parent / target).exists(), target
