"""A handler in a process of its own, spoken to as syncmgr does."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import textwrap
import threading
import unittest
from pathlib import Path
from typing import Any, Dict, List, Optional

ROOT = Path(__file__).resolve().parent.parent
START = "from syncmgr_handler import *\nimport os, time\n"


class Host:
    """The other end of a handler."""

    def __init__(self, code: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        file = Path(self.folder.name, "handler.py")
        file.write_text(START + textwrap.dedent(code))
        self.process = subprocess.Popen(
            [sys.executable, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
            cwd=self.folder.name,
        )
        self.lines: "queue.Queue[Optional[bytes]]" = queue.Queue()
        self.sent: List[Dict[str, Any]] = []
        self.answers: Dict[Any, Dict[str, Any]] = {}
        self.number = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def send(self, **message: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method: str, **params: Any) -> int:
        self.number += 1
        self.send(id=self.number, method=method, params=params)
        return self.number

    def next(self) -> Optional[Dict[str, Any]]:
        line = self.lines.get(timeout=20)
        if line is None:
            return None
        message: Dict[str, Any] = json.loads(line)
        if "method" not in message:
            self.answers[message["id"]] = message
        else:
            self.sent.append(message)
        return message

    def answer(self, number: int) -> Dict[str, Any]:
        while number not in self.answers:
            if self.next() is None:
                raise AssertionError("it ended")
        return self.answers[number]

    def call(self, method: str, **params: Any) -> Any:
        answer = self.answer(self.ask(method, **params))
        return answer.get("result", answer.get("error"))

    def ready(self) -> Any:
        hello = self.call("initialize", protocol_versions=["1"], data_dir=self.folder.name)
        self.send(method="initialized")
        return hello

    def sync(self, **more: Any) -> Any:
        items = [{"id": "a", "name": "A", "settings": {"key": "v"}, "is_enabled": True}]
        work = {"kind": "sync", "is_full": False}
        params = {"session_id": "s", "items": items, "work": work, "intent": "apply", **more}
        return self.call("session/start", **params)

    def params(self, method: str) -> List[Dict[str, Any]]:
        return [message["params"] for message in self.sent if message["method"] == method]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass
        self.folder.cleanup()


class Handlers(unittest.TestCase):
    def host(self, body: str, before: str = "", attributes: str = "") -> Host:
        code = (
            f"{before}\nclass Sample(Handler):\n    id = 'sample'\n    name = 'Sample'\n"
            "    settings = {'key': text('a key')}\n"
            + textwrap.indent(textwrap.dedent(attributes) + textwrap.dedent(body), "    ")
            + "\nSample().serve()\n"
        )
        host = Host(code)
        self.addCleanup(host.close)
        return host

    def test_only_what_is_overridden_is_offered(self) -> None:
        host = self.host("def sync(self, run): pass")
        self.assertEqual(host.ready()["capabilities"], {"validate": True})
        self.assertEqual(host.call("conflicts/list")["code"], -32011)
        self.assertEqual(host.sync(intent="preview")["code"], -32011)

    def test_an_exception_fails_the_item_with_its_words(self) -> None:
        host = self.host("def sync(self, run): open('/no/such/file')")
        host.ready()
        self.assertEqual(host.sync(), {})
        event = host.params("session/event")[0]["trouble"]
        self.assertEqual(event["name"], "No such file or directory: /no/such/file")
        self.assertEqual(event["level"], "error")
        self.assertEqual(host.params("session/progress")[-1]["status"], "failed")
        self.assertEqual(host.params("session/summary")[0]["summary"], {"n_failures": 1})

    def test_failed_says_more_and_disconnected_is_a_status_of_its_own(self) -> None:
        host = self.host("def sync(self, run): raise Disconnected('no net', 'Go online.', retry='later')")
        host.ready()
        host.sync()
        said = {"level": "error", "name": "no net", "description": "Go online.", "retry": "later"}
        self.assertEqual(host.params("session/event")[0]["trouble"], said)
        self.assertEqual(host.params("session/progress")[-1]["status"], "disconnected")

    def test_errors_and_warnings_are_counted(self) -> None:
        host = self.host("def sync(self, run): run.warn('w'); run.error('e'); run.left.n_copied = 2")
        host.ready()
        host.sync()
        summary = {"left": {"n_copied": 2}, "n_failures": 1, "n_warnings": 1}
        self.assertEqual(host.params("session/summary")[0]["summary"], summary)
        self.assertEqual(host.params("session/progress")[-1]["status"], "failed")

    def test_progress_is_cheap_and_coalesced(self) -> None:
        host = self.host(
            """
            def sync(self, run):
                for n in range(100_000):
                    run.progress(n, 100_000, current='x')
            """
        )
        host.ready()
        host.sync()
        reports = host.params("session/progress")
        self.assertLess(len(reports), 200)
        self.assertEqual(reports[-1]["status"], "succeeded")
        self.assertEqual((reports[-1]["n_done"], reports[-1]["n_total"]), (100_000, 100_000))

    def test_a_session_is_cancelled_while_it_works(self) -> None:
        host = self.host(
            """
            def sync(self, run):
                while not run.wait(10):
                    pass
            """
        )
        host.ready()
        items = [{"id": "a", "name": "A", "settings": {"key": "v"}}]
        work = {"kind": "sync"}
        number = host.ask("session/start", session_id="s", items=items, work=work)
        while not host.params("session/progress"):
            host.next()
        self.assertEqual(host.call("ping"), {})
        self.assertEqual(host.call("session/start", session_id="t", items=items, work=work)["code"], -32013)
        host.send(method="session/cancel", params={"session_id": "s"})
        self.assertEqual(host.answer(number)["result"], {})
        self.assertEqual(host.params("session/progress")[-1]["status"], "canceled")

    def test_shutdown_ends_running_work_first(self) -> None:
        host = self.host("def sync(self, run):\n    while not run.cancelled: time.sleep(0.01)")
        host.ready()
        items = [{"id": "a", "name": "A", "settings": {"key": "v"}}]
        number = host.ask("session/start", session_id="s", items=items, work={"kind": "sync"})
        down = host.ask("shutdown")
        host.answer(down)
        self.assertIn(number, host.answers)
        host.send(method="exit")
        self.assertEqual(host.process.wait(10), 0)

    def test_it_ends_when_standard_input_is_closed_even_if_work_hangs(self) -> None:
        host = self.host("def sync(self, run): time.sleep(1000)")
        host.ready()
        items = [{"id": "a", "name": "A", "settings": {"key": "v"}}]
        host.ask("session/start", session_id="s", items=items, work={"kind": "sync"})
        assert host.process.stdin is not None
        host.process.stdin.close()
        self.assertEqual(host.process.wait(10), 0)

    def test_print_and_children_go_to_the_log(self) -> None:
        host = self.host("def sync(self, run): print('hello'); os.system('echo child; cat')")
        host.ready()
        self.assertEqual(host.sync(), {})
        host.call("shutdown")
        host.send(method="exit")
        host.process.wait(10)
        assert host.process.stderr is not None
        self.assertEqual(sorted(host.process.stderr.read().split()), [b"child", b"hello"])

    def test_conflicts_are_listed_and_resolved(self) -> None:
        host = self.host(
            """
            gone = False
            def sync(self, run): pass
            def conflicts(self, item):
                if not self.gone:
                    yield Conflict('c', 'both', [Content('1', 'l', 'left'), Content('2', 'r', 'right')])
            def resolve(self, item, conflict, decision):
                self.gone = decision.kept == 1
            """,
            attributes="conflict_abilities = ['keep_recent', 'remove']\n",
        )
        host.ready()
        saved = [{"id": "a", "name": "A", "settings": {"key": "v"}}]
        host.call("items/list", saved=saved)
        found = host.call("conflicts/list")["conflicts"][0]
        self.assertEqual((found["id"], found["item"]), ("a/c", "a"))
        self.assertEqual(found["abilities"], ["keep-recent"])
        keep = {"kind": "keep", "items": [{"index": 1}]}
        merge = {"kind": "merge"}
        self.assertEqual(host.call("conflicts/resolve", id="a/c", decision=merge)["code"], -32011)
        bad = {"kind": "keep", "items": [{"index": 2}]}
        self.assertEqual(host.call("conflicts/resolve", id="a/c", decision=bad)["code"], -32012)
        host.sync(work={"kind": "resolve", "decisions": [{"id": "a/c", "decision": keep}]})
        self.assertEqual(host.params("session/progress")[-1]["status"], "succeeded")
        self.assertEqual(host.call("conflicts/list"), {"conflicts": []})

    def test_a_preview_is_named_and_a_large_one_is_cut(self) -> None:
        host = self.host(
            """
            def sync(self, run): pass
            def preview(self, run):
                for n in range(30_000):
                    run.change('copy', 'a' * 30 + str(n), size=n)
            """
        )
        host.ready()
        host.sync(intent="preview")
        preview = host.params("session/preview")[0]["preview"]
        self.assertLess(len(preview["changes"]), 30_000)
        self.assertIn("of 30000 changes are shown", preview["troubles"][0]["name"])

    def test_the_handler_asks_and_is_answered(self) -> None:
        host = self.host(
            """
            def sync(self, run):
                if 'b' in run.additional_items():
                    run.add_item('b')
            """
        )
        host.ready()
        items = [{"id": "a", "name": "A", "settings": {"key": "v"}}]
        number = host.ask("session/start", session_id="s", items=items, work={"kind": "sync"})
        replies = {"session/additional_items": {"items": ["b"]}, "session/add_item": {"id": "b", "name": "B"}}
        while number not in host.answers:
            message = host.next()
            assert message is not None
            if message.get("method") in replies and "id" in message:
                host.send(id=message["id"], result=replies[message["method"]])
                if message["params"].get("item") == "b":
                    replies["session/additional_items"] = {}
        ended = {one["item"]: one["status"] for one in host.params("session/progress")}
        self.assertEqual(ended, {"a": "succeeded", "b": "succeeded"})

    def test_it_opens_a_session_of_its_own(self) -> None:
        host = self.host(
            """
            def sync(self, run): pass
            def activate(self, is_active):
                import threading
                threading.Thread(target=self.work).start()
            def work(self):
                with self.host.open([Item('a')]) as session:
                    session.runs[0].progress(1, 2)
            """,
            attributes="concurrent_sessions = True\n",
        )
        host.ready()
        host.ask("handler/activate", is_active=True)
        while not host.params("session/close"):
            message = host.next()
            assert message is not None
            if message.get("method") == "session/open":
                host.send(id=message["id"], result={"session_id": "mine"})
        self.assertEqual(host.params("session/progress")[-1]["status"], "succeeded")

    def test_settings_are_looked_at(self) -> None:
        host = self.host("def sync(self, run): pass")
        host.ready()
        answer = host.call("items/validate", item={"id": "a", "settings": {}})
        self.assertEqual((answer["code"], answer["message"]), (-32020, "key is missing: a key"))
        self.assertEqual(host.call("items/validate", item={"id": "a", "settings": {"key": "v"}}), {})

    def test_a_request_can_be_taken_back(self) -> None:
        host = self.host("def sync(self, run): pass\ndef discover(self):\n    time.sleep(5)\n    return []")
        host.ready()
        number = host.ask("items/discover")
        host.send(method="$/cancel", params={"id": number})
        self.assertEqual(host.answer(number)["error"]["code"], -32030)


if __name__ == "__main__":
    unittest.main()
