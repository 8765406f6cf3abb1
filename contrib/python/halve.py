#!/usr/bin/env python3
"""A training loop that asks before it takes: lent the memory for its batch, or the batch
is halved until it fits.

    halve.py ITEMS BATCH_MIB      so many MiB at a time
"""
import sys

import memwarden

MIB = 1 << 20


def batch_that_fits(batch):
    """[batch] bytes, or half of it, or a quarter, …, and whether they are lent."""
    while batch > MIB:
        if memwarden.status().room > batch + batch // 8:
            return batch, False
        try:
            memwarden.request_grow(batch, 600)
            return batch, True
        except OSError as refused:
            print("not lent %d MiB: %s" % (batch // MIB, refused.strerror), flush=True)
        batch //= 2
    return MIB, False


def main():
    left, batch = int(sys.argv[1]) * MIB, int(sys.argv[2]) * MIB
    with memwarden.Pressure() as pressure:
        batch, lent = batch_that_fits(batch)
        print("batches of %d MiB%s" % (batch // MIB, ", lent" if lent else ""), flush=True)
        while left > 0:
            work = bytearray(min(batch, left))
            work[::4096] = b"\1" * len(work[::4096])
            left -= len(work)
            del work
            memwarden.checkpointed()
            for note in pressure.notes():
                print("told:", note, flush=True)
    if lent:
        memwarden.give_back()
    print("done", flush=True)


main()
