"""The life of a handler process: what comes in, which thread does it, and how it ends.

The main thread reads. It never waits for the author's code and never for the writer, so that
`ping`, `session/cancel` and answers get through whatever else happens.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
import traceback
from typing import Any, BinaryIO, Callable, Dict, Hashable, List, Mapping, Optional, Set, Union

from ._handler import Handler, Host, Session, decision_of, error_of, item_of
from ._types import Item, text_path
from ._wire import (
    ACCESS_DENIED,
    CANCELLED,
    INVALID_ARGUMENT,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    NO_VERSION,
    NOT_OFFERED,
    UNEXPECTED,
    Calls,
    Closed,
    RpcError,
    Writer,
    decode,
    lines,
)

Id = Union[int, str]
Params = Mapping[str, Any]

# Threads are few: a handler may have 64 processes and threads.
_SESSIONS_MAX = 32
# A host that asks faster than it is answered is told so.
_REQUESTS_MAX = 256
# The host waits 5 s after it hung up.
_FAREWELL_S = 4.0
_ANSWER_S = 30.0
# The handler has two seconds to stop; the host answers `shutdown` patiently.
_SHUTDOWN_S = 20.0


def serve(handler: Handler) -> None:
    """Speaks the protocol on standard input and output until the end, then ends the process."""
    source, sink = _take_streams()
    server = Server(handler, source, sink)
    code = 1
    try:
        server.run()
        code = 0
    except BaseException:  # noqa: B902 (the process ends here)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        # A thread of the author that does not stop would keep the process alive.
        os._exit(code)


def _take_streams() -> "tuple[BinaryIO, BinaryIO]":
    """Takes standard input and output for messages: `print` goes to the log from now on."""
    if sys.stdin is not None and sys.stdin.isatty():
        name = os.path.basename(sys.argv[0])
        print(
            "This is a handler for syncmgr, which starts it by itself.\n"
            f"Try `syncmgr handler check python3 {name}` and `syncmgr handler install`.",
            file=sys.stderr,
        )
    # Ctrl-C in a terminal ends it at once, without a page of Python.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    source = os.fdopen(os.dup(0), "rb")
    # Without a buffer of its own: the writer hands over whole batches.
    sink = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return source, sink


class Server:
    """Everything between the streams and the author's handler."""

    def __init__(self, handler: Handler, source: BinaryIO, sink: BinaryIO) -> None:
        self.handler = handler
        self._source = source
        self._writer = Writer(sink)
        self._calls = Calls(self._writer)
        self._lock = threading.Lock()
        self._is_ready = False
        self._is_ending = False
        self._sessions: Dict[str, Session] = {}
        self._open: Set[Id] = set()
        self._unwanted: Set[Id] = set()
        self._by_request: Dict[Id, Session] = {}
        self._known: Dict[str, Item] = {}
        self._desk: "queue.Queue[Callable[[], None]]" = queue.Queue()
        self._n_operations = 0
        self._threads: List[threading.Thread] = []
        handler.host = Host(self)

    # Speaking

    def notify(self, method: str, params: Params, *, may_wait: bool = False) -> None:
        """Sends a notification."""
        message = {"jsonrpc": "2.0", "method": method, "params": dict(params)}
        self._writer.send(message, may_wait=may_wait)

    def ask(self, method: str, params: Params) -> Any:
        """Sends a request and waits for its result."""
        return self._calls.call(method, params, _ANSWER_S)

    def offer(self, slot: Hashable, method: str, make: Callable[[], Params]) -> None:
        """Sends the newest of what is offered for a slot, now and then."""
        self._writer.offer(
            slot, lambda: {"jsonrpc": "2.0", "method": method, "params": dict(make())}
        )

    def withdraw(self, slot: Hashable) -> None:
        """Drops what waits in a slot."""
        self._writer.drop(slot)

    def enter(self, session: Session) -> None:
        """Makes a session that the handler opened known, so that it can be cancelled."""
        with self._lock:
            self._sessions[session.id] = session

    def leave(self, session: Session) -> None:
        """Forgets a session."""
        with self._lock:
            self._sessions.pop(session.id, None)

    def _answer(self, number: Optional[Id], answer: Union[Mapping[str, Any], RpcError]) -> None:
        message: Dict[str, Any] = {"jsonrpc": "2.0", "id": number}
        if isinstance(answer, RpcError):
            message["error"] = answer.wire()
        else:
            message["result"] = dict(answer)
        try:
            self._writer.send(message)
        except Closed:
            pass

    def _settle(self, number: Id, answer: Union[Mapping[str, Any], RpcError]) -> None:
        """Answers a request, once; one that is not wanted any more as cancelled."""
        with self._lock:
            if number not in self._open:
                return
            self._open.discard(number)
            self._by_request.pop(number, None)
            if number in self._unwanted:
                self._unwanted.discard(number)
                answer = RpcError(CANCELLED, "cancelled")
        self._answer(number, answer)

    # Listening

    def run(self) -> None:
        """Reads messages until `exit` or the end, then ends what runs."""
        threading.Thread(target=self._work_desk, name="desk", daemon=True).start()
        for line in lines(self._source):
            if line is None:
                self._answer(None, RpcError(INVALID_REQUEST, "a message is longer than 1 MiB"))
                continue
            try:
                message = decode(line)
            except RpcError as error:
                self._answer(None, error)
                continue
            if self._take(message):
                break
        self._end_sessions(_FAREWELL_S - 1.0)
        self._calls.close()
        self._writer.close(1.0)

    def _take(self, message: Mapping[str, Any]) -> bool:
        """Takes a message; returns whether it was the last one."""
        method, number = message.get("method"), message.get("id")
        if method is None and "id" in message and ("result" in message or "error" in message):
            self._heed(message)
            return False
        is_id = isinstance(number, (int, str)) and not isinstance(number, bool)
        params = message.get("params", {})
        if not isinstance(method, str) or ("id" in message and not is_id):
            known = number if is_id else None
            self._answer(known, RpcError(INVALID_REQUEST, "neither a request nor an answer"))
            return False
        if "id" not in message:
            return self._take_notification(method, params if isinstance(params, dict) else {})
        assert isinstance(number, (int, str))
        if not isinstance(params, dict):
            self._answer(number, RpcError(INVALID_PARAMS, "params is not an object"))
            return False
        self._take_request(number, method, params)
        return False

    def _heed(self, answer: Mapping[str, Any]) -> None:
        self._calls.take(answer)

    def _take_notification(self, method: str, params: Params) -> bool:
        if method == "exit":
            return True
        if method == "session/cancel":
            self._cancel(str(params.get("session_id", "")), params.get("item"))
        elif method == "$/cancel":
            self._cancel_request(params.get("id"))
        elif method == "operation/raise":
            operation, item = str(params.get("operation", "")), _text(params, "item")
            thread = threading.Thread(
                target=self.handler.raise_operation, args=(operation, item), daemon=True
            )
            thread.start()
        return False

    def _cancel(self, session_id: str, item: Any) -> None:
        with self._lock:
            session = self._sessions.get(session_id)
        if session is not None:
            session.cancel(item if isinstance(item, str) else None)

    def _cancel_request(self, number: Any) -> None:
        if not isinstance(number, (int, str)):
            return
        with self._lock:
            if number not in self._open:
                return
            self._unwanted.add(number)
            session = self._by_request.get(number)
        if session is not None:
            # Its items end as canceled first; then the request is answered.
            session.cancel()
        else:
            self._settle(number, {})

    def _take_request(self, number: Id, method: str, params: Params) -> None:
        with self._lock:
            is_double, is_full = number in self._open, len(self._open) >= _REQUESTS_MAX
            if not is_double and not is_full:
                self._open.add(number)
        if is_double:
            self._answer(number, RpcError(INVALID_REQUEST, "a request with this id is open"))
            return
        if is_full:
            self._answer(number, RpcError(ACCESS_DENIED, "too many requests are open"))
            return
        try:
            self._route(number, method, params)
        except RpcError as error:
            self._settle(number, error)

    def _route(self, number: Id, method: str, params: Params) -> None:
        if method == "ping":
            self._settle(number, {})
        elif method == "initialize":
            self._settle(number, self._initialize(params))
        elif not self._is_ready:
            raise RpcError(UNEXPECTED, "`initialize` comes first")
        elif self._is_ending:
            raise RpcError(UNEXPECTED, "`shutdown` was asked for")
        elif method == "shutdown":
            self._is_ending = True
            self._thread("shutdown", self._shut_down, number)
        elif method == "session/start":
            self._start(number, params)
        elif method == "operation/run":
            self._operate(number, params)
        elif method in _METHODS:
            # One after the other: the author's methods need no locks among each other.
            self._desk.put(lambda: self._do(number, method, params))
        else:
            raise RpcError(METHOD_NOT_FOUND, f"no method `{method[:64]}`")

    def _thread(self, name: str, work: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=work, name=name, args=arguments, daemon=True).start()

    def _work_desk(self) -> None:
        while True:
            self._desk.get()()

    def _do(self, number: Id, method: str, params: Params) -> None:
        with self._lock:
            if number not in self._open:
                # It was cancelled before it began.
                return
        try:
            needed = _NEEDED.get(method)
            if needed is not None and not self.handler.offers(needed):
                raise RpcError(NOT_OFFERED, f"`{method}` is not offered")
            self._settle(number, _METHODS[method](self, params))
        except Closed:
            pass
        except BaseException as error:  # noqa: B902 (the desk goes on)
            self._settle(number, error_of(error))

    # Items

    def know(self, items: List[Item], *, are_all: bool = False) -> None:
        """Remembers what was saved: conflicts are asked for by the id of an item only."""
        with self._lock:
            if are_all:
                self._known.clear()
            self._known.update({item.id: item for item in items})

    def known(self) -> List[Item]:
        """Returns what was saved, or else what the handler lists itself."""
        with self._lock:
            known = list(self._known.values())
        if not known and not self.handler.settings:
            known = [Item(info.id, info.name) for info in self.handler.items([])]
        return known

    def meant(self, params: Params) -> List[Item]:
        """Returns the item that is named, or all."""
        wanted = _text(params, "item")
        return [item for item in self.known() if wanted is None or item.id == wanted]

    def find(self, params: Params) -> Item:
        """Returns the item with this `id`."""
        wanted = _needed(params, "id")
        for item in self.known():
            if item.id == wanted:
                return item
        raise RpcError(INVALID_ARGUMENT, f"no item `{wanted}`")

    # Life

    def _initialize(self, params: Params) -> Mapping[str, Any]:
        if self._is_ready:
            raise RpcError(UNEXPECTED, "it was initialized before")
        versions = params.get("protocol_versions")
        if not isinstance(versions, list):
            raise RpcError(INVALID_PARAMS, "protocol_versions is missing")
        if "1" not in versions:
            raise RpcError(NO_VERSION, "only version 1 is spoken", {"supported": ["1"]})
        for key in ("locale", "sandbox"):
            if isinstance(params.get(key), str):
                setattr(self.handler, key, params[key])
        if isinstance(params.get("data_dir"), str):
            self.handler.data_dir = text_path(params["data_dir"])
        try:
            self.handler.start()
        except Exception as error:
            raise error_of(error) from error
        self._is_ready = True
        return self.handler.hello()

    def _shut_down(self, number: Id) -> None:
        self._end_sessions(_SHUTDOWN_S)
        self._settle(number, {})

    def _end_sessions(self, seconds: float) -> None:
        with self._lock:
            sessions, threads = list(self._sessions.values()), list(self._threads)
        for session in sessions:
            session.cancel()
        end = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))

    # Sessions

    def _start(self, number: Id, params: Params) -> None:
        session_id = params.get("session_id")
        items = params.get("items")
        if not isinstance(session_id, str) or not session_id:
            raise RpcError(INVALID_PARAMS, "session_id is missing")
        if not isinstance(items, list) or not items:
            raise RpcError(INVALID_PARAMS, "items is missing")
        found = [item_of(item) for item in items]
        if len({item.id for item in found}) != len(found):
            raise RpcError(INVALID_ARGUMENT, "an item is named twice")
        self.know(found)
        session = Session(self, session_id, found, params)
        self._check_work(session)
        with self._lock:
            if session_id in self._sessions:
                raise RpcError(INVALID_ARGUMENT, "this session runs already")
            if self._sessions and not self.handler.concurrent_sessions:
                raise RpcError(ACCESS_DENIED, "another session runs")
            if len(self._sessions) >= _SESSIONS_MAX:
                raise RpcError(ACCESS_DENIED, "too many sessions run")
            self._sessions[session_id] = session
            self._by_request[number] = session
            thread = threading.Thread(
                target=self._work_session,
                args=(number, session),
                name=f"session {session_id}",
                daemon=True,
            )
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            # Started under the lock, so that nobody joins one that was not started.
            thread.start()

    def _check_work(self, session: Session) -> None:
        kind = session.work.get("kind")
        if kind not in ("sync", "resolve"):
            raise RpcError(INVALID_PARAMS, "work.kind is neither `sync` nor `resolve`")
        if kind == "resolve" and not self.handler.offers("conflicts"):
            raise RpcError(NOT_OFFERED, "there are no conflicts here")
        if session.is_preview and (kind != "sync" or not self.handler.offers("preview")):
            raise RpcError(NOT_OFFERED, "there is no preview here")

    def _work_session(self, number: Id, session: Session) -> None:
        answer: Union[Mapping[str, Any], RpcError] = {}
        try:
            self._refuse_unknown(session)
            session.work_through()
        except Closed:
            pass
        except BaseException as error:  # noqa: B902 (the request is always answered)
            answer = error_of(error)
        finally:
            self.leave(session)
            self._settle(number, answer)

    def _refuse_unknown(self, session: Session) -> None:
        """Items that nobody saved have to be among those that the handler lists."""
        if self.handler.settings:
            return
        known = {info.id for info in self.handler.items([])}
        for run in session.runs:
            if run.item.id not in known:
                raise RpcError(INVALID_ARGUMENT, f"no item `{run.item.id}`")

    # What people are shown

    def _operate(self, number: Id, params: Params) -> None:
        operation = params.get("operation")
        if operation not in self.handler.operations:
            raise RpcError(NOT_OFFERED, "this operation is not offered")
        with self._lock:
            if self._n_operations >= _SESSIONS_MAX:
                raise RpcError(ACCESS_DENIED, "too many operations are open")
            self._n_operations += 1
        self._thread("operation", self._show, number, str(operation), params)

    def _show(self, number: Id, operation: str, params: Params) -> None:
        window = params.get("window")
        try:
            answer = self.handler.operate(
                operation,
                _text(params, "item"),
                window if isinstance(window, dict) else {},
                params.get("event"),
            )
            self._settle(number, {"answer": bool(answer)})
        except Closed:
            pass
        except BaseException as error:  # noqa: B902 (the request is always answered)
            self._settle(number, error_of(error))
        finally:
            with self._lock:
                self._n_operations -= 1


