"""A handler of the older family with two items. Its argument says how its sync goes: `well`, `crash`
in the middle, `skip` (the first item goes on until nobody wants it), `stranger` (it reports about an
instance that nobody opened), or `hang`."""

import os
import sys
import threading
import time

from wire import messages, send, tell

HOW = sys.argv[1]
CLASS = "c1c1c1c1-c1c1-c1c1-c1c1-c1c1c1c1c1c1"
LETTERS = "{01010101-0101-0101-0101-010101010101}"
NOTES = "{02020202-0202-0202-0202-020202020202}"
prepared = {}
skipped = threading.Event()


def sync(instance, items):
    def tell_of(item, **more):
        tell("legacy/progress", instance=instance, item=item, **more)

    for item in items:
        tell_of(item, status="updating", text="fetching", value=1, max=2)
        if HOW == "crash":
            sys.stderr.write("about to fall over\n")
            sys.stderr.flush()
            os._exit(3)
        if HOW == "stranger":
            tell("legacy/progress", instance=instance + 1000, item=item, status="succeeded")
        if HOW == "hang":
            time.sleep(60)
        if HOW == "skip" and item == items[0]:
            end = "skipped" if skipped.wait(20) else "failed"
            tell_of(item, status=end)
            continue
        tell_of(item, status="succeeded", value=2, max=2)
    tell("legacy/log_error", instance=instance, level="warning", text="The box is nearly full", item=items[-1])
    tell("legacy/synchronize_completed", instance=instance)


def answer(method, params):
    if method == "initialize":
        handler = {"id": CLASS, "name": "Mail"}
        return {"protocol_version": "1", "handler": handler, "capabilities": {"legacy": True}}
    if method == "legacy/initialize":
        return {"takes_part": True, "flags": []}
    if method == "legacy/items":
        items = [{"id": LETTERS, "name": "Letters", "is_checked": True}, {"id": NOTES, "name": "Notes", "is_checked": True}]
        return {"items": items, "is_complete": True}
    if method == "legacy/prepare":
        prepared[params["instance"]] = params["items"]
        return {"started": True}
    if method == "legacy/set_item_status":
        if params["item"] == LETTERS and params["status"] == "skipped":
            skipped.set()
    return {}


for message in messages():
    method, params = message.get("method"), message.get("params", {})
    if method == "exit":
        break
    if method == "legacy/release":
        sys.stderr.write("released\n")
        sys.stderr.flush()
    if "id" not in message:
        continue
    send(id=message["id"], result=answer(method, params))
    if method == "legacy/prepare":
        tell("legacy/prepare_completed", instance=params["instance"])
    if method == "legacy/synchronize":
        work = (params["instance"], prepared[params["instance"]])
        threading.Thread(target=sync, args=work, daemon=True).start()
