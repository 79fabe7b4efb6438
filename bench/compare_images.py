#!/usr/bin/env python3
"""Times JKX images by Pillow, by plain NumPy and by mplfinance beside Tallow's, taking turns in one run, and compares
the pixels.

All draw windows of one series that is in memory, to bytes in memory, on one thread; times are processor time. Pillow
draws them with ImageDraw, NumPy by slices of an array, bar by bar, as published generators do; both have the averages
computed in advance, and their images must be Tallow's bit by bit: else the exit code is 1. mplfinance draws candles,
volume and an average at the same size, which is another picture. Last comes "tallow dataset", from a file to an array
in memory, start and reading included. What is not installed is left out. Needs a release build:

    cmake --preset release && cmake --build --preset release
    PYTHON bench/compare_images.py --build build/release
"""

import argparse
import ctypes
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))

from tallow_ctypes import Candles, Engine, ImageOptions, ImageShape, ImageWindow, library_of  # noqa: E402

os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})  # before NumPy is imported

try:
    import numpy as np
except ImportError:
    np = None

HOW_TO_INSTALL = """
Make an environment outside of the source tree for what is missing:

    python3 -m venv /tmp/images-env
    /tmp/images-env/bin/pip install numpy pillow mplfinance six
    /tmp/images-env/bin/python {script}"""

INK = 255
COLUMNS = ("open", "high", "low", "close", "volume")


# ---- prices ----


def make_prices(n_rows):
    """A walk in cents, some 250 of them a bar."""
    noise = np.random.default_rng(1)
    cents = 10_000_000 + np.cumsum(noise.integers(-100, 100, n_rows + 1, endpoint=True))
    ends = np.stack([cents[:-1], cents[1:]])
    prices = {
        "open": ends[0],
        "high": ends.max(axis=0) + noise.integers(0, 100, n_rows),
        "low": ends.min(axis=0) - noise.integers(0, 100, n_rows),
        "close": ends[1],
    }
    columns = {name: cents / 100 for name, cents in prices.items()}
    columns["volume"] = noise.integers(0, 1_000_000, n_rows).astype(float)
    return columns


def write_csv(path, columns):
    with open(path, "w") as file:
        file.write("time," + ",".join(COLUMNS) + "\n")
        for i, row in enumerate(zip(*(columns[name].tolist() for name in COLUMNS))):
            file.write(f"{1_600_000_000 + 60 * i},{','.join(map(repr, row))}\n")


class Shape:
    """The rules that sizes follow from, and heights of one window."""

    def __init__(self, columns, n):
        self.columns, self.n = columns, n
        self.width, self.height = 3 * n, {5: 32, 20: 64, 60: 96}[n]
        self.volume_rows = self.height // 5
        self.price_rows = self.height - self.volume_rows - 1
        close = columns["close"]
        total = np.zeros(len(close) - n + 1)
        for i in range(n):  # from the oldest on
            total += close[i : len(close) - n + 1 + i]
        self.average = np.concatenate([np.zeros(n - 1), total / n])

    def heights(self, last):
        """Of prices, the average, if there is one, and volumes, as lists of whole numbers."""
        rows = slice(last - self.n + 1, last + 1)
        prices = [self.columns[name][rows] for name in COLUMNS[:4]]
        if rows.start >= self.n:
            prices.append(self.average[rows])
        prices = np.stack(prices)
        least, most = prices.min(), prices.max()
        heights = np.rint((prices - least) * ((self.price_rows - 1) / (most - least))).astype(int).tolist()
        volume = self.columns["volume"][rows]
        bars = np.maximum(np.rint(volume * (self.volume_rows / volume.max())), 1).astype(int).tolist()
        return heights[:4], heights[4] if len(heights) > 4 else None, bars


# ---- who draws; each gives an array of images up to the rows of a list ----


