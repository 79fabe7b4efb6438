"""tallow bars against a second implementation, bars_reference.py, line by line: every kind over real trades and over
generated ones, in all formats and packings, bars of bars, and several kinds from one read.

Environment: as for test_cli.py. Without the folder with real market data the tests that need it are skipped.
"""

import gzip
import itertools
import os
import random
import unittest
import zipfile

import bars_reference as reference
from test_cli import BIN, DATA, Case

BTC = DATA / "btcusdt_trades_20240808.csv.gz"
SPY = DATA / "spy_trades_20131008.csv.gz"
MINUTES = DATA / "btcperp_minute_202201.csv.gz"

WHOLE = ("open_time", "close_time", "trades", "agg_trades", "buy_trades", "sell_trades", "first_id", "last_id")
TURNOVERS = ("quote_volume", "buy_quote_volume", "sell_quote_volume")
PRICES = ("open", "high", "low", "close")
UNITS = ("ms", "mo", "s", "m", "h", "d", "w")  # as --time has them; those of two letters first


def text_of(number, digits):
    """A number of 10^-digits as exact decimal text, without zeros at its end."""
    sign, text = ("-" if number < 0 else ""), str(abs(number)).rjust(digits + 1, "0")
    whole, fraction = text[: len(text) - digits], text[len(text) - digits :].rstrip("0")
    return sign + whole + ("." + fraction if fraction else "")


def columns_of(reader):
    """Those of a table without --fields: all that the file has the data for."""
    names = ["open_time", "close_time", *PRICES, "volume"]
    if reader.has_quote:
        names += ["quote_volume", "vwap"]
    names += ["trades"] if not reader.are_bars or "count" in reader.at else []
    names += ["agg_trades"]
    if reader.has_sides:
        names += ["buy_volume", "sell_volume", "buy_quote_volume", "sell_quote_volume", "buy_trades", "sell_trades"]
    return names + (["first_id", "last_id"] if reader.has_ids else [])


def line_of(bar, names, partial):
    fields = []
    for name in names:
        if (bar.is_empty and name in ("first_id", "last_id")) or (not bar.has_prices and name in (*PRICES, "vwap")):
            fields.append("")
        else:
            digits = 0 if name in WHOLE else 16 if name in TURNOVERS else 8
            fields.append(text_of(getattr(bar, name), digits))
    return ",".join([*fields, str(int(partial))])


def table_of(reader, rows, kind):
    """The whole table with --partial, as text."""
    bars, forming = reference.bars_of(rows, kind)
    names = columns_of(reader)
    lines = [",".join([*names, "partial"])] + [line_of(bar, names, False) for bar in bars]
    if forming:
        lines.append(line_of(forming, names, True))
    return "\n".join(lines) + "\n"


def interval(text):
    unit = next(u for u in UNITS if text.endswith(u))
    return int(text[: -len(unit)]), unit


def kind_of(name, size, reader, options):
    """The reference's kind for --name=size with further options."""
    if name == "time":
        count, unit = interval(size)
        offset = options.get("offset", "0s")
        seconds = int(offset[:-1]) * reference.Time.SECONDS[offset[-1]]
        empty = options.get("empty", "none")
        return reference.Time(count, unit, reader.per_second, options.get("zone"), seconds, empty)
    if name == "tick":
        return reference.Tick(int(size))
    if name == "range":
        return reference.Range(int(size), "no-gate" not in options)
    if name == "renko":
        return reference.Renko(reference.decimal(size))
    return reference.Amount(reference.decimal(size), name == "value", "split" in options)


def arguments(sizes, options):
    """sizes: by kind, a list of them; options: by name, True for a flag."""
    of_sizes = [f"--{name}={','.join(texts)}" for name, texts in sizes.items()]
    return of_sizes + [f"--{name}" if value is True else f"--{name}={value}" for name, value in options.items()]


