"""Where charts have their candles, wicks, volume bars and averages, against mplfinance.

data/mplfinance_golden.json has where mplfinance puts them, once, with its version; that is compared always. Where it
can be imported it is asked again, for further series and sizes:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install mplfinance six
    TALLOW_GOLDEN_PYTHON=/tmp/golden/bin/python ctest -R mplfinance

    TALLOW_BUILD=BUILD /tmp/golden/bin/python tests/test_mplfinance.py --write      makes the file anew

Both get the same plot: mplfinance's axes are laid on the rectangles of tlw_chart_layout_of, its limits are those that
Tallow's rules have. A candle has a slot, so that x runs from -1/2 to N - 1/2. The greatest price is at the middle of
its row, the least at the middle of its, so that y goes beyond them by the pad and half a row. Volumes begin at 0 and
end at the greatest. Edges of mplfinance are those of its collections and patches, moved into pixels of the display by
its own transform, before anything is rounded or anti-aliased; edges of Tallow are those of pixels of the drawn
raster. They are compared one by one and lie within a pixel.

Widths are given, not compared. mplfinance's bodies have 0.65 of a slot (30 candles or fewer) to 0.415 (240 or more),
its wicks 1 to 0.435 points, its volume bars 0.98 to 0.825 of a slot; Tallow's bodies and bars have 4/5, in an odd
number of pixels. Here mplfinance gets Tallow's widths (update_width_config), so that each edge must be where Tallow's
is: the centre is what decides. A wick that is as wide as the body has no edges of its own, and the body has no ends.

Averages: mplfinance's are polylines; the middle of what Tallow draws in a column, weighted by its levels, lies within
a pixel of that.

Environment: TALLOW_BUILD, a build with the shared library; TALLOW_GOLDEN_PYTHON, an interpreter with mplfinance.
"""

import ctypes
import itertools
import json
import math
import os
import random
import subprocess
import sys
import unittest
from pathlib import Path

from tallow_ctypes import NO_LIBRARY, Candles, ChartLayout, ChartOptions, Engine, Raster, library_of

DATA = Path(__file__).parent / "data" / "mplfinance_golden.json"
MARGINS = {"left": 10, "top": 30, "right": 60, "bottom": 30}  # given, so that the rules for text may change
AVERAGES = (5, 20)
UNIT = 100  # parts of a pixel, in which edges are counted: of the file, and of all that is compared
EDGES = ("left", "right", "top", "bottom", "high", "low", "wick_left", "wick_right")
VOLUME_EDGES = ("bar_left", "bar_right", "bar_top", "bar_bottom")
PRICES = ("open", "high", "low", "close", "volume")
CANDLES, LINES = 2, 5  # where inks of candles and of lines begin


def make_series(rows, seed):
    rng = random.Random(seed)
    series, price = {name: [] for name in PRICES}, 100.0
    for _ in range(rows):
        close = round(price + rng.uniform(-1.5, 1.5), 2)
        series["open"].append(price)
        series["close"].append(close)
        series["high"].append(round(max(price, close) + rng.uniform(0, 0.9), 2))
        series["low"].append(round(min(price, close) - rng.uniform(0, 0.9), 2))
        series["volume"].append(float(rng.randint(1, 100000)))
        price = round(close + rng.choice((0.0, 0.0, rng.uniform(-0.3, 0.3))), 2)
    return series


# ---- Tallow ----


class Tallow(Engine):
    def options_of(self, case, n_lines):
        options = self.new(ChartOptions)
        options.width, options.height = case["size"]
        options.volume, options.n_lines = int(case["volume"]), n_lines
        for side, margin in MARGINS.items():
            setattr(options, "margin_" + side, margin)
        return options

    def layout_of(self, case):
        layout = ChartLayout()
        self.call("chart_layout_of", self.options_of(case, 0), layout)
        return {name: getattr(layout, name) for name, _ in ChartLayout._fields_}

    def draw(self, series, case, lines=()):
        """The raster, with these columns as lines."""
        candles, rows = self.new(Candles), len(series["close"])
        drawn = [(ctypes.c_double * rows)(*line) for line in lines]
        for name in PRICES:
            setattr(candles, name, (ctypes.c_double * rows)(*series[name]))
        pointers = (ctypes.c_void_p * len(drawn))(*(ctypes.addressof(line) for line in drawn))
        candles.n_rows, candles.n_lines = rows, len(drawn)
        candles.lines = ctypes.addressof(pointers) if drawn else None
        width, height = case["size"]
        pixels = ctypes.create_string_buffer(width * height)
        raster = Raster(ctypes.addressof(pixels), width * height, width, width * height)
        options = self.options_of(case, len(drawn))
        self.call("chart_render", self.engine, candles, options, raster)
        return pixels.raw


