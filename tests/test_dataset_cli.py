"""tallow dataset: which windows give images, against a drawing of JKX images in Python and the charts of tallow render;
arrays of each type and layout; labels; what is said of windows without an image; and wrong use.

Environment: as for test_cli.py.
"""

import array
import ast
import json
import math
import os
import random
import resource
import struct
import subprocess
import unittest

from test_cli import BAD_DATA, BIN, CANT_CREATE, HEADER, IO_ERROR, NO_INPUT, NO_MEMORY, USAGE, Case, Png

DAY = 86400
SIDES = {5: (15, 32), 20: (60, 64), 60: (180, 96)}


def candles(n, seed=1, flat=(), gaps=(), zeros=()):
    """Rows of (time, open, high, low, close, volume); flat: rows without a range; gaps: without a close; zeros: 0."""
    rng = random.Random(seed)
    price, rows = 1000, []
    for i in range(n):
        close = price + rng.randint(-20, 20)
        low, high = min(price, close) - rng.randint(0, 9), max(price, close) + rng.randint(0, 9)
        row = [i * DAY, price, high, low, close, rng.choice((0, 5, 1000, rng.randint(1, 9000)))]
        if i in flat:
            row[1:5] = [1000] * 4
        if i in gaps:
            row[4] = math.nan
        if i in zeros:
            row[3] = row[4] = 0
        rows.append(row)
        price = close
    return rows


def number(value):
    return "" if value != value else repr(value)


def text_of(rows, symbol=None):
    lines = (",".join(map(number, row)) + (f",{symbol}" if symbol else "") for row in rows)
    return "\n".join(lines) + "\n"


def rint(value):
    return round(value)  # halves to even, as rint


def mean_of(rows, last, n):
    """The average of the close at a row; nan where one is missing, or there are too few."""
    if last + 1 < n:
        return math.nan
    total = 0.0
    for row in rows[last + 1 - n : last + 1]:
        total += row[4]
    return total / n


def jkx(rows, last, n):
    """The image of the n rows up to `last`, as the paper's rules have it: bytes, or why there is none."""
    if last + 1 < n:
        return "too few bars"
    bars = rows[last + 1 - n : last + 1]
    if not bars[0][4] or bars[0][4] != bars[0][4]:
        return "first close is 0 or missing"
    width, height = SIDES[n]
    volumes, prices = height // 5, height - height // 5 - 1
    first = last + 1 - n
    means = [mean_of(rows, first + i, n) for i in range(n)] if first >= n else [math.nan] * n
    known = [p for row in bars for p in row[1:5] if p == p] + [m for m in means if m == m]
    least, most = min(known), max(known)
    if least == most:
        return "flat prices"
    k = (prices - 1) / (most - least)
    image = bytearray(width * height)

    def ink(x, y):  # y from the bottom
        image[(height - 1 - y) * width + x] = 255

    def y_of(price):
        return volumes + 1 + rint((price - least) * k)

    points = [(3 * i + 1, y_of(m)) if m == m else None for i, m in enumerate(means)]
    for a, b in zip(points, points[1:] + [None]):
        if a:
            ink(*a)
        if a and b:
            line(a, b, ink)
    for i, (_, start, high, low, close, _) in enumerate(bars):
        x = 3 * i + 1
        if high != high or low != low:
            continue
        for y in range(y_of(low), y_of(high) + 1):
            ink(x, y)
        if start == start:
            ink(x - 1, y_of(start))
            ink(x, y_of(start))
        if close == close:
            ink(x + 1, y_of(close))
    greatest = max((row[5] for row in bars if row[5] == row[5]), default=0)
    for i, row in enumerate(bars):
        if greatest > 0 and row[5] == row[5]:
            for y in range(max(1, rint(row[5] * (volumes / greatest)))):
                ink(3 * i + 1, y)
    return bytes(image)


