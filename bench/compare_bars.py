#!/usr/bin/env python3
"""Times one-minute bars by polars, DuckDB and pandas beside Tallow's, taking turns in one run, and compares the bars.

Each makes open, high, low, close, volume and turnover of the same trades, with one thread; times are processor time. In
memory all read columns of 64-bit integers: milliseconds, and prices and quantities in hundred-millionths, and Tallow's
sink copies its bars. From a file each reads a CSV of aggregated trades in the page cache, Tallow by a process of its
command line, start included, which writes the bars too. Turnovers of the others are doubles, Tallow's exact. The exit
code is 1 where bars differ: times, prices or volumes at all, turnovers by more than 1e-9. Peers that are not installed
are left out. Needs a release build:

    cmake --preset release && cmake --build --preset release
    PYTHON bench/compare_bars.py --build build/release
"""

import argparse
import ctypes
import io
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))

from tallow_ctypes import INT64, BarsOptions, Engine, Trades, library_of  # noqa: E402

os.environ.update({"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"})  # before the peers are imported

try:
    import numpy as np
except ImportError:
    np = None

HOW_TO_INSTALL = """
Make an environment outside of the source tree for what is missing:

    python3 -m venv /tmp/bars-env
    /tmp/bars-env/bin/pip install pandas polars duckdb
    /tmp/bars-env/bin/python {script}"""

MINUTE = 60_000
ONE = 100_000_000
VOLUME_AND_QUOTE = 3
BAR_WORDS = 26  # of a tlw_bar, 8 bytes each
NAMES = ["time", "price", "quantity"]
COLUMNS = ["open_time", "open", "high", "low", "close", "volume", "quote_volume"]


# ---- trades ----


