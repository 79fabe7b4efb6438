#!/usr/bin/env python3
"""Times rolling windows of pandas, polars, bottleneck and TA-Lib beside Tallow's, taking turns in one run, and
compares the values.

All read the same columns of doubles in memory, with one thread; times are processor time. Tallow writes where it is
told: once into memory that was touched before, once ("fresh") into new memory as the others do, which must first be
mapped. Values are compared by their distance from Tallow's over the greater of the value and the median of all. Where
that is above 1e-9 the row that is farthest off is computed exactly, and the distances of both from that are told. The
exit code is 1 where values differ and it is not the peer's that are off. Peers that are not installed are left out, and
it says which. Needs the library of a release build:

    cmake --preset release && cmake --build --preset release
    PYTHON bench/compare_window.py --build build/release
"""

import argparse
import ctypes
import math
import os
import pathlib
import sys
import time
from fractions import Fraction

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))

from tallow_ctypes import Engine, WindowBatch  # noqa: E402

os.environ.update({"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"})  # before the peers are imported

try:
    import numpy as np
except ImportError:
    np = None

HOW_TO_INSTALL = """
Make an environment outside of the source tree for what is missing:

    python3 -m venv /tmp/window-env
    /tmp/window-env/bin/pip install pandas polars bottleneck TA-Lib
    /tmp/window-env/bin/python {script}"""

AGREE = 1e-9
USUAL = ["mean", "sum", "std", "min", "max", "median", "ema"]
SLOW = {"median", "quantile", "rank", "skew", "kurtosis"}  # measured on a tenth of the rows
LONG = 2.0  # seconds: a call that takes longer is not repeated


# ---- Tallow ----


class Tallow(Engine):
    def find(self, name):
        op = ctypes.c_int()
        self.call("window_find", name.encode(), ctypes.byref(op))
        return op.value

    def run(self, name, window, parameters, columns, output):
        spec, batch = self.new_spec(self.find(name), window), self.new(WindowBatch)
        for parameter, value in parameters.items():
            setattr(spec, parameter, value)
        pointers = (ctypes.c_void_p * len(columns))(*(column.ctypes.data for column in columns))
        batch.columns = ctypes.addressof(pointers)
        batch.n_columns, batch.n_rows = len(columns), len(output)
        outputs = (ctypes.c_void_p * 1)(output.ctypes.data)
        self.call("window_run", self.engine, batch, spec, 1, outputs)


# ---- peers ----


class Rival:
    """What a peer makes of two columns: how by operation, and with which parameters Tallow gives the same."""

    parameters = {}  # by operation
    known = {}  # why values differ, by operation
    calls = {}  # by operation: (x, y, window)

    def view(self, column):
        return column

    def values(self, result):
        return np.asarray(result, dtype=float)


class Pandas(Rival):
    def __init__(self):
        import pandas as pd

        self.version = "pandas " + pd.__version__
        self.view = pd.Series
        self.calls = {
            name: lambda x, _, w, method=method: getattr(x.rolling(w), method)()
            for name, method in {
                **{name: name for name in ("sum", "mean", "var", "std", "min", "max", "median", "rank", "skew")},
                "kurtosis": "kurt",
            }.items()
        }
        self.calls |= {
            "quantile": lambda x, _, w: x.rolling(w).quantile(0.5),
            "cov": lambda x, y, w: x.rolling(w).cov(y),
            "corr": lambda x, y, w: x.rolling(w).corr(y),
            "ema": lambda x, _, w: x.ewm(span=w, adjust=False).mean(),
            "rma": lambda x, _, w: x.ewm(alpha=1 / w, adjust=False).mean(),
            "delta": lambda x, _, w: x.diff(w - 1),
            "return": lambda x, _, w: x.pct_change(w - 1),
            "cumsum": lambda x, *_: x.cumsum(),
            "cumprod": lambda x, *_: x.cumprod(),
            "cummin": lambda x, *_: x.cummin(),
            "cummax": lambda x, *_: x.cummax(),
        }
        self.parameters = {"rma": {"seed": 0}}


