#!/usr/bin/env python3
"""Times charts from a CSV file to the bytes of a PNG file by mplfinance and by Tallow, with and without volume,
taking turns in one run; then Tallow's raster to PNG by each coding beside zlib alone.

Both draw axes, labels, grid, candles and volume. mplfinance's output is anti-aliased, in RGBA; Tallow's is crisp, in
as many colours as the palette has. Files take turns. Times are processor time, of one thread.

Needs a Python with mplfinance; says how to get one where it is missing. Needs the library and the program of a
release build:

    cmake --preset release && cmake --build --preset release
    PYTHON bench/compare_mplfinance.py --build build/release
"""

import argparse
import ctypes
import io
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))

from tallow_ctypes import Candles, ChartOptions, Engine, PngImage, PngOptions, Raster  # noqa: E402

WIDTH, HEIGHT, DPI = 1920, 1080, 100
STAGES = ("read", "render", "encode")
FILES = 8
CODINGS = {"fast": 0, "small": 1, "libpng": 2}

HOW_TO_INSTALL = """{python} lacks what is needed ({error}). Make an environment outside of the source tree:

    python3 -m venv /tmp/mplfinance-env
    /tmp/mplfinance-env/bin/pip install mplfinance six
    /tmp/mplfinance-env/bin/python {script}"""


# ---- mplfinance ----


class Mplfinance:
    def __init__(self):
        try:
            import matplotlib

            matplotlib.use("Agg")
            import matplotlib.pyplot
            import mplfinance
            import pandas
        except ImportError as error:
            sys.exit(HOW_TO_INSTALL.format(error=error, python=sys.executable, script=sys.argv[0]))
        self.matplotlib, self.mplfinance, self.pandas = matplotlib, mplfinance, pandas
        libraries = (mplfinance, matplotlib, pandas)
        self.version = ", ".join(f"{library.__name__} {library.__version__}" for library in libraries)

    def draw(self, path, volume):
        """Seconds by stage, and bytes of the file."""
        image, start = io.BytesIO(), time.process_time()
        frame = self.pandas.read_csv(path, index_col=0, parse_dates=True)
        read = time.process_time()
        figure, _ = self.mplfinance.plot(
            frame,
            type="candle",
            volume=volume,
            style="nightclouds",
            figsize=(WIDTH / DPI, HEIGHT / DPI),
            returnfig=True,
            warn_too_much_data=sys.maxsize,
        )
        figure.set_dpi(DPI)
        figure.canvas.draw()
        rendered = time.process_time()
        self.matplotlib.image.imsave(image, figure.canvas.buffer_rgba(), format="png")
        encoded = time.process_time()
        self.matplotlib.pyplot.close(figure)
        return dict(zip(STAGES, (read - start, rendered - read, encoded - rendered))), len(image.getvalue())


# ---- Tallow ----


