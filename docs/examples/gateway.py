"""A gateway: it passes streams on as they come, byte for byte, and accounts for the tokens.

`python gateway.py` listens on port 8001 and sends requests on to ANTHROPIC_BASE_URL. `drain` folds
the bytes that pass through, at the cost of about a microsecond an event.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from streamfold.reducer import ProtocolError, Snapshot, StreamState, drain

UPSTREAM = os.environ.get("ANTHROPIC_BASE_URL", "https://api.anthropic.com")
PASSED_ON = ("anthropic-beta", "anthropic-version", "authorization", "content-type", "x-api-key")

app = FastAPI()
http = httpx.AsyncClient(timeout=600)


@app.post("/v1/messages")
async def messages(request: Request) -> StreamingResponse:
    """Send the request on, and pass its answer back."""
    headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
    sent = http.build_request(
        "POST",
        f"{UPSTREAM}/v1/messages",
        content=await request.body(),
        headers={**headers, "accept-encoding": "identity"},
    )
    answer = await http.send(sent, stream=True)
    return StreamingResponse(
        passed_on(answer), answer.status_code, media_type=answer.headers.get("content-type")
    )


async def passed_on(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The chunks of the answer. What they fold to is accounted for at the end."""
    state, fault = StreamState(), ""
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
            if not fault:
                try:
                    state = drain(state, chunk)
                except ProtocolError as error:  # the client sees the fault, too
                    fault = str(error)
    finally:
        await answer.aclose()
        account(state.snapshot, fault)


def account(snapshot: Snapshot, fault: str) -> None:
    """Print a line for the bill. A stream that was cut has the counts that came before the cut."""
    message = snapshot.message
    if message is None:
        print("no message", fault, flush=True)
    else:
        outcome = fault or ("complete" if snapshot.is_complete else "incomplete")
        usage = message.usage
        print(
            f"{message.id}: {usage.input_tokens} tokens in, {usage.output_tokens} out, {outcome}",
            flush=True,
        )


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=int(os.environ.get("PORT", "8001")), log_level="warning")
