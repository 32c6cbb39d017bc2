"""The outcome of each recording, the same on every executor."""

from __future__ import annotations

import json
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from multiprocessing import get_context
from pathlib import Path

import attrs
import pytest
from streamfold.adapters.corpus import check, check_all, compare_all, measure, stats_all
from streamfold.transports import RecordedError, RecordedResponse, Recording

from tests.support.corpora import CUT, RECORDINGS, WHOLE, fill


@pytest.mark.parametrize(
    ("recording", "outcome", "reason"),
    [
        (WHOLE, "complete", None),
        (CUT, "incomplete", "the connection was lost: peer closed connection"),
        (attrs.evolve(CUT, ended="complete"), "incomplete", "the stream ended before the message"),
        (
            attrs.evolve(CUT, ended="error", error=RecordedError("ReadTimeout", "60 s")),
            "incomplete",
            "the connection was lost: 60 s",
        ),
        (WHOLE.with_error("overloaded_error", 3), "error", "overloaded_error"),
        (Recording.of(b"{}"), "incomplete", "the stream ended before message_start"),
        (Recording.of(WHOLE.body[:-40] + b"x\ndata: {\n\n"), "fault", "data is not JSON"),
    ],
)
def test_outcomes(tmp_path, recording, outcome, reason):
    path = tmp_path / "turn.jsonl"
    recording.save(path)
    report = check(path)
    assert (report.file, report.outcome) == (str(path), outcome)
    assert reason is None or reason in report.reason
    assert report.fails() is (outcome != "complete")


def test_an_error_response(tmp_path):
    body = b'{"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}'
    made = attrs.evolve(Recording.of(body), response=RecordedResponse(529))
    made.save(tmp_path / "turn.jsonl")
    report = check(tmp_path / "turn.jsonl")
    assert (report.outcome, report.reason) == ("error", "529: Busy")


def test_unreadable_files(tmp_path):
    missing = check(tmp_path / "missing.jsonl")
    assert (missing.outcome, missing.reason) == ("unreadable", "No such file or directory")
    (tmp_path / "turn.jsonl").write_bytes(b"{}")
    broken = check(tmp_path / "turn.jsonl")
    assert (broken.outcome, broken.reason) == ("unreadable", "line 1: `format` is missing")


def test_unfolded_events_fail_a_strict_check():
    report = check(RECORDINGS / "unknown-events.sse")
    assert report.outcome == "complete"
    assert (report.fails(), report.fails(strict=True)) == (False, True)
    assert json.loads(report.to_json())["unfolded"] == list(report.unfolded)


def test_the_reports_are_equal_on_every_executor(tmp_path):
    folder = fill(tmp_path / "night", 100)
    here = list(check_all([folder, RECORDINGS]))
    assert len(here) > 160
    measured = list(stats_all([folder, RECORDINGS]))
    executors = (ThreadPoolExecutor(2), ProcessPoolExecutor(2, mp_context=get_context("spawn")))
    for executor in executors:
        with executor:
            assert list(check_all([folder, RECORDINGS], executor=executor)) == here
            assert list(stats_all([folder, RECORDINGS], executor=executor)) == measured


def test_an_unexpected_error_costs_one_file(monkeypatch, tmp_path):
    def load(name):
        if name.endswith("turn-1.jsonl"):
            raise RuntimeError("of a library behind fsspec")
        return WHOLE

    monkeypatch.setattr("streamfold.adapters.corpus.reports.load", load)
    reports = list(check_all([fill(tmp_path / "night", 3)]))
    assert [report.outcome for report in reports] == [
        "complete",
        "unreadable",
        "complete",
        "complete",
    ]
    assert reports[1].reason == "RuntimeError: of a library behind fsspec"


# --- measurements --------------------------------------------------------------------------------


def test_a_measurement_has_the_timing_and_the_tokens(tmp_path):
    slow = attrs.evolve(
        WHOLE,
        chunks=[attrs.evolve(chunk, at=1.0 + n) for n, chunk in enumerate(WHOLE.chunks)],
        response=RecordedResponse(at=0.5),
        duration=99.0,
    )
    slow.save(tmp_path / "turn.jsonl")
    made = measure(tmp_path / "turn.jsonl")
    usage = json.loads((RECORDINGS / "text.json").read_text())["usage"]
    assert (made.input_tokens, made.output_tokens) == (
        usage["input_tokens"],
        usage["output_tokens"],
    )
    assert made.timing == attrs.evolve(slow.timing, duration=made.timing.duration)
    assert made.longest_silence == made.timing.longest_gap
    row = made.row()
    assert row["first_text"] == slow.timing.first_text
    assert row["output_tokens_per_second"] == made.timing.output_tokens_per_second
    assert all(value is None or isinstance(value, (str, int, float)) for value in row.values())


def test_the_silence_before_the_end_of_an_incomplete_message_counts(tmp_path):
    late = attrs.evolve(CUT, duration=60.0)
    late.save(tmp_path / "turn.jsonl")
    made = measure(tmp_path / "turn.jsonl")
    assert (made.longest_silence, made.output_tokens) == (60.0, None)
    assert made.model == "claude-haiku-4-5-20251001"
    assert measure(Path("missing.jsonl")).longest_silence is None


def test_counts_that_are_null_are_not_known(tmp_path):
    body = WHOLE.body.replace(b'"input_tokens":', b'"input_tokens":null,"other":')
    (tmp_path / "turn.sse").write_bytes(body)
    assert measure(tmp_path / "turn.sse").input_tokens is None


def test_a_lost_worker_is_an_unreadable_file(tmp_path):
    class Lossy(Executor):
        def submit(self, function, *args):
            future = Future()
            future.set_exception(BrokenExecutor())
            return future

    (made,) = stats_all([RECORDINGS / "text.sse"], executor=Lossy())
    assert made.outcome == "unreadable"
    assert made.reason == "the worker that read it was lost (BrokenExecutor)"
    (report,) = check_all([RECORDINGS / "text.sse"], executor=Lossy())
    assert (report.outcome, report.reason) == (made.outcome, made.reason)
    (compared,) = compare_all([RECORDINGS / "text.sse"], "json:dumps", executor=Lossy())
    assert compared.skipped == made.reason