class Tallow(Engine):
    def __init__(self, library):
        super().__init__(library)
        self.pixels = ctypes.create_string_buffer(WIDTH * HEIGHT)
        self.png = ctypes.create_string_buffer(self.library.tlw_png_bound(WIDTH, HEIGHT))
        self.rgb, self.n_colors = ctypes.create_string_buffer(3 * 256), ctypes.c_int32()
        self.size = ctypes.c_size_t()
        self.options_of(True)
        self.codings = [coding for coding in CODINGS if self.can(coding)]

    def can(self, coding):
        try:
            self.encode(coding)
        except RuntimeError as error:
            print(f"{coding}: left out: {error}")
            return False
        return True

    def options_of(self, volume):
        options = self.new(ChartOptions)
        options.width, options.height, options.volume = WIDTH, HEIGHT, int(volume)
        self.call("chart_palette", options, self.rgb, ctypes.byref(self.n_colors))
        return options

    def render(self, table, volume):
        candles, options = self.new(Candles), self.options_of(volume)
        self.library.tlw_table_candles(table, ctypes.byref(candles))
        raster = Raster(ctypes.addressof(self.pixels), WIDTH * HEIGHT, WIDTH, WIDTH * HEIGHT)
        self.call("chart_render", self.engine, candles, options, raster)

    def encode(self, coding):
        options = self.new(PngOptions)
        options.coding = CODINGS[coding]
        pixels, rgb = ctypes.addressof(self.pixels), ctypes.addressof(self.rgb)
        image = PngImage(pixels, WIDTH, WIDTH, HEIGHT, rgb, self.n_colors.value)
        room = ctypes.c_size_t(len(self.png))
        self.call("png_encode", image, options, self.png, room, ctypes.byref(self.size))
        return self.size.value

    def draw(self, path, volume, coding):
        """Seconds by stage, and bytes of the file."""
        table, start = ctypes.c_void_p(), time.process_time()
        self.call("csv_read", path.encode(), None, None, ctypes.byref(table))
        read = time.process_time()
        self.render(table, volume)
        rendered = time.process_time()
        size = self.encode(coding)
        encoded = time.process_time()
        self.library.tlw_table_close(ctypes.byref(table))
        return dict(zip(STAGES, (read - start, rendered - read, encoded - rendered))), size

    def filtered(self):
        """The rows of the last raster as all codings compress them: packed, less the row above."""
        import numpy

        depth = next(depth for depth in (1, 2, 4, 8) if self.n_colors.value <= 1 << depth)
        pixels = numpy.frombuffer(self.pixels, dtype=numpy.uint8)[: WIDTH * HEIGHT].reshape(HEIGHT, -1, 8 // depth)
        places = numpy.arange(8 // depth, dtype=numpy.uint8)[::-1] * depth
        rows = (pixels << places).sum(axis=2, dtype=numpy.uint8)
        rows[1:] = rows[1:] - rows[:-1].copy()
        return numpy.hstack([numpy.full((HEIGHT, 1), 2, dtype=numpy.uint8), rows]).tobytes()


def draw_by_command(build, path, volume, image):
    """Seconds of one process of the command line."""
    options = ["render", path, "-o", image, "--backend", "cpu", "--threads", "1", "--size", f"{WIDTH}x{HEIGHT}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([build / "tools" / "tallow", *options, "--volume", "on" if volume else "off"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# ---- measuring ----


def median_stages(samples):
    return {stage: statistics.median(seconds[stage] for seconds, _ in samples) for stage in STAGES}


def median_size(samples):
    return statistics.median_low(size for _, size in samples)


class Charts:
    """The samples of all who draw, with volume or without."""

    def __init__(self, volume, codings):
        self.volume = volume
        self.peer, self.command = [], []
        self.tallow = {coding: [] for coding in codings}

    def sample(self, arguments, peer, tallow, paths, turn):
        path = paths[turn % FILES]
        self.peer.append(peer.draw(path, self.volume))
        self.command.append(draw_by_command(arguments.build, path, self.volume, os.path.dirname(path) + "/chart.png"))
        for coding, samples in self.tallow.items():
            end = time.process_time() + arguments.seconds
            while time.process_time() < end:
                samples.append(tallow.draw(paths[len(samples) % FILES], self.volume, coding))

    def forget(self):
        """What was measured so far filled caches."""
        for samples in (self.peer, self.command, *self.tallow.values()):
            samples.clear()

    def report(self):
        print(f"\n{'with' if self.volume else 'without'} volume")
        print(f"{'':28} {'ms a chart':>11} {'charts/s':>10} {'bytes':>9} {'times':>9}")
        whole = statistics.median(sum(seconds.values()) for seconds, _ in self.peer)
        print_line("mplfinance", whole, median_size(self.peer), whole)
        for coding, samples in self.tallow.items():
            seconds = statistics.median(sum(stages.values()) for stages, _ in samples)
            print_line(f"tallow, {coding}", seconds, median_size(samples), whole)
        size = median_size(self.tallow["fast"])
        print_line("one process of `tallow`", statistics.median(self.command), size, whole)
        print(f"\n{'of these, ms to':28} {'mplfinance':>11} {'fast':>10} {'times':>19}")
        peer, fast = median_stages(self.peer), median_stages(self.tallow["fast"])
        for stage in STAGES:
            ratio = peer[stage] / fast[stage]
            print(f"  {stage:26} {peer[stage] * 1e3:11.3f} {fast[stage] * 1e3:10.3f} {ratio:19.1f}")


def print_line(name, seconds, size, peer):
    print(f"{name:28} {seconds * 1e3:11.3f} {1 / seconds:10.1f} {size:9} {peer / seconds:9.1f}")


def time_of(work, seconds):
    """Of one call, by as many as fill the seconds; and what the last one gave."""
    calls, result, start = 0, None, time.process_time()
    while calls == 0 or time.process_time() < start + seconds:
        result = work()
        calls += 1
    return (time.process_time() - start) / calls, result


def compare_codings(tallow, path, rounds, seconds):
    """One raster with volume to a PNG file, by each coding and by zlib alone."""
    tallow.draw(path, True, "fast")
    rows = tallow.filtered()
    works = {coding: lambda coding=coding: tallow.encode(coding) for coding in tallow.codings}
    works |= {f"zlib {level} alone": lambda level=level: len(zlib.compress(rows, level)) for level in (1, 6)}
    samples = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            samples[name].append(time_of(work, seconds))
    fast = statistics.median(taken for taken, _ in samples["fast"])
    print(f"\n{'the raster to PNG':28} {'us':>11} {'bytes':>20} {'to fast':>9}")
    for name, values in samples.items():
        median = statistics.median(taken for taken, _ in values)
        print(f"{name:28} {median * 1e6:11.1f} {values[-1][1]:20} {median / fast:9.2f}")


def make_files(arguments, folder):
    paths = [os.path.join(folder, f"{seed}.csv") for seed in range(1, FILES + 1)]
    for seed, path in enumerate(paths, 1):
        synth = ["synth", "candles", "--rows", str(arguments.candles), "--seed", str(seed), "--format", "csv"]
        with open(path, "wb") as file:
            subprocess.run([arguments.build / "tools" / "tallow", *synth], check=True, stdout=file)
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"), help="build folder")
    parser.add_argument("--candles", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.1, help="for each of Tallow's codings in a round")
    arguments = parser.parse_args()
    for name in ("libtallow.so", "tools/tallow"):
        if not (arguments.build / name).exists():
            sys.exit(f"{arguments.build / name} is missing: build Tallow, or name the folder with --build")
    peer, tallow = Mplfinance(), Tallow(arguments.build / "libtallow.so")
    print(f"{arguments.candles} candles, {WIDTH} x {HEIGHT}, CSV file to PNG in memory; medians of processor time")
    print(f"{peer.version}; {tallow.version}")
    print("mplfinance's output is anti-aliased, in RGBA; Tallow's is crisp. Both have axes, labels and a grid.")
    with tempfile.TemporaryDirectory() as folder:
        paths = make_files(arguments, folder)
        charts = [Charts(True, tallow.codings), Charts(False, tallow.codings)]
        for turn in range(arguments.rounds + 1):
            for case in charts:
                case.sample(arguments, peer, tallow, paths, turn)
                if turn == 0:
                    case.forget()
        for case in charts:
            case.report()
        compare_codings(tallow, paths[0], arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
