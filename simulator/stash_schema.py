"""Stash's GraphQL schema: the real one if its file is present, otherwise the part that is served."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    build_client_schema,
    build_schema,
    coerce_input_value,
    parse,
    type_from_ast,
    validate,
    validate_input_value,
)

_HERE = os.path.dirname(os.path.abspath(__file__))
SUBSET = os.path.join(_HERE, "stash_subset.graphql")
TRUE_SCHEMA = os.path.join(_HERE, "..", "..", "shared", "stash-schema.json")


def load_schema(whole: bool | None = None) -> GraphQLSchema:
    """A new schema without resolvers; `whole` None uses the real one if its file is present."""
    if whole is None:
        whole = os.path.exists(TRUE_SCHEMA)
    if not whole:
        with open(SUBSET, encoding="utf-8") as file:
            return build_schema(file.read())
    with open(TRUE_SCHEMA, encoding="utf-8") as file:
        raw = json.load(file)
    return build_client_schema(raw.get("data", raw))


class Documents:
    """Parses and validates each query once."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self.get = functools.lru_cache(maxsize=1024)(self._read)

    def _read(self, text: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...], str]:
        """(document, errors, Stash's code for these errors)."""
        try:
            document = parse(text)
        except GraphQLSyntaxError as problem:
            return None, (problem,), "GRAPHQL_PARSE_FAILED"
        return document, tuple(validate(self._schema, document)), "GRAPHQL_VALIDATION_FAILED"


class BadInput(ValueError):
    """A value that does not fit its input type."""


def coerce(schema: GraphQLSchema, type_name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """A Python mapping as the server would receive it for that input type. Raises BadInput."""
    kind = schema.type_map[type_name]
    assert isinstance(kind, GraphQLInputObjectType)
    problems: list[str] = []
    validate_input_value(value, kind, lambda error, path: problems.append(error.message))
    if problems:
        raise BadInput("; ".join(problems))
    found: dict[str, Any] = coerce_input_value(value, kind)
    return found


def lenient_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """Variables as Stash accepts them: numbers as strings, and numeric strings as numbers."""
    found = dict(variables)
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        if name in found:
            kind = type_from_ast(schema, definition.type)
            found[name] = _lenient(kind, found[name])
    return found


def _lenient(kind: Any, value: Any) -> Any:
    if value is None or kind is None:
        return value
    inner = getattr(kind, "of_type", None)
    if inner is not None:
        return (
            [_lenient(inner, v) for v in value]
            if isinstance(value, list)
            else _lenient(inner, value)
        )
    if isinstance(kind, GraphQLInputObjectType) and isinstance(value, dict):
        fields = kind.fields
        return {k: _lenient(fields[k].type, v) if k in fields else v for k, v in value.items()}
    return _lenient_scalar(kind.name, value)


def _lenient_scalar(name: str, value: Any) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name in ("String", "ID") and is_number:
        return str(value)
    if name in ("Int", "Float") and isinstance(value, str):
        try:
            return int(value) if name == "Int" else float(value)
        except ValueError:
            return value
    return value
