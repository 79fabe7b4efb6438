"""Bars: trades to open, high, low, close, volume and turnover of each minute."""

import os

from cases import Case, threads_text

ROWS = 8_000_000  # as suite_bars.c has them
FILE_ROWS = 1_000_000  # of them, in a file too
ONE = 100_000_000  # prices and quantities in memory are multiples of its reciprocal
AGREE = 1e-9  # of turnovers, which peers make of doubles; all else must be equal
FIELDS = ["open_time", "open", "high", "low", "close", "volume", "quote_volume"]


def list_cases(rows):
    rows = rows or ROWS
    in_file = min(rows, FILE_ROWS)
    inputs, cases = ["trades", rows, in_file], []
    for minutes in (1, 5):
        name, parameters = f"bars/time-{minutes}m/ohlc-volume-quote/push", {"minutes": minutes, "n_rows": rows}
        peers = {name: kind.__name__ for name, kind in PEERS.items()}
        cases.append(Case(name, "bars", peers, inputs, rows, "rows", parameters, minutes == 1))
    command = ["bars", "trades.csv", "--time", "1m", "--fields", ",".join(FIELDS), "-o", "-", "--quiet"]
    peers = {name: kind.__name__ + "File" for name, kind in PEERS.items()}
    parameters = {"minutes": 1, "n_rows": in_file}
    cases.append(Case("command/bars/1m", "bars", peers, inputs, in_file, "rows", parameters, True, command))
    return cases


class Peer:
    def __init__(self, surroundings, minutes, n_rows):
        import numpy as np

        self.np, self.surroundings, self.minutes, self.items = np, surroundings, minutes, n_rows
        self.prepare()
        self.settings = f"{self.SETTINGS}, {threads_text(surroundings.threads)}"

    def column(self, name):
        return self.np.fromfile(self.surroundings.path(name + ".i64"), dtype=self.np.int64)[: self.items]

    def call(self):
        self.result = self.run()

    def check(self):
        """All bars that Tallow makes of the file, and the volume of all trades."""
        ours, theirs = self.ask_tallow(), self.bars()
        n = len(ours)
        if len(theirs[0]) < n:
            return False, f"{len(theirs[0])} bars in place of {n}"
        for k, name in enumerate(FIELDS):
            a, b = ours[:, k], self.np.asarray(theirs[k][:n], dtype=float)
            good = self.np.abs(a - b) <= (AGREE * self.np.abs(a) if name == "quote_volume" else ONE**-1 / 2)
            if not good.all():
                i = int(self.np.argmin(good))
                return False, f"{name} of bar {i} is {b[i]} in place of {a[i]}"
        volume, all_of_it = float(self.np.sum(theirs[5])), int(self.np.sum(self.column("quantity"))) / ONE
        if abs(volume - all_of_it) > AGREE * all_of_it:
            return False, f"volumes add up to {volume} in place of {all_of_it}"
        return True, f"equal in {n} bars, turnovers to {AGREE:.0e}; volume of all"

    def ask_tallow(self):
        """Without the last bar of the file, which is not over."""
        options = ["--time", f"{self.minutes}m", "--fields", ",".join(FIELDS), "-o", "-", "--quiet"]
        text = self.surroundings.run_tallow("bars", self.surroundings.path("trades.csv"), *options)
        return self.np.array([row.split(",") for row in text.splitlines()[1:]], dtype=float)


# ---- of columns in memory: milliseconds, and integers of 64 bits ----


class Pandas(Peer):
    by, SETTINGS = "resample", "int64 with an index of times in memory"

    def prepare(self):
        import pandas as pd

        columns = {name: self.column(name) for name in ("price", "quantity")}
        self.frame = pd.DataFrame(columns, index=pd.to_datetime(self.column("time"), unit="ms"))

    def run(self):
        return self.make(self.frame, float(ONE) ** 2)

    def make(self, frame, unit):
        quote = frame["price"].astype(float) * frame["quantity"].astype(float) / unit
        groups = frame.assign(quote=quote).resample(f"{self.minutes}min")
        return groups["price"].ohlc(), groups[["quantity", "quote"]].sum()

    def bars(self):
        prices, sums = self.result
        times = prices.index.to_numpy().astype("datetime64[ms]").astype(self.np.int64)
        scale = self.scale()
        columns = [prices[name].to_numpy() / scale for name in ("open", "high", "low", "close")]
        return [times, *columns, sums["quantity"].to_numpy() / scale, sums["quote"].to_numpy()]

    def scale(self):
        return ONE