class Tallow(Engine):
    def __init__(self, build):
        super().__init__(library_of(build).resolve())

    def prepare(self, shape):
        candles, options, sizes = self.new(Candles), self.new(ImageOptions), ImageShape()
        for name in COLUMNS:
            column = shape.columns[name].ctypes.data_as(ctypes.POINTER(ctypes.c_double))
            setattr(candles, name, column)
        candles.n_rows = len(shape.columns["close"])
        options.window = shape.n
        self.call("image_shape_of", options, sizes)
        assert (sizes.height, sizes.width, sizes.channels) == (shape.height, shape.width, 1)
        self.shape, self.candles, self.options, self.sizes = shape, candles, options, sizes

    def draw(self, lasts):
        """The second call of the same shape writes where the first did."""
        windows = np.zeros((len(lasts), 2), dtype=np.int64)
        windows[:, 1] = lasts
        if getattr(self, "images", np.empty(0)).shape != (len(lasts), self.sizes.height, self.sizes.width):
            self.images = np.empty((len(lasts), self.sizes.height, self.sizes.width), dtype=np.uint8)
        place = windows.ctypes.data_as(ctypes.POINTER(ImageWindow))
        target, size = ctypes.c_void_p(self.images.ctypes.data), ctypes.c_size_t(self.images.nbytes)
        n = ctypes.c_int64(len(lasts))
        self.call("images_draw", self.engine, self.candles, self.options, place, n, target, size, None)
        return self.images


class Pillow:
    def __init__(self):
        import PIL.Image
        import PIL.ImageDraw

        self.image, self.canvas = PIL.Image, PIL.ImageDraw.Draw
        self.version = "Pillow " + PIL.__version__

    def prepare(self, shape):
        self.shape = shape

    def draw(self, lasts):
        return np.stack([self.one(last) for last in lasts])

    def one(self, last):
        """With row 0 at the bottom; turned over at the end."""
        shape = self.shape
        prices, average, volume = shape.heights(last)
        image, base = self.image.new("L", (shape.width, shape.height)), shape.volume_rows + 1
        canvas = self.canvas(image)
        if average:
            canvas.line([(3 * i + 1, base + y) for i, y in enumerate(average)], fill=INK)
        for i, (first, high, low, close) in enumerate(zip(*prices)):
            x = 3 * i + 1
            canvas.line((x, base + low, x, base + high), fill=INK)
            canvas.point((x - 1, base + first, x, base + first, x + 1, base + close), fill=INK)
        for i, h in enumerate(volume):
            canvas.line((3 * i + 1, 0, 3 * i + 1, h - 1), fill=INK)
        return np.asarray(image.transpose(self.image.Transpose.FLIP_TOP_BOTTOM))


class Numpy:
    version = "NumPy " + (np.__version__ if np else "")

    def prepare(self, shape):
        self.shape = shape

    def draw(self, lasts):
        return np.stack([self.one(last) for last in lasts])

    def one(self, last):
        shape = self.shape
        prices, average, volume = shape.heights(last)
        image = np.zeros((shape.height, shape.width), dtype=np.uint8)
        panel = image[shape.volume_rows + 1 :]
        for i, (first, high, low, close) in enumerate(zip(*prices)):
            x = 3 * i + 1
            panel[low : high + 1, x] = INK
            panel[first, x - 1 : x + 1] = INK
            panel[close, x + 1] = INK
        for i, h in enumerate(volume):
            image[:h, 3 * i + 1] = INK
        for i in range(1, len(average or ())):
            self.join(panel, 3 * i - 2, average[i - 1], average[i])
        return image[::-1]

    @staticmethod
    def join(panel, x, y, end):
        """From (x, y) to (x + 3, end)."""
        dx, dy, up = 3, abs(end - y), 1 if end > y else -1
        if dx > dy:
            e = 2 * dy - dx
            for _ in range(dx):
                panel[y, x] = INK
                if e >= 0:
                    y, e = y + up, e - 2 * dx
                e, x = e + 2 * dy, x + 1
        else:
            e = 2 * dx - dy
            for _ in range(dy):
                panel[y, x] = INK
                if e >= 0:
                    x, e = x + 1, e - 2 * dy
                e, y = e + 2 * dx, y + up
        panel[y, x] = INK


class Mplfinance:
    def __init__(self):
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot
        import mplfinance
        import pandas

        self.pyplot, self.mplfinance, self.pandas = matplotlib.pyplot, mplfinance, pandas
        self.version = f"mplfinance {mplfinance.__version__} on matplotlib {matplotlib.__version__}"

    def prepare(self, shape):
        times = self.pandas.date_range("2020-01-01", periods=len(shape.columns["close"]), freq="min")
        self.frame, self.shape = self.pandas.DataFrame(shape.columns, index=times), shape

    def draw(self, lasts):
        for last in lasts:
            figure, _ = self.mplfinance.plot(
                self.frame.iloc[last - self.shape.n + 1 : last + 1],
                type="candle",
                volume=True,
                mav=2,
                axisoff=True,
                figsize=(self.shape.width / 100, self.shape.height / 100),
                returnfig=True,
                columns=COLUMNS,
            )
            figure.set_dpi(100)
            figure.canvas.draw()
            np.asarray(figure.canvas.buffer_rgba())
            self.pyplot.close(figure)


