"""tallow dataset --preset jkx against a third implementation of its rules, in Python alone, image by image: over real
candles, and over made ones with gaps, zeros and flat stretches. What a window's manifest line says is compared too.

Environment: as for test_cli.py. Without the folder with real market data the test that needs it is skipped.
"""

import csv
import gzip
import hashlib
import json
import math
import random
import struct
import unittest

from test_cli import DATA, Case

SHAPES = {5: (32, 15), 20: (64, 60), 60: (96, 180)}  # rows, columns
FEW_BARS, NO_CLOSE, FLAT, BEYOND = (
    "too few bars",
    "first close is 0 or missing",
    "flat prices",
    "prices beyond range",
)


# ---- the rules ----


def is_there(number):
    return math.isfinite(number)


def rounded(number):
    return round(number)  # halves to the even one


def average(closes):
    total = 0.0
    for close in closes:
        total += close
    mean = total / len(closes)
    return mean if all(map(is_there, closes)) else math.nan


def line_points(start, end):
    """Of a line between two points, ends included, the first on the left."""
    (x, y), (to_x, to_y) = start, end
    up = 1 if to_y >= y else -1
    long, short = to_x - x, abs(to_y - y)
    is_steep = short >= long
    if is_steep:
        long, short = short, long
    error = 2 * short - long
    for _ in range(long):
        yield x, y
        if error >= 0:
            x, y = (x + 1, y) if is_steep else (x, y + up)
            error -= 2 * long
        error += 2 * short
        x, y = (x, y + up) if is_steep else (x + 1, y)
    yield to_x, to_y


def average_points(averages, height_of):
    points = [(3 * i + 1, height_of(mean)) if is_there(mean) else None for i, mean in enumerate(averages)]
    yield from filter(None, points)
    for one, other in zip(points, points[1:]):
        if one and other:
            yield from line_points(one, other)


def bar_points(i, bar, height_of):
    """Of open, high, low, close, volume."""
    if not (is_there(bar[1]) and is_there(bar[2])):
        return
    x = 3 * i + 1
    ends = sorted((height_of(bar[1]), height_of(bar[2])))
    yield from ((x, y) for y in range(ends[0], ends[1] + 1))
    if is_there(bar[0]):
        yield from ((x - 1, height_of(bar[0])), (x, height_of(bar[0])))
    if is_there(bar[3]):
        yield x + 1, height_of(bar[3])


def volume_points(volumes, rows):
    there = [volume for volume in volumes if is_there(volume)]
    most = max(there, default=0.0)
    if most <= 0 or not is_there(rows / most):
        return
    for i, volume in enumerate(volumes):
        if is_there(volume):
            yield from ((3 * i + 1, y) for y in range(max(1, rounded(volume * (rows / most)))))


def jkx(rows, last, n):
    """The image of n rows up to `last`, (None, bytes), or why there is none, (text, None)."""
    height, width = SHAPES[n]
    volume_rows = height // 5
    price_rows = height - volume_rows - 1
    first = last - n + 1
    if first < 0:
        return FEW_BARS, None
    bars, averages = rows[first : last + 1], []
    if first >= n:
        averages = [average([row[3] for row in rows[i - n + 1 : i + 1]]) for i in range(first, last + 1)]
    if not is_there(bars[0][3]) or bars[0][3] == 0:
        return NO_CLOSE, None
    prices = [price for bar in bars for price in bar[:4] if is_there(price)] + list(filter(is_there, averages))
    least, span = min(prices), max(prices) - min(prices)
    if span == 0:
        return FLAT, None
    if not (is_there(span) and is_there((price_rows - 1) / span)):
        return BEYOND, None
    scale = (price_rows - 1) / span

    def height_of(price):
        return rounded((price - least) * scale)

    points = set(average_points(averages, height_of))
    for i, bar in enumerate(bars):
        points.update(bar_points(i, bar, height_of))
    image = bytearray(height * width)
    for x, y in points:
        image[(price_rows - 1 - y) * width + x] = 255
    for x, y in volume_points([bar[4] for bar in bars], volume_rows):
        image[(height - 1 - y) * width + x] = 255
    return None, bytes(image)