class Polars(Peer):
    """Grouped by divided times, which is a quarter faster than group_by_dynamic."""

    by, SETTINGS = "group_by", "int64, times said to be sorted, in memory"

    def prepare(self):
        import polars as pl

        self.pl = pl
        self.frame = pl.DataFrame({name: self.column(name) for name in ("time", "price", "quantity")}).lazy()

    def run(self):
        return self.make(self.frame, float(ONE) ** 2)

    def make(self, frame, unit):
        price, quantity, real = self.pl.col("price"), self.pl.col("quantity"), self.pl.Float64
        time, span = self.pl.col("time"), self.minutes * 60_000
        sorted_frame = frame.with_columns(time.set_sorted())
        bars = sorted_frame.group_by((time // span * span).alias("bar"), maintain_order=True).agg(
            price.first().alias("open"),
            price.max().alias("high"),
            price.min().alias("low"),
            price.last().alias("close"),
            quantity.sum().alias("volume"),
            (price.cast(real) * quantity.cast(real)).sum().alias("quote") / unit,
        )
        return bars.collect()

    def bars(self):
        columns = [self.result[name].to_numpy() for name in self.result.columns]
        return [columns[0], *(column / self.scale() for column in columns[1:6]), columns[6]]

    def scale(self):
        return ONE


class DuckDB(Peer):
    by, SETTINGS = "group by", "a table of int64 in memory, to arrays"
    QUERY = """select time // {span} * {span} as bar, arg_min(price, row) as open, max(price) as high,
      min(price) as low, arg_max(price, row) as close, sum(quantity) as volume,
      sum(price::double * quantity::double) / {unit} as quote from {source} group by bar order by bar"""

    def prepare(self):
        import duckdb

        self.base = duckdb.connect(config={"threads": self.surroundings.threads})
        self.prepare_source()

    def prepare_source(self):
        columns = {name: self.column(name) for name in ("time", "price", "quantity")}
        self.base.register("numbers", {**columns, "row": self.np.arange(self.items)})
        self.base.execute("create table trades as select * from numbers")
        self.source, self.unit = "trades", float(ONE) ** 2

    def run(self):
        query = self.QUERY.format(span=self.minutes * 60_000, unit=self.unit, source=self.source)
        return self.base.execute(query).fetchnumpy()

    def bars(self):
        columns = [self.np.asarray(column) for column in self.result.values()]
        prices = [self.np.asarray(column, dtype=float) / self.scale() for column in columns[1:6]]
        return [columns[0], *prices, columns[6]]

    def scale(self):
        return ONE


# ---- of a CSV file in the page cache, in a process that runs already ----


class InFile:
    SETTINGS = "three columns of the file, in a process that runs already"

    def scale(self):
        return 1

    @property
    def path(self):
        return self.surroundings.path("trades.csv")


class PandasFile(InFile, Pandas):
    by = "read_csv, resample"

    def prepare(self):
        import pandas as pd

        self.pd = pd

    def run(self):
        frame = self.pd.read_csv(self.path, usecols=["transact_time", "price", "quantity"])
        return self.make(frame.set_index(self.pd.to_datetime(frame["transact_time"], unit="ms")), 1)


class PolarsFile(InFile, Polars):
    by = "scan_csv, group_by"

    def prepare(self):
        import polars as pl

        self.pl = pl

    def run(self):
        return self.make(self.pl.scan_csv(self.path).rename({"transact_time": "time"}), 1)


class DuckDBFile(InFile, DuckDB):
    by = "read_csv, group by"

    def prepare_source(self):
        self.unit = 1
        self.source = (
            "(select transact_time as time, price, quantity, agg_trade_id as row "
            f"from read_csv('{os.fspath(self.path)}'))"
        )


PEERS = {"polars": Polars, "duckdb": DuckDB, "pandas": Pandas}
