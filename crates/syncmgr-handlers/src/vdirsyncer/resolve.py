# Called by vdirsyncer for one item that both sides changed, with the two contents as files.
#
# The first argument is a folder of syncmgr. A decision in it is carried out when the two contents
# are still those that were put there to be looked at, after both were kept. Otherwise both are put
# there, and the conflict stays.
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
    # A folder for any UID, also a long one.
    code = "u" + uid.encode().hex()
    name = os.path.join(*(code[at : at + 200] for at in range(0, len(code), 200)))
    shown = os.path.join(folder, "conflicts", name)
    try:
        decisions = json.loads(read(os.path.join(folder, "decisions.json")))
    except FileNotFoundError:
        decisions = {"choices": {}}
    choice = decisions["choices"].get(uid)
    is_shown = choice is not None and all(
        os.path.exists(os.path.join(shown, side)) and read(os.path.join(shown, side)) == data
        for side, data in contents.items()
    )
    keep = os.path.join(decisions["kept"], name) if is_shown else shown
    os.makedirs(keep, mode=0o700, exist_ok=True)
    for side, data in contents.items():
        put(os.path.join(keep, side), data)
    if choice is None:
        return WAITS
    if not is_shown:
        return CHANGED
    winner = contents[choice] if choice in contents else read(choice)
    for path in (a, b):
        with open(path, "wb") as file:
            file.write(winner)
    return 0


sys.exit(main())