def line(a, b, ink):
    """Bresenham's, by its loop."""
    (x, y), (x1, y1) = a, b
    dx, dy, step = x1 - x, abs(y1 - y), 1 if y1 > y else -1
    steep = dx <= dy
    major, minor = (dy, dx) if steep else (dx, dy)
    e = 2 * minor - major
    for _ in range(major):
        ink(x, y)
        if e >= 0:
            x, y = (x + 1, y) if steep else (x, y + step)
            e -= 2 * major
        e += 2 * minor
        x, y = (x, y + step) if steep else (x + 1, y)
    ink(x1, y1)


class Npy:
    """An array as NumPy writes it, of bytes, floats or doubles."""

    def __init__(self, data):
        assert data[:8] == b"\x93NUMPY\x01\x00"
        (size,) = struct.unpack("<H", data[8:10])
        header = ast.literal_eval(data[10 : 10 + size].decode())
        assert (10 + size) % 64 == 0 and data[9 + size : 10 + size] == b"\n"
        assert header["fortran_order"] is False
        self.shape, self.descr, self.body = header["shape"], header["descr"], data[10 + size :]
        code = {"|u1": "B", "<f4": "f", "<f8": "d"}[self.descr]
        self.values = array.array(code, self.body)
        assert len(self.values) == math.prod(self.shape)

    def image(self, i):
        size = len(self.body) // self.shape[0]
        return self.body[i * size : (i + 1) * size]

    def row(self, i):
        return list(self.values[i * self.shape[1] : (i + 1) * self.shape[1]])


class DatasetCase(Case):
    def dataset(self, *args, **options):
        return self.run_tallow("dataset", *args, **options)

    def npy(self, name):
        return Npy((self.here / name).read_bytes())

    def lines(self, name="set.manifest.jsonl"):
        lines = [json.loads(line) for line in (self.here / name).read_text().splitlines()]
        return lines[0], lines[1:-1], lines[-1]

    def put(self, name, rows):
        return self.write(name, HEADER + text_of(rows))

    def check_images(self, npy, expected):
        self.assertEqual(npy.shape[0], len(expected))
        for i, image in enumerate(expected):
            self.assertEqual(npy.image(i), image, f"image {i}")


