"""Runs a command on a terminal of its own, types an answer when it is asked, and prints all it said."""

import os
import pty
import sys

answer, argv = sys.argv[1], sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execv(argv[0], argv)
said = b""
typed = False
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    said += part
    if b"[y/N]" in said and not typed:
        os.write(terminal, answer.encode() + b"\n")
        typed = True
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(said.replace(b"\r\n", b"\n"))
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(status))
