"""Makes the pictures beside this file and, for each, the pixels that Pillow reads (`<name>.rgb`: width, height, RGB).

Needs Pillow and NumPy: python3 make_fixtures.py
"""
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

here = pathlib.Path(__file__).parent
y, x = np.mgrid[0:23, 0:31]
rgb = np.stack([(x * 8) % 256, (y * 11) % 256, (x * y) % 256], -1).astype(np.uint8)
grey, alpha = rgb[..., 0], ((x + y) * 5 % 256).astype(np.uint8)


def png16(name, pixels, color_type):
    """A PNG of 16 bits a channel, which Pillow itself cannot write in colour."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (here / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


Image.fromarray(rgb).save(here / "rgb.png")
Image.fromarray(np.dstack([rgb, alpha])).save(here / "rgba.png")
Image.fromarray(grey).save(here / "grey.png")
Image.fromarray(np.dstack([grey, alpha]), "LA").save(here / "grey_alpha.png")
palette = Image.fromarray(rgb).convert("P", palette=Image.ADAPTIVE, colors=40)
palette.save(here / "palette.png")
palette.save(here / "palette_transparent.png", transparency=3)
Image.fromarray(grey > 100).save(here / "bilevel.png")
Image.fromarray(grey.astype(np.uint16) * 257 // 3).save(here / "grey16.png")
png16("rgb16.png", rgb.astype(np.uint16) * 257 - 7, 2)
png16("rgba16.png", np.dstack([rgb, alpha]).astype(np.uint16) * 200, 6)
png16("grey_alpha16.png", np.dstack([grey, alpha]).astype(np.uint16) * 200, 4)

photo = Image.fromarray(rgb).resize((64, 48), Image.BICUBIC)
photo.save(here / "rgb.jpg", quality=92)
photo.convert("L").save(here / "grey.jpg", quality=92)
photo.convert("CMYK").save(here / "cmyk.jpg", quality=95)
photo.save(here / "progressive.jpg", progressive=True, quality=90)
photo.save(here / "s444.jpg", subsampling=0, quality=90)
turned = Image.Exif()
turned[0x0112] = 6  # an orientation, which is ignored
photo.save(here / "rotated.jpg", exif=turned, quality=92)

# Sizes for either order of the two passes of a resize.
for width, height in [(30, 10), (25, 15), (28, 16), (27, 15), (40, 12), (12, 40), (64, 48), (31, 9), (5, 23)]:
    pixels = np.array(Image.fromarray(rgb).resize((width, height), Image.BICUBIC))
    size = struct.pack("<ii", width, height)
    (here / f"resized_{width}x{height}.rgb").write_bytes(size + pixels.tobytes())

for path in sorted([*here.glob("*.png"), *here.glob("*.jpg")]):
    pixels = np.array(Image.open(path).convert("RGB"))
    size = struct.pack("<ii", pixels.shape[1], pixels.shape[0])
    path.with_name(path.name + ".rgb").write_bytes(size + pixels.tobytes())