# Requests that are answered by one method of the handler.


def _text(params: Params, key: str) -> Optional[str]:
    value = params.get(key)
    return value if isinstance(value, str) else None


def _needed(params: Params, key: str) -> str:
    value = _text(params, key)
    if value is None:
        raise RpcError(INVALID_PARAMS, f"{key} is missing")
    return value


def _truth(params: Params, key: str) -> bool:
    value = params.get(key)
    if not isinstance(value, bool):
        raise RpcError(INVALID_PARAMS, f"{key} is missing")
    return value


def _list(params: Params, key: str) -> List[Any]:
    value = params.get(key)
    if not isinstance(value, list):
        raise RpcError(INVALID_PARAMS, f"{key} is missing")
    return value


def _info(server: Server, params: Params) -> Params:
    handler = server.handler
    said: Dict[str, Any] = {"name": handler.name, "capabilities": handler.capabilities()}
    said.update(server.handler.info().wire())
    return said


def _items(server: Server, params: Params) -> Params:
    saved = [item_of(item) for item in _list(params, "saved")]
    server.know(saved, are_all=True)
    return {"items": [info.wire() for info in server.handler.items(saved)]}


def _item(server: Server, params: Params) -> Params:
    wanted = _needed(params, "id")
    saved = [item_of(params["saved"])] if params.get("saved") is not None else []
    server.know(saved)
    for info in server.handler.items(saved or server.known()):
        if info.id == wanted:
            return info.wire()
    raise RpcError(INVALID_ARGUMENT, f"no item `{wanted}`")


