"""Structured outputs: a type as the JSON schema that the API accepts, and text back as the type.

The type may be anything that pydantic's `TypeAdapter` takes: a model, a dataclass, a `TypedDict`,
`list[int]`, a union. The API accepts a part of JSON Schema only; `transform_schema` says in words,
in the `description`, what it cannot say by keyword, so that the model knows of it. Pydantic still
checks all of it when `parsed_output` is read.

pydantic is imported when a type is given, not before.

Source: API reference, "Structured outputs", JSON schema limitations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

__all__ = ["response_format", "transform_schema"]

T = TypeVar("T")


def response_format(output_format: type[T]) -> tuple[dict[str, Any], Callable[[str], T]]:
    """What a request for `output_format` says, and what reads the answer.

    Args:
        output_format: any type that pydantic's `TypeAdapter` takes.

    Returns:
        The value of the request's `output_config.format`, and the function from the answer's text
        to a value of the type. It raises pydantic's `ValidationError` for text that does not
        validate.

    Raises:
        ImportError: pydantic is not installed.
        TypeError: pydantic cannot make a JSON schema of the type.

    >>> asked, parse = response_format(list[int])
    >>> asked
    {'type': 'json_schema', 'schema': {'items': {'type': 'integer'}, 'type': 'array'}}
    >>> parse("[1, 2]")
    [1, 2]
    """
    try:
        from pydantic import TypeAdapter
        from pydantic.errors import PydanticUserError
    except ImportError:
        raise ImportError(
            "output_format needs pydantic: pip install 'streamfold[pydantic]'"
        ) from None
    if isinstance(output_format, Mapping):
        raise TypeError(
            "output_format must be a type; give a schema as output_config={'format': …}"
        )
    try:
        adapter: TypeAdapter[T] = TypeAdapter(output_format)
        schema = adapter.json_schema()
    except PydanticUserError as fault:
        raise TypeError(
            f"pydantic cannot make a JSON schema of output_format={output_format!r}: "
            f"{fault.message}"
        ) from fault
    return {"type": "json_schema", "schema": transform_schema(schema)}, adapter.validate_json


def transform_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema in the form that the API accepts: `schema` itself stays as it is.

    Every object is closed (`additionalProperties` is false), `oneOf` becomes `anyOf`, and the
    keywords that the API does not know move into the `description`.

    >>> transform_schema({"type": "integer", "description": "How many", "minimum": 1})
    {'type': 'integer', 'description': 'How many\\n\\n{"minimum": 1}'}
    >>> transform_schema({"type": "object", "properties": {"at": {"type": "string"}}})
    {'type': 'object', 'properties': {'at': {'type': 'string'}}, 'additionalProperties': False}
    """
    told: dict[str, Any] = {}
    untold: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _IGNORED:
            continue
        rule = _KEYWORDS.get(keyword)
        if rule is None:
            untold[keyword] = value
        else:
            name, accepts, transform = rule
            if accepts(value) and name not in told:
                told[name] = transform(value)
            else:
                untold[keyword] = value
    kinds = schema.get("type")
    if kinds == "object" or (isinstance(kinds, list) and "object" in kinds):
        told.setdefault("properties", {})
        told["additionalProperties"] = False
    if "prefixItems" in schema and "items" not in told:
        told["items"] = {"anyOf": _schemas(schema["prefixItems"])}
    if untold:
        words = json.dumps(untold, ensure_ascii=False, default=str)
        told["description"] = "\n\n".join([*filter(None, [told.get("description")]), words])
    if "$ref" in told and "description" in told:  # a reference has no other keywords
        told["anyOf"] = [{"$ref": told.pop("$ref")}]
    return told


def _schema(value: Any) -> Any:
    """A schema in a place of one: an object, or (for "anything" and "nothing") a boolean."""
    if isinstance(value, Mapping):
        return transform_schema(cast("Mapping[str, Any]", value))
    return value


def _schemas(value: list[Any]) -> list[Any]:
    return [_schema(item) for item in value]


def _named_schemas(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _schema(item) for name, item in value.items()}


def _same(value: Any) -> Any:
    return value


def _always(value: Any) -> bool:
    return True


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float))


_FORMATS = {
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "uri",
    "uuid",
}

_KEYWORDS: dict[str, tuple[str, Callable[[Any], bool], Callable[[Any], Any]]] = {
    "type": ("type", _always, _same),
    "title": ("title", _always, _same),
    "description": ("description", _always, _same),
    "required": ("required", _always, _same),
    "$ref": ("$ref", _always, _same),
    "$defs": ("$defs", _always, _named_schemas),
    "properties": ("properties", _always, _named_schemas),
    "items": ("items", _always, _schema),
    "anyOf": ("anyOf", _always, _schemas),
    "oneOf": ("anyOf", _always, _schemas),
    "allOf": ("allOf", _always, _schemas),
    "enum": ("enum", lambda value: all(map(_plain, value)), _same),
    "const": ("const", _plain, _same),
    "format": ("format", lambda value: value in _FORMATS, _same),
    "minItems": ("minItems", lambda value: value in (0, 1), _same),
    "additionalProperties": ("additionalProperties", lambda value: value in (True, False), _same),
}
"""What the API knows: a keyword's name there, the values it takes, and what becomes of them."""

_IGNORED = frozenset({"discriminator"})
"""What says nothing that the schema does not say anyway."""
