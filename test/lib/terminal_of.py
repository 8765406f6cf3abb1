#!/usr/bin/env python3
"""terminal_of.py UTMP LOGIN... : be so many sessions at terminals

Each LOGIN is UID:MODE:NAME, a pseudoterminal of that user with that octal mode; what is
written to it is in the file NAME.  An "!" behind the mode: it is stopped (^S).
A "=" and a word instead of a NAME: no terminal, but that line of utmp.
They are put down in UTMP, in that order, each as a user's process; of a NAME that begins with
"logind/", in the directories of systemd-logind beside UTMP instead.  "ready" is written to
standard output when all are; the sessions last until this program is ended.
"""
import os
import select
import struct
import sys
import termios

utmp, logins = sys.argv[1], sys.argv[2:]
out = {}
keep = []


def entry(line):
    """A struct utmpx: a user's process at [line]."""
    return struct.pack("hi32s4s32s256shhiii16s20x", 7, os.getpid(), line.encode(),
                       b"", b"somebody", b"", 0, 0, 0, 0, 0, b"")


def logind(uid, line):
    """A session of [uid] at [line], as systemd-logind keeps it."""
    where = os.path.dirname(utmp) + "/systemd"
    for kind, name, text in (("users", uid, "SESSIONS=c1\nONLINE_SESSIONS=c1\n"),
                             ("sessions", "c1", f"UID={uid}\nTTY={line}\n")):
        os.makedirs(f"{where}/{kind}", exist_ok=True)
        with open(f"{where}/{kind}/{name}", "w", encoding="ascii") as f:
            f.write(text)


with open(utmp, "wb") as f:
    for login in logins:
        uid, mode, name = login.split(":", 2)
        if name.startswith("="):
            f.write(entry(name[1:]))
            continue
        ours, theirs = os.openpty()
        path = os.ttyname(theirs)
        if mode.endswith("!"):
            termios.tcflow(theirs, termios.TCOOFF)
        os.chown(path, int(uid), -1)
        os.chmod(path, int(mode.rstrip("!"), 8))
        out[ours] = os.open(name.removeprefix("logind/"),
                            os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        keep.append(theirs)
        if name.startswith("logind/"):
            logind(uid, path.removeprefix("/dev/"))
        else:
            f.write(entry(path.removeprefix("/dev/")))
print("ready", flush=True)
while True:
    for fd in select.select([*out], [], [])[0]:
        os.write(out[fd], os.read(fd, 4096))