PEERS = {"Pillow": Pillow, "NumPy": Numpy, "mplfinance": Mplfinance}
AMOUNTS = {"tallow": 20_000, "Pillow": 300, "NumPy": 300, "mplfinance": 4}  # images a round


def find_peers():
    peers = {}
    for name, kind in PEERS.items():
        try:
            peers[name] = kind()
        except ImportError as error:
            print(f"{name}: skipped: {error}")
    if len(peers) < len(PEERS):
        print(HOW_TO_INSTALL.format(script=sys.argv[0]) + "\n")
    return peers


# ---- measuring ----


def spent(who=resource.RUSAGE_SELF):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def lasts_of(n, amount, n_rows):
    """Rows at which windows end, spread over all; the first ones have no averages."""
    return np.linspace(n - 1, n_rows - 1, amount).astype(int).tolist()


def measure(makers, n, n_rows, rounds):
    """The least seconds an image of each; the first round, which fills caches, is left out."""
    samples = {name: [] for name in makers}
    names = list(makers)
    for turn in range(rounds + 1):
        for i in range(len(names)):
            name = names[(turn + i) % len(names)]
            lasts = lasts_of(n, AMOUNTS[name], n_rows)
            start = spent()
            makers[name].draw(lasts)
            samples[name].append((spent() - start) / len(lasts))
    return {name: min(times[1:]) for name, times in samples.items()}


def differs(ours, theirs, lasts):
    """What of the pixels is not the same, or None."""
    for last, one, other in zip(lasts, ours, theirs):
        if not np.array_equal(one, other):
            row, column = np.argwhere(one != other)[0]
            return f"the image up to row {last} differs in row {row}, column {column}"
    return None


def compare_pixels(makers, n, n_rows):
    lasts, well = lasts_of(n, 400, n_rows) + list(range(n - 1, 2 * n + 1)), True
    ours = makers["tallow"].draw(lasts).copy()
    for name in makers:
        if name not in ("tallow", "mplfinance"):
            said = differs(ours, makers[name].draw(lasts), lasts)
            well = well and said is None
            print(f"{name}: {said or f'the same {ours.shape[0]} images'}")
    return well


def time_command(program, path, n, rounds):
    """Seconds of processor time an image, and how many images there are."""
    output, times = path + ".npy", []
    command = [program, "dataset", path, "--preset", "jkx", "--window", str(n), "--threads", "1", "--manifest", "off"]
    for _ in range(rounds):
        start = spent(resource.RUSAGE_CHILDREN)
        subprocess.run([*command, "--quiet", "-o", output], check=True)
        times.append(spent(resource.RUSAGE_CHILDREN) - start)
    images = np.load(output, mmap_mode="r")
    count = len(images)
    os.unlink(output)
    return min(times) / count, count


def report(times):
    for name, each in times.items():
        print(f"{name:10} {1 / each:12.0f} images/s {each / times['tallow']:10.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"), help="build folder")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if np is None:
        sys.exit("numpy is missing." + HOW_TO_INSTALL.format(script=sys.argv[0]))
    makers = {"tallow": Tallow(arguments.build), **find_peers()}
    print("; ".join(maker.version for maker in makers.values()))
    print(f"Best of {arguments.rounds} rounds, processor time, one thread each. /tallow: time over Tallow's.")
    columns, well = make_prices(arguments.rows), True
    program = arguments.build / "tools" / "tallow"
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        path = os.path.join(folder, "prices.csv")
        write_csv(path, columns)
        for n in (5, 20, 60):
            shape = Shape(columns, n)
            for maker in makers.values():
                maker.prepare(shape)
            print(f"\n{n} bars{'/tallow':>38}")
            report(measure(makers, n, arguments.rows, arguments.rounds))
            each, count = time_command(program, path, n, arguments.rounds)
            print(f"tallow dataset, {count} images from a file: {1 / each:.0f} images/s")
            well = compare_pixels(makers, n, arguments.rows) and well
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
