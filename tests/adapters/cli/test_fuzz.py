"""`streamfold fuzz`: the conformance checks from the shell."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from streamfold.adapters import cli
from streamfold.adapters.cli.fuzz import _positive, _progress
from streamfold.adapters.conformance import Takes, cost
from streamfold.adapters.conformance.search import Search
from streamfold.adapters.strategies import BLOCKS, FAULTS, QUIRKS, WAYS
from streamfold.reducer import ProtocolError, StreamState, feed, finish, fold
from streamfold.transports import Recording

from tests.support.command_line import Screen, command
from tests.support.effort import is_thorough
from tests.support.planted.accumulators import Right

PLANTED = "tests.support.planted.accumulators"
RIGHT = f"{PLANTED}:Right.accumulate"
BUG = "tests.support.planted.accumulators:AddsUpTotals.accumulate"
DECODER = "tests.support.planted.decoders:Right.decode"
FEW = ("--max-examples", "20", "--seed", "1", "--no-growth")
"""Enough for the bugs of these tests; the tests of `conformance` draw more."""
ONE = (*FEW, "--first")


@pytest.fixture
def fuzz(capsys, monkeypatch):
    """A function that runs the command: exit status, output, error output."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    if not is_thorough():  # these tests need no smallest stream and no exact cost
        monkeypatch.setattr(Search, "shrinking_tries", 5)
        monkeypatch.setattr(cost, "_COUNTED", [16, 32, 64, 128])
        monkeypatch.setattr(cost, "_TIMED", [64, 128, 256])

    def run(*arguments):
        status = cli.main(["fuzz", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


def test_no_bug(fuzz):
    status, out, err = fuzz(RIGHT, "--max-examples", 5, "--seed", 1, "--blocks", "text")
    assert (status, err) == (0, "")
    assert out.startswith("5 streams, all as they should be (seed 1)\ntext deltas: work grows")
    assert fuzz(RIGHT, *FEW) == (
        0,
        "20 streams, all as they should be (seed 1)\n"
        "faults not tried: pass --faults cut,error_event\n",
        "",
    )
    few = "--max-examples", 2, "--no-growth"
    assert "not tried" not in fuzz(RIGHT, *few, "--faults", "cut")[1]
    assert fuzz(DECODER, "--decoder", *FEW)[:2] == (
        0,
        "20 streams, all as they should be (seed 1)\n",
    )


def test_a_bug_is_printed_as_a_test(fuzz):
    status, out, err = fuzz(BUG, *ONE)
    assert (status, err) == (1, "")
    found = f"{BUG.replace(':', '.')} differs"
    assert out.startswith(f"{found}\n\nA test that shows it:\n\nfrom ")
    assert fuzz(BUG, *ONE)[1] == out


def two_bugs(events: Any) -> Any:
    """An accumulator that adds to a count and forgets the model."""
    message = Right.accumulate(events)
    return {**message, "model": "", "usage": {**message["usage"], "output_tokens": -1}}


def test_all_bugs_are_printed_or_the_first(fuzz):
    two = f"{__name__}:two_bugs"
    out = fuzz(two, *FEW)[1]
    assert "=== finding 1 of 2" in out
    assert "=== finding 2 of 2" in out
    assert out.endswith("\nTo see fewer at once: --claims chat --blocks text,tool_use\n")
    assert "To see fewer" not in fuzz(two, *FEW, "--blocks", "text")[1]
    assert "\nField: model\n" in out
    assert "\nField: usage.output_tokens\n" in out
    assert "=== finding" not in fuzz(two, *ONE)[1]


def of_chunks(chunks: Any) -> Any:
    """A right accumulator of bytes."""
    state = StreamState()
    for chunk in chunks:
        state, _ = feed(state, chunk)
    return finish(state)


def test_an_accumulator_may_take_chunks(fuzz):
    assert fuzz(f"{__name__}:of_chunks", *FEW, "--takes", "chunks")[0] == 0
    status, _, err = fuzz(f"{__name__}:of_chunks", *FEW)
    assert status == 2
    assert "(in the shell: --takes chunks)" in err


def test_the_command_takes_what_the_check_takes(fuzz, capsys):
    with pytest.raises(SystemExit):
        fuzz(RIGHT, "--takes", "lines")
    choices = ", ".join(map(repr, get_args(Takes)))
    assert f"(choose from {choices})".replace("'", "") in capsys.readouterr().err.replace("'", "")


async def asynchronous(events: Any) -> Any:
    """A right accumulator that iterates with `async for`."""
    return Right.accumulate([event async for event in events])


async def asynchronous_and_wrong(events: Any) -> Any:
    """The same with two bugs."""
    return two_bugs([event async for event in events])


def test_an_async_accumulator(fuzz):
    assert fuzz(f"{__name__}:asynchronous", *FEW)[0] == 0
    status, out, _ = fuzz(f"{__name__}:asynchronous_and_wrong", *ONE)
    assert (status, out.split(" differs")[0]) == (1, f"{__name__}.asynchronous_and_wrong")


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ("chat", 0),
        ("text,tool_use.input,message.stop_reason", 0),
        ("message.usage.input_tokens, message.id", 0),
        ("ga", 1),
        ("message", 1),
        ("message,message.id", 1),
        ("message.id,message.usage.output_tokens", 1),
    ],
)
def test_only_the_claimed_parts_are_compared(fuzz, claims, status):
    got, out, _ = fuzz(f"{__name__}:two_bugs", *ONE, "--claims", claims)
    assert got == status, out
    assert ("claims=GA_CLAIMS" in out) == (claims == "ga")


