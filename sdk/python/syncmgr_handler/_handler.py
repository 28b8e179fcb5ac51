"""The class that authors derive from, and the session that drives it."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import traceback
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Type,
)

from ._fields import Field, complaint, form
from ._run import Run
from ._types import (
    Cancelled,
    Conflict,
    Decision,
    Disconnected,
    Failed,
    Found,
    Info,
    Item,
    ItemInfo,
    NotOffered,
    StoredEvent,
    Trouble,
)
from ._wire import (
    INVALID_ARGUMENT,
    MESSAGE_MAX,
    NOT_OFFERED,
    TROUBLE,
    Closed,
    RpcError,
    encode,
)

if TYPE_CHECKING:
    from types import TracebackType

    from ._server import Server

# syncmgr answers at once; who waits longer than this waits for nothing.
_ANSWER_S = 30.0
# A preview larger than this is cut, so that it fits into one message beside its frame.
_PREVIEW_MAX = MESSAGE_MAX - 16 * 1024


class Handler:
    """Syncs one kind of thing. Derive from it, override what you offer, and call `serve()`.

    `sync` is called once for each item of a session, on a thread of its own for each session.
    All other methods are called one at a time on another thread, while `sync` may be at work.
    """

    #: 1 to 63 lower-case letters, digits, `-`, `_` or `.`; never changes.
    id: ClassVar[str] = ""
    #: What it is called.
    name: ClassVar[str] = ""
    version: ClassVar[str] = ""
    #: `unspecified`, `application`, `device`, `folder`, `service` or `computer`.
    type: ClassVar[str] = "unspecified"
    type_label: ClassVar[str] = ""
    comment: ClassVar[str] = ""
    icon_svg: ClassVar[str] = ""
    #: The form of an item that a person adds; without it, override `items`.
    settings: ClassVar[Mapping[str, Field]] = {}
    #: Whether several sessions may run at once, and the handler may open sessions itself.
    concurrent_sessions: ClassVar[bool] = False
    #: Beside keeping one content: `keep_recent`, `keep_multiple`, `keep_other`,
    #: `remove_from_sync_set`, `remove`.
    conflict_abilities: ClassVar[Sequence[str]] = ()
    #: What `operate` can show, as `browse`.
    operations: ClassVar[Sequence[str]] = ()
    #: What people may not do, as `prevent-disable`.
    policies: ClassVar[Sequence[str]] = ()

    #: The private folder of the handler, which is also its working directory.
    data_dir: str = "."
    #: The language of the person, as `en`.
    locale: str = "en"
    #: `landlock` when only the folders of its items can be reached, otherwise `none`.
    sandbox: str = "none"

    host: "Host"

    def serve(self) -> None:
        """Speaks with syncmgr until it hangs up; does not return."""
        from ._server import serve

        serve(self)

    # What every handler has

    def sync(self, run: Run) -> None:
        """Syncs `run.item`. Returning means that it succeeded, unless `run.error` was called."""
        raise NotImplementedError("override `sync`")

    def items(self, saved: List[Item]) -> Iterable[ItemInfo]:
        """Lists the items; by itself, those that a person saved, with their folders."""
        for item in saved:
            keys = [key for key, field in self.settings.items() if field.is_folder]
            paths = [item.path(key) for key in keys if item.get(key)]
            yield ItemInfo(item.id, item.name or item.id, paths=paths)

    def info(self) -> Info:
        """Tells the state of the handler as a whole."""
        return Info()

    def start(self) -> None:
        """Is called once, before anything else: `data_dir` and `host` are there now."""

    # What is offered by overriding it

    def preview(self, run: Run) -> None:
        """Names with `run.change` what `sync` would do, and changes nothing."""
        raise NotOffered

    def conflicts(self, item: Item) -> Iterable[Conflict]:
        """Lists the conflicts of an item."""
        raise NotOffered

    def resolve(self, item: Item, conflict: Conflict, decision: Decision) -> None:
        """Carries a decision out, one that `conflict_abilities` offer."""
        raise NotOffered

    def remove_conflicts(self, ids: List[str]) -> None:
        """Forgets conflicts; with `remove` among the abilities."""
        raise NotOffered

    def discover(self) -> Iterable[Found]:
        """Finds what could be added."""
        raise NotOffered

    def validate(self, item: Item) -> None:
        """Looks at settings before they are saved; raises :class:`Failed` with what is wrong."""

    def activate(self, is_active: bool) -> None:
        """Sets the handler up or takes it down; the handler keeps that state."""
        raise NotOffered

    def enable(self, is_enabled: bool) -> None:
        """Turns the handler on or off; the handler keeps that state."""
        raise NotOffered

    def enable_item(self, item: str, is_enabled: bool) -> None:
        """Turns an item on or off."""
        raise NotOffered

    def delete_item(self, item: str) -> None:
        """Takes an item out of what is synced; never touches its data."""
        raise NotOffered

    def events(self, item: Optional[str]) -> Iterable[StoredEvent]:
        """Lists the results that the handler keeps itself."""
        raise NotOffered

    def remove_events(self, ids: List[int]) -> None:
        """Removes results it keeps itself."""
        raise NotOffered

    def operate(
        self, operation: str, item: Optional[str], window: Mapping[str, Any], event: Any
    ) -> bool:
        """Shows something to a person and waits until they are done; returns their answer."""
        raise NotOffered

    def raise_operation(self, operation: str, item: Optional[str]) -> None:
        """Brings an operation that is open to the front."""

    # For the server

    def offers(self, method: str) -> bool:
        """Whether a method was overridden."""
        return getattr(type_of(self), method) is not getattr(Handler, method)

    def hello(self) -> Dict[str, Any]:
        """Returns who it is and what it offers, as the protocol writes it."""
        about: Dict[str, Any] = {"id": self.id, "name": self.name, "type": self.type}
        for key in ("version", "type_label", "comment", "icon_svg"):
            if getattr(self, key):
                about[key] = getattr(self, key)
        said: Dict[str, Any] = {
            "protocol_version": "1",
            "handler": about,
            "capabilities": self.capabilities(),
        }
        if self.policies:
            said["policies"] = list(self.policies)
        if self.settings:
            said["settings"] = form(self.settings)
        return said

    def capabilities(self) -> Dict[str, Any]:
        """Returns what it offers."""
        offered: Dict[str, Any] = {}
        for name, methods in (
            ("preview", ["preview"]),
            ("events", ["events"]),
            ("discover", ["discover"]),
            ("activate", ["activate"]),
            ("enable", ["enable", "enable_item"]),
            ("delete", ["delete_item"]),
        ):
            if any(self.offers(method) for method in methods):
                offered[name] = True
        if self.settings or self.offers("validate"):
            offered["validate"] = True
        if self.concurrent_sessions:
            offered["concurrent_sessions"] = True
        if self.offers("conflicts"):
            offered["conflicts"] = {ability: True for ability in self.conflict_abilities}
        if self.operations:
            offered["operations"] = list(self.operations)
        return offered

    def check_settings(self, item: Item) -> None:
        """Looks at settings with the form and with `validate`."""
        wrong = complaint(self.settings, item.settings)
        if wrong is not None:
            raise Failed(wrong)
        self.validate(item)

    def list_conflicts(self, item: Item) -> List[Conflict]:
        """Returns the conflicts of an item, each with that item in it."""
        found = list(self.conflicts(item))
        for conflict in found:
            conflict.item = item.id
        return found

    def decide(self, items: Iterable[Item], conflict: str, decision: Decision) -> None:
        """Carries a decision out, when it is one that is offered."""
        for item in items:
            for one in self.list_conflicts(item):
                if one.wire_id == conflict:
                    self._decide(item, one, decision)
                    return
        raise RpcError(INVALID_ARGUMENT, f"no conflict `{conflict}`")

    def _decide(self, item: Item, found: Conflict, decision: Decision) -> None:
        offered = self.conflict_abilities if found.abilities is None else found.abilities
        abilities = {ability.replace("_", "-") for ability in offered}
        several = decision.kind == "keep" and len(decision.items) > 1
        needed = "keep-multiple" if several else decision.kind
        if needed not in abilities | {"keep"}:
            raise RpcError(NOT_OFFERED, f"`{needed}` is not offered")
        indices = [kept.index for kept in decision.items]
        fits = all(0 <= index < len(found.contents) for index in indices)
        if not fits or (decision.kind == "keep" and not indices):
            raise RpcError(INVALID_ARGUMENT, "there is no such content")
        self.resolve(item, found, decision)


def type_of(value: object) -> Type[Any]:
    """The class; inside :class:`Handler` the name `type` means something else."""
    return value.__class__


class Host:
    """What a handler tells syncmgr outside of runs: `self.host`."""

    def __init__(self, server: "Server") -> None:
        self._server = server

    def changed(self) -> None:
        """The handler's own state changed."""
        self._server.notify("handler/changed", {})

    def items_changed(self, *items: str) -> None:
        """The list of items, or these of them, changed."""
        self._server.notify("items/changed", {"items": list(items)} if items else {})

    def conflicts_changed(self, item: Optional[str] = None) -> None:
        """The conflicts changed."""
        self._server.notify("conflicts/changed", {} if item is None else {"item": item})

    def events_changed(self) -> None:
        """The results it keeps itself changed."""
        self._server.notify("events/changed", {})

    def show_schedule(self) -> None:
        """Shows syncmgr's editor of schedules in place of one of its own."""
        self._server.notify("operation/schedule", {})

    def log(self, text: str, level: str = "information") -> None:
        """Writes a line into the handler's log, as `print` does."""
        self._server.notify("log", {"level": level, "text": text})

    def open(self, items: Sequence[Item]) -> "Session":
        """Opens a session for work that began outside; use it with `with`.

        Only with `concurrent_sessions`. The runs are in `session.runs`; an exception inside the
        `with` block fails those that have not ended.
        """
        answer = self._server.ask("session/open", {"items": [item.id for item in items]})
        session = Session(self._server, str(answer["session_id"]), list(items), {}, is_open=True)
        self._server.enter(session)
        return session


