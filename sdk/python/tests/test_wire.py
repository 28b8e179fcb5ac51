"""Framing, limits, and the one writer."""

import io
import json
import threading
import time
import unittest

from syncmgr_handler import _wire
from syncmgr_handler._wire import RpcError, Writer, decode, encode, lines


class Lines(unittest.TestCase):
    def test_a_line_that_is_too_long_is_named_and_passed_over(self) -> None:
        long = b"x" * (_wire.MESSAGE_MAX + 7) + b"\n"
        self.assertEqual(list(lines(io.BytesIO(b"a\n" + long + b"b\n"))), [b"a\n", None, b"b\n"])

    def test_a_last_line_without_an_end_is_no_message(self) -> None:
        self.assertEqual(list(lines(io.BytesIO(b"a\nb"))), [b"a\n"])

    def test_the_longest_message_is_read(self) -> None:
        long = b"x" * (_wire.MESSAGE_MAX - 1) + b"\n"
        self.assertEqual(list(lines(io.BytesIO(long))), [long])


class Decoding(unittest.TestCase):
    def check(self, line: bytes, code: int) -> None:
        with self.assertRaises(RpcError) as caught:
            decode(line)
        self.assertEqual(caught.exception.code, code)

    def test_what_is_no_message_is_refused(self) -> None:
        self.check(b"nonsense", -32700)
        self.check(b"\xff\xfe", -32700)
        self.check(b"[]", -32600)
        self.check(b'{"a":' + b"[" * 100_000, -32600)

    def test_nesting_is_counted_outside_of_texts(self) -> None:
        self.assertEqual(decode(b'{"a": "' + b"[" * 100 + b'\\""}')["a"], "[" * 100 + '"')
        deep = b'{"a":' + b"[" * 63 + b"]" * 63 + b"}"
        self.assertEqual(list(decode(deep)), ["a"])
        self.check(b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", -32600)

    def test_what_utf8_cannot_say_does_no_harm(self) -> None:
        self.assertEqual(json.loads(encode({"a": "x\udcff"})), {"a": "x?"})


class Writing(unittest.TestCase):
    def test_progress_is_thinned_out_and_the_newest_arrives(self) -> None:
        sink = io.BytesIO()
        writer = Writer(sink)
        for number in range(50_000):
            writer.offer("a", lambda number=number: {"n": number})
        time.sleep(3 * _wire.PROGRESS_PAUSE)
        writer.close(1)
        numbers = [json.loads(line)["n"] for line in sink.getvalue().splitlines()]
        self.assertLess(len(numbers), 100)
        self.assertEqual(numbers[-1], 49_999)
        self.assertEqual(numbers, sorted(numbers))

    def test_an_answer_that_is_too_large_becomes_an_error(self) -> None:
        sink = io.BytesIO()
        writer = Writer(sink)
        writer.send({"jsonrpc": "2.0", "id": 5, "result": {"a": "x" * _wire.MESSAGE_MAX}})
        writer.close(1)
        message = json.loads(sink.getvalue())
        self.assertEqual((message["id"], message["error"]["code"]), (5, -32603))

    def test_work_waits_for_a_slow_reader(self) -> None:
        gate = threading.Event()

        class Slow(io.BytesIO):
            def write(self, data: bytes) -> int:  # type: ignore[override]
                gate.wait(10)
                return super().write(data)

        writer = Writer(Slow())
        sent = []

        def work() -> None:
            try:
                for number in range(2 * _wire.QUEUE_MAX):
                    writer.send({"n": number}, may_wait=True)
                    sent.append(number)
            except _wire.Closed:
                pass

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        time.sleep(0.5)
        self.assertLessEqual(len(sent), _wire.QUEUE_MAX + 2)
        # An answer never waits.
        writer.send({"id": 1, "result": {}})
        gate.set()
        writer.close(0.1)


if __name__ == "__main__":
    unittest.main()
