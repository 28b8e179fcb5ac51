# Called by vdirsyncer for one item that both sides changed, with the two contents as files.
#
# The first argument is a folder of syncmgr. A decision in it that was made for exactly these two
# contents is carried out, after both were kept. Without one, both are put there to be looked at,
# and the conflict stays.
import hashlib
import json
import os
import sys

WAITS, CHANGED = 3, 4


def put(path, data):
    """Writes a file, whole or not at all."""
    with open(path + ".new", "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + ".new", path)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def uid_of(data):
    """Returns the UID, with long lines put together again."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    text = text.replace("\n ", "").replace("\n\t", "")
    for line in text.split("\n"):
        name, _, value = line.partition(":")
        if name.split(";")[0].upper() == "UID":
            return value.strip()
    return ""


def main():
    folder, a, b = sys.argv[1], sys.argv[2], sys.argv[3]
    contents = {"a": read(a), "b": read(b)}
    uid = uid_of(contents["a"])
    name = hashlib.sha256(uid.encode()).hexdigest()[:16]
    try:
        decisions = json.loads(read(os.path.join(folder, "decisions.json")))
    except FileNotFoundError:
        decisions = {}
    decision = decisions.get(uid)
    hashes = {side: hashlib.sha256(data).hexdigest() for side, data in contents.items()}
    is_shown = decision is not None and all(decision[side] == hashes[side] for side in "ab")
    keep = decisions["kept"] if is_shown else os.path.join(folder, "conflicts")
    os.makedirs(os.path.join(keep, name), mode=0o700, exist_ok=True)
    for side, data in contents.items():
        put(os.path.join(keep, name, side), data)
    if decision is None:
        return WAITS
    if not is_shown:
        return CHANGED
    winner = contents.get(decision["choice"])
    if winner is None:
        winner = read(decision["choice"])
    for path in (a, b):
        with open(path, "wb") as file:
            file.write(winner)
    put(os.path.join(folder, "decided-" + name), b"")
    return 0


sys.exit(main())
