"""GraphQL for the simulated Stash: maps fields to resolvers, and runs queries."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    execute_sync,
    get_named_type,
    get_operation_ast,
)

from simulator.stash_constants import CONSTANTS
from simulator.stash_core import StashCore
from simulator.stash_first_steps import FIRST_STEPS
from simulator.stash_hooks import Caller
from simulator.stash_mutation_resolvers import MUTATIONS
from simulator.stash_resolvers import QUERIES
from simulator.stash_schema import Documents, lenient_variables, load_schema

_SURROGATES = re.compile("[\ud800-\udfff]")
_NOTHING: Mapping[str, Any] = {}
Resolver = Callable[..., Any]
_OWN: Mapping[str, Resolver] = {**QUERIES, **MUTATIONS, **FIRST_STEPS}


@dataclass(frozen=True, slots=True)
class Context:
    """What resolvers know about the request. `base` is the address the client used."""

    core: StashCore
    caller: Caller
    base: str


@functools.lru_cache(maxsize=2)
def served_schema(whole: bool | None = None) -> tuple[GraphQLSchema, Documents]:
    """The schema with its resolvers, made once per process."""
    schema = load_schema(whole)
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                field.resolve = _resolver(kind.name, name, get_named_type(field.type))
    return schema, Documents(schema)


def _resolver(kind: str, name: str, result: GraphQLNamedType) -> Resolver:
    if (own := _OWN.get(f"{kind}.{name}")) is not None:
        return own
    if result.name == "Time":
        return functools.partial(_time, name)
    constants = CONSTANTS.get(kind, {})
    if name in constants:
        return functools.partial(_stored_or, name, constants[name])
    return functools.partial(_stored, name)


def _stored(name: str, source: Any, info: GraphQLResolveInfo[Context], **args: Any) -> Any:
    try:
        return source[name] if type(source) is dict else getattr(source, name)
    except (AttributeError, KeyError):
        field = f"{info.parent_type.name}.{name}"
        raise GraphQLError(f"the simulator does not serve {field}") from None


def _stored_or(name: str, default: Any, source: Any, info: Any, **args: Any) -> Any:
    """A field of a performer, tag, studio or group if set, or Stash's default."""
    value = getattr(source, "more", _NOTHING).get(name)
    return default if value is None else value


def _time(name: str, source: Any, info: GraphQLResolveInfo[Context], **args: Any) -> str | None:
    at = source.get(name) if type(source) is dict else getattr(source, name, None)
    return at if at is None or isinstance(at, str) else info.context.core.stamp(at)


@dataclass(frozen=True, slots=True)
class Answer:
    """A GraphQL answer; `refused` if nothing was executed (syntax, validation, variables)."""

    body: bytes
    refused: bool = False


def execute(context: Context, request: Mapping[str, Any], read_only: bool = False) -> Answer:
    """Run one GraphQL request; `read_only` (GET) refuses mutations."""
    schema, documents = context.core.schema, context.core.documents
    text, name = request.get("query"), request.get("operationName")
    document, problems, code = documents.get(text if isinstance(text, str) else "")
    if document is None or problems:
        return _refusal(problems, code)
    operation = get_operation_ast(document, name)
    if operation is None:
        return _refusal(
            [GraphQLError(f"operation {name or ''} not found")], "GRAPHQL_VALIDATION_FAILED"
        )
    if read_only and operation.operation.value != "query":
        return _refusal([GraphQLError("GET requests only allow query operations")], "")
    variables = lenient_variables(schema, operation, request.get("variables") or {})
    result = execute_sync(
        schema, document, None, context, variable_values=variables, operation_name=name
    )
    if result.data is None and result.errors and result.errors[0].path is None:
        return _refusal(result.errors, "GRAPHQL_VALIDATION_FAILED")
    return Answer(_json(_payload(result)))


def _payload(result: ExecutionResult) -> dict[str, Any]:
    if not result.errors:
        return {"data": result.data}
    errors = [{"message": e.message, "path": e.path} for e in result.errors]
    return {"errors": errors, "data": result.data}


def _refusal(problems: Any, code: str) -> Answer:
    errors = []
    for problem in problems:
        where = [{"line": at.line, "column": at.column} for at in problem.locations or ()]
        entry: dict[str, Any] = {"message": problem.message}
        entry.update({"locations": where} if where else {})
        entry.update({"extensions": {"code": code}} if code else {})
        errors.append(entry)
    return Answer(_json({"errors": errors, "data": None}), refused=True)


def _json(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text).encode()
