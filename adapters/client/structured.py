"""Structured outputs: a Python type as the JSON schema the API accepts, and text back as the type.

The type may be any that pydantic's `TypeAdapter` takes: a model, a dataclass, a `TypedDict`,
`list[int]`, a union. The API accepts a part of JSON Schema only. `transform_schema` moves the other
keywords into the `description`, where the model reads them; pydantic checks all of them when
`parsed_output` is read.

pydantic is imported at the first use of a type, not with this module.

Source: API reference, "Structured outputs", JSON schema limitations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

__all__ = ["response_format", "transform_schema"]

T = TypeVar("T")


def response_format(output_format: type[T]) -> tuple[dict[str, Any], Callable[[str], T]]:
    """The format field of a request for `output_format`, and the parser of its answer.

    Args:
        output_format: any type that pydantic's `TypeAdapter` takes.

    Returns:
        The value of the request's `output_config.format`, and the function from the answer's text
        to a value of the type. It raises pydantic's `ValidationError` for text that does not
        validate.

    Raises:
        ImportError: pydantic is not installed.
        TypeError: pydantic cannot make a JSON schema of the type.

    >>> format_field, parse = response_format(list[int])
    >>> format_field
    {'type': 'json_schema', 'schema': {'items': {'type': 'integer'}, 'type': 'array'}}
    >>> parse("[1, 2]")
    [1, 2]
    """
    try:
        from pydantic import TypeAdapter
        from pydantic.errors import PydanticUserError
    except ImportError:
        raise ImportError(
            "output_format needs pydantic, which is not installed: "
            "pip install 'streamfold[pydantic]'"
        ) from None
    if isinstance(output_format, Mapping):
        raise TypeError(
            "output_format must be a type, got a mapping: pass a schema as "
            "output_config={'format': …}"
        )
    try:
        adapter: TypeAdapter[T] = TypeAdapter(output_format)
        schema = adapter.json_schema()
    except PydanticUserError as fault:
        raise TypeError(
            f"output_format must be a type of which pydantic can make a JSON schema, got "
            f"{output_format!r}: {fault.message}"
        ) from fault
    return {"type": "json_schema", "schema": transform_schema(schema)}, adapter.validate_json


def transform_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema in the form that the API accepts. `schema` itself is not changed.

    Every object is closed (`additionalProperties` is false), `oneOf` becomes `anyOf`, and the
    keywords that the API does not accept move into the `description`.

    Args:
        schema: a JSON schema, with references inside itself only.

    Returns:
        A new schema.

    >>> transform_schema({"type": "integer", "description": "How many", "minimum": 1})
    {'type': 'integer', 'description': 'How many\\n\\n{"minimum": 1}'}
    >>> transform_schema({"type": "object", "properties": {"at": {"type": "string"}}})
    {'type': 'object', 'properties': {'at': {'type': 'string'}}, 'additionalProperties': False}
    """
    accepted: dict[str, Any] = {}
    described: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _REDUNDANT:
            continue
        rule = _KEYWORDS.get(keyword)
        if rule is None:
            described[keyword] = value
        else:
            name, accepts, transform = rule
            if accepts(value) and name not in accepted:
                accepted[name] = transform(value)
            else:
                described[keyword] = value
    kinds = schema.get("type")
    if kinds == "object" or (isinstance(kinds, list) and "object" in kinds):
        accepted.setdefault("properties", {})
        accepted["additionalProperties"] = False
    if "prefixItems" in schema and "items" not in accepted:
        accepted["items"] = {"anyOf": _schemas(schema["prefixItems"])}
    if described:
        keywords = json.dumps(described, ensure_ascii=False, default=str)
        description = [*filter(None, [accepted.get("description")]), keywords]
        accepted["description"] = "\n\n".join(description)
    if "$ref" in accepted and "description" in accepted:  # the API accepts no keyword beside $ref
        accepted["anyOf"] = [{"$ref": accepted.pop("$ref")}]
    return accepted


def _schema(value: Any) -> Any:
    """A schema inside another: an object, or a boolean (true: any value; false: none)."""
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


def _is_scalar(value: Any) -> bool:
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
    "enum": ("enum", lambda value: all(map(_is_scalar, value)), _same),
    "const": ("const", _is_scalar, _same),
    "format": ("format", lambda value: value in _FORMATS, _same),
    "minItems": ("minItems", lambda value: value in (0, 1), _same),
    "additionalProperties": ("additionalProperties", lambda value: value in (True, False), _same),
}
"""The accepted keywords: the name that the API has for it, a test of the values that the API
accepts, and the function that transforms such a value.
"""

_REDUNDANT = frozenset({"discriminator"})
"""Keywords that repeat other parts of the schema; they are dropped."""
