"""Rolling windows against the libraries that people have: pandas, polars, bottleneck and TA-Lib.

data/window_golden.json has what they gave, once, with their versions; that is compared always. Where they can be
imported they are compared again, on longer columns:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install pandas polars bottleneck TA-Lib
    TALLOW_GOLDEN_PYTHON=/tmp/golden/bin/python ctest -R window_golden

    /tmp/golden/bin/python tests/test_window_golden.py --write      makes the file anew

Numbers agree to 1e-9 of the greater of the two or, near zero, of what they are made of. What differs by intent:

  - Sums of squares of pandas and bottleneck run on from window to window, so that the std of equal numbers is 1e-7
    there and 0 here: std is compared by its square. Likewise kurtosis, by the size of its terms.
  - pandas takes an infinity for a NaN; here it is a number. So no column has one.
  - Totals and averages of pandas are NaN where a row is a NaN that is skipped; here they stay as they were. These
    rows are left out.
  - TA-Lib gives the row of an extreme, of equal ones any; here it is the rows since, of equal ones the newest. It is
    compared on a column without equal numbers.
  - bottleneck ranks from -1 to 1; here it is 1 to the number of rows.
  - TA-Lib's BETA is of returns and is not compared; its VAR and STDDEV divide by n: ddof 0 here. Its MOM and ROCP of
    n rows look back n rows: window n + 1 here.

Environment: TALLOW_BUILD, a build with the shared library; TALLOW_GOLDEN_PYTHON, an interpreter with the libraries.
"""

import ctypes
import json
import math
import os
import random
import subprocess
import sys
import unittest
from pathlib import Path

from tallow_ctypes import NO_LIBRARY, Engine, WindowBatch, library_of

DATA = Path(__file__).parent / "data" / "window_golden.json"
OPS = (
    "sum mean var std min max argmin argmax median quantile rank skew kurtosis cov corr beta ema rma wma first last "
    "delta return cumsum cumprod cummin cummax"
).split()
RUNNING = ("cumsum", "cumprod", "cummin", "cummax")
REMEMBERS = (*RUNNING, "ema", "rma")
TOLERANCE = 1e-9


# ---- Tallow ----


class Tallow(Engine):
    def roll(self, columns, spec):
        """spec: the parameters by name, and "op"."""
        n = len(columns[0])
        numbers = [(ctypes.c_double * n)(*column) for column in columns]
        pointers = (ctypes.c_void_p * len(columns))(*(ctypes.addressof(column) for column in numbers))
        batch, own = self.new(WindowBatch), self.new_spec(OPS.index(spec["op"]), spec["window"])
        batch.columns, batch.n_columns, batch.n_rows = ctypes.addressof(pointers), len(columns), n
        for name, value in spec.items():
            if name != "op":
                setattr(own, name, value)
        output = (ctypes.c_double * n)()
        outputs = (ctypes.c_void_p * 1)(ctypes.addressof(output))
        self.call("window_run", self.engine, batch, own, 1, outputs)
        return list(output)


def load():
    return Tallow(library_of(os.environ["TALLOW_BUILD"]))


# ---- the libraries ----


def make_columns(rows, seed):
    """close: cents, so that some are equal; market: none are; gaps: close with NaN here and there."""
    rng = random.Random(seed)
    close, market = [100.0], [50.0]
    for _ in range(rows - 1):
        common = rng.gauss(0, 1)
        close.append(round(close[-1] + 0.1 * common + rng.choice((0.0, 0.05, -0.05)), 2))
        market.append(round(market[-1] * (1 + 0.004 * common + 0.003 * rng.gauss(0, 1)), 7))
    gaps = [math.nan if i in (0, 1) or rng.random() < 0.12 else x for i, x in enumerate(close)]
    return {"close": close, "market": market, "gaps": gaps}


