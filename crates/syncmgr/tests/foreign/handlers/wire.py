"""The protocol, as small as it can be, for handlers of tests."""

import json
import sys


def send(**message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def tell(method, **params):
    send(method=method, params=params)


def progress(session, item, status, **more):
    tell("session/progress", session_id=session, item=item, status=status, **more)


def messages():
    for line in sys.stdin:
        yield json.loads(line)


def hello(name, **capabilities):
    return {
        "protocol_version": "1",
        "handler": {"id": name, "name": f"The {name} handler"},
        "capabilities": capabilities,
    }