class Polars(Rival):
    def __init__(self):
        import polars as pl

        self.version = "polars " + pl.__version__
        self.view = pl.Series
        self.calls = {
            name: lambda x, _, w, method="rolling_" + name: getattr(x, method)(w)
            for name in ("sum", "mean", "var", "std", "min", "max", "median", "rank")
        }
        self.calls |= {
            "quantile": lambda x, _, w: x.rolling_quantile(0.5, "linear", w),
            "skew": lambda x, _, w: x.rolling_skew(w, bias=False),
            "kurtosis": lambda x, _, w: x.rolling_kurtosis(w, bias=False),
            "cov": lambda x, y, w: pl.select(pl.rolling_cov(pl.lit(x), pl.lit(y), window_size=w)).to_series(),
            "corr": lambda x, y, w: pl.select(pl.rolling_corr(pl.lit(x), pl.lit(y), window_size=w)).to_series(),
            "ema": lambda x, _, w: x.ewm_mean(span=w, adjust=False),
            "rma": lambda x, _, w: x.ewm_mean(alpha=1 / w, adjust=False),
            "delta": lambda x, _, w: x.diff(w - 1),
            "return": lambda x, _, w: x.pct_change(w - 1),
            "cumsum": lambda x, *_: x.cum_sum(),
            "cumprod": lambda x, *_: x.cum_prod(),
            "cummin": lambda x, *_: x.cum_min(),
            "cummax": lambda x, *_: x.cum_max(),
        }
        self.parameters = {"rma": {"seed": 0}}

    def values(self, result):
        return result.to_numpy()


class Bottleneck(Rival):
    def __init__(self):
        import bottleneck as bn

        self.version = "bottleneck " + bn.__version__
        self.calls = {
            name: lambda x, _, w, method="move_" + name: getattr(bn, method)(x, w)
            for name in ("sum", "mean", "min", "max", "argmin", "argmax", "median", "rank")
        }
        self.calls |= {
            "var": lambda x, _, w: bn.move_var(x, w, ddof=1),
            "std": lambda x, _, w: bn.move_std(x, w, ddof=1),
        }
        self.known = {"rank": "it gives ranks from -1 to 1"}


class TaLib(Rival):
    def __init__(self):
        import talib

        self.version = "TA-Lib " + talib.__version__
        self.calls = {
            "sum": lambda x, _, w: talib.SUM(x, w),
            "mean": lambda x, _, w: talib.SMA(x, w),
            "var": lambda x, _, w: talib.VAR(x, w),
            "std": lambda x, _, w: talib.STDDEV(x, w),
            "min": lambda x, _, w: talib.MIN(x, w),
            "max": lambda x, _, w: talib.MAX(x, w),
            "ema": lambda x, _, w: talib.EMA(x, w),
            "wma": lambda x, _, w: talib.WMA(x, w),
            "corr": lambda x, y, w: talib.CORREL(x, y, w),
            "delta": lambda x, _, w: talib.MOM(x, w - 1),
            "return": lambda x, _, w: talib.ROCP(x, w - 1),
        }
        self.parameters = {"var": {"ddof": 0}, "std": {"ddof": 0}, "ema": {"seed": 1}}


PEERS = {"pandas": Pandas, "polars": Polars, "bottleneck": Bottleneck, "TA-Lib": TaLib}


def find_peers(wanted):
    peers = {}
    for name in wanted or PEERS:
        try:
            peers[name] = PEERS[name]()
        except ImportError as error:
            print(f"{name}: skipped: {error}")
    if len(peers) < len(wanted or PEERS):
        print(HOW_TO_INSTALL.format(script=sys.argv[0]) + "\n")
    return peers


# ---- measuring ----


def make_columns(kind, n_rows):
    noise = np.random.default_rng(1).standard_normal((2, n_rows))
    if kind == "walk":
        return list(100 + np.cumsum(0.01 * noise, axis=1))
    return list(1e6 + (0.001 if kind == "fine" else 1) * noise)


def distances(a, b, scale):
    """Between values, where both are there; scale: of all values."""
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


class Work:
    def __init__(self, name, run):
        self.name = name
        self.run = run
        self.samples = []

    def sample(self):
        if len(self.samples) > 1 and min(self.samples) > LONG:
            self.samples.append(self.samples[-1])
            return
        start = time.process_time()
        self.run()
        self.samples.append(time.process_time() - start)


def measure(works, rounds):
    for turn in range(rounds + 1):
        for i in range(len(works)):
            works[(turn + i) % len(works)].sample()
    for work in works:
        del work.samples[0]  # it fills caches


