"""Write handlers for syncmgr, the sync center.

A handler is a class; its methods say what it can do::

    from syncmgr_handler import Handler, Run, folder

    class Notes(Handler):
        id = "notes"
        name = "My notes"
        settings = {"notes": folder("where the notes are")}

        def sync(self, run: Run) -> None:
            files = sorted(run.item.path("notes").glob("*.md"))
            for done, file in enumerate(files):
                run.progress(done, len(files), current=file.name)
                ...

    if __name__ == "__main__":
        Notes().serve()

What a method is not overridden for is not offered. Raising an exception fails the item with the
text of the exception; raise :class:`Failed` to say more.
"""

from ._fields import Field, choice, folder, integer, secret, size, text, texts
from ._files import copy_file, set_aside
from ._handler import Handler, Host, Session
from ._run import Run
from ._types import (
    Change,
    Cancelled,
    Conflict,
    Content,
    Decision,
    Disconnected,
    Failed,
    Found,
    Info,
    Item,
    ItemInfo,
    Kept,
    NotOffered,
    StoredEvent,
    Tally,
    Trouble,
    path_text,
    text_path,
)

__all__ = [
    "Cancelled",
    "Change",
    "Conflict",
    "Content",
    "Decision",
    "Disconnected",
    "Failed",
    "Field",
    "Found",
    "Handler",
    "Host",
    "Info",
    "Item",
    "ItemInfo",
    "Kept",
    "NotOffered",
    "Run",
    "Session",
    "StoredEvent",
    "Tally",
    "Trouble",
    "choice",
    "copy_file",
    "folder",
    "integer",
    "path_text",
    "secret",
    "set_aside",
    "size",
    "text",
    "text_path",
    "texts",
]
