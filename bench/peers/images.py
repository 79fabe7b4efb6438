"""Images for models: windows of candles in memory, JKX, to bytes in memory."""

import os

from cases import Case

# By bars: height, and images of a call as suite_images.c has them.
WINDOWS = {5: (32, 8738), 20: (64, 1092), 60: (96, 242)}
ROWS, CHECKED_ROWS = 100_000, 500
INK = 255
COLUMNS = ("open", "high", "low", "close", "volume")


def list_cases(rows):
    cases = []
    for n, (_, images) in WINDOWS.items():
        items, peers = min(rows or images, images), {name: kind.__name__ for name, kind in PEERS.items()}
        inputs = ["series", ROWS, CHECKED_ROWS]
        cases.append(Case(f"images/jkx/{n}/u8", "images", peers, inputs, items, "images", {"n": n}, n == 20))
    return cases


class Peer:
    IMAGES = 100  # of a call

    def __init__(self, surroundings, n):
        import numpy as np

        self.np, self.surroundings, self.n, self.items = np, surroundings, n, self.IMAGES
        self.columns = {name: np.fromfile(surroundings.path(name + ".f64")) for name in COLUMNS}
        self.width, self.height = 3 * n, WINDOWS[n][0]
        self.volume_rows = self.height // 5
        self.price_rows = self.height - self.volume_rows - 1
        self.average = self.find_average()
        self.lasts = np.linspace(2 * n, ROWS - 1, self.IMAGES).astype(int).tolist()
        self.prepare()

    def find_average(self):
        """Of the closes, each sum from the oldest on."""
        n, close = self.n, self.columns["close"]
        total = self.np.zeros(len(close) - n + 1)
        for i in range(n):
            total += close[i : len(close) - n + 1 + i]
        return self.np.concatenate([self.np.zeros(n - 1), total / n])

    def heights(self, last):
        """Of prices, the average, if there is one, and volumes, as lists of whole numbers."""
        np, rows = self.np, slice(last - self.n + 1, last + 1)
        prices = [self.columns[name][rows] for name in COLUMNS[:4]]
        if rows.start >= self.n:
            prices.append(self.average[rows])
        prices = np.stack(prices)
        least, most = prices.min(), prices.max()
        heights = np.rint((prices - least) * ((self.price_rows - 1) / (most - least))).astype(int).tolist()
        volume = self.columns["volume"][rows]
        bars = np.maximum(np.rint(volume * (self.volume_rows / volume.max())), 1).astype(int).tolist()
        return heights[:4], heights[4] if len(heights) > 4 else None, bars

    def call(self):
        self.np.stack([self.one(last) for last in self.lasts])

    def check(self):
        """Every image of the first rows, bit by bit."""
        ours = self.ask_tallow()
        for i, image in enumerate(ours):
            if not self.np.array_equal(image, self.one(self.n - 1 + i)):
                return False, f"the image up to row {self.n - 1 + i} differs"
        return True, f"equal in {len(ours)} images"

    def ask_tallow(self):
        made = os.path.join(self.surroundings.scratch, "made.npy")
        options = ["--preset", "jkx", "--window", self.n, "--manifest", "off", "--backend", "cpu", "--quiet"]
        self.surroundings.run_tallow("dataset", self.surroundings.path("series.csv"), *options, "-o", made)
        images = self.np.load(made)[:, 0]
        os.unlink(made)
        return images


class Pillow(Peer):
    def prepare(self):
        import PIL.Image
        import PIL.ImageDraw

        self.image, self.canvas = PIL.Image, PIL.ImageDraw.Draw
        self.by, self.settings = "ImageDraw", "averages computed in advance, 1 thread"

    def one(self, last):
        """With row 0 at the bottom; turned over at the end."""
        prices, average, volume = self.heights(last)
        image, base = self.image.new("L", (self.width, self.height)), self.volume_rows + 1
        canvas = self.canvas(image)
        if average:
            canvas.line([(3 * i + 1, base + y) for i, y in enumerate(average)], fill=INK)
        for i, (first, high, low, close) in enumerate(zip(*prices)):
            x = 3 * i + 1
            canvas.line((x, base + low, x, base + high), fill=INK)
            canvas.point((x - 1, base + first, x, base + first, x + 1, base + close), fill=INK)
        for i, h in enumerate(volume):
            canvas.line((3 * i + 1, 0, 3 * i + 1, h - 1), fill=INK)
        return self.np.asarray(image.transpose(self.image.Transpose.FLIP_TOP_BOTTOM))


class Numpy(Peer):
    """By slices of an array, bar by bar, as published generators do."""

    def prepare(self):
        self.by, self.settings = "slices of an array, bar by bar", "averages computed in advance, 1 thread"

    def one(self, last):
        prices, average, volume = self.heights(last)
        image = self.np.zeros((self.height, self.width), dtype=self.np.uint8)
        panel = image[self.volume_rows + 1 :]
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


class Mplfinance(Peer):
    IMAGES = 4

    def prepare(self):
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot
        import mplfinance
        import pandas

        self.pyplot, self.mplfinance = matplotlib.pyplot, mplfinance
        times = pandas.date_range("2020-01-01", periods=ROWS, freq="min")
        self.frame = pandas.DataFrame(self.columns, index=times)
        self.by, self.settings = "plot", "candles, volume and an average at the same size by Agg, 1 thread"

    def call(self):
        for last in self.lasts:
            figure, _ = self.mplfinance.plot(
                self.frame.iloc[last - self.n + 1 : last + 1],
                type="candle",
                volume=True,
                mav=2,
                axisoff=True,
                figsize=(self.width / 100, self.height / 100),
                returnfig=True,
                columns=COLUMNS,
            )
            figure.set_dpi(100)
            figure.canvas.draw()
            self.np.asarray(figure.canvas.buffer_rgba())
            self.pyplot.close(figure)

    def check(self):
        return None, "not checked: another picture, anti-aliased"


PEERS = {"pillow": Pillow, "numpy": Numpy, "mplfinance": Mplfinance}
