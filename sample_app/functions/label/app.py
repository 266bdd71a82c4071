"""Draw a price label as a PNG: a pattern made from the text, and the price.

The result of the proxy integration is binary: a base64 body and `isBase64Encoded`.
"""

import base64
import hashlib
import json
import re
import struct
import zlib

SIDE = 15  # width and height of the pattern in modules
SCALE = 8  # pixels per module: one byte of a one-bit image
QUIET = 2  # white modules around the label

# Each character is five rows of three dots; the leftmost dot is the highest bit.
GLYPHS = {
    "0": (7, 5, 5, 5, 7),
    "1": (2, 6, 2, 2, 7),
    "2": (7, 1, 7, 4, 7),
    "3": (7, 1, 7, 1, 7),
    "4": (5, 5, 7, 1, 1),
    "5": (7, 4, 7, 1, 7),
    "6": (7, 4, 7, 5, 7),
    "7": (7, 1, 1, 1, 1),
    "8": (7, 5, 7, 5, 7),
    "9": (7, 5, 7, 1, 7),
    ".": (0, 0, 0, 0, 2),
}


def handler(event, context):
    # The event goes to the log, because the response is an image. The home page reads it there.
    print("event", json.dumps(event))
    text, price = event.get("text", "Mug"), event.get("price", "12.50")
    if not isinstance(price, str) or not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,2})?", price):
        return {
            "statusCode": 422,
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps({"message": "price must be a number such as 12.50"}),
        }
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "image/png", "Cache-Control": "no-store"},
        "body": base64.b64encode(png(label(str(text), price))).decode(),
        "isBase64Encoded": True,
    }


def label(text, price):
    """Return rows of modules, true where the label is black."""
    rows = [
        left + [False] * QUIET + right
        for left, right in zip(pattern(text), digits(price), strict=True)
    ]
    margin = [False] * QUIET
    rows = [margin + row + margin for row in rows]
    empty = [[False] * len(rows[0]) for _ in range(QUIET)]
    return empty + rows + empty


def pattern(text):
    """Return a framed, symmetric square made from the bits of the text's SHA-256."""
    digest = int.from_bytes(hashlib.sha256(text.encode(errors="replace")).digest(), "big")
    inner, half = SIDE - 4, (SIDE - 4 + 1) // 2
    rows = []
    for y in range(inner):
        bits = [bool(digest >> (y * half + x) & 1) for x in range(half)]
        rows.append([True, False, *bits, *bits[-2::-1], False, True])
    full, gap = [True] * SIDE, [True] + [False] * (SIDE - 2) + [True]
    return [full, gap, *rows, gap, full]


def digits(price):
    """Return the price, two modules per dot, centred in the height of the pattern."""
    rows = []
    for y in range(5):
        bits = [bool(GLYPHS[char][y] >> (2 - x) & 1) for char in price for x in range(-1, 3)]
        wide = [bit for bit in bits for _ in range(2)]
        rows += [wide, wide]
    empty = [False] * len(rows[0])
    above = (SIDE - len(rows)) // 2
    return [empty] * above + rows + [empty] * (SIDE - len(rows) - above)


def png(modules):
    """Return a PNG with one bit per pixel (0 is black, 1 is white)."""
    width, height = len(modules[0]) * SCALE, len(modules) * SCALE
    # The zero byte before each line of pixels means: no filter.
    lines = [(b"\0" + bytes(0 if black else 255 for black in row)) * SCALE for row in modules]
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)),
            chunk(b"IDAT", zlib.compress(b"".join(lines))),
            chunk(b"IEND", b""),
        )
    )


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
