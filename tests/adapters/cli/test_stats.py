"""`streamfold stats`: the table, JSON, rows and picture; processes, Dask, and Ctrl-C."""

from __future__ import annotations

import csv
import json
import os
import signal
import struct
import sys
import time
import zlib
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from types import SimpleNamespace

import attrs
import pytest
from streamfold.adapters import cli
from streamfold.adapters.cli import check as check_module
from streamfold.adapters.cli import plot
from streamfold.adapters.cli import rows as rows_module
from streamfold.adapters.cli.executors import executor_of
from streamfold.adapters.corpus import check_all, measure
from streamfold.transports import RecordedResponse

from tests.support.command_line import PATIENCE, Screen, posix
from tests.support.corpora import RECORDINGS, WHOLE, fill

SLOW = attrs.evolve(
    WHOLE,
    chunks=[attrs.evolve(chunk, at=1.0 + n) for n, chunk in enumerate(WHOLE.chunks)],
    response=RecordedResponse(at=0.5),
    duration=60.0,
)


@pytest.fixture
def run_command(capsys):
    """A function that runs a command: exit status, output, error output."""

    def call(*arguments):
        status = cli.main([*map(str, arguments)])
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def night(tmp_path):
    return fill(tmp_path / "night", 20)


def test_the_table(run_command, tmp_path):
    SLOW.save(tmp_path / "turn.jsonl")
    (tmp_path / "broken.jsonl").write_bytes(b"{}")
    status, out, err = run_command("stats", "--stall", "1", tmp_path)
    assert (status, err) == (1, "")
    model, timing = "claude-haiku-4-5-20251001", SLOW.timing
    seconds, rate = f"{timing.first_content:.3g} s", f"{timing.output_tokens_per_second:.3g}"
    header, unknown, known = (line.split() for line in out.splitlines())
    columns = "model outcome count tokens in tokens out first content p50 p95 p99 tokens/s"
    assert header == f"{columns} stalls faults".split()
    assert unknown == ["(unknown)", "unreadable", "1", "0", "0", "–", "–", "–", "–", "0", "0"]
    assert known == f"{model} complete 1 21 158 {seconds} {seconds} {seconds} {rate} 1 0".split()


def test_a_raw_body_has_no_times(run_command):
    status, out, _ = run_command("stats", "tests/recordings/text.sse")
    assert status == 0
    assert out.splitlines()[1].split()[2:] == ["1", "21", "158", *"––––", "0", "0"]


def test_json(run_command, night):
    status, out, _ = run_command("stats", "--json", night)
    groups = [json.loads(line) for line in out.splitlines()]
    assert status == 1
    assert {(group["outcome"], group["count"]) for group in groups} == {
        ("unreadable", 1),
        ("complete", 17),
        ("incomplete", 2),
    }
    assert set(groups[0]["first_content"]) == {"p50", "p95", "p99"}


def test_numbers_of_any_size(run_command, tmp_path):
    SLOW.slow(1000).save(tmp_path / "turn.jsonl")
    assert f"{SLOW.timing.first_content * 1000:.0f} s" in run_command("stats", tmp_path)[1]


def test_rows_as_csv(run_command, night, tmp_path):
    path = tmp_path / "rows.csv"
    run_command("stats", "--rows", path, night)
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [report.file for report in check_all([night])]
    expected = {
        name: "" if value is None else str(value)
        for name, value in measure(night / "turn-0.jsonl").row().items()
    }
    assert rows[0] == expected
    assert list(tmp_path.glob("*.unfinished")) == []


