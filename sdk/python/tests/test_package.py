"""What holds for the package as a whole."""

import ast
import tempfile
import unittest
from pathlib import Path

from syncmgr_handler import copy_file, path_text, set_aside, text_path

ROOT = Path(__file__).resolve().parent.parent


class Package(unittest.TestCase):
    def test_nothing_newer_than_python_3_9_is_used(self) -> None:
        files = [*ROOT.glob("syncmgr_handler/*.py"), *ROOT.glob("sample/*.py")]
        self.assertGreater(len(files), 7)
        for file in files:
            tree = ast.parse(file.read_text(), str(file), feature_version=(3, 9))
            for node in ast.walk(tree):
                # `X | Y` between types is 3.10; here it is only for numbers and sets.
                self.assertNotIsInstance(node, getattr(ast, "Match", ()), file)

    def test_a_useful_handler_has_less_than_sixty_lines(self) -> None:
        lines = (ROOT / "sample/handler.py").read_text().splitlines()
        self.assertLess(len([line for line in lines if line.strip()]), 60)

    def test_every_path_comes_back(self) -> None:
        for raw in [b"a/b", "ä\n".encode(), b"a/\xff\\b", b"\\x41", b"\\\\"]:
            self.assertEqual(text_path(path_text(raw)).encode("utf-8", "surrogateescape"), raw)
        self.assertEqual(path_text(b"a/\xff\\b"), "a/\\xff\\\\b")

    def test_a_stopped_copy_leaves_nothing_and_what_is_set_aside_stays(self) -> None:
        def stop() -> None:
            raise KeyError

        with tempfile.TemporaryDirectory() as name:
            top = Path(name)
            (top / "a").write_text("new")
            (top / "b").write_text("old")
            with self.assertRaises(KeyError):
                copy_file(top / "a", top / "b", stop)
            self.assertEqual(sorted(path.name for path in top.iterdir()), ["a", "b"])
            first, second = set_aside(top / "b"), set_aside(top / "b")
            self.assertEqual((first.name, second.name), ("b.before", "b.before-2"))
            self.assertEqual(copy_file(top / "a", top / "b"), 3)
            self.assertEqual((top / "b").read_text(), "new")
            self.assertEqual(first.read_text(), "old")


if __name__ == "__main__":
    unittest.main()