class Session:
    """A session: its runs, one after the other."""

    def __init__(
        self,
        server: "Server",
        session_id: str,
        items: List[Item],
        params: Mapping[str, Any],
        *,
        is_open: bool = False,
    ) -> None:
        self.id = session_id
        work = params.get("work")
        self.work: Mapping[str, Any] = work if isinstance(work, dict) else {}
        self.is_preview = params.get("intent") == "preview"
        self.may_ask = bool(params.get("may_ask", False))
        self.token: Any = params.get("token")
        self.runs = [Run(self, item) for item in items]
        self._server = server
        self._stop = threading.Event()
        self._is_open = is_open

    @property
    def cancelled(self) -> bool:
        """Whether the session as a whole has to stop."""
        return self._stop.is_set()

    def cancel(self, item: Optional[str] = None) -> None:
        """Asks the session, or one item of it, to stop."""
        if item is None:
            self._stop.set()
        for run in list(self.runs):
            if item is None or run.item.id == item:
                run.stop()

    # Speaking

    def tell(self, method: str, **params: Any) -> None:
        """Sends a notification about this session."""
        self._server.notify(method, {"session_id": self.id, **params}, may_wait=True)

    def ask(self, method: str, **params: Any) -> Mapping[str, Any]:
        """Sends a request about this session and returns its result."""
        answer = self._server.ask(method, {"session_id": self.id, **params})
        return answer if isinstance(answer, dict) else {}

    def offer(self, run: Run) -> None:
        """Offers the newest report of a run."""
        self._server.offer((self.id, run.item.id), "session/progress", run.report)

    def withdraw(self, run: Run) -> None:
        """Drops the report that waits."""
        self._server.withdraw((self.id, run.item.id))

    def add_item(self, item: str) -> None:
        """Takes an item into the session."""
        answer = self.ask("session/add_item", item=item)
        self.runs.append(Run(self, item_of(answer)))

    # The work

    def work_through(self) -> None:
        """Does the work on all items, and reports how each ended."""
        # The list grows when an item is taken in.
        at = 0
        while at < len(self.runs):
            self._one(self.runs[at])
            at += 1

    def _one(self, run: Run) -> None:
        status = "failed"
        try:
            run.check()
            # Shown at once, and the sign that it begins.
            run.progress()
            self._act(run)
            status = "failed" if run.n_failures else "succeeded"
            if run.cancelled:
                status = "canceled"
        except Cancelled:
            status = "canceled"
        except Closed:
            status = "canceled"
        except BaseException as error:  # noqa: B902 (nothing of the author's may end the thread)
            if run.cancelled and not isinstance(error, Failed):
                status = "canceled"
            else:
                status = "disconnected" if isinstance(error, Disconnected) else "failed"
                run.n_failures += status == "failed"
                run.event(trouble_of(error))
        self.finish(run, status)

    def _act(self, run: Run) -> None:
        handler = self._server.handler
        if self.work.get("kind") == "resolve":
            self._resolve(run)
        elif self.is_preview:
            handler.preview(run)
        else:
            handler.sync(run)

    def _resolve(self, run: Run) -> None:
        """Decisions about a conflict of another item of the session are left to that item."""
        handler = self._server.handler
        decisions = self.work.get("decisions")
        decisions = decisions if isinstance(decisions, list) else []
        others = {
            conflict.wire_id
            for other in self.runs
            if other is not run
            for conflict in handler.list_conflicts(other.item)
        }
        for done, one in enumerate(decisions):
            run.check()
            conflict = str(one.get("id", ""))
            if conflict in others:
                continue
            run.progress(done, len(decisions))
            try:
                handler.decide([run.item], conflict, decision_of(one.get("decision")))
            except (RpcError, NotOffered) as error:
                words = str(error) or "this decision is not offered"
                run.error("a conflict was not resolved", words)
        self._server.notify("conflicts/changed", {"item": run.item.id})

    def finish(self, run: Run, status: str) -> None:
        """Reports what was done, then how it ended."""
        if self.is_preview:
            if status == "succeeded":
                self.tell("session/preview", item=run.item.id, preview=preview_of(run))
        else:
            self._count_conflicts(run)
            summary = run.summary()
            if summary:
                self.tell("session/summary", item=run.item.id, summary=summary)
        run.end(status)

    def _count_conflicts(self, run: Run) -> None:
        handler = self._server.handler
        if run.n_conflicts is not None or not handler.offers("conflicts"):
            return
        try:
            run.n_conflicts = len(handler.list_conflicts(run.item))
        except Exception:
            traceback.print_exc()

    # A session that the handler opened

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional["TracebackType"],
    ) -> None:
        self.close(error)

    def close(self, error: Optional[BaseException] = None) -> None:
        """Ends a session that was opened with :meth:`Host.open`."""
        for run in self.runs:
            is_bad = error is not None or run.n_failures
            self.finish(run, "canceled" if run.cancelled else "failed" if is_bad else "succeeded")
        more = {} if error is None else {"trouble": trouble_of(error).wire()}
        self._server.leave(self)
        self.ask("session/close", **more)


