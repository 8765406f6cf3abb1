#!/usr/bin/env python3
"""Is a page drawn?  screenshot.py light|dark|narrow FILE.png

Prints "ok", or what is wrong: its ground is not as light or dark as it should be, or there is
next to nothing on it.  PNG as chromium writes it: 8 bits, RGB or RGBA, not interlaced.
"""
import struct
import sys
import zlib


def rows(path):
    """The bytes of each row, by the PNG specification's chunks and filters."""
    data = open(path, 'rb').read()
    at, packed = 8, b''
    while at < len(data):
        size, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b'IHDR':
            width, height, depth, colour, _, _, interlaced = struct.unpack('>IIBBBBB', body)
            assert depth == 8 and colour in (2, 6) and not interlaced
            each = 3 if colour == 2 else 4
        elif kind == b'IDAT':
            packed += body
        at += size + 12
    raw, length, above = zlib.decompress(packed), width * each, bytearray(width * each)
    for y in range(height):
        how = raw[y * (length + 1)]
        row = bytearray(raw[y * (length + 1) + 1:(y + 1) * (length + 1)])
        for x in range(length if how else 0):
            left = row[x - each] if x >= each else 0
            up, corner = above[x], above[x - each] if x >= each else 0
            if how == 1:
                add = left
            elif how == 2:
                add = up
            elif how == 3:
                add = (left + up) // 2
            else:
                p = left + up - corner
                add = min((abs(p - left), 0, left), (abs(p - up), 1, up),
                          (abs(p - corner), 2, corner))[2]
            row[x] = (row[x] + add) & 255
        above = row
        yield [row[x] * 299 + row[x + 1] * 587 + row[x + 2] * 114
               for x in range(0, length, each)]


look, counts, edge = sys.argv[1], {}, 0
for row in rows(sys.argv[2]):
    for grey in row:
        counts[grey // 1000] = counts.get(grey // 1000, 0) + 1
    edge += any(abs(grey - row[0]) > 30000 for grey in row[-4:])
ground = max(counts, key=counts.get)
drawn = sum(n for grey, n in counts.items() if abs(grey - ground) > 60) / sum(counts.values())
wrong = []
if (ground < 128) != (look == 'dark'):
    wrong.append('its ground is %d of 255' % ground)
if not 0.005 < drawn < 0.5:
    wrong.append('%.1f %% of it is drawn' % (100 * drawn))
if edge:
    wrong.append('what is in %d rows goes beyond its right edge' % edge)
print('; '.join(wrong) or 'ok')
