"""A handler with one vice, named on the command line: the conformance kit has to find each."""

import json
import sys
import time

VICE = sys.argv[1]


def send(**message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def progress(session, item, status):
    params = {"session_id": session, "item": item, "status": status}
    send(method="session/progress", params=params)


def sync(number, params):
    session, items = params["session_id"], [item["id"] for item in params["items"]]
    if VICE == "strange-item":
        progress(session, "somebody-else", "updating")
    if VICE == "deaf-to-cancel":
        for _ in range(100):
            progress(session, items[0], "updating")
            time.sleep(0.1)
    for item in items[1:] if VICE == "forgets-an-item" else items:
        progress(session, item, "updating")
        progress(session, item, "done" if VICE == "wrong-status" else "succeeded")
        if VICE == "speaks-after-the-end":
            progress(session, item, "updating")
    send(id=number, result={})


def main():
    hello = {
        "protocol_version": "1",
        "handler": {"id": "Bad One" if VICE == "bad-id" else "bad", "name": "Bad"},
        "settings": {"type": "object", "properties": {"key": {"type": "string"}}},
    }
    saved = []
    for line in sys.stdin:
        try:
            message = json.loads(line)
        except ValueError:
            if VICE == "dies-of-nonsense":
                raise
            send(id=None, error={"code": -32700, "message": "not JSON"})
            continue
        method, number = message.get("method"), message.get("id")
        params = message.get("params", {})
        if method == "exit":
            return
        if number is None:
            continue
        if method == "initialize":
            send(id=number, result=hello)
        elif method == "items/list":
            saved = params["saved"]
            send(id=number, result={"items": [{"id": it["id"], "name": it["name"]} for it in saved]})
        elif method == "session/start":
            sync(number, params)
        elif method in ("ping", "shutdown") or VICE == "knows-everything":
            if VICE == "chatter":
                print("pong!", flush=True)
            send(id=number, result={})
            if VICE == "answers-twice":
                send(id=number, result={})
        else:
            send(id=number, error={"code": -32601, "message": "no such method"})
    if VICE == "stays":
        time.sleep(1000)


main()
