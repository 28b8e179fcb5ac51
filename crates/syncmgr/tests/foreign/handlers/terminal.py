"""Runs a command on a terminal of its own, types each answer when its question comes, and prints all it said."""

import json
import os
import pty
import sys

talk, argv = json.loads(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execv(argv[0], argv)
said = b""
heard = 0
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    said += part
    while talk and (at := said.find(talk[0][0].encode(), heard)) >= 0:
        question, answer = talk.pop(0)
        heard = at + len(question.encode())
        os.write(terminal, answer.encode() + b"\n")
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(said.replace(b"\r\n", b"\n"))
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(status))
