"""Images as tensors in NumPy: what its from_dlpack sees is what tlw_images_draw writes, and goes when the array goes.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy
    TALLOW_GOLDEN_PYTHON=/tmp/golden/bin/python ctest -R tensor_numpy

Environment: TALLOW_BUILD, a build with the shared library; TALLOW_GOLDEN_PYTHON and TALLOW_GOLDEN_INSTALL as in
golden_python.py.
"""

import ctypes
import itertools
import os
import random
import subprocess
import sys
import unittest
from pathlib import Path

from golden_python import golden_python
from tallow_ctypes import (INT64, NO_LIBRARY, POINTER, SIZE, Candles, ChartOptions, Engine, ImageOptions, ImageShape,
                           ImageWindow, library_of)

ROWS, IMAGES = 200, 7
BUFFERS_MOST = 4096  # TLW_BUFFERS_MAX
CHART = 1  # a tlw_image_style


class DlManaged(ctypes.Structure):
    """Of tlw_dl_managed, what is asked for here."""

    _fields_ = [
        ("data", POINTER),
        ("device", ctypes.c_int32 * 2),
        ("ndim", ctypes.c_int32),
        ("dtype", ctypes.c_uint8 * 4),
        ("shape", ctypes.POINTER(INT64)),
        ("strides", ctypes.POINTER(INT64)),
        ("byte_offset", ctypes.c_uint64),
        ("manager_ctx", POINTER),
        ("deleter", ctypes.CFUNCTYPE(None, POINTER)),
    ]


class Handed:
    """A tensor that NumPy takes over."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __dlpack__(self, **_):
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [POINTER, ctypes.c_char_p, POINTER]
        return new(ctypes.addressof(self.tensor.contents), b"dltensor", None)

    def __dlpack_device__(self):
        return tuple(self.tensor.contents.device)


class Images(Engine):
    def __init__(self, path):
        super().__init__(path)
        self.candles = self.new(Candles)
        rng, price = random.Random(20260304), 100.0
        rows = []
        for _ in range(ROWS):
            close = price + rng.uniform(-1, 1)
            rows.append((price, max(price, close) + 0.5, min(price, close) - 0.5, close, rng.uniform(0, 1000)))
            price = close
        self.columns = [(ctypes.c_double * ROWS)(*column) for column in zip(*rows)]
        for name, column in zip(("open", "high", "low", "close", "volume"), self.columns):
            setattr(self.candles, name, column)
        self.candles.n_rows = ROWS
        self.windows = (ImageWindow * IMAGES)(*((0, rng.randrange(ROWS)) for _ in range(IMAGES)))
        self.chart = self.new(ChartOptions)
        self.chart.width, self.chart.height = 70, 50

    def options(self, style, kind, order, color):
        options = self.new(ImageOptions)
        options.style, options.type, options.order, options.color = style, kind, order, color
        options.chart = ctypes.pointer(self.chart)
        return options

    def drawn(self, options):
        shape = ImageShape()
        self.call("image_shape_of", options, shape)
        images = ctypes.create_string_buffer(shape.size * IMAGES)
        self.call("images_draw", self.engine, self.candles, options, self.windows, INT64(IMAGES), images,
                  SIZE(len(images)), None)
        return images.raw, shape

    def tensor(self, options):
        buffer, tensor = ctypes.c_uint64(), ctypes.POINTER(DlManaged)()
        self.call("images_to_buffer", self.engine, self.candles, options, self.windows, INT64(IMAGES),
                  ctypes.byref(buffer), None)
        self.call("images_tensor", self.engine, ctypes.byref(buffer), options, INT64(IMAGES), ctypes.byref(tensor))
        return Handed(tensor)


class Tensors(unittest.TestCase):
    """In the interpreter that has NumPy."""

    def setUp(self):
        self.images = Images(library_of(os.environ["TALLOW_BUILD"]))

    def tearDown(self):
        self.images.close()

    def test_numbers(self):
        for style, kind, order, color in itertools.product((0, CHART), (0, 1), (0, 1), (0, 1)):
            options = self.images.options(style, kind, order, color)
            expected, shape = self.images.drawn(options)
            array = numpy.from_dlpack(self.images.tensor(options))
            inner = (shape.height, shape.width)
            inner = (*inner, shape.channels) if order else (shape.channels, *inner)
            self.assertEqual(array.shape, (IMAGES, *inner))
            self.assertEqual(array.dtype, numpy.float32 if kind else numpy.uint8)
            self.assertTrue(array.flags.c_contiguous)
            self.assertEqual(array.tobytes(), expected)

    def test_release(self):
        options = self.images.options(0, 0, 0, 0)
        for _ in range(BUFFERS_MOST + 100):
            numpy.from_dlpack(self.images.tensor(options))
        held = [numpy.from_dlpack(self.images.tensor(options)) for _ in range(20)]
        self.images.call("engine_reset", self.images.engine, 2)
        del held[:10]
        self.images.close()
        del held

    def test_views_hold_the_tensor(self):
        options = self.images.options(0, 0, 0, 0)
        expected, shape = self.images.drawn(options)
        view = numpy.from_dlpack(self.images.tensor(options))[3, 0]
        for _ in range(50):
            numpy.from_dlpack(self.images.tensor(options))
        self.assertEqual(view.tobytes(), expected[3 * shape.size:4 * shape.size])


class WithNumpy(unittest.TestCase):
    def test_tensors(self):
        python = golden_python(os.environ["TALLOW_BUILD"], "numpy")
        done = subprocess.run([python, __file__, "--tensors"], capture_output=True, text=True, check=False)
        if done.returncode == NO_LIBRARY:
            self.skipTest(f"{done.stdout.strip()}: see the head of {Path(__file__).name}")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    if "--tensors" in sys.argv:
        sys.argv.remove("--tensors")
        try:
            import numpy
        except ImportError as error:
            print(f"{sys.executable}: {error}")
            sys.exit(NO_LIBRARY)
        unittest.main(defaultTest="Tensors")
    library_of(os.environ["TALLOW_BUILD"])
    unittest.main(defaultTest="WithNumpy", verbosity=2)
