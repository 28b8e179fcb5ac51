"""Messages over standard input and output: framing, limits, one writer, answers that are waited for.

Must not know what any method means.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import deque
from typing import Any, BinaryIO, Callable, Deque, Dict, Hashable, Iterator, Mapping, Optional, Tuple

MESSAGE_MAX = 1024 * 1024
NESTING_MAX = 64
# syncmgr passes 20 reports a second on; more would be work for nothing.
PROGRESS_PAUSE = 0.05
# Work that reports faster than syncmgr reads waits here, so that memory has an end.
QUEUE_MAX = 1_000
# 1,000 messages a second end a handler; this leaves room for answers.
RATE_MAX = 500

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
NO_VERSION = -32010
NOT_OFFERED = -32011
INVALID_ARGUMENT = -32012
ACCESS_DENIED = -32013
FAILED = -32014
UNEXPECTED = -32015
TROUBLE = -32020
CANCELLED = -32030


class RpcError(Exception):
    """An answer that is an error."""

    def __init__(self, code: int, message: str, data: Optional[Mapping[str, Any]] = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data

    def wire(self) -> Dict[str, Any]:
        """Returns it as JSON-RPC writes it."""
        said: Dict[str, Any] = {"code": self.code, "message": str(self)}
        if self.data is not None:
            said["data"] = dict(self.data)
        return said


class Closed(Exception):
    """Nobody listens any more."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Writes a message on one line; what UTF-8 cannot say becomes `?`."""
    line = json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return line.encode("utf-8", "replace") + b"\n"


def decode(line: bytes) -> Any:
    """Reads a line; raises :class:`RpcError` when it is no message."""
    if line.count(b"[") + line.count(b"{") > NESTING_MAX and _nesting(line) > NESTING_MAX:
        raise RpcError(INVALID_REQUEST, "nested deeper than 64 levels")
    try:
        message = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        raise RpcError(PARSE_ERROR, "not JSON") from None
    if not isinstance(message, dict):
        raise RpcError(INVALID_REQUEST, "not an object")
    return message


def _nesting(line: bytes) -> int:
    """Counts how deep the brackets outside of texts go, without recursion."""
    depth = deepest = 0
    in_text = is_escaped = False
    for byte in line:
        if in_text:
            if is_escaped:
                is_escaped = False
            elif byte == 0x5C:
                is_escaped = True
            elif byte == 0x22:
                in_text = False
        elif byte == 0x22:
            in_text = True
        elif byte in (0x5B, 0x7B):
            depth += 1
            deepest = max(deepest, depth)
        elif byte in (0x5D, 0x7D):
            depth -= 1
    return deepest


def lines(source: BinaryIO) -> Iterator[Optional[bytes]]:
    """Reads lines until the end; `None` stands for one that is too long."""
    while True:
        line = source.readline(MESSAGE_MAX)
        if not line:
            return
        if line.endswith(b"\n"):
            yield line
            continue
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = source.readline(MESSAGE_MAX)
        # A last line without an end was cut off: it is no message.
        if rest:
            yield None


