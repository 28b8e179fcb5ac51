"""The form of an item: what a person fills in when they add one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional


@dataclass(frozen=True)
class Field:
    """One setting of an item; made with :func:`text`, :func:`folder` and the others."""

    schema: Dict[str, Any]
    required: bool = True

    @property
    def is_folder(self) -> bool:
        """Whether it names a folder."""
        return self.schema.get("format") == "folder"


def text(description: str, *, required: bool = True) -> Field:
    """A text of one line."""
    return Field({"type": "string", "description": description}, required)


def folder(description: str, *, required: bool = True) -> Field:
    """An absolute folder; syncs that share one never run at the same time."""
    return Field({"type": "string", "format": "folder", "description": description}, required)


def choice(description: str, words: List[str], *, required: bool = True) -> Field:
    """One of some words."""
    return Field({"type": "string", "enum": list(words), "description": description}, required)


def secret(description: str, *, required: bool = True) -> Field:
    """A password or a token: syncmgr keeps it. Never log or print it."""
    return Field({"type": "string", "format": "secret", "description": description}, required)


def integer(description: str, *, minimum: int = 0, required: bool = True) -> Field:
    """A whole number."""
    return Field({"type": "integer", "minimum": minimum, "description": description}, required)


def size(description: str, *, required: bool = True) -> Field:
    """A number of bytes; people write `10M`."""
    return Field({"type": "integer", "format": "bytes", "description": description}, required)


def texts(description: str, *, required: bool = True) -> Field:
    """Several texts."""
    array = {"type": "array", "items": {"type": "string"}, "description": description}
    return Field(array, required)


def form(fields: Mapping[str, Field]) -> Dict[str, Any]:
    """Makes the JSON Schema of a form."""
    schema: Dict[str, Any] = {
        "type": "object",
        "properties": {key: field.schema for key, field in fields.items()},
    }
    required = [key for key, field in fields.items() if field.required]
    if required:
        schema["required"] = required
    return schema


def complaint(fields: Mapping[str, Field], settings: Mapping[str, Any]) -> Optional[str]:
    """Says what is wrong with settings, or `None`."""
    for key, field in fields.items():
        value = settings.get(key)
        if value is None or value == "" or value == []:
            if field.required:
                return f"{key} is missing: {field.schema['description']}"
        elif not _fits(field.schema, value):
            return f"{key} does not fit: {field.schema['description']}"
    return None


def _fits(schema: Mapping[str, Any], value: Any) -> bool:
    kind = schema["type"]
    if kind == "integer":
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return is_number and value >= schema.get("minimum", 0)
    if kind == "array":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, str) and value in schema.get("enum", [value])
