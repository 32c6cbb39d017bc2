"""A chat in the terminal: `python chat.py`. An empty line ends it.

The text is printed as it arrives. If the stream breaks, the chat shows the part that came, leaves
it out of the conversation, and goes on.
"""

from __future__ import annotations

from typing import Any

from streamfold.adapters.anthropic import Anthropic, AnthropicError


def main(client: Anthropic) -> None:
    """Ask and answer until an empty line, or the end of the input."""
    conversation: list[Any] = []
    while question := ask():
        turn = [*conversation, {"role": "user", "content": question}]
        try:
            with client.messages.stream(
                model="claude-opus-4-6", max_tokens=1000, messages=turn
            ) as stream:
                for text in stream.text_stream:
                    print(text, end="", flush=True)
                answer = stream.get_final_message()
        except AnthropicError as error:
            print(f"\n[{type(error).__name__}: {error}]")
            continue
        print(f"\n[{answer.usage.output_tokens} tokens]")
        conversation = [*turn, {"role": "assistant", "content": answer.content}]


def ask() -> str:
    """A line of the user; empty at the end of the input."""
    try:
        return input("> ")
    except EOFError:
        return ""


if __name__ == "__main__":
    with Anthropic() as client:
        main(client)
