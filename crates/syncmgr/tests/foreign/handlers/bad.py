"""A handler that breaks one rule, chosen by its first argument, and keeps all others."""

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time

from wire import hello, messages, progress, send, tell

HOW = sys.argv[1]
ARGS = sys.argv[2:]


# What is broken at the start is broken from the second start on: the first one makes it known.


def forever():
    while True:
        time.sleep(60)


def grandchild():
    """A process with a session of its own that ignores what it is told; its number goes into a file."""
    code = "import os,signal,time,sys; os.setsid(); signal.signal(15, signal.SIG_IGN)\n"
    code += "open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
    subprocess.Popen([sys.executable, "-c", code, ARGS[0]], stdin=subprocess.DEVNULL)
    while not os.path.exists(ARGS[0]) or not open(ARGS[0]).read():
        time.sleep(0.01)


def bomb():
    """Every process makes two more, five deep at most, so that nothing but the limit ends it early."""
    for _ in range(7):
        os.fork()
    time.sleep(60)


def try_to(what):
    try:
        what()
        return "yes"
    except OSError as error:
        return type(error).__name__


def talk(path):
    """What the one who listens there answers first."""
    with socket.socket(socket.AF_UNIX) as there:
        there.settimeout(10)
        there.connect(path)
        there.sendall(b"GET /api/v1/items HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return there.recv(1000).decode().splitlines()[0]


def call(number, *args):
    """Calls the system past the library."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, args)) == -1:
        raise OSError(ctypes.get_errno(), "refused")


async def in_a_loop():
    await (await asyncio.create_subprocess_exec("/bin/true")).wait()


def say(session, name, description):
    trouble = {"level": "information", "name": name, "description": description}
    tell("session/event", session_id=session, trouble=trouble)


def work(request, session, item):
    """The session, with its one mistake."""
    if HOW == "crash-in-session":
        progress(session, item, "updating")
        print("about to fall over", file=sys.stderr, flush=True)
        os._exit(3)
    elif HOW == "hang-in-session":
        progress(session, item, "updating")
        forever()
    elif HOW == "flood":
        while True:
            tell("session/event", session_id=session, trouble={"level": "warning", "name": "again"})
    elif HOW == "flood-of-progress":
        for step in range(200_000):
            progress(session, item, "updating", n_done=step, n_total=200_000)
    elif HOW == "stderr":
        for _ in range(4096):
            sys.stderr.write("noise " * 1000 + "\n")
        sys.stderr.write("the last words\n")
    elif HOW == "long-line":
        send(method="log", params={"level": "x", "text": "y" * (2 << 20)})
        forever()
    elif HOW == "deep":
        sys.stdout.write('{"jsonrpc":"2.0","method":"log","params":' + "[" * 90 + "]" * 90 + "}\n")
        sys.stdout.flush()
        forever()
    elif HOW == "garbage":
        print("Hello, this is no message", flush=True)
        forever()
    elif HOW == "wrong-id":
        send(id=777, result={})
        forever()
    elif HOW == "memory":
        hoard = []
        while True:
            hoard.append(b"x" * (8 << 20))
    elif HOW == "memory-of-children":
        for _ in range(6):
            if os.fork() == 0:
                hoard = b"x" * (40 << 20)
                time.sleep(60)
        forever()
    elif HOW == "bomb":
        progress(session, item, "updating")
        bomb()
    elif HOW == "unknown-session":
        progress("20260101-000000000-0000", item, "succeeded")
        forever()
    elif HOW == "after-final":
        progress(session, item, "succeeded")
        progress(session, item, "updating")
    elif HOW == "other-item":
        progress(session, "not-mine", "succeeded")
        forever()
    elif HOW == "odd-status":
        progress(session, item, "splendid")
        forever()
    elif HOW == "no-final":
        progress(session, item, "updating")
        send(id=request, result={})
        return
    elif HOW in ("ignores-cancel", "ignores-term"):
        progress(session, item, "updating")
        forever()
    elif HOW == "grandchildren":
        progress(session, item, "updating")
        grandchild()
        os._exit(0)
    elif HOW == "reach":
        outside, inside, secret = ARGS
        results = {
            "write outside": try_to(lambda: open(outside, "w").write("mine now")),
            "cut outside": try_to(lambda: os.truncate(secret, 0)),
            "remove outside": try_to(lambda: os.unlink(secret)),
            "move outside": try_to(lambda: os.rename(secret, inside + ".taken")),
            "read secret": try_to(lambda: open(secret).read()),
            "write inside": try_to(lambda: open(inside, "w").write("fine")),
            "write own": try_to(lambda: open("note.txt", "w").write("fine")),
            "signal host": try_to(lambda: os.kill(os.getppid(), 0)),
            "run a program": try_to(lambda: subprocess.run(["/bin/true"], check=True)),
        }
        for name, result in results.items():
            say(session, name, result)
        progress(session, item, "succeeded")
        send(id=request, result={})
        return
    elif HOW == "sockets":
        second, uring, ptrace = 0x40000000, 425, 101 if os.uname().machine == "x86_64" else 117
        results = {
            "connect": try_to(lambda: talk(ARGS[0])),
            "a pair": try_to(lambda: socket.socketpair()),
            "a loose pair": try_to(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)),
            "a raw pair": try_to(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_RAW)),
            "the network": try_to(lambda: socket.socket(socket.AF_INET)),
            "a machine": try_to(lambda: socket.socket(socket.AF_VSOCK)),
            "trace": try_to(lambda: call(ptrace, 0, 0, 0, 0)),
            "a ring": try_to(lambda: call(uring, 1, 0)),
            "the second family": try_to(lambda: call(second + 41, 1, 1, 0)),
            "asyncio": try_to(lambda: asyncio.run(in_a_loop())),
            "subprocess": try_to(lambda: subprocess.run(["/bin/true"], check=True)),
        }
        for name, result in results.items():
            say(session, name, result)
        progress(session, item, "succeeded")
        send(id=request, result={})
        return
    elif HOW == "ask-daemon":
        try:
            said = talk(ARGS[0])
        except OSError as error:
            said = repr(error)
        print("the daemon:", said, file=sys.stderr, flush=True)
    elif HOW == "environment":
        say(session, "environment", " ".join(sorted(os.environ)))
        say(session, "folder", os.getcwd())
        say(session, "group", str(os.getpgid(0) == os.getpid() and os.getsid(0) == os.getpid()))
        progress(session, item, "succeeded")
        send(id=request, result={})
        return
    progress(session, item, "succeeded")
    send(id=request, result={})


if HOW in ("ignores-term", "hang-at-shutdown"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
FIRST = not os.path.exists("started")
open("started", "w").close()
if HOW == "crash-at-start" and not FIRST:
    print("no settings found", file=sys.stderr, flush=True)
    sys.exit(7)
if HOW == "hang-at-start" and not FIRST:
    forever()

for message in messages():
    method, params = message.get("method"), message.get("params", {})
    if method == "initialize" and HOW == "wrong-version" and not FIRST:
        send(id=message["id"], error={"code": -32010, "message": "no", "data": {"supported": ["7", "8"]}})
    elif method == "initialize":
        send(id=message["id"], result=hello("bad"))
    elif method == "items/list":
        if HOW == "hang-in-answer":
            forever()
        if HOW == "crash-in-answer":
            os._exit(4)
        if HOW == "wrong-answer":
            send(id=message["id"], result={"items": 5})
        else:
            one = {"id": "one", "name": "One"}
            if HOW == "paths":
                one["paths"] = ARGS
            send(id=message["id"], result={"items": [one]})
    elif method == "session/start":
        work(message["id"], params["session_id"], params["items"][0]["id"])
    elif method == "shutdown":
        if HOW == "hang-at-shutdown":
            forever()
        if HOW == "crash-at-shutdown":
            os._exit(5)
        send(id=message["id"], result={})
    elif method == "exit":
        break
    elif "id" in message and method:
        send(id=message["id"], error={"code": -32601, "message": "no such method"})
