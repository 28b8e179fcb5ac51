"""The values that handlers and syncmgr exchange, as they look to the author of a handler."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

# A description longer than this is not read by anybody, and a message has an end.
_DESCRIPTION_MAX = 8_000
# As many paths as syncmgr keeps of a trouble.
_PATHS_MAX = 200


def path_text(path: Union[str, bytes, "os.PathLike[str]"]) -> str:
    """Writes a path as the protocol wants it.

    Bytes that are not UTF-8 become `\\xNN`, and a backslash becomes two.
    """
    raw = os.fsencode(path).replace(b"\\", b"\\\\")
    return raw.decode("utf-8", "backslashreplace")


def text_path(text: str) -> str:
    """Reads a path that :func:`path_text` wrote."""

    def one(match: "re.Match[bytes]") -> bytes:
        found = match.group(0)
        return b"\\" if found == b"\\\\" else bytes([int(found[2:], 16)])

    raw = re.sub(rb"\\\\|\\x[0-9a-fA-F]{2}", one, text.encode("utf-8", "replace"))
    return os.fsdecode(raw)


@dataclass
class Trouble:
    """Something a person is told.

    `name` says what happened in a few words, `description` what it means and what to do.
    `retry` is `now`, `later` or `never`. `code` with `params` names a message of syncmgr instead.
    """

    name: str = ""
    description: str = ""
    level: str = "error"
    retry: Optional[str] = None
    paths: Sequence[Union[str, bytes, "os.PathLike[str]"]] = ()
    code: Optional[str] = None
    params: Mapping[str, str] = field(default_factory=dict)

    def wire(self) -> Dict[str, Any]:
        """Returns it as the protocol writes it."""
        said: Dict[str, Any] = {"level": self.level}
        if self.code is not None:
            said["code"] = self.code
            said["params"] = {key: str(value) for key, value in self.params.items()}
        else:
            said["name"] = self.name or "something happened"
        if self.description:
            said["description"] = self.description[:_DESCRIPTION_MAX]
        if self.retry is not None:
            said["retry"] = self.retry
        if self.paths:
            said["paths"] = [path_text(path) for path in list(self.paths)[:_PATHS_MAX]]
        return said


class Failed(Exception):
    """The work could not be done; the text is for a person.

    In `sync` it fails this item. In any other method the request is answered with it.
    """

    def __init__(
        self,
        name: str,
        description: str = "",
        *,
        retry: Optional[str] = None,
        paths: Sequence[Union[str, bytes, "os.PathLike[str]"]] = (),
        code: Optional[str] = None,
        params: Optional[Mapping[str, str]] = None,
    ) -> None:
        super().__init__(name)
        self.trouble = Trouble(
            name, description, retry=retry, paths=paths, code=code, params=params or {}
        )


class Disconnected(Failed):
    """The other side cannot be reached now; the item is shown as disconnected."""


class Cancelled(Exception):
    """The run was stopped; raised by :meth:`Run.check`. Let it pass."""


class NotOffered(Exception):
    """This is not offered (`E_NOTIMPL`)."""


@dataclass
class Item:
    """A sync that a person saved."""

    id: str
    name: str = ""
    settings: Dict[str, Any] = field(default_factory=dict)
    is_enabled: bool = True

    def __getitem__(self, key: str) -> Any:
        """Returns a setting; a missing one fails the run with words for the person."""
        if key not in self.settings:
            raise Failed(f"{key} is not set", f"Set it with `syncmgr set {self.id}`.")
        return self.settings[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Returns a setting that may be missing."""
        return self.settings.get(key, default)

    def path(self, key: str) -> Path:
        """Returns the folder of a setting."""
        return Path(text_path(str(self[key])))


@dataclass
class ItemInfo:
    """An item as the handler shows it."""

    id: str
    name: str
    paths: Sequence[Union[str, "os.PathLike[str]"]] = ()
    type_label: Optional[str] = None
    comment: Optional[str] = None
    is_enabled: Optional[bool] = None
    is_connected: Optional[bool] = None
    last_sync_time: Optional[int] = None
    capabilities: Sequence[str] = ()
    policies: Sequence[str] = ()

    def wire(self) -> Dict[str, Any]:
        """Returns it as the protocol writes it."""
        said = present(
            self, "type_label", "comment", "is_enabled", "is_connected", "last_sync_time"
        )
        said.update(id=self.id, name=self.name)
        if self.paths:
            said["paths"] = [path_text(path) for path in self.paths]
        if self.capabilities:
            said["capabilities"] = list(self.capabilities)
        if self.policies:
            said["policies"] = list(self.policies)
        return said


@dataclass
class Info:
    """The state of the handler as a whole."""

    comment: Optional[str] = None
    is_active: Optional[bool] = None
    is_enabled: Optional[bool] = None
    is_connected: Optional[bool] = None
    last_sync_time: Optional[int] = None

    def wire(self) -> Dict[str, Any]:
        """Returns it as the protocol writes it, without the name."""
        return present(
            self, "comment", "is_active", "is_enabled", "is_connected", "last_sync_time"
        )