class Case:
    def __init__(self, tallow, op, window, columns):
        self.tallow, self.op, self.window, self.columns = tallow, op, window, columns
        self.output = np.ones_like(columns[0])

    def run(self, parameters, output):
        window = 0 if self.op.startswith("cum") else self.window
        self.tallow.run(self.op, window, parameters, self.columns, output)
        return output

    def works(self, peers):
        works = [
            Work("copy", lambda: np.copyto(self.output, self.columns[0])),
            Work("tallow", lambda: self.run({}, self.output)),
            Work("tallow, fresh", lambda: self.run({}, np.empty_like(self.output))),
        ]
        for name, peer in peers.items():
            if self.op in peer.calls:
                views = [peer.view(column) for column in self.columns]
                call = peer.calls[self.op]
                works.append(Work(name, lambda call=call, views=views: call(*views, self.window)))
        return works

    def compare(self, name, peer):
        """What is to be said of a peer's values, and whether that is well."""
        views = [peer.view(column) for column in self.columns]
        theirs = peer.values(peer.calls[self.op](*views, self.window))
        parameters = peer.parameters.get(self.op, {})
        ours = self.run(parameters, self.output)
        alone = int(np.sum(np.isnan(ours) != np.isnan(theirs)))
        scale = np.nanmedian(np.abs(ours))
        apart = distances(ours, theirs, scale)
        row = int(np.argmax(apart))
        text = f"{apart[row]:.1e}" + (f", NaN in {alone} other rows" if alone else "")
        if apart[row] <= AGREE and not alone:
            return text, True
        if self.op in peer.known:
            return f"{text}: {peer.known[self.op]}", True
        x, y = (column[row + 1 - self.window : row + 1] for column in self.columns)
        truth = exact(self.op, x, y, parameters.get("ddof", 1))
        if truth is None or alone:
            return f"{text} DIFFERS", False
        off = [abs(values[row] - truth) / max(abs(truth), scale) for values in (ours, theirs)]
        return f"{text}: from exact, {name} {off[1]:.1e}, tallow {off[0]:.1e}", off[0] <= AGREE / 1000


def report(case, works, peers, rows):
    """Prints the lines of a case. Returns whether all values are well."""
    well = True
    copy, ours = works[0].samples, works[1].samples
    label = f"{case.op}/{case.window}"
    for work in works:
        best = min(work.samples)
        said = ""
        if work.name in peers:
            said, good = case.compare(work.name, peers[work.name])
            well = well and good
        print(
            f"{label:14} {work.name:14} {best * 1e3:9.1f} {rows / best * 1e-6:9.1f} {min(copy) / best:8.3f}"
            f" {best / min(ours):9.2f}  {said}",
            flush=True,
        )
        label = ""
    return well


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"), help="build folder")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ops", nargs="*", default=USUAL, metavar="OP", help="only these; all: every one")
    parser.add_argument("--windows", nargs="*", type=int, default=[20, 200, 2000], metavar="N")
    parser.add_argument("--peers", nargs="*", choices=PEERS, help="only these")
    parser.add_argument("--data", choices=("walk", "large", "fine"), default="walk",
                        help="a walk from 100 on (default), 1e6 + N(0, 1) or 1e6 + 0.001 N(0, 1)")  # fmt: skip
    arguments = parser.parse_args()
    library = arguments.build / "libtallow.so"
    if not library.exists():
        sys.exit(f"{library} is missing: build Tallow, or name the folder with --build")
    if np is None:
        sys.exit("numpy is missing." + HOW_TO_INSTALL.format(script=sys.argv[0]))
    tallow = Tallow(str(library.resolve()))
    peers = find_peers(arguments.peers)
    ops = sorted({op for peer in peers.values() for op in peer.calls}) if arguments.ops == ["all"] else arguments.ops
    np.seterr(all="ignore")
    print("; ".join([tallow.version, f"numpy {np.__version__}", *(peer.version for peer in peers.values())]))
    print(f"Best of {arguments.rounds} rounds, processor time. /tallow: time over Tallow's.")
    print("\n" + f"{'op/window':14} {'by':14} {'ms':>9} {'Mrows/s':>9} {'of copy':>8} {'/tallow':>9}  difference")
    whole = make_columns(arguments.data, arguments.rows)
    well = True
    for op in ops:
        rows = arguments.rows // 10 if op in SLOW else arguments.rows
        for window in [arguments.windows[0]] if op.startswith("cum") else arguments.windows:
            case = Case(tallow, op, window, [column[:rows] for column in whole])
            works = case.works(peers)
            measure(works, arguments.rounds)
            well = report(case, works, peers, rows) and well
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