def make_trades(n_rows):
    """A walk with some 190 trades a minute, in cents."""
    noise = np.random.default_rng(1)
    times = 1_700_000_000_000 + np.cumsum(noise.integers(0, 632, n_rows, endpoint=True))
    cents = 6_180_000 + np.cumsum(noise.integers(-100, 100, n_rows, endpoint=True))
    prices = np.maximum(cents, 100) * (ONE // 100)
    quantities = noise.integers(1, 1000, n_rows, endpoint=True) * (ONE // 1000)
    return times.astype(np.int64), prices.astype(np.int64), quantities.astype(np.int64)


def write_csv(path, columns, n_rows):
    """As aggTrades of futures are."""
    with open(path, "w") as file:
        file.write("agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n")
        for begin in range(0, n_rows, 100_000):
            text = io.StringIO()
            for i, (when, price, quantity) in enumerate(
                zip(*(column[begin : min(begin + 100_000, n_rows)].tolist() for column in columns)), begin
            ):
                cents, thousandths = price * 100 // ONE, quantity * 1000 // ONE
                text.write(f"{i},{cents // 100}.{cents % 100:02},{thousandths // 1000}.{thousandths % 1000:03},")
                text.write(f"{i},{i},{when},{'true' if i & 1 else 'false'}\n")
            file.write(text.getvalue())


# ---- who makes bars: of columns in memory, of a file; each gives columns of numbers ----


class Tallow(Engine):
    def __init__(self, build):
        super().__init__(library_of(build).resolve())
        self.program = pathlib.Path(build) / "tools" / "tallow"
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, INT64, ctypes.c_void_p)
        self.sink = kind(self.take)

    def take(self, _, bars, n, __):
        if (self.n_bars + n) > len(self.bars):
            return -1
        ctypes.memmove(self.bars.ctypes.data + self.n_bars * BAR_WORDS * 8, bars, n * BAR_WORDS * 8)
        self.n_bars += n
        return 0

    def prepare(self, columns):
        self.trades = self.new(Trades)
        self.columns = columns
        self.trades.n_rows = len(columns[0])
        self.trades.time, self.trades.price, self.trades.quantity = (column.ctypes.data for column in columns)
        self.bars = np.zeros((len(columns[0]) // 2 + 1000, BAR_WORDS), dtype=np.uint64)

    def in_memory(self):
        options, handle = BarsOptions(), ctypes.c_void_p()
        self.library.tlw_bars_options_init(ctypes.byref(options), 0, INT64(1))
        self.checked("bars_options", options)
        options.fields = VOLUME_AND_QUOTE
        self.n_bars = 0
        self.call("bars_open", options, self.sink, None, None, ctypes.byref(handle))
        self.call("bars_push", handle, self.trades)
        self.library.tlw_bars_close(ctypes.byref(handle))

    def values(self):
        """Without the last minute, which is not over."""
        bars = self.bars[: self.n_bars]
        quote = (bars[:, 9].astype(float) * 2.0**64 + bars[:, 8].astype(float)) / ONE**2
        return [bars[:, 0], *(bars[:, k] for k in range(2, 6)), bars[:, 6], quote]

    def from_file(self, path):
        command = [self.program, "bars", path, "--time", "1m", "--fields", ",".join(COLUMNS), "-o", "-", "--quiet"]
        self.text = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout

    def file_values(self):
        table = np.array([row.split(b",") for row in self.text.splitlines()[1:]], dtype=float)
        return [table[:, 0], *(np.rint(table[:, k] * ONE) for k in range(1, 6)), table[:, 6]]


class Polars:
    def __init__(self):
        import polars

        self.pl = polars
        self.version = "polars " + polars.__version__

    def prepare(self, columns):
        self.frame = self.pl.DataFrame(dict(zip(NAMES, columns)))

    def bars(self, frame, unit):
        price, quantity = self.pl.col("price"), self.pl.col("quantity")
        return frame.group_by((self.pl.col("time") // MINUTE * MINUTE).alias("minute"), maintain_order=True).agg(
            price.first().alias("open"),
            price.max().alias("high"),
            price.min().alias("low"),
            price.last().alias("close"),
            quantity.sum().alias("volume"),
            (price.cast(self.pl.Float64) * quantity.cast(self.pl.Float64)).sum().alias("quote") / unit**2,
        )

    def in_memory(self):
        self.result = self.bars(self.frame.lazy().with_columns(self.pl.col("time").set_sorted()), ONE).collect()

    def values(self):
        return [self.result[name].to_numpy() for name in self.result.columns]

    def from_file(self, path):
        frame = self.pl.scan_csv(path).rename({"transact_time": "time"})
        self.bars(frame, 1).collect()


class DuckDB:
    QUERY = """select time // 60000 * 60000 as minute, arg_min(price, row) as open, max(price) as high,
      min(price) as low, arg_max(price, row) as close, sum(quantity) as volume,
      sum(price::double * quantity::double) / {unit} as quote from {source} group by minute order by minute"""

    def __init__(self):
        import duckdb

        self.version = "DuckDB " + duckdb.__version__
        self.base = duckdb.connect(config={"threads": 1})

    def prepare(self, columns):
        frame = {**dict(zip(NAMES, columns)), "row": np.arange(len(columns[0]))}
        self.base.register("numbers", frame)
        self.base.execute("create table trades as select * from numbers")

    def in_memory(self):
        self.result = self.base.execute(self.QUERY.format(source="trades", unit=float(ONE) ** 2)).fetchnumpy()

    def values(self):
        return [np.asarray(column) for column in self.result.values()]

    def from_file(self, path):
        source = f"(select transact_time as time, price, quantity, agg_trade_id as row from read_csv('{path}'))"
        self.base.execute(self.QUERY.format(source=source, unit=1)).fetchnumpy()


class Pandas:
    def __init__(self):
        import pandas

        self.pd = pandas
        self.version = "pandas " + pandas.__version__

    def prepare(self, columns):
        self.frame = self.pd.DataFrame(dict(zip(NAMES, columns)))

    def bars(self, frame, unit):
        quote = frame["price"].astype(float) * frame["quantity"].astype(float) / unit**2
        groups = frame.assign(quote=quote).groupby(frame["time"] // MINUTE * MINUTE)
        return groups.agg(
            open=("price", "first"),
            high=("price", "max"),
            low=("price", "min"),
            close=("price", "last"),
            volume=("quantity", "sum"),
            quote=("quote", "sum"),
        )

    def in_memory(self):
        self.result = self.bars(self.frame, ONE)

    def values(self):
        return [self.result.index.to_numpy(), *(self.result[name].to_numpy() for name in self.result.columns)]

    def from_file(self, path):
        names = ["transact_time", "price", "quantity"]
        frame = self.pd.read_csv(path, usecols=names).rename(columns={"transact_time": "time"})
        self.bars(frame, 1)


PEERS = {"polars": Polars, "DuckDB": DuckDB, "pandas": Pandas}


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


def spent():
    """Processor time of this process and of those that it waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def sample(run):
    start = spent()
    run()
    return spent() - start


def measure(works, rounds):
    """The least time of each, the first round, which fills caches, left out."""
    samples = {name: [] for name in works}
    names = list(works)
    for turn in range(rounds + 1):
        for i in range(len(names)):
            name = names[(turn + i) % len(names)]
            samples[name].append(sample(works[name]))
    return {name: min(times[1:]) for name, times in samples.items()}


def differs(ours, theirs):
    """What of the bars is not the same, or None. The last minute is not over in ours."""
    n = len(ours[0])
    for name, a, b in zip(COLUMNS, ours, theirs):
        if len(b) != n + 1:
            return f"{len(b)} bars in place of {n + 1}"
        a, b = np.asarray(a), np.asarray(b)[:n]
        good = np.abs(a - b) <= 1e-9 * a if name == "quote_volume" else a.astype(np.int64) == b.astype(np.int64)
        if not good.all():
            return f"{name} of bar {int(np.argmin(good))}: {b[np.argmin(good)]} in place of {a[np.argmin(good)]}"
    return None


def agrees_with_file(tallow, n_rows):
    """Whether the bars of the file are those of as many rows in memory."""
    tallow.prepare([column[:n_rows] for column in tallow.columns])
    tallow.in_memory()
    ours, theirs = tallow.values(), tallow.file_values()
    return len(ours[0]) == len(theirs[0]) and all(np.allclose(a, b, rtol=1e-9, atol=0) for a, b in zip(ours, theirs))


def report(times, amount, unit):
    for name, spent in times.items():
        print(f"{name:10} {spent * 1e3:10.1f} ms {amount / spent:10.2f} {unit} {spent / times['tallow']:8.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"), help="build folder")
    parser.add_argument("--rows", type=int, default=20_000_000, help="in memory")
    parser.add_argument("--file-rows", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if np is None:
        sys.exit("numpy is missing." + HOW_TO_INSTALL.format(script=sys.argv[0]))
    makers = {"tallow": Tallow(arguments.build), **find_peers()}
    print("; ".join(maker.version for maker in makers.values()))
    print(f"Best of {arguments.rounds} rounds, processor time, one thread each. /tallow: time over Tallow's.")
    columns = make_trades(arguments.rows)
    for maker in makers.values():
        maker.prepare(columns)
    print(f"\n{arguments.rows} trades in memory to 1-minute bars{'/tallow':>24}")
    times = measure({name: maker.in_memory for name, maker in makers.items()}, arguments.rounds)
    report(times, arguments.rows * 1e-6, "Mrows/s")
    ours, well = makers["tallow"].values(), True
    for name in [name for name in makers if name != "tallow"]:
        said = differs(ours, makers[name].values())
        well = well and said is None
        print(f"{name}: {said or 'the same bars'}")
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        path = os.path.join(folder, "trades.csv")
        write_csv(path, columns, min(arguments.file_rows, arguments.rows))
        print(f"\n{os.path.getsize(path) * 1e-6:.0f} MB of CSV in memory to 1-minute bars{'/tallow':>20}")
        works = {name: lambda maker=maker: maker.from_file(path) for name, maker in makers.items()}
        report(measure(works, arguments.rounds), os.path.getsize(path) * 1e-9, "GB/s   ")
    if not agrees_with_file(makers["tallow"], min(arguments.file_rows, arguments.rows)):
        print("tallow: the bars of the file are not those of its rows")
        well = False
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
