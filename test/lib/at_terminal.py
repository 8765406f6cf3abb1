#!/usr/bin/env python3
"""at_terminal.py [PATTERN ANSWER]... -- COMMAND...: run COMMAND at a terminal

For each pair in turn: wait until PATTERN (a regular expression) is in what COMMAND has
written since the last answer, then type ANSWER and a newline.  Of the answers
"^C" and "^D" are those keys, and "sh:TEXT" is run by the shell first, an empty line typed
then.  Writes all that COMMAND wrote, and exits as it does (128 + N: by signal N); 124 where
it has said nothing for a minute.
"""
import os
import pty
import re
import select
import subprocess
import sys

cut = sys.argv.index("--")
talk, command = sys.argv[1:cut], sys.argv[cut + 1:]
pairs = list(zip(talk[0::2], talk[1::2]))
pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "dumb"
    os.execvp(command[0], command)
said, since = b"", b""
quiet = 60 * int(os.environ.get("MW_SLOW", "1"))
while True:
    if not select.select([terminal], [], [], quiet)[0]:
        sys.stdout.buffer.write(said + b"\n(nothing more was said)\n")
        sys.exit(124)
    try:
        got = os.read(terminal, 65536)
    except OSError:  # all who had it open are gone
        got = b""
    if not got:
        break
    said += got
    since += got
    if pairs and re.search(pairs[0][0].encode(), since, re.S):
        answer = pairs.pop(0)[1]
        since = b""
        if answer.startswith("sh:"):
            subprocess.run(["bash", "-c", answer[3:]], check=False)
            answer = ""
        keys = {"^C": b"\x03", "^D": b"\x04"}.get(answer)
        os.write(terminal, keys or answer.encode() + b"\n")
sys.stdout.buffer.write(said.replace(b"\r\n", b"\n"))
sys.stdout.flush()
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status if status >= 0 else 128 - status)