def of_pandas(columns, w):
    import pandas

    c, m, g = (pandas.Series(columns[name]) for name in ("close", "market", "gaps"))
    half = (w + 1) // 2
    roll, some, gaps = c.rolling(w), c.rolling(w, min_periods=half), g.rolling(w, min_periods=half)
    skips = {"min_periods": half, "nan": 1}
    for op, method in (
        ("sum", "sum"),
        ("mean", "mean"),
        ("var", "var"),
        ("std", "std"),
        ("min", "min"),
        ("max", "max"),
        ("median", "median"),
        ("rank", "rank"),
        ("skew", "skew"),
        ("kurtosis", "kurt"),
    ):
        yield f"rolling({w}).{method}()", "close", {"op": op}, getattr(roll, method)()
        yield f"rolling({w}, {half}).{method}()", "gaps", {"op": op, **skips}, getattr(gaps, method)()
    yield f"rolling({w}).mean()", "gaps", {"op": "mean"}, g.rolling(w).mean()
    yield f"rolling({w}, {half}).mean()", "close", {"op": "mean", "min_periods": half}, some.mean()
    yield f"rolling({w}).var(ddof=0)", "close", {"op": "var", "ddof": 0}, roll.var(ddof=0)
    yield f"rolling({w}).std(ddof=3)", "close", {"op": "std", "ddof": 3}, roll.std(ddof=3)
    for q in (0.25, 0.9):
        yield f"rolling({w}).quantile({q})", "close", {"op": "quantile", "quantile": q}, roll.quantile(q)
    yield f"rolling({w}).cov(market)", "close", {"op": "cov"}, roll.cov(m)
    yield f"rolling({w}).corr(market)", "close", {"op": "corr"}, roll.corr(m)
    yield f"cov(market) / market.var(), {w}", "close", {"op": "beta"}, roll.cov(m) / m.rolling(w).var()
    yield f"rolling({w}).first()", "close", {"op": "first"}, roll.first()
    yield f"rolling({w}, {half}).last()", "gaps", {"op": "last", **skips}, gaps.last()
    yield f"diff({w - 1})", "close", {"op": "delta"}, c.diff(w - 1)
    yield f"pct_change({w - 1})", "close", {"op": "return"}, c.pct_change(w - 1)
    for adjust in (0, 1):
        spec = {"op": "ema", "adjust": adjust}
        yield f"ewm(span={w}, adjust={adjust}).mean()", "close", spec, c.ewm(span=w, adjust=bool(adjust)).mean()
        skipping = g.ewm(span=w, adjust=bool(adjust), ignore_na=True).mean()
        yield f"ewm(span={w}, adjust={adjust}, ignore_na=True).mean()", "gaps", {**spec, "nan": 1}, skipping
    spec = {"op": "rma", "seed": 0}
    yield f"ewm(alpha=1/{w}, adjust=False).mean()", "close", spec, c.ewm(alpha=1 / w, adjust=False).mean()
    for op in RUNNING:
        yield f"{op}()", "close", {"op": op, "window": 0}, getattr(c / 100 if op == "cumprod" else c, op)()
        if op != "cumprod":
            yield f"{op}()", "gaps", {"op": op, "window": 0, "nan": 1}, getattr(g, op)()


def of_bottleneck(columns, w):
    import bottleneck
    import numpy

    c = numpy.array(columns["close"])
    for op in ("sum", "mean", "min", "max", "argmin", "argmax", "median"):
        yield f"move_{op}({w})", "close", {"op": op}, getattr(bottleneck, f"move_{op}")(c, w)
    for op in ("var", "std"):
        yield f"move_{op}({w}, ddof=1)", "close", {"op": op}, getattr(bottleneck, f"move_{op}")(c, w, ddof=1)
    ranks = (bottleneck.move_rank(c, w) + 1) / 2 * (w - 1) + 1
    yield f"move_rank({w}), from 1 on", "close", {"op": "rank"}, ranks


def of_polars(columns, w):
    import polars

    c = polars.Series(columns["close"])
    yield f"rolling_mean({w})", "close", {"op": "mean"}, c.rolling_mean(w)
    yield f"rolling_std({w})", "close", {"op": "std"}, c.rolling_std(w)
    yield f"rolling_median({w})", "close", {"op": "median"}, c.rolling_median(w)
    quantile = c.rolling_quantile(0.75, interpolation="linear", window_size=w)
    yield f"rolling_quantile(0.75, {w})", "close", {"op": "quantile", "quantile": 0.75}, quantile
    yield f"rolling_skew({w}, bias=False)", "close", {"op": "skew"}, c.rolling_skew(w, bias=False)
    yield f"ewm_mean(span={w}, adjust=False)", "close", {"op": "ema"}, c.ewm_mean(span=w, adjust=False)
    yield "cum_sum()", "close", {"op": "cumsum", "window": 0}, c.cum_sum()


def of_talib(columns, w):
    import numpy
    import talib

    c, m = numpy.array(columns["close"]), numpy.array(columns["market"])
    rows = numpy.arange(len(m))
    begun = numpy.where(rows >= w - 1, 0, numpy.nan)
    yield f"SMA({w})", "close", {"op": "mean"}, talib.SMA(c, w)
    yield f"SUM({w})", "close", {"op": "sum"}, talib.SUM(c, w)
    yield f"VAR({w})", "close", {"op": "var", "ddof": 0}, talib.VAR(c, w)
    yield f"STDDEV({w})", "close", {"op": "std", "ddof": 0}, talib.STDDEV(c, w)
    yield f"MIN({w})", "close", {"op": "min"}, talib.MIN(c, w)
    yield f"MAX({w})", "close", {"op": "max"}, talib.MAX(c, w)
    yield f"MININDEX({w})", "market", {"op": "argmin"}, rows - talib.MININDEX(m, w) + begun
    yield f"MAXINDEX({w})", "market", {"op": "argmax"}, rows - talib.MAXINDEX(m, w) + begun
    yield f"EMA({w})", "close", {"op": "ema", "seed": 1}, talib.EMA(c, w)
    yield f"WMA({w})", "close", {"op": "wma"}, talib.WMA(c, w)
    yield f"CORREL({w})", "close", {"op": "corr"}, talib.CORREL(c, m, w)
    yield f"MOM({w - 1})", "close", {"op": "delta"}, talib.MOM(c, w - 1)
    yield f"ROCP({w - 1})", "close", {"op": "return"}, talib.ROCP(c, w - 1)
    if hasattr(talib, "RMA"):
        yield f"RMA({w})", "close", {"op": "rma", "seed": 1}, talib.RMA(c, w)


