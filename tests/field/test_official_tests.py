"""The official package's own tests of streaming and parsing, run against streamfold.

Its source distribution has them; the wheel does not. Get it with

    python -m pip download --no-deps --no-binary anthropic anthropic==2.14.0

and name the file in `STREAMFOLD_OFFICIAL_SDIST`. Building its metadata needs hatchling and
hatch-fancy-pypi-readme; the tests need respx, inline-snapshot, http-snapshot and pytest-asyncio.
Without the variable this test is skipped.

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
COLLECTED = 121

PRIVATE = "it calls a private function, or reads a private module or attribute, of the package"
NO_METHOD = "by design: tool_runner and with_raw_response are the official client's (adapters.sdk)"
IMMUTABLE = "by design: objects never change"
OWN_ERROR = "the error has our text, and names the event, the index and the tool"
OWN_VALUE_ERROR = "a ValueError, not the base class of all errors, refuses two formats"
NO_TABLE = "streamfold has no table of deprecated models"
NO_FILES = "files are not read: a base64 source takes the base64"
MORE_TYPES = "schemas without a type are sent, where the official client refuses them"

_STREAMING = "tests/lib/streaming/"
_PARSING = "tests/lib/_parse/"
DIFFERENT: dict[str, str] = {
    **dict.fromkeys(
        [
            f"{_STREAMING}test_{kind}.py::Test{way}Messages::test_deprecated_model_warning_stream"
            for kind in ("messages", "beta_messages")
            for way in ("Sync", "Async")
        ],
        NO_TABLE,
    ),
    **dict.fromkeys(
        [
            f"{_STREAMING}test_{kind}.py::TestAsyncMessages::"
            "test_file_input_is_read_when_the_stream_is_entered"
            for kind in ("messages", "beta_messages")
        ],
        NO_FILES,
    ),
    **dict.fromkeys(
        [
            f"{_STREAMING}test_messages.py::Test{way}Messages::test_tool_use_invalid_json"
            for way in ("Sync", "Async")
        ],
        OWN_ERROR,
    ),
    **dict.fromkeys(
        [
            f"{_STREAMING}test_messages.py::test_message_delta_fields_are_all_accumulated",
            f"{_STREAMING}test_beta_messages.py::test_message_delta_fields_are_all_accumulated",
            f"{_STREAMING}test_beta_messages.py::test_parse_method_definition_in_sync[sync]",
            f"{_STREAMING}test_beta_messages.py::test_parse_method_definition_in_sync[async]",
            f"{_STREAMING}test_parsed_content_blocks.py::"
            "test_parsed_union_matches_generated_union[beta]",
            f"{_STREAMING}test_parsed_content_blocks.py::"
            "test_parsed_union_matches_generated_union[non-beta]",
            f"{_STREAMING}test_parsed_content_blocks.py::"
            "test_parsed_output_is_readable_but_not_dumped[beta]",
            f"{_STREAMING}test_parsed_content_blocks.py::"
            "test_parsed_output_is_readable_but_not_dumped[non-beta]",
            f"{_STREAMING}test_partial_json.py::TestPartialJson::test_trailing_strings_mode_header",
            f"{_STREAMING}test_partial_json.py::TestPartialJson::"
            "test_partial_json_with_invalid_json",
        ],
        PRIVATE,
    ),
    f"{_STREAMING}test_parsed_content_blocks.py::"
    "test_streamed_fallback_block_is_constructed_as_fallback_block": IMMUTABLE,
    **dict.fromkeys(
        [
            f"{_STREAMING}test_beta_messages.py::test_tool_runner_method_definition_in_sync[sync]",
            f"{_STREAMING}test_beta_messages.py::test_tool_runner_method_definition_in_sync[async]",
            f"{_PARSING}test_beta_messages.py::TestAsyncMessages::"
            "test_parse_uses_output_config[http_snapshot0]",
        ],
        NO_METHOD,
    ),
    f"{_PARSING}test_beta_messages.py::TestAsyncMessages::"
    "test_rejects_both_output_format_and_config": OWN_VALUE_ERROR,
    **dict.fromkeys(
        [
            *(
                f"{_PARSING}test_transform.py::"
                f"test_raises_without_a_type_or_a_kept_const_or_enum[schema{number}]"
                for number in range(4)
            ),
            f"{_PARSING}test_transform.py::test_unsupported_type_asserts",
        ],
        MORE_TYPES,
    ),
}

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
        [sys.executable, "-m", "pytest", "tests/lib/streaming", "tests/lib/_parse"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = re.findall(r"^(PASSED|FAILED|ERROR) (tests/\S+)", done.stdout, re.MULTILINE)
    passed = {name for outcome, name in outcomes if outcome == "PASSED"}
    failed = {name for outcome, name in outcomes if outcome != "PASSED"}
    assert failed == set(DIFFERENT), done.stdout[-3000:]
    assert len(passed) + len(failed) == COLLECTED