# ---- files ----


def widened(row):
    """As the reader does it where open or close lie outside of low and high."""
    there = [price for price in row[:4] if is_there(price)]
    if len(there) == 4:
        row[1], row[2] = max(there), min(there)
    return row


def read_candles(path):
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else open(path)
    with opened as file:
        reader = csv.reader(file)
        names = [name.lower() for name in next(reader)]
        places = [names.index(name) for name in ("open", "high", "low", "close", "volume")]
        return [widened([float(line[k]) if line[k] else math.nan for k in places]) for line in reader]


def read_array(path):
    """Shape, type and bytes of a .npy file."""
    data = path.read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00"
    (length,) = struct.unpack("<H", data[8:10])
    header = eval(data[10 : 10 + length], {})
    assert not header["fortran_order"]
    return header["shape"], header["descr"], data[10 + length :]


def tensor(image, shape, kind, channels_last):
    """A grey image as the bytes of a tensor of one channel or three."""
    n_channels = shape[3] if channels_last else shape[1]
    numbers = [byte for byte in image for _ in range(n_channels)] if channels_last else list(image) * n_channels
    return bytes(numbers) if kind == "|u1" else struct.pack(f"<{len(numbers)}f", *(x / 255 for x in numbers))


def make_candles(n_rows, seed):
    """A walk in quarters, with a flat stretch, and now and then nothing in a column, or 0."""
    rng, rows, price = random.Random(seed), [], 50.0
    for i in range(n_rows):
        is_flat = n_rows // 4 < i < n_rows // 2
        step = 0 if is_flat else rng.randrange(-8, 9) / 4
        open_, close = price, max(1.0, price + step)
        reach = 0 if is_flat else rng.randrange(0, 4) / 4
        row = [open_, max(open_, close) + reach, min(open_, close) - reach, close, float(rng.randrange(0, 3 * 12))]
        if not is_flat and rng.random() < 0.1:
            row[rng.randrange(5)] = math.nan
        if rng.random() < 0.02:
            row[2] = row[3] = 0.0
        if i % 100 > 70:
            row[4] = 0.0
        price = close
        rows.append(row)
    return rows


def published_candles(n):
    """2n bars of a walk in whole numbers, whose last n have an image of a published hash."""
    state, close, rows = 12345, 1000, []

    def draw():
        nonlocal state
        state = (1103515245 * state + 12345) & 0x7FFFFFFF
        return state >> 16

    for _ in range(2 * n):
        open_ = close + draw() % 5 - 2
        close = open_ + draw() % 21 - 10
        high = max(open_, close) + draw() % 7
        low = min(open_, close) - draw() % 7
        rows.append([float(x) for x in (open_, high, low, close, 1000 + draw() % 9000)])
    return rows


PUBLISHED = "b43566fd8f77ecaba497600964eeb3c87837f7aceef1ba11ac0129b27dd46325"  # n = 20