class Writer:
    """The one thread that writes. Progress is kept in slots: only the newest of each is sent."""

    def __init__(self, sink: BinaryIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._sink = sink
        self._clock = clock
        self._change = threading.Condition()
        self._queue: Deque[bytes] = deque()
        self._slots: Dict[Hashable, Callable[[], Mapping[str, Any]]] = {}
        self._due: Dict[Hashable, float] = {}
        self._is_closed = False
        self._is_ending = False
        self._second = 0
        self._n_in_second = 0
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def send(self, message: Mapping[str, Any], *, may_wait: bool = False) -> None:
        """Sends a message; with `may_wait` it waits while too much is on its way."""
        line = encode(message)
        if len(line) > MESSAGE_MAX:
            line = self._shorter(message, len(line))
            if not line:
                return
        with self._change:
            while may_wait and self._must_wait() and not self._is_closed:
                self._change.wait(PROGRESS_PAUSE)
            if self._is_closed:
                raise Closed
            self._queue.append(line)
            self._change.notify_all()

    def _must_wait(self) -> bool:
        second = int(self._clock())
        if second != self._second:
            self._second, self._n_in_second = second, 0
        if len(self._queue) >= QUEUE_MAX or self._n_in_second >= RATE_MAX:
            return True
        self._n_in_second += 1
        return False

    def _shorter(self, message: Mapping[str, Any], n_bytes: int) -> bytes:
        words = f"a message of {n_bytes} bytes is larger than 1 MiB"
        print(f"syncmgr_handler: {words}, so it was not sent", file=sys.stderr, flush=True)
        if "id" not in message or "method" in message:
            return b""
        error = RpcError(INTERNAL_ERROR, words).wire()
        return encode({"jsonrpc": "2.0", "id": message["id"], "error": error})

    def offer(self, slot: Hashable, make: Callable[[], Mapping[str, Any]]) -> None:
        """Sends the newest of what is offered for a slot, at most 20 times a second."""
        with self._change:
            is_new = slot not in self._slots
            self._slots[slot] = make
            if is_new:
                self._change.notify_all()

    def drop(self, slot: Hashable) -> None:
        """Forgets what waits in a slot."""
        with self._change:
            self._slots.pop(slot, None)
            self._due.pop(slot, None)

    def close(self, timeout: float) -> None:
        """Writes what waits, then ends."""
        with self._change:
            self._is_ending = True
            self._change.notify_all()
        self._thread.join(timeout)

    def _work(self) -> None:
        try:
            while True:
                batch = self._next()
                if batch is None:
                    return
                self._sink.write(batch)
                self._sink.flush()
        except (OSError, ValueError):
            # Nobody reads: the end of standard input tells the rest of the program.
            pass
        finally:
            with self._change:
                self._is_closed = True
                self._change.notify_all()

    def _next(self) -> Optional[bytes]:
        with self._change:
            while True:
                parts = list(self._queue)
                self._queue.clear()
                now = self._clock()
                for slot in [slot for slot in self._slots if self._due.get(slot, 0.0) <= now]:
                    parts.append(encode(self._slots.pop(slot)()))
                    self._due[slot] = now + PROGRESS_PAUSE
                if parts:
                    self._change.notify_all()
                    return b"".join(parts)
                if self._is_ending:
                    return None
                pause = None
                if self._slots:
                    pause = max(0.0, min(self._due.get(slot, 0.0) for slot in self._slots) - now)
                self._change.wait(pause)


class Calls:
    """Requests of our own, and the answers that are waited for."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._lock = threading.Lock()
        self._next = 0
        self._waiting: Dict[int, Tuple[threading.Event, Dict[str, Any]]] = {}
        self._is_closed = False

    def call(self, method: str, params: Mapping[str, Any], timeout: float) -> Any:
        """Sends a request and waits for its result; raises :class:`RpcError` or `Closed`."""
        is_there, answer = threading.Event(), {}  # type: threading.Event, Dict[str, Any]
        with self._lock:
            if self._is_closed:
                raise Closed
            self._next += 1
            number = self._next
            self._waiting[number] = (is_there, answer)
        try:
            request = {"jsonrpc": "2.0", "id": number, "method": method, "params": dict(params)}
            self._writer.send(request, may_wait=True)
            if not is_there.wait(timeout):
                raise RpcError(FAILED, f"syncmgr did not answer {method} in time")
        finally:
            with self._lock:
                self._waiting.pop(number, None)
        if "error" in answer:
            error = answer["error"] if isinstance(answer["error"], dict) else {}
            raise RpcError(int(error.get("code", FAILED)), str(error.get("message", "")))
        if "result" not in answer:
            raise Closed
        return answer["result"]

    def take(self, message: Mapping[str, Any]) -> None:
        """Hands an answer to whoever waits for it; one that nobody waits for is passed over."""
        number = message.get("id")
        if not isinstance(number, int) or isinstance(number, bool):
            return
        with self._lock:
            waiting = self._waiting.get(number)
        if waiting is not None:
            waiting[1].update(message)
            waiting[0].set()

    def close(self) -> None:
        """Ends all waiting."""
        with self._lock:
            self._is_closed = True
            waiting = list(self._waiting.values())
        for is_there, _ in waiting:
            is_there.set()