def _discover(server: Server, params: Params) -> Params:
    return {"found": [found.wire() for found in server.handler.discover()]}


def _validate(server: Server, params: Params) -> Params:
    server.handler.check_settings(item_of(params.get("item")))
    return {}


def _activate(server: Server, params: Params) -> Params:
    server.handler.activate(_truth(params, "is_active"))
    return {}


def _enable(server: Server, params: Params) -> Params:
    server.handler.enable(_truth(params, "is_enabled"))
    return {}


def _enable_item(server: Server, params: Params) -> Params:
    server.handler.enable_item(server.find(params).id, _truth(params, "is_enabled"))
    return {}


def _delete_item(server: Server, params: Params) -> Params:
    server.handler.delete_item(server.find(params).id)
    return {}


def _conflicts(server: Server, params: Params) -> Params:
    abilities = server.handler.conflict_abilities
    found = [one for item in server.meant(params) for one in server.handler.list_conflicts(item)]
    return {"conflicts": [one.wire(abilities) for one in found]}


def _resolve(server: Server, params: Params) -> Params:
    conflict, decision = _needed(params, "id"), decision_of(params.get("decision"))
    server.handler.decide(server.meant(params), conflict, decision)
    server.handler.host.conflicts_changed(_text(params, "item"))
    return {"feedback": "continue"}


