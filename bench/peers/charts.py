"""Charts: a CSV file of candles in the page cache to a PNG file, with axes, labels, a grid and volume."""

import io
import sys

from cases import Case

WIDTH, HEIGHT, DPI = 1920, 1080, 100
CANDLES = (100, 1000, 10000)
USUAL = 1000
FILES = 8  # which take turns, as suite_files.c has them


def list_cases(_):
    cases = []
    for n in CANDLES:
        shared = ["charts", {"mplfinance": "Mplfinance"}, ["charts", n], 1, "charts", {}, n == USUAL]
        cases.append(Case(f"files/{HEIGHT}p/{n}/csv", *shared))
    command = ["render", "1.csv", "-o", "chart.png", "--size", f"{WIDTH}x{HEIGHT}", "--backend", "cpu", "--quiet"]
    cases.append(Case(f"command/render/{HEIGHT}p/{USUAL}", "charts", {"mplfinance": "Mplfinance"},
                      ["charts", USUAL], 1, "charts", {}, True, command))  # fmt: skip
    return cases


class Mplfinance:
    def __init__(self, surroundings):
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.image
        import matplotlib.pyplot
        import mplfinance
        import pandas

        self.matplotlib, self.mplfinance, self.pandas = matplotlib, mplfinance, pandas
        self.paths = [surroundings.path(f"{i}.csv") for i in range(1, FILES + 1)]
        self.calls, self.items = 0, 1
        self.by = "pandas.read_csv, plot, imsave"
        self.settings = f"{WIDTH} x {HEIGHT} with volume by Agg, PNG in memory, 1 thread"

    def call(self):
        frame = self.pandas.read_csv(self.paths[self.calls % FILES], index_col=0, parse_dates=True)
        self.calls += 1
        figure, _ = self.mplfinance.plot(
            frame,
            type="candle",
            volume=True,
            style="nightclouds",
            figsize=(WIDTH / DPI, HEIGHT / DPI),
            returnfig=True,
            warn_too_much_data=sys.maxsize,
        )
        figure.set_dpi(DPI)
        figure.canvas.draw()
        image = io.BytesIO()
        self.matplotlib.image.imsave(image, figure.canvas.buffer_rgba(), format="png")
        self.matplotlib.pyplot.close(figure)

    def check(self):
        return None, "not checked: another picture, anti-aliased"
