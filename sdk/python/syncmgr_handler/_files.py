"""Changing files of a person without ever losing one."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Callable, Union

AnyPath = Union[str, "os.PathLike[str]"]

_CHUNK = 1024 * 1024


def copy_file(source: AnyPath, target: AnyPath, check: Callable[[], None] = lambda: None) -> int:
    """Copies a file so that it is there whole or not at all, with its times; returns its size.

    Missing folders are made. A target that is there is replaced at once, never half: call
    :func:`set_aside` first when its content is nowhere else. `check` is called again and again;
    give it `run.check`, so that a long copy can be stopped.
    """
    place = Path(target)
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=f".{place.name[:200]}.", suffix=".part", dir=place.parent)
    try:
        n_bytes = 0
        with os.fdopen(handle, "wb") as sink, open(source, "rb") as feed:
            while True:
                check()
                chunk = feed.read(_CHUNK)
                if not chunk:
                    break
                sink.write(chunk)
                n_bytes += len(chunk)
            sink.flush()
            os.fsync(sink.fileno())
        shutil.copystat(source, part)
        os.replace(part, place)
        return n_bytes
    except BaseException:
        os.unlink(part)
        raise


def set_aside(path: AnyPath) -> Path:
    """Keeps what a file holds under a free name beside it, as `name.before`; returns that name."""
    place = Path(path)
    number = 1
    while True:
        mark = ".before" if number == 1 else f".before-{number}"
        free = place.with_name(place.name + mark)
        try:
            # A link never replaces anything, and the file keeps its own name until it is replaced.
            os.link(place, free)
            return free
        except FileExistsError:
            number += 1
        except OSError:
            # No links on this file system.
            if not free.exists():
                copy_file(place, free)
                return free
            number += 1
