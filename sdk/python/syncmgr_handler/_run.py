"""One item in one session, as the author of a handler sees it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Union

from ._types import (
    Cancelled,
    Change,
    Item,
    ItemInfo,
    Tally,
    Trouble,
    path_text,
    present,
)

# More than the 259 characters that are shown, and far below what a message may have.
_CURRENT_MAX = 2_000

if TYPE_CHECKING:
    import os

    from ._handler import Session

    AnyPath = Union[str, bytes, "os.PathLike[str]"]


def shown(current: "AnyPath") -> str:
    """Writes what is being worked on; it is cut by syncmgr anyway."""
    return path_text(current)[:_CURRENT_MAX]


class Run:
    """The work on one item: where to report, and whether to stop.

    Every method may be called from any thread. `left` and `right` count what was done on each
    side; they are reported at the end.
    """

    def __init__(self, session: "Session", item: Item) -> None:
        self.item = item
        self.session = session
        self.left = Tally()
        self.right = Tally()
        #: Conflicts that remain; when it stays `None`, those that `conflicts()` lists are counted.
        self.n_conflicts: Optional[int] = None
        #: Changes that were not made because a person has to allow them.
        self.n_held = 0
        self.n_failures = 0
        self.n_warnings = 0
        self._changes: List[Change] = []
        self._troubles: List[Trouble] = []
        self._stop = threading.Event()
        self._latest: Dict[str, Any] = {}
        self._is_over = False
        self._lock = threading.Lock()

    # What is asked for

    @property
    def is_full(self) -> bool:
        """Whether everything has to be looked at, not only what seems changed."""
        return bool(self.session.work.get("is_full", False))

    @property
    def release(self) -> Optional[str]:
        """The id of held changes that a person allowed."""
        found = self.session.work.get("release")
        return None if found is None else str(found)

    @property
    def may_ask(self) -> bool:
        """Whether somebody is there who could answer a question."""
        return self.session.may_ask

    # Stopping

    @property
    def cancelled(self) -> bool:
        """Whether to stop: finish or undo the step at hand and return, within two seconds."""
        return self._stop.is_set() or self.session.cancelled

    def check(self) -> None:
        """Raises :class:`Cancelled` when the run has to stop."""
        if self.cancelled:
            raise Cancelled

    def wait(self, seconds: float) -> bool:
        """Waits, but not longer than until the run has to stop; returns whether it has to."""
        self._stop.wait(seconds)
        return self.cancelled

    def stop(self) -> None:
        """Asks this run to stop, as the host does."""
        self._stop.set()

    def can_continue(self) -> bool:
        """Asks syncmgr whether to go on; `cancelled` is cheaper and says the same soon after."""
        answer = self.session.ask("session/can_continue", item=self.item.id)
        return bool(answer.get("go_on", True)) and not self.cancelled

    # Reporting

    def progress(
        self,
        done: Optional[int] = None,
        total: Optional[int] = None,
        *,
        current: Optional["AnyPath"] = None,
        phase: Optional[str] = None,
        bytes_done: Optional[int] = None,
        bytes_total: Optional[int] = None,
        seen_left: Optional[int] = None,
        seen_right: Optional[int] = None,
    ) -> None:
        """Reports where the work stands; cheap enough for every file.

        `current` is what is being worked on, a path or words. `phase` is `waiting`, `checking`,
        `comparing`, `preparing`, `copying` or `finishing`. What is left out stays as it was.
        """
        # A new one each time: the writer may be reading the old one.
        latest = dict(self._latest)
        for key, value in (
            ("n_done", done),
            ("n_total", total),
            ("phase", phase),
            ("bytes_done", bytes_done),
            ("bytes_total", bytes_total),
            ("n_seen_left", seen_left),
            ("n_seen_right", seen_right),
            ("current", None if current is None else shown(current)),
        ):
            if value is not None:
                latest[key] = value
        with self._lock:
            if self._is_over:
                return
            self._latest = latest
            self.session.offer(self)

    def report(self) -> Dict[str, Any]:
        """Returns the params of the report on where it stands now."""
        latest = self._latest
        status = "updating" if "n_total" in latest else "updating-indeterminate"
        return {
            "session_id": self.session.id,
            "item": self.item.id,
            "status": status,
            **latest,
        }

    def say(self, text: str) -> None:
        """Says something about the handler as a whole; shown while it works."""
        self.session.tell("session/text", text=text)

    def info(self, name: str, description: str = "", **more: Any) -> None:
        """Leaves a result worth knowing. `more`: `paths`, `retry`, `code`, `params`."""
        self.event(Trouble(name, description, level="information", **more))

    def warn(self, name: str, description: str = "", **more: Any) -> None:
        """Leaves a warning; the item still succeeds."""
        self.n_warnings += 1
        self.event(Trouble(name, description, level="warning", **more))

    def error(self, name: str, description: str = "", **more: Any) -> None:
        """Leaves an error and goes on; the item ends as failed."""
        self.n_failures += 1
        self.event(Trouble(name, description, level="error", **more))

    def event(
        self,
        trouble: Trouble,
        *,
        link: Optional[str] = None,
        link_text: Optional[str] = None,
        context: Optional[str] = None,
    ) -> None:
        """Leaves a result, maybe with a link that people can follow."""
        if self.session.is_preview:
            self._troubles.append(trouble)
            return
        more: Dict[str, Any] = {}
        if link is not None or link_text is not None:
            pair = {"text": link_text, "reference": link}
            more["link"] = {key: value for key, value in pair.items() if value is not None}
        if context is not None:
            more["context"] = context
        self.session.tell("session/event", item=self.item.id, trouble=trouble.wire(), **more)

    def change(
        self,
        action: str,
        path: "AnyPath",
        *,
        side: str = "right",
        size: Optional[int] = None,
        from_path: Optional["AnyPath"] = None,
        reason: Optional[str] = None,
    ) -> None:
        """Names a change that a run would make; in `preview`."""
        self._changes.append(Change(action, path, side, size, from_path, reason))

    # More items

    def additional_items(self) -> List[str]:
        """Returns the ids of items that wait to be synced by this handler."""
        answer = self.session.ask("session/additional_items")
        return [str(one) for one in answer.get("items") or []]

    def add_item(self, item: str) -> None:
        """Takes an item into this session: it is synced after those that are in it."""
        self.session.add_item(item)

    def propose(self, item: ItemInfo) -> None:
        """Brings up an item that syncmgr does not know; it is invisible until it is committed."""
        self.session.ask("item/propose", item=item.wire())

    def commit(self, item: str) -> None:
        """Makes a proposed item one of the handler's."""
        self.session.ask("item/commit", item=item)

    def manual(self) -> None:
        """Says that a person asked for this run outside of syncmgr."""
        self.session.tell("session/manual")

    # The end, for the session

    def changes(self) -> Sequence[Change]:
        """Returns what was named with :meth:`change`."""
        return self._changes

    def troubles(self) -> Sequence[Trouble]:
        """Returns what was said during a preview."""
        return self._troubles

    def summary(self) -> Dict[str, Any]:
        """Returns what was done and left, as the protocol writes it."""
        sides = {"left": self.left.wire(), "right": self.right.wire()}
        said: Dict[str, Any] = {side: tally for side, tally in sides.items() if tally}
        numbers = present(self, "n_conflicts", "n_held", "n_failures", "n_warnings")
        said.update({key: value for key, value in numbers.items() if value})
        return said

    def end(self, status: str) -> None:
        """Reports the final status, once."""
        with self._lock:
            if self._is_over:
                return
            self._is_over = True
        self.session.withdraw(self)
        last = {key: value for key, value in self._latest.items() if key != "current"}
        if status == "succeeded" and "n_total" in last:
            last["n_done"] = last["n_total"]
        self.session.tell("session/progress", item=self.item.id, status=status, **last)