class Reference(Case):
    def write_candles(self, name, rows):
        lines = [",".join("" if math.isnan(x) else repr(x) for x in row) for row in rows]
        text = "".join(f"{1700000000 + 60 * i},{line}\n" for i, line in enumerate(lines))
        return self.write(name, "time,open,high,low,close,volume\n" + text)

    def check(self, series, n, *options, stride=1, last=False):
        """Makes a set of files and compares all of it. Returns how many images it has, and the reasons of the rest."""
        self.run_tallow("dataset", *series, "--preset", "jkx", "--window", n, "-o", "set.npy", "--quiet", *options)
        shape, kind, data = read_array(self.here / "set.npy")
        size = math.prod(shape[1:]) * (4 if kind == "<f4" else 1)
        channels_last = "nhwc" in options
        lines = [json.loads(line) for line in (self.here / "set.manifest.jsonl").read_text().splitlines()][1:-1]
        images, reasons, at = 0, [], 0
        for name, rows in series.items():
            ends = range(n - 1, len(rows), stride)
            for end in [len(rows) - 1] if last else ends:
                reason, image = jkx(rows, end, n)
                self.assertEqual((lines[at]["source"], lines[at]["row"]), (str(name), end))
                self.assertEqual(lines[at].get("reason"), reason, (name, end))
                self.assertEqual(lines[at]["image"], None if reason else images)
                at += 1
                if reason:
                    reasons.append(reason)
                    continue
                got = data[images * size : (images + 1) * size]
                if got != tensor(image, shape, kind, channels_last):
                    self.fail(f"{name}: the image of {n} bars up to row {end} is another, image {images} of the set")
                images += 1
        self.assertEqual((shape[0], len(data), len(lines)), (images, images * size, at))
        return images, reasons

    def test_published_hash(self):
        rows = published_candles(20)
        self.assertEqual(hashlib.sha256(jkx(rows, 39, 20)[1]).hexdigest(), PUBLISHED)
        self.write_candles("a.csv", rows)
        for command in (("-o", "set.dat"), ("-o", "set.npy"), ("-o", "set.npy", "--backend", "cpu", "--threads", 1)):
            self.run_tallow("dataset", "a.csv", "--preset", "jkx", "--window", 20, "--last", "--quiet", *command)
        images = (self.here / "set.dat").read_bytes(), read_array(self.here / "set.npy")[2]
        self.assertEqual([hashlib.sha256(image).hexdigest() for image in images], [PUBLISHED, PUBLISHED])

    @unittest.skipUnless(DATA.is_dir(), f"no real data in {DATA}")
    def test_real_candles(self):
        runs = (
            ("aapl_daily_20040819_20180120.csv", 5, 3),
            ("goog_daily_20040819_20180120.csv", 20, 7),
            ("intc_daily_19950101_20040412.csv", 60, 11),
            ("sp500_minute_201911.csv", 20, 5),
            ("btcperp_minute_202201.csv.gz", 60, 211),
        )
        for name, n, stride in runs:
            rows = read_candles(DATA / name)
            with self.subTest(name=name, n=n):
                images, reasons = self.check({DATA / name: rows}, n, "--stride", stride, stride=stride)
                self.assertEqual(images + len(reasons), 1 + (len(rows) - n) // stride)
                self.assertGreater(images, 100)

    def test_gaps_zeros_and_flat_stretches(self):
        met = set()
        for n, seed in ((5, 1), (20, 2), (60, 3)):
            rows = make_candles(500, seed)
            self.write_candles("a.csv", rows)
            with self.subTest(n=n):
                images, reasons = self.check({"a.csv": rows}, n)
                self.assertGreater(images, 200)
                met.update(reasons)
        self.assertEqual(met, {NO_CLOSE, FLAT})

    def test_several_files_and_their_last_windows(self):
        series = {f"{i}.csv": make_candles(n_rows, i) for i, n_rows in enumerate((100, 19, 20, 39, 40, 41))}
        for name, rows in series.items():
            self.write_candles(name, rows)
        self.check({name: rows for name, rows in series.items() if len(rows) >= 20}, 20, "--stride", 9, stride=9)
        images, reasons = self.check(series, 20, "--last", last=True)
        self.assertEqual(reasons.count(FEW_BARS), 1)
        self.assertGreaterEqual(images, 3)

    def test_numbers_and_layouts(self):
        rows = make_candles(60, 9)
        self.write_candles("a.csv", rows)
        for options in (("--type", "f32"), ("--layout", "nhwc", "--color", "rgb"), ("--color", "rgb", "--type", "f32")):
            with self.subTest(options=options):
                self.check({"a.csv": rows}, 5, *options)


if __name__ == "__main__":
    unittest.main(verbosity=2)
