"""Rolling windows: a column of doubles in memory to a new column in memory."""

import math
import os
from fractions import Fraction

from cases import Case, threads_text

ROWS = 5_000_000  # as suite_window.c has them
SLOW, SLOW_WINDOW = ("median", "quantile", "rank"), 200  # from there on a tenth of the rows
WINDOWS = (20, 200, 2000)
USUAL = ("mean", "std", "max", "median", "ema")
AGREE = 1e-9  # of the value, or of the median of all where that is greater
INEXACT = 1e-3  # a peer that is farther off than this does other work
TWO_COLUMNS = ("cov", "corr")


def number_of_rows(op, window, rows):
    return rows // 10 if op in SLOW and window >= SLOW_WINDOW and rows >= 10 else rows


def list_cases(rows):
    cases, rows = [], rows or ROWS
    ops = dict.fromkeys(op for peer in PEERS.values() for op in peer.OPS)
    for op in ops:
        for window in WINDOWS if not op.startswith("cum") else (0,):
            peers = {name: peer.__name__ for name, peer in PEERS.items() if op in peer.OPS}
            parameters = {"op": op, "window": window, "n_rows": number_of_rows(op, window, rows)}
            name = f"window/{op}/{window}" if window else f"window/{op}"
            usual = op in USUAL and window == 20
            inputs = ["columns", rows]
            cases.append(Case(name, "windows", peers, inputs, parameters["n_rows"], "rows", parameters, usual))
    return cases


# ---- peers ----


class Peer:
    """A peer whose calls take two columns and the window, or what of them there is."""

    OPS = {}  # by Tallow's name: the peer's call
    PARAMETERS = {}  # by operation: what Tallow is asked for to do the same
    FULL = True  # the first rows, whose windows are not full, have no value

    def __init__(self, surroundings, op, window, n_rows):
        import numpy as np

        self.np, self.surroundings, self.op, self.window = np, surroundings, op, window
        self.columns = [np.fromfile(surroundings.path(f"column-{i}.f64"))[:n_rows] for i in (0, 1)]
        self.items = n_rows
        self.views = [self.view(column) for column in self.columns]
        self.run = self.find(self.OPS[op])
        self.by, self.settings = self.OPS[op], f"{self.KIND}, {threads_text(surroundings.threads)}"

    def call(self):
        self.result = self.run(*self.views, self.window)

    def view(self, column):
        return column

    def values(self):
        return self.np.asarray(self.result, dtype=float)

    def check(self):
        return compare(self, self.values(), self.ask_tallow())

    def ask_tallow(self):
        """What 'tallow window' makes of the same columns."""
        np, surroundings = self.np, self.surroundings
        pair = self.op in TWO_COLUMNS
        given, made = (os.path.join(surroundings.scratch, name) for name in ("given.npy", "made.npy"))
        np.save(given, np.column_stack(self.columns) if pair else self.columns[0])
        options = ["--column", "1", "--other", "2"] if pair else []
        options += ["--window", self.window] if self.window else []
        op = ":".join([self.op, *self.PARAMETERS.get(self.op, [])])
        surroundings.run_tallow("window", given, "--op", op, *options, "-o", made, "--backend", "cpu", "--quiet")
        values = np.load(made)[:, -1]
        os.unlink(given), os.unlink(made)
        return values


class Pandas(Peer):
    KIND = "a Series of f64"
    OPS = {op: f"rolling.{op}" for op in ("mean", "std", "max", "median")}
    OPS |= {"ema": "ewm.mean"}
    OPS |= {op: f"rolling.{op}" for op in ("sum", "var", "min", "quantile", "rank", "skew", "cov", "corr")}
    OPS |= {"kurtosis": "rolling.kurt", "rma": "ewm.mean", "delta": "diff", "return": "pct_change"}
    OPS |= {op: op for op in ("cumsum", "cumprod", "cummin", "cummax")}
    PARAMETERS = {"rma": ["seed=first"]}

    def view(self, column):
        import pandas

        return pandas.Series(column)

    def find(self, call):
        match call.split("."):
            case ["rolling", "quantile"]:
                return lambda x, _, w: x.rolling(w).quantile(0.5)
            case ["rolling", "cov" | "corr" as name]:
                return lambda x, y, w: getattr(x.rolling(w), name)(y)
            case ["rolling", name]:
                return lambda x, _, w: getattr(x.rolling(w), name)()
            case ["ewm", _]:
                options = {"span": self.window} if self.op == "ema" else {"alpha": 1 / self.window}
                return lambda x, *_: x.ewm(**options, adjust=False).mean()
            case ["diff" | "pct_change" as name]:
                return lambda x, _, w: getattr(x, name)(w - 1)
        return lambda x, *_: getattr(x, call)()


class Polars(Peer):
    KIND = "a Series of f64"
    OPS = {op: f"rolling_{op}" for op in ("mean", "std", "max", "median")}
    OPS |= {"ema": "ewm_mean"}
    OPS |= {op: f"rolling_{op}" for op in ("sum", "var", "min", "quantile", "rank", "skew", "kurtosis")}
    OPS |= {op: f"rolling_{op}" for op in TWO_COLUMNS}
    OPS |= {"rma": "ewm_mean", "delta": "diff", "return": "pct_change"}
    OPS |= {f"cum{op}": f"cum_{op}" for op in ("sum", "prod", "min", "max")}
    PARAMETERS = {"rma": ["seed=first"]}

    def view(self, column):
        import polars

        return polars.Series(column)

    def find(self, call):
        import polars

        match call:
            case "rolling_quantile":
                return lambda x, _, w: x.rolling_quantile(0.5, "linear", w)
            case "rolling_skew" | "rolling_kurtosis":
                return lambda x, _, w: getattr(x, call)(w, bias=False)
            case "rolling_cov" | "rolling_corr":
                both, lit = getattr(polars, call), polars.lit
                return lambda x, y, w: polars.select(both(lit(x), lit(y), window_size=w)).to_series()
            case "ewm_mean":
                options = {"span": self.window} if self.op == "ema" else {"alpha": 1 / self.window}
                return lambda x, *_: x.ewm_mean(**options, adjust=False)
            case "diff" | "pct_change":
                return lambda x, _, w: getattr(x, call)(w - 1)
        if call.startswith("cum"):
            return lambda x, *_: getattr(x, call)()
        return lambda x, _, w: getattr(x, call)(w)

    def values(self):
        return self.result.to_numpy()


