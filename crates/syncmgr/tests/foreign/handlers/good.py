"""A handler that keeps the rules: it syncs for as long as its argument says, and stops when asked."""

import json
import os
import sys
import threading

from wire import hello, messages, progress, send

SECONDS = float(sys.argv[1])
# A newer version of it may have a form.
FORM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "form.json")
cancelled = {}


def sync(request, session, items, stop):
    for item in items:
        progress(session, item, "updating", phase="copying", n_done=0, n_total=10, current="a\x1bb")
        stopped = False
        for step in range(10):
            stopped = stop.wait(SECONDS / 10)
            if stopped:
                break
            progress(session, item, "updating", n_done=step + 1, n_total=10)
        progress(session, item, "canceled" if stopped else "succeeded")
    send(id=request, result={})


for message in messages():
    method, params = message.get("method"), message.get("params", {})
    if method == "initialize":
        answer = hello("good", concurrent_sessions=True)
        if os.path.exists(FORM):
            answer["settings"] = json.load(open(FORM))
        send(id=message["id"], result=answer)
    elif method == "items/list":
        send(id=message["id"], result={"items": [{"id": "one", "name": "One"}, {"id": "two", "name": "Two"}]})
    elif method == "items/get":
        send(id=message["id"], result={"id": params["id"], "name": params["id"].title()})
    elif method == "session/start":
        session, items = params["session_id"], [item["id"] for item in params["items"]]
        stop = cancelled[session] = threading.Event()
        threading.Thread(target=sync, args=(message["id"], session, items, stop)).start()
    elif method == "session/cancel":
        cancelled[params["session_id"]].set()
    elif method == "exit":
        break
    elif "id" in message and method:
        if method == "shutdown":
            for stop in cancelled.values():
                stop.set()
            send(id=message["id"], result={})
        else:
            send(id=message["id"], error={"code": -32601, "message": "no such method"})
