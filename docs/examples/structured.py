"""A structured answer: the model fills a pydantic model, and a page shows it as it grows.

`python structured.py`
"""

from __future__ import annotations

from pydantic import BaseModel
from streamfold.adapters.anthropic import Anthropic


class Recipe(BaseModel):
    """A recipe."""

    title: str
    minutes: int
    ingredients: list[str]


def bake(client: Anthropic) -> Recipe:
    """Ask for a recipe, and print each ingredient as soon as it is there."""
    shown = 0
    with client.messages.stream(
        model="claude-opus-4-6",
        max_tokens=1000,
        output_format=Recipe,
        messages=[{"role": "user", "content": "A simple cake, please."}],
    ) as stream:
        for event in stream:
            if event.type == "text":
                partial = event.parsed_snapshot() or {}
                finished = partial.get("ingredients", [])[:-1]  # the last may still grow
                for ingredient in finished[shown:]:
                    print("·", ingredient)
                shown = max(shown, len(finished))
    recipe = stream.get_final_message().parsed_output
    assert recipe is not None
    for ingredient in recipe.ingredients[shown:]:
        print("·", ingredient)
    print(f"{recipe.title}, {recipe.minutes} minutes")
    return recipe


if __name__ == "__main__":
    with Anthropic() as client:
        bake(client)
