#!/usr/bin/env python3
"""What a hostile user of a node does to a unix socket of SEQPACKET type.

  hostile.py lingering SOCKET N       N connections, each with a TCP socket beside its
                                      request whose closing takes the kernel 30 s
  hostile.py unread SOCKET N          the same, in sockets that are shut at once
  hostile.py crowd SOCKET UID USERS   32 connections of each of so many users from UID
  hostile.py hoard SOCKET N           ask for the history over N connections, hang up, and
                                      read none of it
  hostile.py left SOCKET N            leave N connections with a descriptor in each
  hostile.py flood SOCKET N REQUEST   REQUEST N times, as fast as it is answered
  hostile.py random PATTERN UID SEED  what comes to mind, as user UID, at whatever socket
                                      is at PATTERN, until stdin ends; says how much it was
  hostile.py toggle SOCKET N JOB      hold and resume JOB N times, as fast as it is answered

Says "ready" when it is done; lingering, crowd and hoard then wait for the end of stdin.
"""
import array
import glob
import os
import random
import resource
import select
import socket
import struct
import sys


def connect(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(60)
    s.connect(path)
    return s


def slow_to_close(listening):
    """A TCP socket whose send buffer is full, to one that never reads."""
    s = socket.socket()
    s.connect(listening.getsockname())
    peer = listening.accept()[0]
    s.setblocking(False)
    try:
        while True:
            s.send(b"x" * 65536)
    except BlockingIOError:
        pass
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 30))
    return s, peer


def send_beside(s, fd):
    request = b'{"v":1,"type":"node"}'
    s.sendmsg([request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                           array.array("i", [fd]))])


def lingering(path, n, unread):
    kept = []
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(n)
    for _ in range(n):
        tcp, peer = slow_to_close(listening)
        s = connect(path)
        send_beside(s, tcp.fileno())
        # what is in flight has the last reference now; this one must not linger here
        os.close(tcp.detach())
        kept.append(peer)
        if unread:
            s.close()
        else:
            kept.append(s)
    return kept


def crowd(path, uid, users):
    kept = []
    for u in range(uid, uid + users):
        os.seteuid(0)
        os.seteuid(u)
        for _ in range(32):
            try:
                kept.append(connect(path))
            except OSError:
                break
    return kept


def hoard(path, n):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    kept = []
    for _ in range(n):
        try:
            s = connect(path)
            s.send(b'{"v":1,"type":"history"}')
            select.select([s], [], [], 5)
            s.shutdown(socket.SHUT_WR)
            kept.append(s)
        except OSError:
            pass
    return kept


def left(path, n):
    for _ in range(n):
        try:
            s = connect(path)
            s.sendmsg([b"{}"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                 array.array("i", [0]))])
            s.close()
        except OSError:
            pass
    return []


def flood(path, n, request):
    s = connect(path)
    for _ in range(n):
        s.send(request.encode())
        s.recv(65536)
    return []


def one_of(r):
    job = r.choice(["bench%d" % r.randrange(1000), "12", "", "x" * 200, "../..", "\u202e"])
    return r.choice([
        b'{"v":1,"type":"%s"}' % r.choice([b"jobs", b"node", b"self", b"history", b"dance"]),
        b'{"v":1,"type":"%s","job":"%s"}' % (
            r.choice([b"hold", b"resume", b"attach", b"release", b"register"]), job.encode()),
        b'{"v":1,"type":"set","job":"%s","priority":%d}' % (job.encode(), r.randrange(2000)),
        r.randbytes(r.randrange(1, 4096)),
        b"{" * r.randrange(1, 60000),
    ])


def at_random(pattern, uid, seed):
    r = random.Random(seed)
    os.setgid(uid)
    os.setuid(uid)
    conns, sent = [], 0
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        paths = glob.glob(pattern)
        if paths and len(conns) < 40 and r.random() < 0.3:
            try:
                conns.append(connect(r.choice(paths)))
                conns[-1].setblocking(False)
            except OSError:
                pass
        if not conns:
            select.select([sys.stdin], [], [], 0.01)
            continue
        s = r.choice(conns)
        try:
            if r.random() < 0.05:
                s.sendmsg([one_of(r)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                         array.array("i", [0]))])
            else:
                s.send(one_of(r), socket.MSG_DONTWAIT)
            sent += 1
            if r.random() < 0.7:
                s.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        except OSError:
            conns.remove(s)
            s.close()
        if conns and r.random() < 0.02:
            conns.pop(r.randrange(len(conns))).close()
    print(sent, "requests", flush=True)


def toggle(path, n, job):
    s = connect(path)
    for _ in range(n):
        for what in ("hold", "resume"):
            s.send(b'{"v":1,"type":"%s","job":"%s"}' % (what.encode(), job.encode()))
            s.recv(65536)
    return []


how, path, *args = sys.argv[1:]
if how == "random":
    at_random(path, int(args[0]), int(args[1]))
    sys.exit()
if how in ("lingering", "unread"):
    held = lingering(path, int(args[0]), how == "unread")
elif how == "hoard":
    held = hoard(path, int(args[0]))
elif how == "left":
    held = left(path, int(args[0]))
elif how == "crowd":
    held = crowd(path, int(args[0]), int(args[1]))
elif how == "toggle":
    held = toggle(path, int(args[0]), args[1])
else:
    held = flood(path, int(args[0]), args[1])
print("ready", flush=True)
if how in ("lingering", "crowd", "hoard"):
    sys.stdin.read()
