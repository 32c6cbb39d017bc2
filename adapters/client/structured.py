"""Structured outputs: a Python type as the JSON schema the API accepts, and text back as the type.

The type may be any that pydantic's `TypeAdapter` takes: a model, a dataclass, a `TypedDict`,
`list[int]`, a union. The API accepts a part of JSON Schema only. `transform_schema` moves the other
keywords into the `description`, where the model reads them; pydantic checks all of them when
`parsed_output` is read.

pydantic is imported at the first use of a type, not with this module.

Source: API reference, "Structured outputs", JSON schema limitations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from streamfold.reducer import StreamfoldError

__all__ = [
    "FormatGivenTwiceError",
    "SchemaError",
    "response_format",
    "transform_schema",
    "with_format",
]

T = TypeVar("T")


class SchemaError(ValueError, AssertionError):
    """A JSON schema that the API does not accept. The official client raises either base class."""


class FormatGivenTwiceError(StreamfoldError, ValueError):
    """A request has both `output_format` and `output_config["format"]`."""


def with_format(output_config: Any, format_field: Mapping[str, Any]) -> dict[str, Any]:
    """The parameter `output_config` of a request, with a format added.

    Args:
        output_config: the caller's own; a false value counts as none.
        format_field: the format, as `response_format` makes it.

    Raises:
        FormatGivenTwiceError: it has a format already.
    """
    config: dict[str, Any] = output_config or {}
    if config.get("format") is not None:
        raise FormatGivenTwiceError(
            "Both output_format and output_config.format were provided, so the answer's format was "
            "given twice: give output_format or output_config['format'], not both"
        )
    return {**config, "format": format_field}


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
        SchemaError: the type, or a part of it, may have any value.
        TypeError: pydantic cannot make a JSON schema of the type.

    >>> format_field, parse = response_format(list[int])
    >>> format_field
    {'type': 'json_schema', 'schema': {'type': 'array', 'items': {'type': 'integer'}}}
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


def transform_schema(schema: Mapping[str, Any] | type[Any]) -> dict[str, Any]:
    """A JSON schema in the form that the API accepts, which is the official client's.

    Every object is closed (`additionalProperties` is false), `oneOf` becomes `anyOf`, an `enum` or
    a `const` stands without its type, and the keywords that the API does not accept move into the
    `description`. `schema` itself is not changed.

    Args:
        schema: a JSON schema whose references point into itself; or a pydantic model.

    Returns:
        A new schema.

    Raises:
        SchemaError: a schema has neither a type, nor alternatives, nor values that the API accepts.

    >>> transform_schema({"type": "integer", "description": "How many", "minimum": 1})
    {'type': 'integer', 'description': 'How many\\n\\n{minimum: 1}'}
    >>> transform_schema({"type": "object", "properties": {"at": {"type": "string"}}})
    {'type': 'object', 'properties': {'at': {'type': 'string'}}, 'additionalProperties': False}
    """
    if isinstance(schema, type):
        schema = cast("Any", schema).model_json_schema()
    left = dict(cast("Mapping[str, Any]", schema))
    accepted: dict[str, Any] = {}
    if (definitions := left.pop("$defs", None)) is not None:
        accepted["$defs"] = _named_schemas(definitions)
    if (reference := left.pop("$ref", None)) is not None:  # the API accepts nothing beside it
        return {**accepted, "$ref": reference}
    kind = left.pop("type", None)
    alternatives = {name: left.pop(name, None) for name in ("anyOf", "oneOf", "allOf")}
    literals = _literals(left)
    if literals:
        kind = None
    accepted.update(literals)
    for name, schemas in alternatives.items():
        if isinstance(schemas, list):
            accepted[_ALTERNATIVES[name]] = _schemas(schemas)
            break
    else:
        if not literals:
            accepted["type"] = _checked_type(kind)
    for name in ("description", "title"):
        if (text := left.pop(name, None)) is not None:
            accepted[name] = text
    for one in [kind] if isinstance(kind, str) else kind or []:
        _OF_TYPE.get(one, _no_keywords)(left, accepted)
    if left:
        described = "{" + ", ".join(f"{keyword}: {value}" for keyword, value in left.items()) + "}"
        texts = [accepted["description"]] if "description" in accepted else []
        accepted["description"] = "\n\n".join([*texts, described])
    return accepted


def _checked_type(kind: Any) -> Any:
    """The type or the types of a schema, if JSON has them."""
    if kind is None:
        raise SchemaError(
            "a schema must have a type, alternatives (anyOf, oneOf, allOf), or a const or enum of "
            "strings, numbers, booleans or null; got one with none of them: give each field a type "
            "other than Any"
        )
    for one in [kind] if isinstance(kind, str) else kind:
        if one not in _TYPES:
            raise SchemaError(f"the type of a schema must be one of {_TYPES}, got {one!r}")
    return kind


_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")

_ALTERNATIVES = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
"""The keywords that combine schemas, in the order in which one is chosen, and the API's names."""


def _schema(value: Any) -> Any:
    """A schema inside another: an object, or a boolean (true: any value; false: none)."""
    if isinstance(value, Mapping):
        return transform_schema(cast("Mapping[str, Any]", value))
    return value


def _schemas(value: list[Any]) -> list[Any]:
    return [_schema(item) for item in value]


def _named_schemas(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _schema(item) for name, item in value.items()}


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float))


def _literals(left: dict[str, Any]) -> dict[str, Any]:
    """Take `enum` and `const` out of a schema, as far as the API accepts their values."""
    taken: dict[str, Any] = {}
    values = left.get("enum")
    if isinstance(values, list) and values and all(map(_is_scalar, values)):
        taken["enum"] = left.pop("enum")
    if "const" in left and _is_scalar(left["const"]):
        taken["const"] = left.pop("const")
    return taken


def _object_keywords(left: dict[str, Any], accepted: dict[str, Any]) -> None:
    accepted["properties"] = _named_schemas(left.pop("properties", {}))
    left.pop("additionalProperties", None)
    accepted["additionalProperties"] = False
    if (required := left.pop("required", None)) is not None:
        accepted["required"] = required


def _string_keywords(left: dict[str, Any], accepted: dict[str, Any]) -> None:
    kind = left.pop("format", None)
    if kind:
        (accepted if kind in _FORMATS else left)["format"] = kind


def _array_keywords(left: dict[str, Any], accepted: dict[str, Any]) -> None:
    if (items := left.pop("items", None)) is not None:
        accepted["items"] = _schema(items)
    if (least := left.pop("minItems", None)) is not None:
        (accepted if least in (0, 1) else left)["minItems"] = least


def _no_keywords(left: dict[str, Any], accepted: dict[str, Any]) -> None:
    pass


_OF_TYPE: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "object": _object_keywords,
    "string": _string_keywords,
    "array": _array_keywords,
}
"""The functions that move the keywords of one type from the schema to the accepted ones."""

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
