"""Collects the files of one folder in another one, and never overwrites anything there."""

import filecmp
import os
from pathlib import Path
from typing import Iterable, List

from syncmgr_handler import Conflict, Content, Decision, Handler, Item, Run, copy_file, folder
from syncmgr_handler import set_aside


class Sample(Handler):
    id = "sample"
    name = "Sample"
    settings = {"source": folder("where files come from"), "target": folder("where they go")}
    conflict_abilities = ["keep_recent"]

    def sync(self, run: Run) -> None:
        names = files(run.item)
        for done, name in enumerate(names):
            run.progress(done, len(names), current=name)
            source, target = pair(run.item, name)
            if not target.exists():
                run.right.bytes += copy_file(source, target, run.check)
                run.right.n_copied += 1
            run.check()  # ends the run here when somebody stopped it
        run.info("looked through the folder", f"There are {len(names)} files in it.")

    def preview(self, run: Run) -> None:
        for name in files(run.item):
            if not pair(run.item, name)[1].exists():
                run.change("copy", name)

    def conflicts(self, item: Item) -> Iterable[Conflict]:
        filecmp.clear_cache()  # it would take files with the same time and size for unchanged
        for name in files(item):
            source, target = pair(item, name)
            if target.is_file() and not filecmp.cmp(source, target, shallow=False):
                yield Conflict(name, f"{name} differs", [content(source), content(target)])

    def resolve(self, item: Item, conflict: Conflict, decision: Decision) -> None:
        sides = pair(item, conflict.id)
        if decision.kind == "keep-recent":
            sides.sort(key=os.path.getmtime, reverse=True)
            kept, lost = sides
        else:
            kept, lost = sides[decision.kept], sides[1 - decision.kept]
        set_aside(lost)  # what loses is kept too, as NAME.before
        copy_file(kept, lost)


def files(item: Item) -> List[str]:
    top = item.path("source")
    found = (path for path in top.rglob("*") if path.is_file() and ".before" not in path.name)
    return sorted(str(path.relative_to(top)) for path in found)


def pair(item: Item, name: str) -> List[Path]:
    return [item.path("source") / name, item.path("target") / name]


def content(path: Path) -> Content:
    return Content(path.name, path.parent.name, str(path), size=path.stat().st_size, path=path)


if __name__ == "__main__":
    Sample().serve()
