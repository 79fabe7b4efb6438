"""Candle files: a CSV file in the page cache to times and five columns of doubles in memory."""

import os
from datetime import datetime

from cases import Case, threads_text

ROWS = 200_000  # as suite_csv.c has them
AGREE = 1e-14  # of each number

# Of the dialects of csv_text.c: separator, names of the columns that are read, and how the time is written.
FILES = {
    "iso": (",", ["Date", "Open", "High", "Low", "Close", "Volume"], "%Y-%m-%d %H:%M:%S"),
    "fraction": (",", ["timestamp", "open", "high", "low", "close", "volume"], "%Y-%m-%d %H:%M:%S.%f"),
    "binance": (",", ["open_time", "open", "high", "low", "close", "volume"], "ms"),
    "yahoo": (",", ["Date", "Open", "High", "Low", "Close", "Volume"], "%Y-%m-%d"),
    "floats": (",", ["Date", "Open", "High", "Low", "Close", "Volume"], "%Y-%m-%d"),
    "month-first": (",", ["Date", "Open", "High", "Low", "Close", "Volume"], "%m/%d/%Y %H:%M"),
    "compact": (";", ["Date", "Open", "High", "Low", "Close", "Volume"], "%Y%m%d %H%M%S"),
}
USUAL = ("iso", "binance")


def list_cases(rows):
    rows, peers = rows or ROWS, {name: peer.__name__ for name, peer in PEERS.items()}
    return [
        Case(f"csv/{name}/{rows}/table", "candle_files", peers, ["files", rows], rows, "rows",
             {"dialect": name, "n_rows": rows}, name in USUAL)
        for name in FILES
    ]  # fmt: skip


class Peer:
    by = "read_csv"

    def __init__(self, surroundings, dialect, n_rows):
        self.surroundings, self.items = surroundings, n_rows
        self.path = surroundings.path(dialect + ".csv")
        self.separator, self.columns, self.form = FILES[dialect]
        self.prepare()

    def call(self):
        self.frame = self.read()

    def check(self):
        """Against what Tallow reads, number by number, and the first and the last line."""
        import numpy as np

        ours = self.ask_tallow(np)
        times, theirs = self.numbers(np)
        if theirs.shape != ours.shape or len(times) != len(ours):
            return False, f"{len(theirs)} rows in place of {len(ours)}"
        if [times[0], times[-1]] != self.ends(np):
            return False, f"times from {times[0]} to {times[-1]}"
        apart = float(np.max(np.abs(theirs - ours) / np.maximum(np.abs(ours), 1)))
        if apart <= AGREE:
            return True, f"same to {apart:.0e}" if apart > 0 else "equal"
        return False, f"{apart:.0e} apart"

    def ask_tallow(self, np):
        made = os.path.join(self.surroundings.scratch, "made.npy")
        columns = ",".join(self.columns[1:])
        options = ["--op", "last", "--window", 1, "--backend", "cpu", "--quiet"]
        self.surroundings.run_tallow("window", self.path, "--column", columns, *options, "-o", made)
        values = np.load(made)
        os.unlink(made)
        return values

    def ends(self, np):
        """The times of the file's first and last line of data."""
        with open(self.path) as file:
            lines = file.read().splitlines()
        place = lines[0].split(self.separator).index(self.columns[0])
        texts = [line.split(self.separator)[place] for line in (lines[1], lines[-1])]
        if self.form == "ms":
            return [np.datetime64(int(text), "ms") for text in texts]
        return [np.datetime64(datetime.strptime(text, self.form)) for text in texts]


class Pandas(Peer):
    ENGINE = "c"

    def prepare(self):
        import pandas

        self.pandas = pandas
        self.settings = f'engine "{self.ENGINE}", times by their form, {threads_text(self.surroundings.threads)}'

    def read(self):
        times = {} if self.form == "ms" else {"parse_dates": self.columns[:1], "date_format": self.form}
        options = {"sep": self.separator, "usecols": self.columns, "engine": self.ENGINE, **times}
        frame = self.pandas.read_csv(self.path, **options)
        if self.form == "ms":
            frame[self.columns[0]] = self.pandas.to_datetime(frame[self.columns[0]], unit="ms")
        return frame

    def numbers(self, np):
        times = self.frame[self.columns[0]].to_numpy(dtype="datetime64[ns]")
        return times, self.frame[self.columns[1:]].to_numpy(dtype=float)


class PandasPyarrow(Pandas):
    ENGINE = "pyarrow"

    def prepare(self):
        import pyarrow

        pyarrow.set_cpu_count(self.surroundings.threads)
        super().prepare()


class Polars(Peer):
    def prepare(self):
        import polars

        self.polars = polars
        self.alone = self.form == "%Y-%m-%d"  # by itself it reads days faster than by a form, other times slower
        how = "itself" if self.alone else "their form"
        self.settings = f"f64 told, times by {how}, {threads_text(self.surroundings.threads)}"

    def read(self):
        pl, name = self.polars, self.columns[0]
        kinds = dict.fromkeys(self.columns[1:], pl.Float64)
        if not self.alone:
            kinds[name] = pl.Int64 if self.form == "ms" else pl.String
        options = {"separator": self.separator, "columns": self.columns, "schema_overrides": kinds}
        frame = pl.read_csv(self.path, try_parse_dates=self.alone, **options)
        if self.form == "ms":
            return frame.with_columns(pl.from_epoch(name, "ms"))
        if not self.alone:
            frame = frame.with_columns(pl.col(name).str.to_datetime(self.form.replace(".%f", "%.f")))
        return frame

    def numbers(self, np):
        times = self.frame[self.columns[0]].to_numpy().astype("datetime64[ns]")
        return times, np.column_stack([self.frame[name].to_numpy() for name in self.columns[1:]])


class DuckDB(Peer):
    def prepare(self):
        import duckdb

        self.base = duckdb.connect(config={"threads": self.surroundings.threads})
        name = self.columns[0]
        form = "" if self.form == "ms" else f", timestampformat='{self.form}'"
        kinds = {**dict.fromkeys(self.columns[1:], "DOUBLE"), name: "BIGINT" if self.form == "ms" else "TIMESTAMP"}
        time = f'epoch_ms("{name}") as "{name}"' if self.form == "ms" else f'"{name}"'
        wanted = ", ".join([time, *(f'"{column}"' for column in self.columns[1:])])
        self.query = (
            f"select {wanted} from read_csv('{self.path}', header=true, auto_detect=false, delim='{self.separator}', "
            f"columns={self.all_columns(kinds)}{form})"
        )
        self.settings = f"types and form of times told, to arrays, {threads_text(self.surroundings.threads)}"

    def all_columns(self, kinds):
        """A type for each column of the file; those that nobody reads stay text."""
        with open(self.path) as file:
            names = file.readline().rstrip("\n").split(self.separator)
        return "{" + ", ".join(f"'{name}': '{kinds.get(name, 'VARCHAR')}'" for name in names) + "}"

    def read(self):
        return self.base.execute(self.query).fetchnumpy()

    def numbers(self, np):
        times = np.asarray(self.frame[self.columns[0]]).astype("datetime64[ns]")
        return times, np.column_stack([np.asarray(self.frame[name]) for name in self.columns[1:]])


PEERS = {"polars": Polars, "duckdb": DuckDB, "pandas": Pandas, "pandas-pyarrow": PandasPyarrow}

