"""The library in Python, by ctypes: the structs of its headers that scripts use, and its calls.

Each struct with a struct_size is held against the size that the library's init function says.
"""

import ctypes
import os
import sys
from pathlib import Path

NO_LIBRARY = 77
CPU = 1  # a tlw_backend
ROOM = 4096  # bytes, for a struct that has become larger than it is here, so that this can be told


def fields(kind, names):
    return [(name, kind) for name in names.split()]


POINTER, TEXT, SIZE = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
INT32, INT64, UINT32, UINT64, ENUM = ctypes.c_int32, ctypes.c_int64, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_int


class Error(ctypes.Structure):
    _fields_ = [
        ("code", ENUM),
        ("native", INT32),
        ("row", INT64),
        ("column", INT32),
        ("reserved", INT32),
        ("bytes", UINT64),
        ("message", ctypes.c_char * 400),
    ]


class EngineOptions(ctypes.Structure):
    NAME = "engine_options"
    _fields_ = [
        ("struct_size", SIZE),
        ("backend", ENUM),
        ("device", TEXT),
        *fields(UINT64, "device_budget host_budget"),
        ("threads", UINT32),
        *fields(POINTER, "log log_user"),
        ("cache_dir", TEXT),
        ("allow_fallback", INT32),
        ("deadline_ms", UINT32),
        ("allocation_log", TEXT),
        ("timing", INT32),
        *fields(POINTER, "trace trace_user"),
    ]


class Candles(ctypes.Structure):
    NAME = "candles"
    _fields_ = [
        ("struct_size", SIZE),
        *fields(ctypes.POINTER(ctypes.c_double), "open high low close volume"),
        ("time", ctypes.POINTER(INT64)),
        ("n_rows", INT64),
        *fields(POINTER, "offsets counts"),
        ("n_series", INT64),
        ("type", ENUM),
        *fields(INT64, "stride time_stride"),
        ("lines", POINTER),
        ("n_lines", INT32),
    ]


class ChartOptions(ctypes.Structure):
    NAME = "chart_options"
    _fields_ = [
        ("struct_size", SIZE),
        *fields(INT32, "width height"),
        *fields(ENUM, "theme axis scale"),
        *fields(INT32, "volume grid margin_left margin_top margin_right margin_bottom labels last_price"),
        *fields(TEXT, "title price_name volume_name time_name"),
        *fields(POINTER, "zone lines"),
        ("n_lines", INT32),
    ]


class ChartLayout(ctypes.Structure):
    _fields_ = fields(INT32, "plot_x plot_width price_y price_height volume_y volume_height")


class Raster(ctypes.Structure):
    _fields_ = [("pixels", POINTER), *fields(SIZE, "size row_stride image_stride")]


class WindowSpec(ctypes.Structure):
    _fields_ = [
        ("struct_size", SIZE),
        *fields(ENUM, "op nan"),
        *fields(INT64, "window min_periods"),
        ("quantile", ctypes.c_double),
        *fields(INT32, "ddof adjust"),
        ("seed", ENUM),
        *fields(INT32, "column other"),
    ]


class WindowBatch(ctypes.Structure):
    NAME = "window_batch"
    _fields_ = [
        ("struct_size", SIZE),
        ("columns", POINTER),
        ("n_columns", INT32),
        ("type", ENUM),
        ("n_rows", INT64),
        ("offsets", POINTER),
        ("n_series", INT64),
        ("origin", POINTER),
    ]


class ImageOptions(ctypes.Structure):
    NAME = "image_options"
    _fields_ = [
        ("struct_size", SIZE),
        ("style", ENUM),
        ("window", INT64),
        *fields(ENUM, "type order color"),
        ("chart", ctypes.POINTER(ChartOptions)),
    ]


class ImageShape(ctypes.Structure):
    _fields_ = [*fields(INT32, "channels height width"), ("size", SIZE)]


class ImageWindow(ctypes.Structure):
    _fields_ = fields(INT64, "series last")


def library_of(build):
    """The path of a build's shared library. Ends the script where it has none."""
    libraries = sorted(Path(build).glob("libtallow.so*"))
    if not libraries:
        print("SKIPPED: this build has no shared library")
        sys.exit(NO_LIBRARY)
    return libraries[0]


class Library:
    def __init__(self, path):
        self.library = ctypes.CDLL(os.fspath(path))
        self.library.tlw_version.restype = TEXT
        self.version = "tallow " + self.library.tlw_version().decode()
        self.error = Error()

    def call(self, name, *arguments):
        """tlw_NAME, whose last argument is the error. Structs go by their addresses."""
        given = (ctypes.byref(a) if isinstance(a, ctypes.Structure) else a for a in arguments)
        if getattr(self.library, "tlw_" + name)(*given, ctypes.byref(self.error)) != 0:
            raise RuntimeError(self.error.message.decode())

    @staticmethod
    def checked(name, struct):
        if struct.struct_size != ctypes.sizeof(struct):
            raise RuntimeError(f"tlw_{name} has changed: bring {type(struct).__name__} of tallow_ctypes up to date")
        return struct

    def new(self, kind):
        struct = kind.from_buffer(ctypes.create_string_buffer(ROOM))
        getattr(self.library, f"tlw_{kind.NAME}_init")(ctypes.byref(struct))
        return self.checked(kind.NAME, struct)

    def new_spec(self, op, window):
        spec = WindowSpec()
        self.library.tlw_window_spec_init(ctypes.byref(spec), op, INT64(window))
        return self.checked("window_spec", spec)


class Engine(Library):
    """The library, and an engine on one thread of the CPU."""

    def __init__(self, path):
        super().__init__(path)
        options, self.engine = self.new(EngineOptions), POINTER()
        options.backend, options.threads = CPU, 1
        self.call("engine_open", ctypes.byref(self.engine), options)

    def close(self):
        self.library.tlw_engine_close(ctypes.byref(self.engine))