class Bottleneck(Peer):
    KIND = "an array of f64"
    OPS = {op: f"move_{op}" for op in ("mean", "std", "max", "median", "sum", "var", "min", "argmin", "argmax")}

    def find(self, call):
        import bottleneck

        options = {"ddof": 1} if self.op in ("std", "var") else {}
        return lambda x, _, w: getattr(bottleneck, call)(x, w, **options)


class TaLib(Peer):
    KIND = "an array of f64"
    OPS = {"mean": "SMA", "std": "STDDEV", "max": "MAX", "ema": "EMA", "sum": "SUM", "var": "VAR", "min": "MIN"}
    OPS |= {"wma": "WMA", "corr": "CORREL", "delta": "MOM", "return": "ROCP"}
    PARAMETERS = {"var": ["ddof=0"], "std": ["ddof=0"], "ema": ["seed=mean"]}

    def find(self, call):
        import talib

        function = getattr(talib, call)
        if self.op == "corr":
            return function
        less = 1 if self.op in ("delta", "return") else 0
        return lambda x, _, w: function(x, w - less)


class DuckDB(Peer):
    KIND = "a table of f64, over (order by a column), to an array"
    OPS = {"mean": "avg(x)", "std": "stddev_samp(x)", "max": "max(x)", "median": "median(x)"}
    OPS |= {"sum": "sum(x)", "var": "var_samp(x)", "min": "min(x)"}
    FULL = False

    def find(self, call):
        import duckdb

        base = duckdb.connect(config={"threads": self.surroundings.threads})
        base.register("numbers", {"i": self.np.arange(self.items), "x": self.columns[0]})
        base.execute("create table numbers_kept as select * from numbers")
        rows = f"rows between {self.window - 1} preceding and current row"
        query = f"select {call} over (order by i {rows}) as r from numbers_kept"
        return lambda *_: base.execute(query).fetchnumpy()["r"]


PEERS = {"polars": Polars, "pandas": Pandas, "duckdb": DuckDB, "bottleneck": Bottleneck, "ta-lib": TaLib}


# ---- whether values are the same ----


def distances(np, a, b, scale):
    apart = np.abs(a - b) / np.maximum(np.abs(a), scale)
    return np.where((a == b) | np.isnan(a) | np.isnan(b), 0, apart)


def exact(op, x, y, ddof):
    """The result of one window, but for a last rounding; None: it is not known how."""
    x, y, n = [Fraction(v) for v in x], [Fraction(v) for v in y], len(x)
    mean, other = sum(x) / n, sum(y) / n
    moment = [sum((v - mean) ** k for v in x) for k in range(5)]
    squares, mixed = sum((v - other) ** 2 for v in y), sum((v - mean) * (u - other) for v, u in zip(x, y))
    match op:
        case "sum":
            return float(sum(x))
        case "mean":
            return float(mean)
        case "var":
            return float(moment[2] / (n - ddof))
        case "std":
            return math.sqrt(moment[2] / (n - ddof))
        case "cov":
            return float(mixed / (n - 1))
        case "corr":
            return math.copysign(math.sqrt(mixed**2 / (moment[2] * squares)), mixed)
        case "skew":
            root = math.sqrt(moment[3] ** 2 / moment[2] ** 3)
            return math.copysign(root, moment[3]) * n * math.sqrt(n - 1) / (n - 2)
        case "kurtosis":
            ratio = n * (n + 1) * moment[4] / moment[2] ** 2 - 3 * (n - 1)
            return float((n - 1) * ratio / ((n - 2) * (n - 3)))


def compare(peer, theirs, ours):
    """By their distance from Tallow's. Where that is too much the row that is farthest off is computed exactly."""
    np = peer.np
    if len(theirs) != len(ours):
        return False, f"{len(theirs)} rows in place of {len(ours)}"
    if not peer.FULL:
        theirs = np.array(theirs, dtype=float)
        theirs[: peer.window - 1] = np.nan
    said = "" if peer.FULL else " in full windows"
    alone = int(np.sum(np.isnan(ours) != np.isnan(theirs)))
    if alone:
        return False, f"NaN in {alone} other rows"
    scale = np.nanmedian(np.abs(ours))
    apart = distances(np, ours, theirs, scale)
    row = int(np.argmax(apart))
    if apart[row] == 0:
        return True, "equal" + said
    if apart[row] <= AGREE:
        return True, f"same to {apart[row]:.0e}" + said
    x, y = (column[row + 1 - peer.window : row + 1] for column in peer.columns)
    truth = exact(peer.op, x, y, 0 if "ddof=0" in peer.PARAMETERS.get(peer.op, []) else 1)
    if truth is None:
        return False, f"{apart[row]:.0e} apart in row {row}"
    off = [abs(values[row] - truth) / max(abs(truth), scale) for values in (ours, theirs)]
    fine = off[0] <= AGREE / 1000 and off[1] <= INEXACT
    return fine, f"{off[1]:.0e} off from exact, tallow {off[0]:.0e}"