class Images(DatasetCase):
    """What is drawn."""

    def test_presets_give_the_images_of_the_paper(self):
        for n, rows in ((5, 60), (20, 90), (60, 150)):
            table = candles(rows, n, flat=range(30, 30 + rows // 3), gaps=(7, 11, 29), zeros=(9,))
            self.put("a.csv", table)
            self.dataset("a.csv", "--preset", "jkx", "--window", n, "-o", "set.npy")
            results = [jkx(table, last, n) for last in range(n - 1, rows)]
            self.assertGreater(sum(isinstance(r, str) for r in results), 1)
            npy = self.npy("set.npy")
            self.assertEqual((npy.descr, npy.shape[1:]), ("|u1", (1, SIDES[n][1], SIDES[n][0])))
            self.check_images(npy, [r for r in results if isinstance(r, bytes)])
            _, windows, tail = self.lines()
            self.assertEqual([w["reason"] if w["image"] is None else None for w in windows],
                             [r if isinstance(r, str) else None for r in results])
            self.assertEqual([w["image"] for w in windows if w["image"] is not None], list(range(npy.shape[0])))
            self.assertEqual((tail["windows"], tail["images"]), (len(results), npy.shape[0]))

    def test_stride_and_last(self):
        table = candles(77)
        self.put("a.csv", table)
        for stride in (1, 3, 20, 58, 1000):
            self.dataset("a.csv", "--preset", "jkx", "--stride", stride, "-o", "set.npy")
            lasts = range(19, 77, stride)
            self.check_images(self.npy("set.npy"), [jkx(table, last, 20) for last in lasts])
            self.assertEqual([w["row"] for w in self.lines()[1]], list(lasts))
        self.dataset("a.csv", "--preset", "jkx", "--last", "-o", "set.npy")
        self.check_images(self.npy("set.npy"), [jkx(table, 76, 20)])

    def test_times_choose_windows_and_leave_what_they_look_back_on(self):
        table = candles(90)
        self.put("a.csv", table)
        for start, end, stride in ((0, 90, 1), (50, 60, 1), (45, 80, 7), (19, 20, 1), (20, 46, 26), (21, 46, 26)):
            args = ("--from", start * DAY, "--to", end * DAY, "--stride", stride)
            lasts = [last for last in range(19, 90, stride) if start <= last < end]
            code = 0 if lasts else BAD_DATA
            _, errors = self.dataset("a.csv", "--preset", "jkx", *args, "-o", "set.npy", code=code)
            if lasts:
                self.check_images(self.npy("set.npy"), [jkx(table, last, 20) for last in lasts])
            else:
                self.assertIn("--from", errors)
        self.dataset("a.csv", "--preset", "jkx", "--last", "--to", 60 * DAY, "-o", "set.npy")
        self.check_images(self.npy("set.npy"), [jkx(table, 59, 20)])

    def test_files_and_symbols_are_series_of_their_own(self):
        tables = {"A": candles(40, 1), "B": candles(12, 2), "C": candles(25, 3)}
        mixed = sorted((row[0], symbol, row) for symbol, rows in tables.items() for row in rows)
        self.write("by.csv", HEADER.replace("\n", ",symbol\n") +
                   "".join(text_of([row], symbol) for _, symbol, row in mixed))
        self.put("b.csv", candles(30, 4))
        _, errors = self.dataset("by.csv", "--by", "symbol", "--preset", "jkx", "-o", "set.npy")
        self.assertIn("set.npy: 27 images of 28 windows (1 too few bars)", errors)
        expected = [jkx(rows, last, 20) for rows in (tables["A"], tables["C"]) for last in range(19, len(rows))]
        self.check_images(self.npy("set.npy"), expected)
        _, windows, _ = self.lines()
        self.assertEqual([w["symbol"] for w in windows], ["A"] * 21 + ["B"] + ["C"] * 6)
        self.assertEqual((windows[21]["row"], windows[21]["reason"]), (11, "too few bars"))
        self.dataset("by.csv", "b.csv", "--by", "symbol", "--preset", "jkx", "-o", "set.npy", code=BAD_DATA)
        files = [candles(25, seed) for seed in range(3)]
        for i, rows in enumerate(files):
            self.put(f"{i}.csv", rows)
        self.dataset("0.csv", "1.csv", "2.csv", "--preset", "jkx", "-o", "set.npy")
        self.check_images(self.npy("set.npy"), [jkx(r, last, 20) for r in files for last in range(19, 25)])

    def test_types_layouts_and_colors(self):
        table = candles(30)
        self.put("a.csv", table)
        images = [jkx(table, last, 20) for last in range(19, 30)]
        for kind in ("u8", "f32"):
            for layout in ("nchw", "nhwc"):
                for color in ("luma", "rgb"):
                    self.dataset("a.csv", "--preset", "jkx", "--type", kind, "--layout", layout, "--color", color,
                                 "-o", "set.npy")
                    npy = self.npy("set.npy")
                    channels = 1 if color == "luma" else 3
                    shape = (channels, 64, 60) if layout == "nchw" else (64, 60, channels)
                    self.assertEqual(npy.shape, (11, *shape))
                    self.assertEqual(npy.descr, "|u1" if kind == "u8" else "<f4")
                    spread = [b for image in images for b in
                              (image * channels if layout == "nchw" else bytes(b for b in image for _ in range(channels)))]
                    ink = 255 if kind == "u8" else 1.0
                    self.assertEqual(list(npy.values), [ink if b else 0 for b in spread])

    def test_bare_numbers_are_those_of_the_array(self):
        self.put("a.csv", candles(50))
        for kind in ("u8", "f32"):
            self.dataset("a.csv", "--preset", "jkx", "--type", kind, "-o", "set.npy")
            self.dataset("a.csv", "--preset", "jkx", "--type", kind, "-o", "set.dat")
            self.assertEqual((self.here / "set.dat").read_bytes(), (self.here / "set.npy").read_bytes()[128:])

    def test_charts_are_those_of_render(self):
        self.put("a.csv", candles(40))
        self.write("chart.json", json.dumps({"size": "64x48", "theme": "light", "mav": [5], "grid": False, "title": "x"}))
        self.dataset("a.csv", "--window", 20, "--stride", 7, "--spec", "chart.json", "--color", "rgb", "-o", "set.npy")
        self.run_tallow("render", "a.csv", "--window", 20, "--stride", 7, "--spec", "chart.json", "-o", "charts")
        npy = self.npy("set.npy")
        self.assertEqual(npy.shape, (3, 3, 48, 64))
        luma = []
        for i in range(3):
            png = Png((self.here / "charts" / f"a_{i:06}.png").read_bytes())
            colors = [bytes.fromhex(c) for c in png.palette.split()]
            pixels = [colors[index] for row in png.rows for index in row]
            self.assertEqual(npy.image(i), b"".join(bytes(p[c] for p in pixels) for c in range(3)))
            luma.append(bytes((19595 * r + 38470 * g + 7471 * b + 32768) >> 16 for r, g, b in pixels))
        self.dataset("a.csv", "--window", 20, "--stride", 7, "--spec", "chart.json", "-o", "set.npy")
        self.check_images(self.npy("set.npy"), luma)
        self.dataset("a.csv", "--window", 3, "--last", "--size", "32x16", "--spec", "chart.json", "-o", "set.npy")
        self.assertEqual(self.npy("set.npy").shape, (1, 1, 16, 32))
        self.dataset("a.csv", "--window", 3, "--last", "-o", "set.npy")
        self.assertEqual(self.npy("set.npy").shape, (1, 1, 224, 224))

    def test_threads_memory_and_backends_change_no_byte(self):
        self.synth("a.csv", 4000)
        args = ("a.csv", "--preset", "jkx", "--window", 60, "--horizons", "5", "-o")
        self.dataset(*args, "set.npy", "--threads", 1)
        files = {p.name: p.read_bytes() for p in self.here.glob("set*")}
        for more in (("--threads", 3), ("--host-mem", "16MiB"), ("--backend", "cpu", "--progress", "on"),
                     ("--host-mem", "9MiB", "--threads", 2)):
            self.dataset(*args, "set.npy", *more)
            self.assertEqual({p.name: p.read_bytes() for p in self.here.glob("set*")}, files, more)

    def test_packed_files_and_standard_input(self):
        text = self.synth("a.csv", 60)
        self.dataset("a.csv", "--preset", "jkx", "-o", "set.npy")
        expected = (self.here / "set.npy").read_bytes()
        self.dataset("-", "--preset", "jkx", "-o", "set.npy", input=text.encode())
        self.assertEqual((self.here / "set.npy").read_bytes(), expected)


class Labels(DatasetCase):
    def test_labels_are_forward_returns(self):
        table = candles(50, gaps=(35,))
        self.put("a.csv", table)
        self.dataset("a.csv", "--preset", "jkx", "--window", 5, "--horizons", "1,20", "-o", "set.npy")
        images, labels = self.npy("set.npy"), self.npy("set.labels.npy")
        self.assertEqual((labels.descr, labels.shape), ("<f8", (images.shape[0], 2)))
        lasts = [last for last in range(4, 50) if isinstance(jkx(table, last, 5), bytes)]
        for i, last in enumerate(lasts):
            for label, h in zip(labels.row(i), (1, 20)):
                expected = table[last + h][4] / table[last][4] - 1 if last + h < 50 else math.nan
                self.assertTrue(label == expected or (label != label and expected != expected), (i, h))
        self.dataset("a.csv", "--preset", "jkx", "--window", 5, "--horizons", "1,20", "--labelled", "-o", "set.npy")
        images, labels = self.npy("set.npy"), self.npy("set.labels.npy")
        self.assertEqual(images.shape[0], labels.shape[0])
        self.assertTrue(all(value == value for value in labels.values))
        kept = [last for last in lasts if last + 20 < 50 and 35 not in (last, last + 1, last + 20)]
        self.check_images(images, [jkx(table, last, 5) for last in kept])
        reasons = [w.get("reason") for w in self.lines()[1]]
        self.assertEqual(reasons.count("no label"), len(lasts) - len(kept))

    def test_nothing_behind_the_window_enters_an_image(self):
        table = candles(60)
        self.put("a.csv", table)
        self.put("b.csv", table[:40] + candles(60, 9)[40:])
        for name in "ab":
            self.dataset(f"{name}.csv", "--preset", "jkx", "-o", f"{name}.npy")
        a, b = self.npy("a.npy"), self.npy("b.npy")
        for i in range(40 - 19):
            self.assertEqual(a.image(i), b.image(i))
        self.assertNotEqual(a.image(21), b.image(21))


class Reports(DatasetCase):
    """What is said, and where."""

    def test_summary(self):
        self.put("a.csv", candles(60, flat=range(25, 60)))
        _, errors = self.dataset("a.csv", "--preset", "jkx", "--window", 5, "-o", "set.npy")
        self.assertEqual(errors, "tallow: set.npy: 29 images of 56 windows (27 flat prices)\n")
        _, errors = self.dataset("a.csv", "--preset", "jkx", "--window", 5, "-o", "set.npy", "-q")
        self.assertEqual(errors, "")
        _, errors = self.dataset("a.csv", "--preset", "jkx", "--window", 5, "-o", "set.npy", "-v", "--backend", "cpu")
        self.assertIn("a.csv: 29 images of 56 windows\n", errors)
        out, _ = self.dataset("a.csv", "--preset", "jkx", "--window", 5, "-o", "set.npy", "--json", "-q")
        told = json.loads(out)
        self.assertEqual((told["images"], told["windows"], told["left_out"]["flat prices"]), (29, 56, 27))

    def test_no_room_on_the_disk(self):
        """Refused ahead of the first image; images that are left out need no room."""
        disk = os.statvfs(self.here)
        size, n = 3 * 4 * 4096 * 4096, 20000
        if disk.f_bavail * disk.f_frsize >= size * (n // 2):
            self.skipTest("the disk is too large")
        small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 24, 1 << 24))
        self.put("a.csv", candles(n))
        args = ("a.csv", "--window", 20, "--size", "4096x4096", "--type", "f32", "--host-mem", "2GiB")
        errors = self.fails(CANT_CREATE, "dataset", *args, "-o", "set.npy", says="are free there", preexec_fn=small)
        self.assertRegex(errors, r"^tallow: set\.npy: it needs [\d.]+ TiB, but [\d.]+ [KMGT]iB are free there\n$")
        self.assertEqual(self.files(), ["a.csv"])
        self.put("flat.csv", candles(n, flat=range(30, n)))
        self.dataset("flat.csv", "--preset", "jkx", "--window", 5, "-o", "set.npy", preexec_fn=small)

    def test_what_is_kept_is_named(self):
        small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 24, 1 << 24))
        self.put("a.csv", candles(8000))
        errors = self.fails(IO_ERROR, "dataset", "a.csv", "--preset", "jkx", "-o", "set.npy", preexec_fn=small,
                            says="tallow: set.npy.partial: can't write: File too large")
        self.assertIn("what was drawn is kept in set.npy.partial: run the same command with --resume to go on, or "
                      "delete it\n", errors)
        self.assertTrue((self.here / "set.npy.partial").exists())
        self.dataset("a.csv", "--preset", "jkx", "-o", "set.npy", "--resume")
        self.assertFalse((self.here / "set.npy.partial").exists())

    def test_stats_and_progress(self):
        self.synth("a.csv", 100)
        self.run_shell("dataset a.csv --preset jkx -o set.npy --stats stats.json --progress-fd 3 3>events.jsonl")
        self.assertEqual(json.loads((self.here / "stats.json").read_text())["images"], 81)
        events = [json.loads(line) for line in (self.here / "events.jsonl").read_text().splitlines()]
        self.assertEqual((events[-1]["event"], events[-1]["images"]), ("end", 81))

    def run_shell(self, line):
        self.assertEqual(subprocess.run(f"{BIN} {line} -q", shell=True, cwd=self.here, check=False).returncode, 0)

    def test_files_that_fail_do_not_stop_the_others(self):
        self.put("a.csv", candles(25))
        self.write("bad.csv", HEADER + "x,y\n")
        _, errors = self.dataset("missing.csv", "bad.csv", "a.csv", "--preset", "jkx", "-o", "set.npy", code=NO_INPUT)
        self.assertIn("missing.csv: can't open", errors)
        self.assertIn("bad.csv:", errors)
        self.assertEqual(self.npy("set.npy").shape[0], 6)
        _, windows, tail = self.lines()
        self.assertEqual([w["status"] for w in windows[:2]], ["failed", "failed"])
        self.assertEqual([w["image"] for w in windows[2:]], list(range(6)))
        self.assertEqual(tail["failed"], 2)

    def test_prices_that_a_log_scale_has_no_place_for(self):
        self.put("a.csv", candles(25))
        self.put("zero.csv", candles(25, zeros=(3,)))
        self.write("log.json", '{"scale": "log"}')
        args = ("--spec", "log.json", "--window", 5, "--size", "32x32", "-o", "set.npy")
        _, errors = self.dataset("zero.csv", "a.csv", *args, code=BAD_DATA)
        self.assertIn("zero.csv: the candle of 1970-01-04T00:00:00Z", errors)
        self.assertEqual(self.npy("set.npy").shape[0], 21)

    def test_no_image_at_all(self):
        self.put("short.csv", candles(19))
        self.put("flat.csv", candles(30, flat=range(30)))
        for args, says in (
                (("short.csv",), "no image: the FILE has fewer than the 20 bars of --window: use a smaller one"),
                (("short.csv", "short.csv"), "no image: every series has fewer than the 20 bars"),
                (("flat.csv", "short.csv"), "no image: none of 12 windows gives one (1 too few bars, 11 flat prices)")):
            self.fails(BAD_DATA, "dataset", *args, "--preset", "jkx", "--horizons", 1, "-o", "set.npy", says=says)
            self.assertEqual(list(self.here.glob("set*")), [])

    def test_memory_that_is_too_small_is_told(self):
        self.synth("a.csv", 3000)
        for args in (("--preset", "jkx", "--window", 60), ("--window", 40, "--size", "600x400", "--color", "rgb")):
            args = ("a.csv", *args, "--stride", 50, "-o", "set.npy")
            errors = self.fails(NO_MEMORY, "dataset", *args, "--host-mem", "100K", says="--host-mem 100K is too small")
            enough = int(errors.split("set it to ")[1].split()[0])
            self.dataset(*args, "--host-mem", enough)

    def test_no_file_fails_for_the_memory_of_those_before_it(self):
        text = self.synth("a.csv", 3000)
        for look in (("--window", 40, "--size", "64x64", "--stride", 20), ("--preset", "jkx", "--stride", 20)):
            args = (*look, "--threads", 2, "--backend", "cpu", "-q", "-o", "set.npy", "--host-mem")
            self.dataset("a.csv", "a.csv", *args, "1G")
            both = self.npy("set.npy").body
            too_small, enough = 100_000, 16_000_000
            while enough - too_small > 500:
                middle = (too_small + enough) // 2
                done = self.start(("dataset", "a.csv", *args, middle), stderr=subprocess.DEVNULL)
                too_small, enough = (too_small, middle) if done.returncode == 0 else (middle, enough)
            for budget in (enough, enough + 5000, enough * 5 // 4):
                for second in ("a.csv", "-"):
                    self.dataset("a.csv", second, *args, budget, input=text.encode())
                    self.assertEqual(self.npy("set.npy").body, both, (budget, second))

    def test_wrong_use(self):
        self.synth("a.csv", 30)
        (self.here / "folder.npy").mkdir()
        self.write("window.json", '{"window": 5}')
        self.write("title.json", '{"title": "{symbol}"}')
        self.write("key.json", '{"sizze": "64x64"}')
        (self.here / "array.npy").write_text((self.here / "a.csv").read_text())
        jkx_, chart = ("a.csv", "--preset", "jkx"), ("a.csv", "--window", 5, "-o", "set.npy")
        cases = (
            (USAGE, jkx_, "--output OUT is missing: name a file that ends in .npy, .dat or .tar"),
            (USAGE, (*jkx_, "-o", "set"), ".npy, an array; .dat, bare numbers; or .tar, tar shards"),
            (USAGE, (*jkx_, "-o", "-"), "images can't go to standard output"),
            (USAGE, (*jkx_, "-o", ".npy"), "a name must stand before .npy"),
            (USAGE, ("array.npy", "--preset", "jkx", "-o", "array.npy"), "would replace the FILE array.npy"),
            (CANT_CREATE, (*jkx_, "-o", "folder.npy"), "a folder has this name"),
            (CANT_CREATE, (*jkx_, "-o", "no/set.npy"), "no/set.npy: can't write"),
            (USAGE, ("a.csv", "-o", "set.npy"), "--window is missing"),
            (USAGE, (*jkx_, "-o", "set.npy", "--window", 30), "images of --preset jkx have 5, 20 or 60 bars"),
            (USAGE, (*chart, "--theme", "light"), "dataset has no option --theme, but render has; did you mean --spec?"),
            (USAGE, (*chart, "--mav", 10), "dataset has no option --mav, but render has; did you mean --spec?"),
            (USAGE, (*jkx_, "-o", "set.npy", "--size", "64x64"), "--size is for charts"),
            (USAGE, (*jkx_, "-o", "set.npy", "--spec", "key.json"), "--spec is for charts"),
            (USAGE, (*jkx_, "-o", "set.npy", "--last", "--stride", 2), "--last and --stride exclude each other"),
            (USAGE, (*jkx_, "-o", "set.npy", "--labelled"), "--labelled needs --horizons"),
            (USAGE, (*jkx_, "-o", "set.npy", "--horizons", "5,20,5"), "--horizons has 5 twice"),
            (USAGE, (*jkx_, "-o", "set.npy", "--per-tar", 5), "--per-tar is for a .tar"),
            (USAGE, (*jkx_, "-o", "set.npy", "--member", "npy"), "--member is for a .tar"),
            (USAGE, (*jkx_, "-o", "set.tar", "--type", "f32"), "add --member npy"),
            (USAGE, (*jkx_, "-o", "set.npy", "--from", "2020-02-01", "--to", "2020-01-01"), "must lie before --to"),
            (USAGE, (*jkx_, "-o", "set.npy", "--from", "2020-01-01", "--columns", "time=none"), "--from needs times"),
            (USAGE, (*jkx_, "-", "-", "-o", "set.npy"), "give - once"),
            (USAGE, (*jkx_, "-o", "set.npy", "-v", "-q"), "--verbose and --quiet exclude each other"),
            (USAGE, (*jkx_, "-o", "set.npy", "--device", "0"), "--device needs --backend"),
            (USAGE, (*jkx_, "-o", "set.npy", "--backend", "opencl", "--device", "all"), "start a --shard on each"),
            (USAGE, (*jkx_, "-o", "set.npy", "--stats", "set.npy"), "name the same file"),
            (USAGE, (*jkx_, "-o", "set.npy", "--stats", "set.manifest.jsonl"), "has the name of the manifest"),
            (USAGE, (*jkx_, "-o", "set.npy", "--shard", "3/2"), "--shard"),
            (USAGE, (*jkx_, "-o", "set.npy", "-q", "--progress", "on"), "try 'tallow dataset --help'"),
            (BAD_DATA, (*chart, "--spec", "window.json"), "window.json:1:12: window is no part of how an image looks"),
            (BAD_DATA, (*chart, "--spec", "title.json"), "title.json:1:11: a title that differs from image to image"),
            (BAD_DATA, (*chart, "--spec", "key.json"), "did you mean size?"),
            (BAD_DATA, (*jkx_, "--from", "2031-01-01", "-o", "set.npy"), "change --from or --to"),
        )
        before = sorted(p.name for p in self.here.iterdir())
        for code, args, says in cases:
            self.fails(code, "dataset", *args, says=says)
            self.assertEqual(sorted(p.name for p in self.here.iterdir()), before, args)


if __name__ == "__main__":
    unittest.main(verbosity=1)