def test_rows_as_parquet(run_command, night, tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(rows_module, "GROUP", 7)
    path = tmp_path / "rows.parquet"
    assert run_command("stats", "--rows", path, night)[0] == 1
    table = parquet.read_table(path)
    assert table.to_pylist() == [measure(report.file).row() for report in check_all([night])]
    assert parquet.ParquetFile(path).num_row_groups == 3


def test_rows_that_cannot_be_written(run_command, night, tmp_path, monkeypatch):
    assert run_command("stats", "--rows", tmp_path / "rows.txt", night)[0] == 2
    missing = tmp_path / "missing" / "rows.csv"
    status, _, err = run_command("stats", "--rows", missing, night)
    assert (status, err) == (1, f"streamfold: {missing}: No such file or directory\n")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    status, _, err = run_command("stats", "--rows", tmp_path / "rows.parquet", night)
    assert status == 2
    assert "pip install 'streamfold[parquet]'" in err


def pixels(path):
    """The distinct rows of the pixels of a PNG file: few if nothing is drawn."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    packed, at = b"", 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + size]
        at += size + 12
    return zlib.decompress(packed)


def test_a_picture(run_command, night, tmp_path):
    pytest.importorskip("matplotlib")
    for number in range(5):
        SLOW.slow(1 + number / 3).save(night / f"slow-{number}.jsonl")
    with_times, without = tmp_path / "night.png", tmp_path / "none.png"
    run_command("stats", "--plot", with_times, night)
    run_command("stats", "--plot", without, night / "turn-3.jsonl")
    assert len(set(pixels(with_times))) > 50
    assert pixels(with_times) != pixels(without)
    run_command("stats", "--plot", tmp_path / "night.svg", night)
    svg = (tmp_path / "night.svg").read_text()
    assert svg.startswith("<?xml")


def test_pictures_that_cannot_be_drawn(run_command, night, tmp_path, monkeypatch):
    assert run_command("stats", "--plot", tmp_path / "night.txt", night)[0] == 2
    missing = tmp_path / "missing" / "night.png"
    status, _, err = run_command("stats", "--plot", missing, night)
    assert (status, err) == (1, f"streamfold: {missing}: No such file or directory\n")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    status, _, err = run_command("stats", "--plot", tmp_path / "night.png", night)
    assert status == 2
    assert "pip install 'streamfold[plot]'" in err


@pytest.mark.parametrize(
    "flags",
    [("--stall", "0"), ("--stall", "x"), ("--stall", "inf"), ("--jobs", "-1"), ("--jobs", "x")],
)
def test_flags_that_cannot_be_used(run_command, night, flags, capsys):
    with pytest.raises(SystemExit) as ended:
        run_command("stats", *flags, night)
    assert ended.value.code == 2


def test_a_url_without_fsspec(run_command, monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    status, _, err = run_command("stats", "s3://bucket/night")
    assert status == 2
    assert "pip install 'streamfold[fsspec]'" in err


# --- executors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["check", "stats"])
@pytest.mark.parametrize("jobs", ["2", "0"])
def test_the_output_is_the_same_with_more_processes(run_command, night, command, jobs):
    assert run_command(command, "--jobs", jobs, "--json", night) == run_command(
        command, "--json", night
    )


@pytest.fixture
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as made:
        yield made


@pytest.mark.filterwarnings("ignore")
def test_the_output_is_the_same_on_a_dask_cluster(run_command, night, cluster):
    here = run_command("stats", "--json", night)
    there = run_command("stats", "--dask", cluster.scheduler_address, "--json", night)
    assert there[:2] == here[:2]


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_is_not_there(run_command, night, monkeypatch):
    monkeypatch.setattr(
        "distributed.Client", lambda *args, **options: (_ for _ in ()).throw(OSError("timed out"))
    )
    status, _, err = run_command("stats", "--dask", "tcp://127.0.0.1:1", night)
    assert status == 2
    assert "tcp://127.0.0.1:1: cannot reach the scheduler: timed out" in err
    monkeypatch.setitem(sys.modules, "distributed", None)
    status, _, err = run_command("check", "--dask", "tcp://127.0.0.1:1", night)
    assert status == 2
    assert "pip install 'streamfold[dask]'" in err


@posix
@pytest.mark.parametrize("flags", [(), ("--jobs", "2")])
def test_ctrl_c_ends_at_once_and_shows_what_there_is(running, tmp_path, flags):
    """The work is long: 8,000 names of one recording."""
    folder = fill(tmp_path / "night", 1)
    recording = folder / "turn-0.jsonl"
    for number in range(8000):
        os.link(recording, folder / f"night-{number}{recording.suffix}")
    process = running("stats", *flags, "--rows", str(tmp_path / "rows.csv"), str(folder))
    rows = tmp_path / "rows.csv.unfinished"
    deadline = time.monotonic() + PATIENCE
    while not rows.exists() or not rows.stat().st_size:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 130
    assert "complete" in process.stdout.read().decode()
    assert 0 < (tmp_path / "rows.csv").read_text().count("complete") < 8000


def test_processes_end_at_once():
    options = SimpleNamespace(dask=None, jobs=2)
    begun = time.monotonic()
    with suppress(KeyboardInterrupt), executor_of(options) as pool:
        waiting = pool.submit(time.sleep, 60)
        while not waiting.running():
            time.sleep(0.01)
        raise KeyboardInterrupt
    with pytest.raises(BrokenExecutor):
        waiting.result(10)
    assert time.monotonic() - begun < 30


# --- progress ------------------------------------------------------------------------------------


def test_progress_is_shown_on_a_terminal(run_command, tmp_path, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    folder = fill(tmp_path / "night", 150)
    plain = run_command("stats", folder)[1]
    monkeypatch.setattr(sys, "stderr", screen := Screen())
    assert run_command("stats", folder)[1] == plain
    assert "Measuring" in screen.getvalue()


def test_a_long_table_comes_in_pages(run_command, tmp_path, monkeypatch):
    folder = fill(tmp_path / "night", 60)
    whole = run_command("check", folder)
    monkeypatch.setattr(check_module, "_PAGE", 3)
    assert run_command("check", folder) == whole
    assert len(whole[1].splitlines()) == 9


# --- an accumulator ------------------------------------------------------------------------------

CARELESS = "tests.support.corpora:careless"


def test_check_against_an_accumulator(run_command, tmp_path):
    names = ("text", "stop-sequence", "json-answer", "tool")
    paths = [RECORDINGS / f"{name}.sse" for name in names]
    smallest = RECORDINGS / "stop-sequence.sse"
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(b"{}")
    saved = tmp_path / "kinds"
    status, out, _ = run_command("check", "--against", CARELESS, "--save", saved, *paths, broken)
    assert status == 1
    lines = out.splitlines()
    assert lines[0] == "      3  differs: content.text"
    assert lines[1].startswith(f"         {smallest}: content[0].text: expected")
    assert lines[2:] == [
        "      3  extra: seconds",
        f"         {smallest}: seconds: got 1",
        "      1  raises ValueError",
        f"         {RECORDINGS / 'tool.sse'}: no tools here",
        "5 recordings: 0 equal, 1 not compared, 3 kinds of differences; the smallest of each is "
        f"in {saved}",
    ]
    assert sorted(file.name for file in saved.iterdir()) == [
        "differs-content.text.jsonl",
        "extra-seconds.jsonl",
        "raises-ValueError.jsonl",
    ]


def test_check_against_the_reference(run_command, tmp_path):
    path = RECORDINGS / "text.sse"
    reference = "tests.support.corpora:reference"
    assert run_command("check", "--against", reference, path) == (0, "1 recording: 1 equal\n", "")
    saved = tmp_path / "kinds"
    status, out, _ = run_command("check", "--json", "--against", CARELESS, "--save", saved, path)
    assert status == 1
    assert json.loads(out)["kinds"] == ["differs: content.text", "extra: seconds"]
    status, _, err = run_command("check", "--against", CARELESS, "--save", path / "below", path)
    assert (status, err) == (1, f"streamfold: {path / 'below'}: Not a directory\n")


def test_names_that_are_not_accumulators(run_command, tmp_path):
    for name in ("json", "no_such_module:f"):
        status, _, err = run_command("check", "--against", name, RECORDINGS / "text.sse")
        assert status == 2
        assert err.startswith("streamfold: ")


@pytest.mark.parametrize(("smallest", "edge"), [(0.3, 0.2), (1e-9, 0.001 / 1.5)])
def test_the_axis_of_a_picture_begins_below_the_smallest_value(smallest, edge, monkeypatch):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    monkeypatch.setattr(plot, "_shares", lambda found: ([smallest, 2.0], [0.5, 1.0]))
    axis = figure.subplots()
    group = SimpleNamespace(model="m", silence=SimpleNamespace(count=2))
    plot._draw_shares(axis, [group], "silence", "Silence")
    assert axis.get_xlim()[0] == pytest.approx(edge)