@dataclass
class Found:
    """A sync that could be added: something a tool on this computer is set up for."""

    name: str
    settings: Dict[str, Any]
    summary: str
    origin: str
    schedule: Optional[str] = None
    remarks: Sequence[str] = ()

    def wire(self) -> Dict[str, Any]:
        """Returns it as the protocol writes it."""
        said = present(self, "name", "settings", "summary", "origin", "schedule")
        if self.remarks:
            said["remarks"] = list(self.remarks)
        return said


@dataclass
class Tally:
    """What was done on one side."""

    n_copied: int = 0
    n_updated: int = 0
    n_deleted: int = 0
    n_folders_made: int = 0
    n_folders_removed: int = 0
    n_renamed: int = 0
    n_attributes: int = 0
    bytes: int = 0

    def wire(self) -> Dict[str, int]:
        """Returns what is not zero."""
        return {key: value for key, value in vars(self).items() if value}


@dataclass
class Change:
    """One change that a run would make.

    `action` is `copy`, `update`, `delete`, `rename`, `new folder`, `remove folder` or
    `attributes`; `side`, where it would be made, is `left` or `right`.
    """

    action: str
    path: Union[str, bytes, "os.PathLike[str]"]
    side: str = "right"
    size: Optional[int] = None
    from_path: Optional[Union[str, bytes, "os.PathLike[str]"]] = None
    reason: Optional[str] = None

    def wire(self) -> Dict[str, Any]:
        """Returns it as the protocol writes it."""
        said = present(self, "action", "side", "reason")
        if self.size is not None:
            said["bytes"] = self.size
        said["path"] = path_text(self.path)
        if self.from_path is not None:
            said["from"] = path_text(self.from_path)
        return said


@dataclass
class Content:
    """One of the contents that are in conflict.

    `path` is a file that has this content, so that people can look and compare.
    """

    display_name: str
    short_location: str
    full_location: str
    kind: str = "updated"
    size: Optional[int] = None
    modified: Optional[int] = None
    path: Optional[Union[str, "os.PathLike[str]"]] = None
    original_name: Optional[str] = None
    alternate_name: Optional[str] = None

    def wire(self) -> Dict[str, Any]:
        """Returns it as the protocol writes it."""
        said = present(
            self,
            "display_name",
            "short_location",
            "full_location",
            "kind",
            "size",
            "modified",
            "original_name",
            "alternate_name",
        )
        if self.path is not None:
            said["path"] = path_text(self.path)
        return said


@dataclass
class Conflict:
    """Something a person has to decide. It is there until `conflicts()` does not name it.

    `id` is unique within the item, which is filled in by itself.
    """

    id: str
    name: str
    contents: Sequence[Content]
    item: Optional[str] = None
    kind: str = "both-changed"
    description: Optional[str] = None
    found_at: Optional[int] = None
    abilities: Optional[Sequence[str]] = None

    @property
    def wire_id(self) -> str:
        """The id for syncmgr, which knows conflicts of all items by it."""
        return self.id if self.item is None else f"{self.item}/{self.id}"

    def wire(self, abilities: Sequence[str]) -> Dict[str, Any]:
        """Returns it as the protocol writes it; `abilities` are those of the handler."""
        said = present(self, "name", "item", "kind", "description", "found_at")
        said["id"] = self.wire_id
        said["contents"] = [content.wire() for content in self.contents]
        offered = abilities if self.abilities is None else self.abilities
        # `remove` is an ability of the handler, not of one conflict.
        words = (ability.replace("_", "-") for ability in offered)
        said["abilities"] = [word for word in words if word != "remove"]
        return said


@dataclass
class Kept:
    """A content that is kept, maybe under another name."""

    index: int
    name: Optional[str] = None


@dataclass
class Decision:
    """What a person decided.

    `kind` is `keep` (with `items`), `keep-recent`, `keep-other` (with `path`: its bytes take the
    place of all), `merge` or `remove-from-sync-set`.
    """

    kind: str
    items: List[Kept] = field(default_factory=list)
    path: Optional[str] = None

    @property
    def kept(self) -> int:
        """The index of the one content to keep.

        Raises :class:`NotOffered` when the decision is another one.
        """
        if self.kind != "keep" or len(self.items) != 1:
            raise NotOffered("only one of the contents can be kept")
        return self.items[0].index


@dataclass
class StoredEvent:
    """A result that the handler keeps itself; `id` is below 2^52, `at` in ms since 1970."""

    id: int
    at: int
    trouble: Trouble
    item: Optional[str] = None
    context: Optional[str] = None

    def wire(self) -> Dict[str, Any]:
        """Returns it as the protocol writes it."""
        said = present(self, "id", "at", "item", "context")
        said["trouble"] = self.trouble.wire()
        return said


def present(value: object, *names: str) -> Dict[str, Any]:
    """Returns those of the named attributes that are not `None`."""
    found = {name: getattr(value, name) for name in names}
    return {name: one for name, one in found.items() if one is not None}