LIBRARIES = {"pandas": of_pandas, "polars": of_polars, "bottleneck": of_bottleneck, "talib": of_talib}


def cases_of(columns, windows):
    """What all libraries give, ready for the file."""
    for library, of in LIBRARIES.items():
        for w in windows:
            for call, column, spec, values in of(columns, w):
                numbers = [None if x is None or math.isnan(x) else float(x) for x in values]
                yield {"by": f"{library} {call}", "column": column, "spec": {"window": w, **spec}, "values": numbers}


def versions():
    import bottleneck
    import pandas
    import polars
    import talib

    found = {library.__name__: library.__version__ for library in (pandas, polars, bottleneck, talib)}
    return {**found, "TA-Lib in C": talib.__ta_version__.decode().split()[0]}


def write():
    columns = make_columns(36, 5)
    lines = [json.dumps(case, separators=(",", ":")) for case in cases_of(columns, (6,))]
    numbers = [f'  "{name}": ' + json.dumps(column).replace("NaN", "null") for name, column in columns.items()]
    DATA.write_text(
        f'{{\n "made_with": {json.dumps(versions())},\n "columns": {{\n'
        + ",\n".join(numbers)
        + '\n },\n "cases": [\n  '
        + ",\n  ".join(lines)
        + "\n ]\n}\n"
    )


# ---- comparing ----


def given(case, columns):
    """The columns that a case reads."""
    close = columns[case["column"]]
    if case["spec"]["op"] == "cumprod":
        close = [x / 100 for x in close]
    return [close, columns["market"]]


def unit_of(spec):
    """What differences are measured by where a result is near zero."""
    if spec["op"] == "kurtosis":
        return 3 * spec["window"]
    return 1.0 if spec["op"] in ("skew", "corr", "beta", "return", "rank") else 0.01


def differences(case, got):
    unit, power = unit_of(case["spec"]), 2 if case["spec"]["op"] == "std" else 1
    stays = case["spec"].get("nan") == 1 and case["spec"]["op"] in REMEMBERS
    for i, (ours, theirs) in enumerate(zip(got, case["values"])):
        if theirs is None and (math.isnan(ours) or stays):
            continue
        a, b = ours**power, math.nan if theirs is None else theirs**power
        if not abs(a - b) <= TOLERANCE * max(abs(a), abs(b), unit):
            yield f"row {i} is {ours!r} and not {theirs!r}"


def compare(tallow, cases, columns):
    """How many cases agree, and what is wrong with the others."""
    count, wrong = 0, []
    for case in cases:
        got = tallow.roll(given(case, columns), case["spec"])
        found = list(differences(case, got))
        if found:
            wrong.append(f"{case['by']} {case['spec']}: {len(found)} rows differ: {found[0]}")
        count += 1
    return count, wrong


class Golden(unittest.TestCase):
    def setUp(self):
        self.tallow = load()

    def tearDown(self):
        self.tallow.close()

    def test_numbers_of_the_file(self):
        file = json.loads(DATA.read_text())
        columns = {name: [math.nan if x is None else x for x in column] for name, column in file["columns"].items()}
        count, wrong = compare(self.tallow, file["cases"], columns)
        self.assertEqual(wrong, [])
        self.assertEqual({case["spec"]["op"] for case in file["cases"]}, set(OPS))
        self.assertFalse([case["by"] for case in file["cases"] if set(case["values"]) == {None}])
        print(f"{count} outputs as committed, of", ", ".join(f"{k} {v}" for k, v in file["made_with"].items()))

    def test_numbers_of_the_libraries(self):
        python = os.environ.get("TALLOW_GOLDEN_PYTHON", sys.executable)
        done = subprocess.run([python, __file__, "--libraries"], capture_output=True, text=True, check=False)
        if done.returncode == NO_LIBRARY:
            self.skipTest(f"{done.stdout.strip()}: see the head of {Path(__file__).name}")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        print(done.stdout.strip())


def compare_libraries():
    try:
        found = versions()
    except ImportError as error:
        print(f"{sys.executable}: {error}")
        return NO_LIBRARY
    tallow = load()
    columns = make_columns(3000, 7)
    count, wrong = compare(tallow, cases_of(columns, (5, 20, 200)), columns)
    tallow.close()
    print("\n".join(wrong) or f"{count} outputs as computed, by " + ", ".join(f"{k} {v}" for k, v in found.items()))
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--libraries"]:
        sys.exit(compare_libraries())
    if sys.argv[1:] == ["--write"]:
        sys.exit(write())
    unittest.main(verbosity=2)
