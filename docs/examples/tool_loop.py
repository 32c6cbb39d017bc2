"""A tool loop: the model asks for the weather, this program looks it up, the model answers.

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


def answer(client: Anthropic, question: str) -> Message:
    """The model's last message, after all tools that it asked for."""
    conversation: list[Any] = [{"role": "user", "content": question}]
    while True:
        with client.messages.stream(
            model="claude-opus-4-6", max_tokens=1000, tools=TOOLS, messages=conversation
        ) as stream:
            for event in stream:
                if event.type == "text":
                    print(event.text, end="", flush=True)
                elif event.type == "content_block_stop" and event.content_block.type == "tool_use":
                    print(f"\n[{event.content_block.name} {event.content_block.input}]")
            message = stream.get_final_message()
        if message.stop_reason != "tool_use":
            print()
            return message
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": get_weather(**block.input)}
            for block in message.content
            if block.type == "tool_use"
        ]
        conversation += [
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": results},
        ]


if __name__ == "__main__":
    with Anthropic() as client:
        answer(client, "Can I eat outside in Lisbon this week?")
