"""Makes damaged files and, for each, the pixels that Pillow reads (`<name>.rgb`: width, height, RGB).

`whole_*` are read by Pillow as they are; `cut_*` only with LOAD_TRUNCATED_IMAGES. Made with Pillow 13.0:
python3 make_damaged.py
"""
import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageFile

here = pathlib.Path(__file__).parent
y, x = np.mgrid[0:29, 0:43]
noise = np.random.default_rng(3).integers(0, 30, (29, 43, 3))
rgb = Image.fromarray(np.clip(np.stack([x * 5, y * 8, x * y / 5], -1) + noise, 0, 255).astype(np.uint8))


def jpeg(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def segments(data):
    """Marker, position and length of each segment up to the first scan."""
    position = 2
    while True:
        marker, length = data[position + 1], 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        yield marker, position, length
        if marker == 0xDA:
            return
        position += length


def place(data, marker):
    return next((position, length) for found, position, length in segments(data) if found == marker)


def inserted(data, position, what, replaced=0):
    return data[:position] + what + data[position + replaced :]


def chunk(kind, data, checksum=None):
    checksum = zlib.crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png(bits, color, interlaced=False, palette=None, transparency=None, part=200, checksum=None, end=True):
    """A PNG of any kind, whose image data are cut into parts."""
    width, height = 43, 29
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b""
    for left, top, across, down in passes if interlaced else [(0, 0, 1, 1)]:
        length = ((width - left + across - 1) // across * bits * channels + 7) // 8
        for row in range(top, height, down):
            kind = 0 if color == 3 else row % 5
            rows += bytes([kind]) + bytes((7 * row + 3 * i) * (1 + i % 3) % 256 for i in range(length))
    packed = zlib.compress(rows, 9)
    data = b"\x89PNG\r\n\x1a\n"
    data += chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlaced))
    data += chunk(b"PLTE", palette) if palette else b""
    data += chunk(b"tRNS", transparency) if transparency else b""
    for start in range(0, len(packed), part):
        data += chunk(b"IDAT", packed[start : start + part], checksum)
    return data + (chunk(b"IEND", b"") if end else b"")


base = jpeg(rgb, quality=85)
scan, scan_length = place(base, 0xDA)
middle = (scan + len(base)) // 2
restarts = jpeg(rgb, quality=85, subsampling=0, restart_marker_blocks=2)
marks = [
    i for i in range(place(restarts, 0xDA)[0], len(restarts) - 1) if restarts[i] == 255 and 0xD0 <= restarts[i + 1] <= 0xD7
]
inks = jpeg(rgb.convert("CMYK"), quality=90)
adobe, adobe_length = place(inks, 0xEE)
progressive = jpeg(rgb, quality=85, progressive=True, subsampling=0)
palette = bytes((i * 37 + 91) % 256 for i in range(3 * 16))

files = {
    "whole_stray_eoi.jpg": inserted(base, middle, b"\xff\xd9"),
    "whole_stray_restart.jpg": inserted(base, middle, b"\xff\xd3"),
    "whole_stray_comment.jpg": inserted(base, middle, b"\xff\xfe\0\6abcd"),
    "whole_garbage_before_scan.jpg": inserted(base, scan, b"\0junk"),
    "whole_extra_bytes_in_scan.jpg": inserted(base, scan + scan_length, b"\0\0junk"),
    "whole_fill_bytes.jpg": inserted(base, place(base, 0xC0)[0], b"\xff" * 3),
    "whole_trailing_bytes.jpg": base + b"junk" * 9,
    "whole_restart_missing.jpg": inserted(restarts, marks[2], b"", 2),
    "whole_restart_short.jpg": inserted(restarts, marks[3] - 4, b"", 4),
    "whole_restart_misnumbered.jpg": inserted(restarts, marks[2] + 1, b"\xd7", 1),
    "whole_progressive_ended_early.jpg": progressive[:700] + b"\xff\xd9",
    "whole_inks.jpg": inks,
    "whole_inks_unmarked.jpg": inserted(inks, adobe, b"", adobe_length),
    "whole_inks_fill_bytes.jpg": inserted(inks, adobe, b"\xff" * 4),
    "whole_inks_progressive.jpg": jpeg(rgb.convert("CMYK"), quality=90, progressive=True),
    "whole_checksum.png": png(8, 2, checksum=7),
    "whole_no_end.png": png(8, 2, end=False),
    "whole_last_checksum_cut.png": png(8, 2)[:-14],
    "whole_data_check_cut.png": png(8, 2, part=9999)[:-20],
    "whole_interlaced.png": png(8, 2, interlaced=True),
    "whole_interlaced_bits.png": png(2, 0, interlaced=True, transparency=b"\0\1"),
    "whole_interlaced_grey16.png": png(16, 0, interlaced=True),
    "whole_palette_bits.png": png(4, 3, palette=palette, transparency=b"\0\x80"),
    "whole_short_palette.png": png(4, 3, palette=palette[:9]),
    "cut_baseline.jpg": base[: scan + (len(base) - scan) * 2 // 5],
    "cut_in_first_row.jpg": base[: scan + scan_length + 3],
    "cut_grey.jpg": (grey := jpeg(rgb.convert("L")))[: len(grey) - 150],
    "cut_restarts.jpg": restarts[: marks[-4] + 1],
    "cut_inks.jpg": inks[: len(inks) // 2],
    "cut_progressive.jpg": progressive[:800],
    "cut_in_progressive_tables.jpg": progressive[: progressive.rindex(b"\xff\xc4") + 9],
    "cut_marker_in_scan.jpg": inserted(base, middle, b"\xff\xd8"),
    "cut_rgb.png": png(8, 2)[:700],
    "cut_interlaced.png": png(8, 2, interlaced=True)[:700],
    "cut_grey16.png": png(16, 0)[:500],
    "cut_palette.png": png(4, 3, palette=palette)[:-60],
    "cut_alpha.png": png(8, 6)[:600],
    "cut_broken_data.png": inserted(whole := png(8, 2, part=9999), len(whole) * 2 // 3, b"\xff" * 30, 30),
}
for name, data in files.items():
    (here / name).write_bytes(data)
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        Image.open(io.BytesIO(data)).convert("RGB")
        assert name.startswith("whole_"), name
    except OSError as error:
        assert name.startswith("cut_"), (name, error)
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    pixels = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
    size = struct.pack("<ii", pixels.shape[1], pixels.shape[0])
    (here / (name + ".rgb")).write_bytes(size + pixels.tobytes())