def load():
    return Tallow(library_of(os.environ["TALLOW_BUILD"]))


def widths_of(case, rows):
    """Pixels of a body and of a wick."""
    slot = case["layout"]["plot_width"] // rows
    body = max(1, min(4 * slot // 5, case["layout"]["plot_width"] // 10))
    body -= 1 - body % 2
    wick = max(1, body // 12)
    return body, wick - 1 + wick % 2


def average_of(closes, window):
    begun = [math.fsum(closes[i + 1 - window : i + 1]) / window for i in range(window - 1, len(closes))]
    return [math.nan] * min(window - 1, len(closes)) + begun


# ---- edges in a raster ----


class Panel:
    """Columns of a part of a raster, a byte a pixel: not 0 where there is candle or bar."""

    INK = bytes(CANDLES) + b"\1\1" + bytes(252)

    def __init__(self, pixels, case, part):
        width, layout = case["size"][0], case["layout"]
        self.x, self.y = layout["plot_x"], layout[part + "_y"]
        begin, end = self.y * width + self.x, (self.y + layout[part + "_height"]) * width
        mask = pixels.translate(self.INK)
        self.columns = [mask[begin + i : end : width] for i in range(layout["plot_width"])]

    def runs(self):
        """First column and the one behind the last of what stands together."""
        inked = [any(column) for column in self.columns] + [False]
        found, begin = [], None
        for i, ink in enumerate(inked):
            if ink and begin is None:
                begin = i
            if not ink and begin is not None:
                found.append((begin, i))
                begin = None
        return found

    def marks(self, rows):
        """The runs, or, of slots of one pixel, the columns."""
        runs = self.runs()
        if len(runs) != rows:
            runs = [(i, i + 1) for begin, end in runs for i in range(begin, end)]
        if len(runs) != rows:
            raise AssertionError(f"{len(runs)} candles are drawn, not {rows}")
        return runs

    def rows_of(self, i):
        """First row of a column's ink and the one behind the last."""
        column = self.columns[i]
        begin, end = column.index(1), column.rindex(1) + 1
        if column.count(1) != end - begin:
            raise AssertionError(f"column {i} of the plot has a hole")
        return begin, end

    def beside(self, middle, row):
        """The columns of the ink that a pixel belongs to."""
        begin = end = middle
        while begin > 0 and self.columns[begin - 1][row]:
            begin -= 1
        while end < len(self.columns) and self.columns[end][row]:
            end += 1
        return begin, end


def edges_of_candle(panel, begin, end):
    found = dict.fromkeys(EDGES)
    found["left"], found["right"] = begin, end
    found["high"], found["low"] = panel.rows_of((begin + end) // 2)
    if end - begin > 1:
        found["top"], found["bottom"] = panel.rows_of(begin)
        for row in (found["high"], found["low"] - 1):
            if not found["top"] <= row < found["bottom"]:
                found["wick_left"], found["wick_right"] = panel.beside((begin + end) // 2, row)
    across = ("left", "right", "wick_left", "wick_right")
    for name in found:
        if found[name] is not None:
            found[name] = (found[name] + (panel.x if name in across else panel.y)) * UNIT
    return found


def edges_of_bar(panel, begin, end):
    top, bottom = panel.rows_of(begin)
    numbers = (begin + panel.x, end + panel.x, top + panel.y, bottom + panel.y)
    return dict(zip(VOLUME_EDGES, (number * UNIT for number in numbers)))


def edges_of_raster(pixels, case, rows):
    """By name, a number or None a candle."""
    panel = Panel(pixels, case, "price")
    found = [edges_of_candle(panel, *mark) for mark in panel.marks(rows)]
    if case["volume"]:
        panel = Panel(pixels, case, "volume")
        for candle, mark in zip(found, panel.marks(rows)):
            candle.update(edges_of_bar(panel, *mark))
    return {name: [candle[name] for candle in found] for name in found[0]}


def middles_of_line(pixels, case):
    """The middle of a line in each column of the plot; None where there is none."""
    width, layout = case["size"][0], case["layout"]
    begin, end = layout["price_y"] * width, (layout["price_y"] + layout["price_height"]) * width
    found = []
    for x in range(layout["plot_x"], layout["plot_x"] + layout["plot_width"]):
        column = pixels[begin + x : end : width]
        weights = {row: ink - LINES + 1 for row, ink in enumerate(column) if ink >= LINES}
        whole = sum(weights.values())
        middle = sum((row + 0.5) * weight for row, weight in weights.items())
        found.append(layout["price_y"] + middle / whole if whole else None)
    return found


# ---- mplfinance ----


def limits_of(series, layout):
    """Of x, of prices and of volumes."""
    rows, height = len(series["close"]), layout["price_height"]
    high, low, pad = max(series["high"]), min(series["low"]), height // 20
    beyond = (high - low) / (height - 2 * pad - 1) * (pad + 0.5)
    return (-0.5, rows - 0.5), (low - beyond, high + beyond), (0, max(series["volume"]))


def plot(series, case):
    """A figure of mplfinance whose axes are the panels of the case; the axes of prices and of volumes."""
    import matplotlib

    matplotlib.use("Agg")
    import mplfinance
    import pandas

    (width, height), layout, rows = case["size"], case["layout"], len(series["close"])
    body, wick = widths_of(case, rows)
    x, y, volumes = limits_of(series, layout)
    dpi = 100
    frame = pandas.DataFrame({name.capitalize(): series[name] for name in PRICES})
    frame.index = pandas.date_range("2024-01-01", periods=rows, freq="D")
    slots, points = body * rows / layout["plot_width"], 72 / dpi
    figure, axes = mplfinance.plot(
        frame,
        type="candle",
        volume=case["volume"],
        **({"mav": case["averages"]} if case["averages"] else {}),
        figsize=(width / dpi, height / dpi),
        xlim=x,
        ylim=y,
        **({"volume_ylim": volumes} if case["volume"] else {}),
        update_width_config={"candle_width": slots, "volume_width": slots, "candle_linewidth": wick * points},
        warn_too_much_data=sys.maxsize,
        returnfig=True,
    )
    figure.set_dpi(dpi)
    parts = {"price": axes[0], **({"volume": axes[2]} if case["volume"] else {})}
    for part, of in parts.items():
        top, tall = layout[part + "_y"], layout[part + "_height"]
        left, wide = layout["plot_x"] / width, layout["plot_width"] / width
        of.set_position([left, 1 - (top + tall) / height, wide, tall / height])
        of.set_xlim(x)
    return figure, parts


def boxes(figure, axes, shapes):
    """Left, right, top and bottom of shapes of data, in pixels from the top left."""
    height = figure.get_figheight() * figure.dpi
    for shape in shapes:
        points = axes.transData.transform(shape)
        x, y = points[:, 0], height - points[:, 1]
        yield x.min(), x.max(), y.min(), y.max()


def edges_of_mplfinance(figure, parts, rows):
    axes = parts["price"]
    wicks, bodies = axes.collections
    reach = wicks.get_linewidths()[0] / 72 * figure.dpi / 2
    bodies = list(boxes(figure, axes, (path.vertices for path in bodies.get_paths())))
    wicks = list(boxes(figure, axes, wicks.get_segments()))
    found = {name: [] for name in EDGES}
    for body, below, above in zip(bodies, wicks[:rows], wicks[rows:]):
        numbers = (*body, above[2], below[3], above[0] - reach, above[1] + reach)
        for name, number in zip(EDGES, numbers):
            found[name].append(number)
    if "volume" in parts:
        bars = boxes(figure, parts["volume"], (bar.get_corners() for bar in parts["volume"].patches))
        found.update(zip(VOLUME_EDGES, zip(*bars)))
    return {name: [round(float(number) * UNIT) for number in numbers] for name, numbers in found.items()}


def polylines_of_mplfinance(figure, axes):
    height = figure.get_figheight() * figure.dpi
    for line in axes.lines:
        points = axes.transData.transform(line.get_xydata())
        yield [[round(float(x) * UNIT), round(float(height - y) * UNIT)] for x, y in points if not math.isnan(y)]


def ask(series, case):
    """The case with what mplfinance makes of it."""
    import matplotlib.pyplot

    figure, parts = plot(series, case)
    lines = list(polylines_of_mplfinance(figure, parts["price"]))
    edges = edges_of_mplfinance(figure, parts, len(series["close"]))
    matplotlib.pyplot.close(figure)
    return {**case, "edges": edges, "lines": lines}


def cases_of(tallow, counts, sizes):
    for rows in counts:
        for size in sizes:
            for volume in (True, False):
                averages = [window for window in AVERAGES if window < rows and volume]
                case = {"rows": rows, "size": list(size), "volume": volume, "averages": averages}
                yield {**case, "layout": tallow.layout_of(case)}


def versions():
    import matplotlib
    import mplfinance

    return {library.__name__: library.__version__ for library in (mplfinance, matplotlib)}


def write():
    tallow = load()
    series = {rows: make_series(rows, rows) for rows in (5, 30, 100, 300)}
    cases = [ask(series[case["rows"]], case) for case in cases_of(tallow, series, ((400, 300), (1920, 1080)))]
    tallow.close()
    columns = [f'  "{rows}": ' + json.dumps(column, separators=(",", ":")) for rows, column in series.items()]
    lines = [json.dumps(case, separators=(",", ":")) for case in cases]
    DATA.write_text(
        f'{{\n "made_with": {json.dumps(versions())},\n "series": {{\n'
        + ",\n".join(columns)
        + '\n },\n "cases": [\n  '
        + ",\n  ".join(lines)
        + "\n ]\n}\n"
    )


# ---- comparing ----


def name_of(case):
    return f"{case['rows']} candles, {case['size'][0]} x {case['size'][1]}, volume {case['volume']}"


def compare_edges(case, got):
    """How many edges were compared, by name, how far they are off at most, and what is wrong."""
    counts, farthest, wrong = {}, 0, []
    for name, theirs in case["edges"].items():
        pairs = [(i, a, b) for i, (a, b) in enumerate(zip(got[name], theirs)) if a is not None]
        counts[name] = len(pairs)
        off = [(i, a, b) for i, a, b in pairs if abs(a - b) > UNIT]
        farthest = max([farthest, *(abs(a - b) for _, a, b in pairs)])
        if off:
            i, a, b = off[0]
            wrong.append(f"{name_of(case)}: {len(off)} of {name}: of candle {i} {a / UNIT}, there {b / UNIT}")
    return counts, farthest, wrong


def distance(x, y, line):
    """From a point to the part of a polyline that is near in x."""
    least = math.inf
    for (x0, y0), (x1, y1) in itertools.pairwise(line):
        if x1 < x - 2 * UNIT or x0 > x + 2 * UNIT:
            continue
        dx, dy = x1 - x0, y1 - y0
        along = min(1, max(0, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)))
        least = min(least, math.hypot(x0 + along * dx - x, y0 + along * dy - y))
    return least


def compare_line(case, window, middles, line):
    """How many columns were compared, how far they are off at most, and what is wrong."""
    first, last = line[0][0] // UNIT, line[-1][0] // UNIT
    count, farthest, wrong = 0, 0, []
    for i, middle in enumerate(middles):
        column, there = case["layout"]["plot_x"] + i, f"{name_of(case)}: average of {window}, column {i}"
        if middle is None:
            if first < column < last:
                wrong.append(f"{there}: no line")
            continue
        off = distance((column + 0.5) * UNIT, middle * UNIT, line)
        count, farthest = count + 1, max(farthest, off)
        if off > UNIT:
            wrong.append(f"{there}: {off / UNIT} pixels off")
    return count, farthest, wrong[:1]


class Tally:
    def __init__(self):
        self.edges, self.columns, self.farthest, self.wrong = {}, 0, 0, []

    def add_edges(self, counts, farthest, wrong):
        for name, count in counts.items():
            self.edges[name] = self.edges.get(name, 0) + count
        self.farthest, self.wrong = max(self.farthest, farthest), self.wrong + wrong

    def add_line(self, count, farthest, wrong):
        self.columns += count
        self.farthest, self.wrong = max(self.farthest, farthest), self.wrong + wrong

    def __str__(self):
        return (
            f"{sum(self.edges.values())} edges and {self.columns} columns of averages, "
            f"{self.farthest / UNIT:.2f} pixels off at most"
        )


def compare(tallow, series, case, tally):
    pixels = tallow.draw(series, case)
    tally.add_edges(*compare_edges(case, edges_of_raster(pixels, case, case["rows"])))
    for window, line in zip(case["averages"], case["lines"], strict=True):
        drawn = tallow.draw(series, case, [average_of(series["close"], window)])
        tally.add_line(*compare_line(case, window, middles_of_line(drawn, case), line))


class Positions(unittest.TestCase):
    def setUp(self):
        self.tallow = load()
        self.file = json.loads(DATA.read_text())

    def tearDown(self):
        self.tallow.close()

    def test_edges_of_the_file(self):
        tally = Tally()
        for case in self.file["cases"]:
            layout = self.tallow.layout_of(case)
            self.assertEqual(layout, case["layout"], f"{name_of(case)}: plots have moved, make the file anew")
            compare(self.tallow, self.file["series"][str(case["rows"])], case, tally)
        self.assertEqual(tally.wrong, [])
        self.assertEqual({name for name, count in tally.edges.items() if count < 200}, set())
        self.assertGreater(tally.columns, 3000)
        print(f"{tally}: as committed, of", ", ".join(f"{k} {v}" for k, v in self.file["made_with"].items()))

    def test_that_two_pixels_would_be_seen(self):
        case = next(case for case in self.file["cases"] if case["rows"] == 30 and case["volume"])
        series, width, window = self.file["series"]["30"], case["size"][0], case["averages"][0]
        whole = self.tallow.draw(series, case)
        drawn = self.tallow.draw(series, case, [average_of(series["close"], window)])
        across = {"left", "right", "wick_left", "wick_right", "bar_left", "bar_right"}
        for moved, names in ((2, across), (-2, across), (-2 * width, {*EDGES, *VOLUME_EDGES} - across)):
            got = edges_of_raster(whole[-moved:] + whole[:-moved], case, case["rows"])
            _, _, wrong = compare_edges(case, got)
            self.assertEqual({name for name in names if any(f" of {name}: " in line for line in wrong)}, names)
            middles = middles_of_line(drawn[-moved:] + drawn[:-moved], case)
            _, _, wrong = compare_line(case, window, middles, case["lines"][0])
            self.assertTrue(wrong, moved)

    def test_edges_of_the_library(self):
        python = os.environ.get("TALLOW_GOLDEN_PYTHON", sys.executable)
        done = subprocess.run([python, __file__, "--library"], capture_output=True, text=True, check=False)
        if done.returncode == NO_LIBRARY:
            self.skipTest(f"{done.stdout.strip()}: see the head of {Path(__file__).name}")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        print(done.stdout.strip())


def compare_library():
    try:
        found = versions()
    except ImportError as error:
        print(f"{sys.executable}: {error}")
        return NO_LIBRARY
    tallow, tally = load(), Tally()
    shapes = (((5, 30, 100, 300), ((400, 300), (800, 600), (1920, 1080))), ((1, 2, 1000), ((1920, 1080),)))
    for counts, sizes in shapes:
        for case in cases_of(tallow, counts, sizes):
            series = make_series(case["rows"], case["rows"] + 1)
            compare(tallow, series, ask(series, case), tally)
    tallow.close()
    told = f"{tally}: as computed, by " + ", ".join(f"{k} {v}" for k, v in found.items())
    print("\n".join([*tally.wrong, told]))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--library"]:
        sys.exit(compare_library())
    if sys.argv[1:] == ["--write"]:
        sys.exit(write())
    unittest.main(verbosity=2)
