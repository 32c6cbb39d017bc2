"""`streamfold inspect`: the page, the file it goes to, the browser."""

from __future__ import annotations

import os
import stat
import webbrowser
from pathlib import Path

import pytest
from streamfold.adapters import cli
from streamfold.adapters.inspector import render
from streamfold.transports import Recording

from tests.support.command_line import posix
from tests.support.shells import BODY


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "one.jsonl"
    Recording.of([BODY]).save(path)
    return path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The addresses that the browser was given; the temporary folder is that of the test."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: addresses.append(address) or True)
    return addresses


def test_the_page_opens_in_the_browser(file, opened, capsys):
    assert cli.main(["inspect", str(file)]) == 0
    page = Path(capsys.readouterr().out.strip())
    assert page.read_text("utf-8") == render(Recording.load(file), name=str(file))
    assert opened == [page.as_uri()]


@pytest.mark.skipif(os.name != "posix", reason="needs the modes of POSIX")
def test_only_its_owner_can_read_it(file, opened, tmp_path, capsys):
    page = tmp_path / "page.html"
    page.touch(0o644)
    cli.main(["inspect", str(file), "-o", str(page)])
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_the_page_goes_to_a_file(file, opened, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["inspect", "one.jsonl", "-o", "page.html"]) == 0
    assert capsys.readouterr().out == "page.html\n"
    assert (tmp_path / "page.html").read_text("utf-8") == render(
        Recording.load(file), name="one.jsonl"
    )
    assert opened == []
    assert sorted(os.listdir(tmp_path)) == ["one.jsonl", "page.html"]


def test_the_page_goes_to_standard_output(file, opened, capsys):
    assert cli.main(["inspect", str(file), "--output", "-"]) == 0
    assert capsys.readouterr().out == render(Recording.load(file), name=str(file))
    assert opened == []


def test_two_recordings(file, opened, capsys):
    assert cli.main(["inspect", str(file), str(file), "-o", "-"]) == 0
    recording, name = Recording.load(file), str(file)
    assert capsys.readouterr().out == render(recording, recording, name=name, other_name=name)


def test_without_a_browser_the_page_is_there(file, opened, monkeypatch, capsys):
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert cli.main(["inspect", str(file)]) == 1
    out, err = capsys.readouterr()
    assert Path(out.strip()).exists()
    assert err == ("streamfold: no browser could be opened: open the page that is named above\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["missing.sse"], "missing.sse: No such file or directory"),
        (["broken.jsonl"], "broken.jsonl, line 1: "),
        (["one.jsonl"] * 3, "expected one or two files, got 3"),
        (["one.jsonl", "-o", "missing/page.html"], "cannot write missing/page.html: No such file"),
    ],
)
def test_misuse(arguments, reason, file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.jsonl").write_text("{")
    assert cli.main(["inspect", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"streamfold: {reason}")


@posix
def test_the_page_replaces_no_device_and_no_pipe(file, tmp_path, capsys):
    for path in (tmp_path / "pipe", tmp_path / "folder"):
        os.mkfifo(path) if path.name == "pipe" else path.mkdir()
        mode = path.stat().st_mode
        assert cli.main(["inspect", str(file), "-o", str(path)]) == 2
        assert capsys.readouterr().err.startswith(f"streamfold: cannot write {path}: not a regular")
        assert path.stat().st_mode == mode


def test_a_finding_of_fuzz_can_be_opened(tmp_path, monkeypatch, capsys):
    (tmp_path / "bad_accumulator.py").write_text("def wrong(events):\n    return {}\n")
    monkeypatch.chdir(tmp_path)
    arguments = ["bad_accumulator:wrong", "--save", "found it.jsonl", "--no-growth"]
    assert cli.main(["fuzz", *arguments, "--max-examples", "20"]) == 1
    err = capsys.readouterr().err
    assert err == "To step through the stream: streamfold inspect 'found it.jsonl'\n"
    assert cli.main(["inspect", "found it.jsonl", "-o", "-"]) == 0