def trouble_of(error: BaseException) -> Trouble:
    """Puts an exception into words for a person; what is unexpected also goes to the log."""
    if isinstance(error, Failed):
        return error.trouble
    if isinstance(error, NotOffered):
        return Trouble(str(error) or "this is not offered", retry="never")
    traceback.print_exception(error.__class__, error, error.__traceback__, file=sys.stderr)
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f": {error.filename}"
        return Trouble(f"{error.strerror}{place}", retry="later")
    text = str(error).strip() or error.__class__.__name__
    return Trouble(text.splitlines()[0][:259], "The log of the handler says where it happened.")


def error_of(error: BaseException) -> RpcError:
    """Turns an exception into the answer to a request."""
    if isinstance(error, RpcError):
        return error
    if isinstance(error, NotOffered):
        return RpcError(NOT_OFFERED, str(error) or "not offered")
    trouble = trouble_of(error)
    return RpcError(TROUBLE, trouble.name or "failed", trouble.wire())


def preview_of(run: Run) -> Dict[str, Any]:
    """Returns the preview; one that is too large for a message is cut, and says so."""
    changes = [change.wire() for change in run.changes()]
    troubles = [trouble.wire() for trouble in run.troubles()]
    text = json.dumps(changes, sort_keys=True).encode("utf-8", "replace")
    digest = hashlib.sha256(text).hexdigest()[:16]
    shown = changes
    while len(encode({"c": shown, "t": troubles})) > _PREVIEW_MAX:
        shown = shown[: len(shown) // 2]
        troubles = troubles[:100]
    if len(shown) < len(changes):
        words = f"only {len(shown)} of {len(changes)} changes are shown"
        troubles.append(Trouble(words, level="warning").wire())
    preview: Dict[str, Any] = {"id": digest, "changes": shown}
    if troubles:
        preview["troubles"] = troubles
    return preview


def item_of(value: Any) -> Item:
    """Reads an item; raises :class:`RpcError` when it is none."""
    if not isinstance(value, dict) or not isinstance(value.get("id"), str) or not value["id"]:
        raise RpcError(INVALID_ARGUMENT, "an item has no id")
    settings = value.get("settings")
    return Item(
        id=value["id"],
        name=str(value.get("name") or value["id"]),
        settings=dict(settings) if isinstance(settings, dict) else {},
        is_enabled=bool(value.get("is_enabled", True)),
    )


def decision_of(value: Any) -> Decision:
    """Reads a decision; raises :class:`RpcError` when it is none."""
    from ._types import Kept, text_path

    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise RpcError(INVALID_ARGUMENT, "a decision has no kind")
    kept: List[Kept] = []
    for one in value.get("items") or []:
        if not isinstance(one, dict) or not isinstance(one.get("index"), int):
            raise RpcError(INVALID_ARGUMENT, "a content has no index")
        kept.append(Kept(one["index"], one.get("name")))
    path = value.get("path")
    return Decision(value["kind"], kept, text_path(path) if isinstance(path, str) else None)