def _remove_conflicts(server: Server, params: Params) -> Params:
    ids = [str(one) for one in _list(params, "ids")]
    server.handler.remove_conflicts(ids)
    server.handler.host.conflicts_changed()
    return {}


def _events(server: Server, params: Params) -> Params:
    return {"events": [event.wire() for event in server.handler.events(_text(params, "item"))]}


def _remove_events(server: Server, params: Params) -> Params:
    ids = [one for one in _list(params, "ids") if isinstance(one, int)]
    server.handler.remove_events(ids)
    return {}


_METHODS: Dict[str, Callable[[Server, Params], Params]] = {
    "handler/info": _info,
    "handler/activate": _activate,
    "handler/enable": _enable,
    "items/list": _items,
    "items/get": _item,
    "items/discover": _discover,
    "items/validate": _validate,
    "items/enable": _enable_item,
    "items/delete": _delete_item,
    "conflicts/list": _conflicts,
    "conflicts/resolve": _resolve,
    "conflicts/remove": _remove_conflicts,
    "events/list": _events,
    "events/remove": _remove_events,
}

# What has to be overridden for a request to be offered.
_NEEDED = {
    "handler/activate": "activate",
    "handler/enable": "enable",
    "items/discover": "discover",
    "items/enable": "enable_item",
    "items/delete": "delete_item",
    "conflicts/list": "conflicts",
    "conflicts/resolve": "conflicts",
    "conflicts/remove": "remove_conflicts",
    "events/list": "events",
    "events/remove": "remove_events",
}