class Golden(Case):
    def setUp(self):
        super().setUp()
        self.count = 0

    def need(self, path):
        if not path.exists():
            self.skipTest(f"{path} is not there: set TALLOW_DATA")
        return path

    def compare(self, path, sizes, *more, **options):
        """All kinds in one run, from one read."""
        options = {name.replace("_", "-"): value for name, value in options.items()}
        reader = reference.Reader(path, options.get("decimals") == "round")
        rows = list(reader)
        out = self.here / f"out{self.count}"
        self.count += 1
        out.mkdir()
        _, errors = self.run_tallow("bars", path, *arguments(sizes, options), *more, "--partial", "-o", f"{out}/")
        self.assertEqual(errors if "decimals" not in options else "", "")
        for name, texts in sizes.items():
            for size in texts:
                got = (out / f"{name}-{size}.csv").read_text()
                wanted = table_of(reader, rows, kind_of(name, size, reader, options))
                self.agree(got, wanted, f"{path} --{name}={size} {options}")
        return out

    def agree(self, got, wanted, what):
        if got == wanted:
            return
        for number, (a, b) in enumerate(itertools.zip_longest(got.splitlines(), wanted.splitlines()), 1):
            self.assertEqual(a, b, f"{what}, line {number}")
        self.fail(f"{what}: line ends differ")


class RealTrades(Golden):
    def test_bitcoin(self):
        path = self.need(BTC)
        self.compare(path, {"time": ["250ms", "1s", "1m", "15m", "2h", "1d", "1w", "3mo"], "range": ["1", "10"],
                            "tick": ["1", "7", "100", "50000"], "volume": ["0.5", "12.5"]})
        self.compare(path, {"value": ["25000", "250000.5"], "renko": ["1.5", "5", "50"], "range": ["3", "20"],
                            "volume": ["0.7", "30"]}, split=True, no_gate=True)
        self.compare(path, {"time": ["1s", "5m"]}, empty="flat", zone="Asia/Kathmandu", offset="7s")
        self.compare(path, {"time": ["777ms"]}, empty="null")
        self.compare(path, {"value": ["1000"]})

    def test_spy(self):
        path = self.need(SPY)
        sizes = {"time": ["1m"], "tick": ["1000"], "value": ["12345678.9"], "range": ["25"], "renko": ["0.05"]}
        self.compare(path, sizes, zone="America/New_York", empty="flat", split=True)

    def test_minutes(self):
        """Bars of bars: of a file, and of what the command itself wrote."""
        path = self.need(MINUTES)
        self.compare(path, {"time": ["5m", "1h", "1d", "1mo"], "tick": ["10"]}, zone="Europe/Berlin", empty="null",
                     decimals="round")

    def test_bars_of_bars(self):
        path = self.need(BTC)
        self.run_tallow("bars", path, "--time=5s", "-o", "seconds.csv")
        out = self.compare(self.here / "seconds.csv", {"time": ["1m", "1h"], "tick": ["3"]})
        reader = reference.Reader(path)
        names = ["open_time", "close_time", *PRICES, "volume", "quote_volume", "vwap", "trades"]
        bars, forming = reference.bars_of(list(reader), kind_of("time", "1m", reader, {}))
        head, *lines = (out / "time-1m.csv").read_text().splitlines()
        places = [head.split(",").index(name) for name in names]
        got = [",".join(line.split(",")[i] for i in places) for line in lines[: len(bars)]]
        self.assertEqual(got, [line_of(bar, names, False)[:-2] for bar in bars])
        self.assertGreater(len(bars), 3)
        self.assertIsNotNone(forming)

    def test_empty_bars_again(self):
        """What stands for intervals without trades makes no difference to longer bars."""
        path = self.need(BTC)
        tables = {}
        names = "open_time,open,high,low,close,volume,quote_volume,trades"
        for empty in ("none", "flat"):
            self.run_tallow("bars", path, "--time=250ms", f"--empty={empty}", "-f", names, "-o", f"{empty}.csv")
            tables[empty] = self.run_tallow("bars", f"{empty}.csv", "--time=1m", "-f", names)[0]
        self.assertNotEqual((self.here / "none.csv").read_bytes(), (self.here / "flat.csv").read_bytes())
        self.assertEqual(tables["none"], tables["flat"])


