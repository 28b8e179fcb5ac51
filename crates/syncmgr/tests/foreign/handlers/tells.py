"""A handler that says its password wherever it can, and keeps one conflict between two files. Of
these it tells what it found when it began, whatever happens to them later."""

import base64
import os
import sys
from urllib.parse import quote

from wire import hello, messages, progress, send, tell

password = folder = known = ""


def forms():
    return f"{password} {quote(password)} {base64.b64encode(password.encode()).decode()}"


def sync(session, item):
    print(f"signing in with {forms()}", file=sys.stderr, flush=True)
    tell("session/text", session_id=session, text=f"signing in with {forms()}")
    trouble = {"level": "error", "name": forms(), "description": forms()}
    tell("session/event", session_id=session, item=item, trouble=trouble)
    progress(session, item, "updating", n_done=1, n_total=20, current=forms())
    progress(session, item, "failed")


def contents():
    return [
        {
            "display_name": name,
            "short_location": name,
            "full_location": name,
            "kind": "updated",
            "path": os.path.join(folder, name),
        }
        for name in ("one.txt", "two.txt", "three.txt")
    ]


def resolve(decision):
    keep = decision["items"][0]["index"]
    names = [content["display_name"] for content in contents()]
    for name in names:
        if name != names[keep]:
            os.remove(os.path.join(folder, name))


def about(item):
    return {
        "id": item["id"],
        "name": item["name"],
        "comment": f"as {forms()}",
        "paths": [folder],
        "capabilities": ["conflicts"],
    }


for message in messages():
    method, params, id = message.get("method"), message.get("params", {}), message.get("id")
    saved = params.get("saved") or params.get("items") or []
    for item in saved if isinstance(saved, list) else [saved]:
        known, settings = item["id"], item["settings"]
        folder, password = settings["folder"], settings.get("password", password)
    if method == "initialize":
        offers = {"conflicts": {}}
        form = {
            "type": "object",
            "properties": {
                "folder": {"type": "string", "format": "folder", "description": "where"},
                "password": {"type": "string", "format": "secret", "description": "what"},
            },
            "required": ["folder"],
        }
        send(id=id, result={**hello("tells", **offers), "settings": form})
    elif method == "items/list":
        send(id=id, result={"items": [about(item) for item in params["saved"]]})
    elif method == "items/get":
        send(id=id, result=about(params["saved"]))
    elif method == "session/start":
        for item in params["items"]:
            sync(params["session_id"], item["id"])
        send(id=id, error={"code": -32014, "message": f"refused {forms()}"})
    elif method == "conflicts/list":
        there = os.path.exists(os.path.join(folder, "one.txt"))
        there = there and os.path.exists(os.path.join(folder, "two.txt"))
        one = {
            "id": "card-7",
            "item": params.get("item") or known,
            "kind": "card",
            "name": "Anna",
            "contents": contents(),
        }
        send(id=id, result={"conflicts": [one] if there else []})
    elif method == "conflicts/resolve":
        resolve(params["decision"])
        send(id=id, result={"feedback": "continue"})
    elif method == "exit":
        break
    elif id is not None and method:
        if method == "shutdown":
            send(id=id, result={})
        else:
            send(id=id, error={"code": -32601, "message": "no such method"})