def test_the_options_reach_the_check(fuzz):
    options = "--ignore", "usage.output_tokens, usage.speed", "--ways", "cut,pings"
    assert fuzz(BUG, *FEW, *options)[0] == 0
    assert "strict_nulls=True" in fuzz(BUG, *ONE, "--strict-nulls")[1]
    unknown = f"{PLANTED}:BreaksOnAnUnknownEvent.accumulate"
    assert fuzz(unknown, *ONE, "--unknown")[0] == 1
    cut = f"{PLANTED}:TakesACutStreamForFinished.accumulate"
    assert fuzz(cut, *ONE, "--faults", "cut")[0] == 1
    marks = "tests.support.planted.decoders:KeepsTheByteOrderMark.decode"
    assert fuzz(marks, "--decoder", *ONE)[0] == 1
    assert fuzz(marks, "--decoder", *FEW, "--quirks", "ids,crlf")[0] == 0


def test_a_bug_can_be_saved_and_replayed(fuzz, tmp_path):
    path = tmp_path / "found.jsonl"
    status, out, _ = fuzz(BUG, *ONE, "--save", path)
    assert status == 1
    state, _ = feed(StreamState(), Recording.load(path).body)
    assert f'-    "output_tokens": {finish(state).usage.output_tokens}' in out
    bom = "tests.support.planted.decoders:KeepsTheByteOrderMark.decode"
    assert fuzz(bom, "--decoder", *ONE, "--save", path)[0] == 1
    assert Recording.load(path).body.startswith(b"\xef\xbb\xbf")


def forgiving(events: Any) -> Any:
    """An accumulator that returns a message for every input."""
    try:
        return fold(events).message
    except (ProtocolError, TypeError):
        return {}


@pytest.mark.parametrize("fault", ["bad_json", "wrong_type", "missing_field"])
def test_values_that_are_not_events_can_be_saved(fuzz, tmp_path, fault):
    path = tmp_path / "found.jsonl"
    options = "--faults", fault, "--save", path, "--blocks", "text"
    assert fuzz(f"{__name__}:forgiving", *ONE, *options)[0] == 1
    with pytest.raises(ProtocolError):
        feed(StreamState(), Recording.load(path).body)


def test_a_file_that_cannot_be_written(fuzz, tmp_path):
    path = tmp_path / "taken.jsonl"
    path.mkdir()
    status, _, err = fuzz(BUG, *ONE, "--save", path)
    assert (status, err) == (2, f"streamfold: cannot write {path}: Is a directory\n")