def made_up(rng, n, unit, hostile):
    """Rows of aggregated trades: id, price, quantity, first and last id, time, whether the buyer was the maker."""
    time = 1_700_000_000 * {"s": 1, "ms": 10**3, "us": 10**6}[unit]
    second = time // 1_700_000_000
    number, trade = rng.randrange(10**12), rng.randrange(10**12)
    price = rng.choice((1, 5 * 10**3, 10**10, 9 * 10**18))
    step = max(1, price // rng.choice((10, 1000, 10**5)))
    for _ in range(n):
        time += rng.choice((0, 0, 0, 1, second // 10 + 1, 60 * second)) if rng.random() > 0.01 else rng.randrange(
            5 * 86400 * second)
        price += rng.randrange(-step, step + 1) * (1000 if hostile and rng.random() < 0.01 else 1)
        price = min(max(price, 1), 2**63 - 1)
        most = rng.choice((1, 10**8, 10**13, 2**63 - 1 if hostile and price < 10**12 else 10**10))
        last = trade + rng.choice((0, 0, 1, 7, 10**4))
        yield number, price, rng.randrange(1, most + 1), trade, last, time, rng.random() < 0.5
        number, trade = number + rng.choice((1, 1, 1, 5, 10**6)), last + 1 + rng.choice((0, 0, 3))


HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"


class MadeUpTrades(Golden):
    def write_trades(self, name, rows, header=True, spaced=False):
        digits = (8, 8) if spaced else (0, 0)
        lines = [HEADER] if header else []
        for number, price, quantity, first, last, time, maker in rows:
            price, quantity = (self.padded(text_of(x, 8), d) for x, d in zip((price, quantity), digits))
            lines.append(f"{number},{price},{quantity},{first},{last},{time},{str(maker).lower()}"
                         f"{'' if header else ',true'}\n")
        return self.pack(name, "".join(lines))

    @staticmethod
    def padded(text, digits):
        """With so many decimals, zeros at the end."""
        if not digits:
            return text
        whole, _, fraction = text.partition(".")
        return f"{whole}.{fraction.ljust(digits, '0')}"

    def pack(self, name, text):
        path = self.here / name
        if name.endswith(".gz"):
            path.write_bytes(gzip.compress(text.encode(), mtime=0))
        elif name.endswith(".zip"):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("trades.csv", text)
        else:
            path.write_text(text)
        return path

    def sizes(self, rng, rows):
        """One of each kind, from about no bar to some bars a row."""
        n = len(rows)
        volume, value = sum(r[2] for r in rows), sum(r[1] * r[2] for r in rows) // 10**8
        path = sum(abs(b[1] - a[1]) for a, b in zip(rows, rows[1:]))
        part = lambda total: text_of(min(max(total // rng.randrange(1, 2 * n), 1), 2**63 - 1), 8)
        sizes = {"tick": [str(rng.randrange(1, n))], "volume": [part(volume)], "renko": [part(path)],
                 "range": [str(rng.choice((1, 10, 250, 5000, 2**31)))],
                 "time": [rng.choice(("1s", "1m", "5m", "1h", "1d", "1w", "1mo"))]}
        return {**sizes, "value": [part(value)]} if value < 2**63 * n else sizes

    def test_random_streams(self):
        names = ("a.csv", "b.csv.gz", "c.zip")
        zones = ("UTC", "America/New_York", "Australia/Lord_Howe", "America/Havana")
        for seed in range(int(os.environ.get("TALLOW_TEST_CASES", "12"))):
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                rows = list(made_up(rng, rng.randrange(2, 1500), rng.choice(("s", "ms", "us")), rng.random() < 0.5))
                path = self.write_trades(names[seed % 3], rows, rng.random() < 0.5, rng.random() < 0.5)
                options = {}
                if rng.random() < 0.5:
                    options["split"] = True
                if rng.random() < 0.5:
                    options["no_gate"] = True
                options["offset"] = rng.choice(("-1s", "90s", "5h"))
                self.compare(path, self.sizes(rng, rows), zone=rng.choice(zones), **options)

    def test_synth(self):
        self.run_tallow("synth", "trades", "--format", "aggtrades", "--rows", 20000, "--seed", 3, "-o", "t.csv")
        self.compare(self.here / "t.csv", {"time": ["1m"], "range": ["5"], "volume": ["50"], "tick": ["97"],
                                           "value": ["10000"], "renko": ["0.05"]}, "--threads=3", empty="flat")

    def test_several_files(self):
        """As one stream."""
        rng = random.Random(99)
        rows = list(made_up(rng, 900, "ms", False))
        whole = self.write_trades("whole.csv", rows)
        names = ("a.csv", "b.csv.gz", "c.zip")
        parts = [self.write_trades(name, rows[300 * i : 300 * i + 300]) for i, name in enumerate(names)]
        for kind in ("--range=100", "--tick=7", "--time=1h", "--volume=1000"):
            self.assertEqual(self.run_tallow("bars", *parts, kind)[0], self.run_tallow("bars", whole, kind)[0])


if __name__ == "__main__":
    if not BIN:
        raise SystemExit("TALLOW_BIN is not set")
    unittest.main(verbosity=2)
