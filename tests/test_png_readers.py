"""PNG files of Tallow's own coding as other programs read them: pngcheck finds no fault, libspng the pixels.

Environment: TALLOW_BUILD, a build with the shared library. pngcheck and libspng are looked for; without both of them
the test is skipped.
"""

import ctypes
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

FILES = 300
SKIPPED = 77
SPNG_RAW = 256  # SPNG_FMT_PNG: rows as they are in the file, packed


class Image(ctypes.Structure):
    _fields_ = [
        ("pixels", ctypes.c_char_p),
        ("row_stride", ctypes.c_size_t),
        ("width", ctypes.c_int32),
        ("height", ctypes.c_int32),
        ("rgb", ctypes.c_char_p),
        ("n_colors", ctypes.c_int32),
    ]


def load_tallow():
    libraries = sorted(Path(os.environ["TALLOW_BUILD"]).glob("libtallow.so*"))
    if not libraries:
        print("SKIPPED: this build has no shared library")
        sys.exit(SKIPPED)
    library = ctypes.CDLL(str(libraries[0]))
    library.tlw_png_bound.restype = ctypes.c_size_t
    return library


def load_spng():
    try:
        library = ctypes.CDLL("libspng.so.0")
    except OSError:
        return None
    library.spng_ctx_new.restype = ctypes.c_void_p
    library.spng_ctx_free.argtypes = [ctypes.c_void_p]
    library.spng_set_png_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    library.spng_decoded_image_size.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_size_t)]
    library.spng_decode_image.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int]
    return library


def depth_of(n_colors):
    return next(depth for depth in (1, 2, 4, 8) if n_colors <= 1 << depth)


def pack(row, depth):
    """Pixels as a row of a PNG file has them."""
    per_byte = 8 // depth
    row = row + bytes(-len(row) % per_byte)
    out = bytearray(len(row) // per_byte)
    for i, pixel in enumerate(row):
        out[i // per_byte] |= pixel << (8 - depth - i % per_byte * depth)
    return bytes(out)


def draw(rng):
    """Rows of a chart, of noise, or of both."""
    width, height = rng.randint(1, 260), rng.randint(1, 120)
    n_colors = rng.choice((1, 2, 3, 4, 5, 16, 17, rng.randint(1, 256), 256))
    kind = rng.randrange(4)
    rows = []
    for y in range(height):
        if kind == 0 or (kind == 1 and height // 3 < y < height // 2):
            row = bytes(rng.randrange(n_colors) for _ in range(width))
        elif rows and rng.random() < 0.6:
            row = rows[-1]
        else:
            line = bytearray(rows[-1] if rows else bytes(width))
            for _ in range(rng.randint(0, 6)):
                at, size = rng.randrange(width), rng.randint(1, 40)
                line[at : at + size] = bytes([rng.randrange(n_colors)]) * len(line[at : at + size])
            row = bytes(line)
        rows.append(row)
    return width, rows, n_colors


class Readers(unittest.TestCase):
    def setUp(self):
        self.tallow = load_tallow()
        self.spng = load_spng()
        self.pngcheck = shutil.which("pngcheck")
        if not self.spng and not self.pngcheck:
            print("SKIPPED: neither pngcheck nor libspng is installed")
            sys.exit(SKIPPED)

    def encode(self, width, rows, n_colors):
        palette = bytes(i * 37 & 255 for i in range(3 * n_colors))
        image = Image(b"".join(rows), width, width, len(rows), palette, n_colors)
        capacity = self.tallow.tlw_png_bound(width, len(rows))
        out, size = ctypes.create_string_buffer(capacity), ctypes.c_size_t()
        status = self.tallow.tlw_png_encode(ctypes.byref(image), None, out, ctypes.c_size_t(capacity),
                                            ctypes.byref(size), None)
        self.assertEqual(status, 0)
        return out.raw[: size.value]

    def decode(self, file):
        context = self.spng.spng_ctx_new(0)
        size = ctypes.c_size_t()
        self.assertEqual(self.spng.spng_set_png_buffer(context, file, len(file)), 0)
        self.assertEqual(self.spng.spng_decoded_image_size(context, SPNG_RAW, ctypes.byref(size)), 0)
        out = ctypes.create_string_buffer(size.value)
        self.assertEqual(self.spng.spng_decode_image(context, out, size.value, SPNG_RAW, 0), 0)
        self.spng.spng_ctx_free(context)
        return out.raw

    def test_readers(self):
        rng = random.Random(20)
        with tempfile.TemporaryDirectory() as folder:
            names = []
            for number in range(FILES):
                width, rows, n_colors = draw(rng)
                file = self.encode(width, rows, n_colors)
                names.append(f"{number}.png")
                (Path(folder) / names[-1]).write_bytes(file)
                if self.spng:
                    depth = depth_of(n_colors)
                    self.assertEqual(self.decode(file), b"".join(pack(row, depth) for row in rows), (number, width))
            if self.pngcheck:
                done = subprocess.run([self.pngcheck, "-q", *names], cwd=folder, capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
