"""A fold that moves to another process: `python resume.py`.

The first process reads a part of a stream and writes its state as JSON. The second one continues
with the state and the rest of the bytes, and has the same message in the end. A worker can be
replaced in this way while an answer is still arriving.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import httpx
from streamfold.reducer import StreamState, drain, finish


def begin() -> None:
    """Read the stream up to its half, and hand it over."""
    base_url = os.environ.get("ANTHROPIC_BASE_URL", "https://api.anthropic.com")
    request = {
        "model": "claude-opus-4-6",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": "Why does honey keep?"}],
        "stream": True,
    }
    key = os.environ.get("ANTHROPIC_API_KEY", "")
    headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
    answer = httpx.post(f"{base_url}/v1/messages", json=request, headers=headers, timeout=600)
    half = len(answer.content) // 2
    state = drain(StreamState(), answer.content[:half])
    checkpoint = json.dumps(state.to_dict())
    print(f"process {os.getpid()} stops at byte {half}", flush=True)
    subprocess.run([sys.executable, __file__, checkpoint], input=answer.content[half:], check=True)


def go_on(checkpoint: str) -> None:
    """Read the rest of the stream."""
    state = StreamState.from_dict(json.loads(checkpoint))
    message = finish(drain(state, sys.stdin.buffer.read()))
    print(f"process {os.getpid()} has the message: {message.stop_reason}")
    print(message.content[0].text)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        go_on(sys.argv[1])
    else:
        begin()
