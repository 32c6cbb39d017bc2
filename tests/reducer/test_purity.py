"""The reducer does no I/O: its imports, its calls, and the modules that importing it loads."""

from __future__ import annotations

import ast
import builtins
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import streamfold.reducer
from streamfold.reducer import StreamState, encode_sse, feed

from tests.support.events import MESSAGE_STOP, block_delta, block_start, block_stop, message_delta
from tests.support.events import message_start as start
from tests.support.model import fed

FOLDER = Path(streamfold.reducer.__file__).parent
MODULES = sorted(FOLDER.glob("*.py"))
INTERNAL = ("blocks", "deltas", "drafts", "head", "model_methods", "parked", "runs")
"""The modules without public names."""
BY_NAME = [path.name for path in MODULES]

UNWANTED = {"httpx", "pydantic", "hypothesis", "asyncio", "anthropic", "pytest", "rich"}
IMPURE = {
    *("asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "select"),
    *("shutil", "signal", "socket", "ssl", "subprocess", "sys", "tempfile", "threading", "time"),
    *("urllib", "uuid", "warnings"),
}
CLOCKS = {"now", "today", "utcnow", "fromtimestamp", "utcfromtimestamp", "astimezone"}
"""The methods of `datetime` that read the clock or the local time zone."""

IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "breakpoint"}


def fresh(code: str) -> str:
    """The output of a fresh interpreter that runs `code`."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(FOLDER.parent.parent), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.stderr == ""
    return done.stdout


def test_importing_it_loads_only_allowed_modules() -> None:
    code = "import streamfold.reducer, sys; print(*sys.modules, sep='\\n')"
    loaded = set(fresh(code).split())
    assert "streamfold.reducer.reduce" in loaded
    assert not {name for name in loaded if name.split(".")[0] in UNWANTED}
    assert not {
        name
        for name in loaded
        if name.startswith("streamfold.") and not name.startswith("streamfold.reducer")
    }


def test_importing_it_prints_nothing() -> None:
    assert fresh("from streamfold.reducer import *") == ""


@pytest.mark.parametrize("path", MODULES, ids=BY_NAME)
def test_a_module_imports_only_what_it_may(path: Path) -> None:
    siblings = {module.stem for module in MODULES}
    typing_only = {"typing_extensions"}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert node.level == 1
            assert node.module in siblings
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = (
                [node.module]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
            )
            for name in names:
                assert name is not None
                root = name.split(".")[0]
                assert root not in IMPURE
                assert (
                    root in sys.stdlib_module_names
                    or root in {"attrs", "partial_json_parser"} | typing_only
                )


def test_typing_extensions_is_for_type_checkers_only() -> None:
    for path in MODULES:
        tree = ast.parse(path.read_text("utf-8"))
        at_top = {
            node.module for node in tree.body if isinstance(node, ast.ImportFrom) and not node.level
        }
        assert "typing_extensions" not in at_top


@pytest.mark.parametrize("path", MODULES, ids=BY_NAME)
def test_a_module_calls_nothing_that_does_io_and_changes_no_global(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        assert not isinstance(node, (ast.Global, ast.AsyncFunctionDef, ast.Await))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in IMPURE_CALLS
            assert hasattr(builtins, node.func.id) or node.func.id.isidentifier()
        assert not (isinstance(node, ast.Attribute) and node.attr in CLOCKS)


def test_all_that_is_public_is_there_and_sorted() -> None:
    names = streamfold.reducer.__all__
    assert len(names) == len(set(names))
    for name in names:
        assert getattr(streamfold.reducer, name) is not None
    by_module: list[str] = []
    for path in MODULES:
        if path.stem not in ("__init__", *INTERNAL):
            by_module += sys.modules[f"streamfold.reducer.{path.stem}"].__all__
    assert names == sorted(by_module)


def test_there_are_no_import_cycles_type_only_ones_included() -> None:
    imports = {
        path.stem: {
            node.module
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.ImportFrom) and node.level
        }
        for path in MODULES
    }
    assert len(list(TopologicalSorter(imports).static_order())) == len(MODULES)


BODY = encode_sse(
    [
        start(usage={"output_tokens": 1}),
        block_start(0, "text", text=""),
        *[block_delta(0, "text_delta", text=piece) for piece in ("Hel", "lo", "\ud83d", "\ude00")],
        block_stop(0),
        message_delta(usage={"output_tokens": 5}),
        MESSAGE_STOP,
    ]
)


def test_the_same_input_twice_gives_equal_output() -> None:
    first, second = fed([BODY]), fed([BODY])
    assert first == second
    assert repr(first) == repr(second)
    assert [event.to_json() for event in first.events] == [
        event.to_json() for event in second.events
    ]


def test_folds_do_not_change_the_initial_values() -> None:
    """The shared initial values do not change when streams are folded from them."""
    state = StreamState()
    print_of = (repr(state), state.to_dict(), hash(state))
    for size in (1, 7, len(BODY)):
        chunks = [BODY[begin : begin + size] for begin in range(0, len(BODY), size)]
        assert fed(chunks, state) == fed([BODY])
    assert (repr(state), state.to_dict(), hash(state)) == print_of
    assert StreamState() == state


def test_a_fresh_process_gives_the_same() -> None:
    code = (
        "from streamfold.reducer import *\n"
        f"state, events = feed(StreamState(), {BODY!r})\n"
        "print(ascii([event.to_json() for event in events]))\n"
        "print(ascii(finish(state).to_json()))"
    )
    state, events = feed(StreamState(), BODY)
    assert fresh(code).splitlines() == [
        ascii([event.to_json() for event in events]),
        ascii(state.snapshot.message.to_json()),
    ]
