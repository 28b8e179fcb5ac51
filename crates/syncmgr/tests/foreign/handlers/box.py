"""A handler whose items need a password, which it tries when an item is checked."""

from wire import hello, messages, progress, send

FORM = {
    "type": "object",
    "properties": {
        "address": {"type": "string", "description": "where the box is"},
        "password": {"type": "string", "format": "secret", "description": "what opens it"},
    },
    "required": ["address", "password"],
}


def fault(settings):
    password = settings.get("password")
    if password is None:
        return "Nobody can look into this box." if settings["address"] == "strict" else None
    return None if password == "canary-right" else "The password does not fit."


for message in messages():
    method, params = message.get("method"), message.get("params", {})
    if method == "initialize":
        answer = hello("box", validate=True)
        send(id=message["id"], result={**answer, "settings": FORM})
    elif method == "items/list":
        items = [{"id": item["id"], "name": item.get("name", item["id"])} for item in params["saved"]]
        send(id=message["id"], result={"items": items})
    elif method == "items/get":
        send(id=message["id"], result={"id": params["id"], "name": params["id"]})
    elif method == "items/validate":
        what = fault(params["item"]["settings"])
        if what:
            trouble = {"level": "error", "name": what}
            send(id=message["id"], error={"code": -32020, "message": what, "data": trouble})
        else:
            send(id=message["id"], result={})
    elif method == "session/start":
        for item in params["items"]:
            right = item["settings"].get("password") == "canary-right"
            progress(params["session_id"], item["id"], "succeeded" if right else "failed")
        send(id=message["id"], result={})
    elif method == "exit":
        break
    elif "id" in message and method:
        send(id=message["id"], error={"code": -32601, "message": "no such method"})
