"""A tool loop: the model asks for the weather, this program looks it up, the model answers.

A tool runs only after a whole message that stopped for it: an input looks whole before it is.

`python tool_loop.py`
"""

from __future__ import annotations

from typing import Any

from streamfold.adapters.anthropic import Anthropic, Message

TOOLS: list[Any] = [
    {
        "name": "get_weather",
        "description": "The weather of the next days.",
        "input_schema": {
            "type": "object",
            "properties": {"location": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["location"],
        },
    }
]


def get_weather(location: str, days: int = 1) -> str:
    """The weather, from a table instead of a weather service."""
    return f"{location}: sun, 24 °C, for {days} days"


def answer(client: Anthropic, question: str, turns: int = 10) -> Message:
    """The model's last message, after all tools that it asked for, in at most `turns` turns."""
    conversation: list[Any] = [{"role": "user", "content": question}]
    for _ in range(turns):
        with client.messages.stream(
            model="claude-opus-4-6", max_tokens=1000, tools=TOOLS, messages=conversation
        ) as stream:
            for event in stream:
                if event.type == "text":
                    print(event.text, end="", flush=True)
            message = stream.get_final_message()
        print()
        if message.stop_reason != "tool_use":
            return message
        results: list[Any] = []
        for block in message.content:
            if block.type == "tool_use":
                print(f"[{block.name} {block.input}]")
                content = get_weather(**block.input)
                results.append({"type": "tool_result", "tool_use_id": block.id, "content": content})
        conversation += [
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": results},
        ]
    raise RuntimeError(f"the model still asks for tools after {turns} turns")


if __name__ == "__main__":
    with Anthropic() as client:
        answer(client, "Can I eat outside in Lisbon this week?")
