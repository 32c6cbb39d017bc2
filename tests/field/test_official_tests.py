"""The official package's own tests of streaming and parsing, run against streamfold.

Its source distribution has them; the wheel does not. `run.sh official` fetches it into an
environment with the packages that the tests need, and names the file in
`STREAMFOLD_OFFICIAL_SDIST`. Without the variable this test is skipped.

`official_redirect` redirects the imports. `DIFFERENT` lists each test that does not pass, with the
reason, and the list is exact.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

SDIST = os.environ.get("STREAMFOLD_OFFICIAL_SDIST")
COLLECTED = 180

PRIVATE = "it calls a private function, or reads a private module or attribute, of the package"
NO_METHOD = (
    "by design: count_tokens, tool_runner and with_raw_response are the official client's "
    "(adapters.sdk)"
)
ONE_ENGINE = (
    "by design: the API and its beta have the same classes; and it reads fields with a private "
    "function"
)
OVER = "by design: a stream is over after message_stop, and its unknown event comes later"
NOT_A_STREAM = "by design: an answer that is not a stream raises"

_STREAMING = "tests/lib/streaming/"
_FORMATS = "tests/lib/test_output_format_helpers.py::"
TESTS = (
    _STREAMING,
    "tests/lib/_parse/",
    "tests/test_streaming.py",
    "tests/lib/test_output_format_helpers.py",
    "tests/api_resources/beta/test_output_format_conversion.py",
)
"""The tests of streams, of their bytes, of typed answers and of their schemas."""

DIFFERENT: dict[str, str] = {
    "tests/test_streaming.py": PRIVATE,
    **dict.fromkeys(
        [
            f"{_STREAMING}test_{kind}.py::Test{way}Messages::"
            "test_unknown_events_are_passed_through[False]"
            for kind in ("messages", "beta_messages")
            for way in ("Sync", "Async")
        ],
        OVER,
    ),
    f"{_STREAMING}test_messages.py::test_message_delta_fields_are_all_accumulated": ONE_ENGINE,
    f"{_STREAMING}test_beta_messages.py::test_message_delta_fields_are_all_accumulated": ONE_ENGINE,
    f"{_STREAMING}test_parsed_content_blocks.py::"
    "test_streamed_fallback_block_is_constructed_as_fallback_block": PRIVATE,
    f"{_STREAMING}test_parsed_content_blocks.py::"
    "test_parsed_output_is_readable_but_not_dumped": PRIVATE,
    f"{_STREAMING}test_partial_json.py::TestPartialJson::"
    "test_trailing_strings_mode_header": PRIVATE,
    f"{_STREAMING}test_partial_json.py::TestPartialJson::"
    "test_partial_json_with_invalid_json": PRIVATE,
    f"{_STREAMING}test_beta_messages.py::test_tool_runner_method_definition_in_sync": NO_METHOD,
    "tests/lib/_parse/test_beta_messages.py::TestAsyncMessages::"
    "test_parse_uses_output_config[http_snapshot0]": NO_METHOD,
    f"{_FORMATS}test_count_tokens_accepts_a_type": NO_METHOD,
    f"{_FORMATS}test_count_tokens_merges_the_type_into_an_existing_output_config": NO_METHOD,
    f"{_FORMATS}test_count_tokens_rejects_a_schema_dict": NO_METHOD,
    f"{_FORMATS}test_count_tokens_output_config_dict_still_works": NO_METHOD,
    f"{_FORMATS}test_async_count_tokens_accepts_a_type": NO_METHOD,
    f"{_FORMATS}test_async_count_tokens_rejects_a_schema_dict": NO_METHOD,
    "tests/api_resources/beta/test_output_format_conversion.py::"
    "TestOutputFormatNoDeprecationWarning::test_stream_does_not_warn_for_type": NOT_A_STREAM,
}
"""The tests that do not pass: by file, by test, or by test with its parameters."""


def listed(name: str) -> set[str]:
    """The names under which `DIFFERENT` lists a test: its file, its own, that with parameters."""
    return {name.partition("::")[0], name.partition("[")[0], name} & set(DIFFERENT)


_INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
addopts = -q --tb=no -rA -p official_redirect -p no:cacheprovider -p no:streamfold -p no:xdist
pythonpath = .
"""


@pytest.mark.skipif(SDIST is None, reason="STREAMFOLD_OFFICIAL_SDIST is not set")
def test_the_official_tests_pass_but_for_the_listed_ones(tmp_path: Path) -> None:
    with tarfile.open(str(SDIST)) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    (folder / "pytest.ini").write_text(_INI)
    plugin = Path(__file__).with_name("official_redirect.py")
    (folder / plugin.name).write_bytes(plugin.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *TESTS],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = re.findall(r"^(PASSED|FAILED|ERROR) (tests/\S+)", done.stdout, re.MULTILINE)
    passed = {name for outcome, name in outcomes if outcome == "PASSED"}
    failed = {name for outcome, name in outcomes if outcome != "PASSED"}
    assert failed == {name for name in passed | failed if listed(name)}, done.stdout[-3000:]
    assert {entry for name in failed for entry in listed(name)} == set(DIFFERENT)
    assert len(passed) + len(failed) == COLLECTED