def test_a_function_that_ends_the_process_fails(fuzz, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("exits_at_import.py").write_text("raise SystemExit(0)\n")
    status, _, err = fuzz("exits_at_import:accumulate")
    assert (status, err) == (2, "streamfold: cannot import exits_at_import: SystemExit: 0\n")
    Path("exits_later.py").write_text("def accumulate(events):\n    raise SystemExit(0)\n")
    status, out, _ = fuzz("exits_later:accumulate", *ONE)
    assert status == 1
    assert out.startswith("exits_later.accumulate raises: SystemExit: 0 (in accumulate, line 2 of")


def test_a_module_in_the_current_directory_is_found(tmp_path: Path):
    (tmp_path / "mine.py").write_text("def accumulate(events):\n    return {}\n")
    run = command("fuzz", "mine:accumulate", *ONE, "--blocks", "text", cwd=tmp_path)
    assert run.returncode == 1
    assert run.stdout.startswith(b"mine.accumulate differs")
    assert b"from mine import accumulate\n" in run.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["mine"], "expected MODULE:FUNCTION, got 'mine'"),
        ([":f"], "expected MODULE:FUNCTION, got ':f'"),
        (["no_such_module:f"], "cannot import no_such_module: ModuleNotFoundError: No module"),
        (
            ["tests.support.planted.accumulators:nope"],
            "tests.support.planted.accumulators has no attribute nope",
        ),
        (
            ["tests.support.planted.accumulators:Right.nope"],
            "tests.support.planted.accumulators has no attribute Right.nope",
        ),
        (
            ["tests.support.planted.accumulators:PLANTED"],
            "tests.support.planted.accumulators:PLANTED must be a function, got ",
        ),
        ([RIGHT, "--blocks", "x"], "blocks must be some of text, "),
        (
            [RIGHT, "--blocks", "text,txt"],
            f"blocks must be some of {', '.join(BLOCKS)}; got 'txt': did you mean text?",
        ),
        ([RIGHT, "--faults", "ctu"], "faults must be some of cut, "),
        (
            [RIGHT, "--ignore", "usage,usage.output_token"],
            "ignore must name fields of a message; got 'usage.output_token': "
            "did you mean 'usage.output_tokens' or",
        ),
        ([DECODER, "--decoder", "--ignore", "ids"], "ignore must name fields of an event; got"),
        (
            [RIGHT, "--claims", "tol_use.input"],
            "claims must name blocks or the message; got 'tol_use': did you mean 'tool_use'",
        ),
        (
            [RIGHT, "--claims", "message.stopreason"],
            "claims must name fields of the message; got 'stopreason': did you mean 'stop_reason'",
        ),
        ([RIGHT, "--claims", "chats"], "claims must name blocks or the message; got 'chats'; "),
        ([RIGHT, "--quirks", "bom"], "--quirks is for decoders"),
        ([DECODER, "--decoder", "--claims", "ga"], "--claims is for accumulators"),
        ([DECODER, "--decoder", "--unknown"], "--unknown is for accumulators"),
        ([DECODER, "--decoder", "--strict-nulls"], "--strict-nulls is for accumulators"),
    ],
)
def test_unusable_functions_and_flags(fuzz, arguments, reason):
    status, out, err = fuzz(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"streamfold: {reason}")


def test_a_module_that_fails_at_import(fuzz, tmp_path, monkeypatch):
    (tmp_path / "failing_module.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    status, _, err = fuzz("failing_module:f")
    assert status == 2
    assert "cannot import failing_module: ZeroDivisionError" in err


@pytest.mark.parametrize(
    "options", [["--max-examples", "0"], ["--max-examples", "x"], ["--save", "found.sse"]]
)
def test_unusable_values_of_flags(fuzz, options):
    with pytest.raises(SystemExit) as exited:
        fuzz(RIGHT, *options)
    assert exited.value.code == 2


def test_without_hypothesis_the_error_names_the_extra(fuzz, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("streamfold.adapters.strategies")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    status, _, err = fuzz(RIGHT)
    assert status == 2
    assert "pip install 'streamfold[testing]'" in err


def test_a_wrong_flag_shows_the_usage_of_the_command(capsys):
    with pytest.raises(SystemExit):
        cli.main(["fuzz", RIGHT, "--fault", "cut"])
    assert capsys.readouterr().err.startswith("usage: streamfold fuzz ")


def screen_of(monkeypatch):
    """Standard error as a terminal, until the end of the test."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    return screen


def test_the_help_has_every_choice(capsys):
    with pytest.raises(SystemExit):
        cli.main(["fuzz", "--help"])
    words = set(re.split(r"[\s,]+", capsys.readouterr().out))
    assert {*BLOCKS, *WAYS, *FAULTS, *QUIRKS} <= words


def test_progress_is_shown_on_a_terminal(fuzz, monkeypatch):
    screen = screen_of(monkeypatch)
    assert fuzz(RIGHT, *FEW)[0] == 0
    assert "Trying streams" in screen.getvalue()
    assert "Found: shrinking" not in screen.getvalue()
    assert fuzz(BUG, *ONE)[0] == 1
    assert "Found: shrinking" in screen.getvalue()


def test_the_progress_moves_while_a_bug_is_shrunk(monkeypatch):
    screen = screen_of(monkeypatch)
    with _progress(2) as watch:
        watch(1, False)
        for _ in range(3):
            watch(1, True)
    assert "1 right" in screen.getvalue()
    assert "3 streams tried" in screen.getvalue()


def test_numbers_are_at_least_1() -> None:
    assert _positive("1") == 1
    with pytest.raises(argparse.ArgumentTypeError, match="at least 1, got 0"):
        _positive("0")
