#!/usr/bin/env python3
"""What a hostile user of a node does to a unix socket of SEQPACKET type.

  hostile.py lingering SOCKET N       N connections, each with a TCP socket beside its
                                      request whose closing takes the kernel 30 s
  hostile.py unread SOCKET N          the same, in sockets that are shut at once
  hostile.py crowd SOCKET UID USERS   32 connections of each of so many users from UID
  hostile.py flood SOCKET N REQUEST   REQUEST N times, as fast as it is answered

Says "ready" when it is done; lingering and crowd then wait for the end of stdin.
"""
import array
import os
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


def flood(path, n, request):
    s = connect(path)
    for _ in range(n):
        s.send(request.encode())
        s.recv(65536)
    return []


how, path, *args = sys.argv[1:]
if how in ("lingering", "unread"):
    held = lingering(path, int(args[0]), how == "unread")
elif how == "crowd":
    held = crowd(path, int(args[0]), int(args[1]))
else:
    held = flood(path, int(args[0]), args[1])
print("ready", flush=True)
if how in ("lingering", "crowd"):
    sys.stdin.read()
