"""tallow window: names and numbers of results, tables and arrays in and out, several files, and wrong use.

Environment: as for test_cli.py.
"""

import gzip
import json
import math
import os
import random
import resource
import signal
import struct
import subprocess
import unittest

import test_cli
from test_cli import BACKENDS, BAD_DATA, BIN, CANT_CREATE, IO_ERROR, NO_INPUT, NO_MEMORY, UNAVAILABLE, USAGE, Case

OPS = ("sum mean var std min max argmin argmax median quantile rank skew kurtosis cov corr beta ema rma wma first last "
       "delta return cumsum cumprod cummin cummax").split()
FOLDS = [op for op in OPS if op not in ("cov", "corr", "beta")]
EXAMPLE = "tallow window aapl.csv --op mean,std --window 20,200 -o out.csv"
ROWS = 300


def npy(rows, descr="<f8", fortran=False, version=1, shape=None, header=None):
    """A .npy file of rows, each a list of numbers; or of numbers."""
    flat = not rows or not isinstance(rows[0], list)
    if shape is None:
        shape = (len(rows),) if flat else (len(rows), len(rows[0]))
    numbers = rows if flat else [x for part in (zip(*rows) if fortran else rows) for x in part]
    text = header or f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    size = "<H" if version == 1 else "<I"
    ahead = 8 + struct.calcsize(size)
    text = text.ljust(-(ahead + len(text) + 1) % 64 + len(text)) + "\n"
    code = {"f8": "d", "f4": "f", "i8": "q", "i4": "i", "i2": "h", "i1": "b", "u8": "Q", "u4": "I", "u2": "H", "u1": "B",
            "b1": "?"}.get(descr[1:], "d")
    order = ">" if descr[0] == ">" else "<"
    return (b"\x93NUMPY" + bytes([version, 0]) + struct.pack(size, len(text)) + text.encode() +
            struct.pack(f"{order}{len(numbers)}{code}", *numbers))


def read_npy(data):
    """Rows of doubles of an array as the command writes it."""
    assert data[:10] == b"\x93NUMPY\x01\x00\x76\x00" and data[127:128] == b"\n"
    header = eval(data[10:128])  # pylint: disable=eval-used
    assert header["descr"] == "<f8" and header["fortran_order"] is False
    rows, columns = header["shape"]
    numbers = struct.unpack(f"<{rows * columns}d", data[128:])
    return [list(numbers[i * columns : (i + 1) * columns]) for i in range(rows)]


def same(a, b):
    return all(struct.pack("<d", x) == struct.pack("<d", y) or (x != x and y != y) for x, y in zip(a, b, strict=True))


class Windows(Case):
    def window(self, *args, **options):
        """Runs it on standard output. Returns the names and the columns behind them: texts, or numbers where all are."""
        out, errors = self.run_tallow("window", *args, **options)
        self.assertEqual(errors, "")
        return self.table(out.decode())

    def table(self, text):
        names, *rows = [line.split(",") for line in text.splitlines()]
        self.assertTrue(all(len(row) == len(names) for row in rows))
        return names, {name: [row[i] for row in rows] for i, name in enumerate(names)}

    def numbers(self, *args, **options):
        names, columns = self.window(*args, **options)
        return {name: [float(x) for x in columns[name]] for name in names if name not in ("time", "date", "clock")}

    def close(self, text):
        return [float(line.split(",")[4]) for line in text.splitlines()[1:]]

    def near(self, got, expected, what=""):
        self.assertEqual(len(got), len(expected), what)
        for i, (a, b) in enumerate(zip(got, expected)):
            self.assertTrue((math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12),
                            f"{what} row {i}: {a} for {b}")


class WrongUse(Windows):
    """Wrong input first."""

    def check(self, *args, says, code=USAGE, **options):
        errors = self.fails(code, "window", *args, says=says, **options)
        self.assertEqual(errors.count("\n"), 1, errors)
        return errors

    def test_missing_parts(self):
        self.check(says=("FILE... is missing, - for standard input", EXAMPLE))
        self.check("--op", "mean", says="FILE... is missing")
        self.check("a.csv", says=("--op NAMES is missing", "tallow window --list"))
        self.check("a.csv", "b.csv", "--op", "mean", says=("--output OUT is missing", "2 files need a folder"))
        self.check("a.csv", "--op", "cov", says="need a second column: --other COLUMN")

    def test_operations(self):
        self.check("a.csv", "--op", "maen", says=("sum, mean, var", "not 'maen'", "did you mean mean?"))
        for alias, name in (("sma", "mean"), ("AVG", "mean"), ("stddev", "std"), ("ewm", "ema"), ("diff", "delta")):
            self.check("a.csv", "--op", alias, says=(f"not '{alias}'", f"did you mean {name}?"))
        self.check("a.csv", "--op", "mean,", says="there is nothing between two commas")
        self.check("a.csv", "--op", "mean:foo=1", says="mean has no parameter 'foo': it has window, min_periods, nan")
        self.check("a.csv", "--op", "ema:adjust", says="'adjust' of ema is not PARAMETER=VALUE")
        self.check("a.csv", "--op", "ema:seed=mean:adjust=1", says="adjust of ema needs the first row as seed: leave out")
        errors = self.check("a.csv", "--op", "ema", "--adjust", "--seed", "mean", says="adjust of ema needs the first row")
        self.assertNotIn("seed to 0", errors)
        self.check("a.csv", "--op", "mean:nan=drop", says="nan of mean must be propagate or skip, not 'drop'")
        for option, value in (("--ddof", "1"), ("--quantile", "0.5"), ("--seed", "mean"), ("--other", "volume")):
            self.check("a.csv", "--op", "mean", option, value, says=f"{option} has no effect")
        self.check("a.csv", "--op", "cumsum", "--window", "5", says="--window has no effect")
        self.check("a.csv", "--op", "mean", "--adjust", says="--adjust has no effect: no operation of --op has it")
        for op, option, value in (("quantile:quantile=0.1", "--quantile", "0.9"), ("mean:window=4", "--window", "5"),
                                  ("mean,std:ddof=0", "--ddof", "2"), ("sum:nan=skip", "--nan", "skip")):
            self.check("a.csv", "--op", op, option, value, says=(f"{option} has no effect", "was given its own"))

    def test_numbers(self):
        for window in ("0", "-1", "x", "1.5", "1048577", "1e3", "nan", "9" * 40):
            self.check("a.csv", "--op", "mean", f"--window=5,{window}",
                       says=("whole numbers from 1 to 1048576", f"not '{window}'"))
        for q in ("2", "-0.1", "x", "nan", "0x1"):
            self.check("a.csv", "--op", "quantile", f"--quantile={q}", says=("a number from 0 to 1", f"not '{q}'"))
        errors = self.check("a.csv", "--op", "mean", "--window", "5", "--min-periods", "6",
                            says="it must be 1 to 5, the window")
        self.assertNotIn("write mean", errors)
        self.check("a.csv", "--op", "mean", "-w", "5,20", "--min-periods", "10",
                   says=("it must be 1 to 5, the window", "write mean:window=20:min_periods=10;"))
        for option, op, values, twice in (("window", "mean", "20,5,020", "020"), ("quantile", "quantile", "0.5,.50", ".50")):
            self.check("a.csv", "--op", op, f"--{option}", values, says=f"--{option} has {twice} twice: give it once")
        self.check("a.csv", "--op", "mean:window=5,10", says="several go to --window 5,10;")
        self.check("a.csv", "--op", "sum,quantile:nan=skip:quantile=0.1,0.9", says="several go to --quantile 0.1,0.9;")
        self.check("a.csv", "--op", "std:ddof=0,1", says="behind a parameter stands one value")
        self.check("a.csv", "--op", "mean", "--window", "5,,6", says="nothing between two commas")
        self.check("a.csv", "--op", "std", "--ddof=-1", says="--ddof must be a whole number")

    def test_columns(self):
        self.synth("a.csv")
        for column, says in (("clse", ("no column 'clse'", "found: time, open, high", "did you mean 'close'?")),
                             ("qqq", ("no column 'qqq'", "name one of the header, or give a number from 1")),
                             ("7", ("there is no column 7, only 6",))):
            self.check("a.csv", "--op", "mean", "-c", column, says=says, code=BAD_DATA)
        for option in ("--column", "--other", "--keep"):
            self.check("a.csv", "--op", "mean", option, "0", says=f"{option}: there is no column 0: they are numbered")
        self.check("a.csv", "--op", "corr", "--other", "vlume", says="did you mean 'volume'?", code=BAD_DATA)
        self.check("a.csv", "--op", "mean", "--keep", "sym", says="no column 'sym'", code=BAD_DATA)
        self.check("a.csv", "--op", "mean", "-c", "time", code=BAD_DATA,
                   says=("a.csv:2: time '2020-01-01T00:00:00Z' is not a number, in the first row",
                         "choose a column of numbers (open, high, low, close, volume)\n"))
        self.run_tallow("synth", "trades", "--rows", 9, "-o", "trades.csv")
        self.check("trades.csv", "--op", "mean", "-c", "side", code=BAD_DATA,
                   says=("trades.csv:2: side '", "choose a column of numbers (id, price, quantity)"))
        self.write("words.csv", "a,b\nx,2020-01-01\n")
        self.check("words.csv", "--op", "mean", "-c", "b", code=BAD_DATA, says="choose a file that has numbers")
        self.write("wide.csv", "x" + ",column" * 99 + "\ntext" + ",1" * 99 + "\n")
        self.check("wide.csv", "--op", "mean", "-c", "x", code=BAD_DATA, says="(column, column, column, ")
        self.write("plain.csv", "1,a,3\n")
        self.check("plain.csv", "--op", "mean", "-c", "2", "--header", "no", code=BAD_DATA, says="(1, 3)")
        self.write("kept.csv", "time,close,close_mean_20\n2020-01-01,1,2\n")
        self.check("kept.csv", "--op", "max,mean", "--keep", "time,close_mean_20",
                   says="a column that is copied and a result would both be called close_mean_20")
        self.window("kept.csv", "--op", "max", "-w", "1", "--keep", "time,close_mean_20")
        for op in ("mean,mean", "quantile,quantile:quantile=.50", "ema:seed=0,ema:seed=first", "ema,ema:seed=first",
                   "mean,mean:min_periods=20"):
            self.check("a.csv", "--op", op, says=("two results would be called close_", "ask for each once"))
        for columns in ("close,close", "close,Close", "close,5", "5,05"):
            a, b = columns.split(",")
            self.check("a.csv", "--op", "mean", "-c", columns, says=f"{a} and {b} of --column are the same column")

    def test_rows(self):
        for text, says in (("v\n1\nx\n", ":3: v 'x' is not a number"), ("v,w\n1,2\n3\n", ":3: the row has 1 fields"),
                           ("date,v\n2020-01-02,1\n2020-01-01,2\n", ":3: time '2020-01-01' is before that of line 2"),
                           ("v,w\n1,\"2\n", "not enclosed by its quotes"), ("v\n1\n1e999\n", "'1e999' is not a number"),
                           ("", "the file is empty"), ("\x00v\n1\n", "zero byte"), ("v\n1\n\x002\n", "zero byte")):
            self.write("a.csv", text)
            out, errors = self.run_tallow("window", "a.csv", "--op", "mean", "-c", "v", "-o", "o.csv", code=BAD_DATA)
            self.assertEqual((out, errors.count("\n")), (b"", 1))
            self.assertIn(says, errors)
            self.assertEqual(self.files(), ["a.csv"])

    def test_outputs(self):
        text = self.synth("a.csv")
        self.check("a.csv", "--op", "mean", "-o", "a.csv", says="--output a.csv would replace the FILE a.csv")
        self.check("a.csv", "--op", "mean", "-o", "./", says="--output ./ would replace the FILE a.csv")
        self.check("a.csv", "b.csv", "--op", "mean", "-o", "o.csv", says="can't hold the results of 2 files")
        self.check("a.csv", "x/a.csv", "--op", "mean", "-o", "out", says="both become a.csv in out")
        self.check("a.csv", "--op", "mean", "-o", "out", says="must end in .csv or .npy, or in / to name a folder")
        self.check("a.csv", "--op", "mean", "-o", "o.csv", "--format", "npy", says="contradict each other")
        for ending in (".gz", ".zst", ".npz"):
            self.check("a.csv", "--op", "mean", "-o", f"o.csv{ending}", says="results are not packed: name a .csv or .npy")
        self.check("a.csv", "--op", "mean", "-o", "o.txt", says="must end in .csv or .npy")
        self.check("a.csv", "--op", "mean", "-o", "o.npy", "--keep", "time", says="an array holds numbers alone")
        self.check("a.csv", "--op", "mean", "-o", "no/o.csv", says="the folder no does not exist", code=CANT_CREATE)
        self.check("a.csv", "--op", "mean", "--format", "npy", says="name a file for it")
        self.assertEqual((self.here / "a.csv").read_text(), text)
        self.assertEqual(self.files(), ["a.csv"])

    def test_rest(self):
        self.check("--list", "a.csv", says="--list has no use for 'a.csv'")
        self.check("a.csv", "--op", "mean", "--json", says="--json needs --list")
        self.check("a.csv", "--op", "mean", "-v", "-q", says="exclude each other")
        self.check("a.csv", "--op", "mean", "--device", "0", says="--device needs --backend")
        self.check("a.csv", "--op", "mean", "--decimal", ",", "--delimiter", ",", says="--decimal comma and --delimiter")
        self.check("a.csv", "--op", "mean", "--columns", "clse=4", says=("--columns", "'clse'"))
        self.check("no.csv", "--op", "mean", says="no.csv: can't open", code=NO_INPUT)
        self.check("rendre", says="--op NAMES is missing")

    def test_arrays(self):
        good = [1.0, 2.0, 3.0]
        rows = [
            (b"", "a.npy: the file is empty"),
            (b"a,b\n1,2\n3,4\n", "no .npy file"),
            (npy(good)[:40], "cut off"),
            (npy(good)[:-1], "cut off"),
            (npy(good, version=4), "version 4.0"),
            (npy(good, descr="<f2"), "type '<f2'"),
            (npy([1, 2], descr="|i8"), "type '|i8'"),
            (npy(good, descr="<i3"), "type '<i3'"),
            (npy(good, descr="<c16"), "type '<c16'"),
            (npy([1, 2, 1 << 53, (1 << 53) + 1], descr="<i8"), "row 4 of column 1 is 9007199254740993, beyond 2^53"),
            (npy([[1, 2], [3, -(1 << 53) - 1]], descr=">i8"), "row 2 of column 2 is -9007199254740993, beyond 2^53"),
            (npy([[1, 2], [3, (1 << 64) - 1]], descr="<u8", fortran=True), "row 2 of column 2 is 18446744073709551615"),
            (npy(good, descr="|O"), "type '|O'"),
            (npy(good, header="{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }"), "structures"),
            (npy(good, shape=()), "no dimensions"),
            (npy(good, shape=(1, 1, 3)), "more than 2 dimensions"),
            (npy(good, shape=(3, 0)), "0 columns"),
            (npy(good, shape=(1, 99999999)), "99999999 columns"),
            (npy(good, shape=(1 << 62, 2)), "damaged"),
            (npy(good, shape="(9999999999999999999999,)"), "can't be read"),
            (npy(good, shape="(3)"), "can't be read"),
            (npy(good, header="{'descr': '<f8', 'shape': (3,), }"), "can't be read"),
            (npy(good, header="{'descr': '<f8', 'fortran_order': 0, 'shape': (3,), }"), "can't be read"),
            (npy(good, header="{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} x"), "can't be read"),
            (npy(good, header="{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'descr': '<f8'}"), "can't be"),
            (npy(good, header="{'descr': '<f8" + "\\'" + "', 'fortran_order': False, 'shape': (3,)}"), "can't be read"),
            (npy(good, header="("), "can't be read"),
            (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 100, "claims 4294967295 bytes"),
        ]
        for data, says in rows:
            (self.here / "a.npy").write_bytes(data)
            self.check("a.npy", "--op", "mean", "-o", "o.csv", says=says, code=BAD_DATA)
        (self.here / "a.npy").write_bytes(npy([[1.0, 2.0], [3.0, 4.0]]))
        self.check("a.npy", "--op", "mean", "-c", "3", says="no column '3'", code=BAD_DATA)
        self.check("a.npy", "--op", "mean", "-c", "close", says="those of an array are numbers, 1 to 2", code=BAD_DATA)
        self.check("a.npy", "--op", "mean", "--keep", "time", says="--keep is for the columns of CSV files")
        fortran = gzip.compress(npy([[1.0, 2.0], [3.0, 4.0]], fortran=True))
        (self.here / "b.npy.gz").write_bytes(fortran)
        self.check("b.npy.gz", "--op", "mean", says="Fortran order", code=BAD_DATA)
        (self.here / "c.npy").write_bytes(npy([[1.0, 2.0], [3.0, 4.0]], fortran=True)[:-1])
        self.check("c.npy", "--op", "mean", says="cut off", code=BAD_DATA)

    def test_longer_than_the_file(self):
        self.synth("a.csv", 10)
        out, errors = self.run_tallow("window", "a.csv", "--op", "mean,max", "--window", "10,11")
        self.assertEqual(errors, "tallow: warning: a.csv: 10 rows are too few for close_mean_11 and 1 other, which are nan "
                                 "throughout\n")
        _, columns = self.table(out.decode())
        self.assertEqual(set(columns["close_mean_11"]), {"nan"})
        self.assertNotEqual(columns["close_mean_10"][-1], "nan")
        _, errors = self.run_tallow("window", "a.csv", "--op", "mean", "--window", "11", "-q")
        self.assertEqual(errors, "")

    def test_no_rows(self):
        self.write("a.csv", "v\n")
        self.write("b.csv", "v\nx\n")
        (self.here / "c.npy").write_bytes(npy([], shape=(0, 3)))
        for name, more, says in (("a.csv", ("-c", "v"), "a.csv: the file has no rows"),
                                 ("b.csv", ("-c", "v", "--header", "yes", "--bad-field", "skip"), "the file has no rows"),
                                 ("c.npy", (), "c.npy: the array has no rows")):
            for output in ("-", "o.csv", "o.npy"):
                out, errors = self.run_tallow("window", name, "--op", "mean", *more, "-o", output, code=BAD_DATA)
                self.assertEqual(out, b"")
                self.assertIn(says, errors)
                self.assertEqual("b.csv: 1 row has a field" in errors, name == "b.csv")
        self.assertEqual(self.files(), ["a.csv", "b.csv", "c.npy"])

    def test_windows_too_short_for_any_file(self):
        self.synth("a.csv", 10)
        for ops, window, n in (("std", 1, 1), ("var:ddof=3,mean", 3, 1), ("skew,kurtosis", 2, 2), ("kurtosis", 3, 1),
                               ("corr,beta,cov", 1, 3)):
            more = ("--other", "volume") if "corr" in ops else ()
            out, errors = self.run_tallow("window", "a.csv", "--op", ops, "-w", window, *more)
            name = out.decode().splitlines()[0].split(",")[1]
            others = "" if n == 1 else " and 1 other" if n == 2 else " and 2 others"
            self.assertEqual(errors, f"tallow: warning: a.csv: the window is too short for {name}{others}, which "
                                     f"{'is' if n == 1 else 'are'} nan throughout\n")
        for ops, window in (("std", 2), ("skew", 3), ("kurtosis", 4), ("ema:min_periods=3,std:ddof=0,mean", 1)):
            self.assertEqual(self.run_tallow("window", "a.csv", "--op", ops, "-w", window)[1], "")
        _, errors = self.run_tallow("window", "a.csv", "--op", "std", "-w", "1,11")
        self.assertEqual(errors.count("warning"), 2)


class Numbers(Windows):
    def test_names(self):
        self.synth("a.csv")
        for args, names in (
                ("--op mean,std --window 20,2", "close_mean_20 close_mean_2 close_std_20 close_std_2"),
                ("--op cumsum,ema -w 3 -c high,low", "high_cumsum high_ema_3 low_cumsum low_ema_3"),
                ("--op quantile -w 3 --quantile 0.9,.25", "close_quantile_0.9_3 close_quantile_0.25_3"),
                ("--op corr,last -w 3 --other volume", "close_volume_corr_3 close_last_3"),
                ("--op mean,rma", "close_mean_20 close_rma_14"),
                ("--op mean:window=4,sum,quantile:quantile=0.1 -w 3", "close_mean_4 close_sum_3 close_quantile_0.1_3"),
                ("--op last -w 1 -c 2,Close", "open_last_1 Close_last_1"),
                ("--op ema:adjust=1,ema -w 5", "close_ema_adjust1_5 close_ema_5"),
                ("--op ema:seed=mean,ema:seed=first -w 5", "close_ema_seedmean_5 close_ema_5"),
                ("--op ema,ema:seed=first --seed mean -w 5", "close_ema_5 close_ema_seedfirst_5"),
                ("--op rma:seed=mean:min_periods=1,mean:min_periods=5 -w 5", "close_rma_5 close_mean_5"),
                ("--op mean:min_periods=5 -w 5,6", "close_mean_5 close_mean_min_periods5_6"),
                ("--op std:ddof=0,std --ddof 2 -w 5", "close_std_ddof0_5 close_std_5"),
                ("--op mean:min-periods=3:nan=skip", "close_mean_min_periods3_nanskip_20"),
                ("--op quantile:nan=1:quantile=0.10 -w 5", "close_quantile_nanskip_0.1_5"),
        ):
            got, _ = self.window("a.csv", *args.split())
            self.assertEqual(got, ["time", *names.split()])

    def test_names_of_the_header(self):
        """Of a column that nobody named, and of several with one name."""
        self.run_tallow("synth", "trades", "--rows", 30, "-o", "trades.csv")
        self.assertEqual(self.window("trades.csv", "--op", "mean")[0], ["time", "price_mean_20"])
        self.write("a.csv", "v,v,w\n1,2,3\n")
        for columns, names in (("1,2,w", "c1 c2 w"), ("v,2,3", "v c2 w")):
            got, _ = self.window("a.csv", "--op", "last", "-w", "1", "-c", columns)
            self.assertEqual(got, [f"{name}_last_1" for name in names.split()])
        got, _ = self.window("a.csv", "--op", "cov", "-w", "1", "--ddof", "0", "-c", "1", "--other", "2")
        self.assertEqual(got, ["c1_c2_cov_1"])

    def test_values(self):
        x = self.close(self.synth("a.csv", ROWS))
        nan = math.nan
        got = self.numbers("a.csv", "--op", "mean,std,min,argmax,median,ema,cumsum,delta,sum", "-w", "7")

        def rolling(function):
            return [nan] * 6 + [function(x[i - 6 : i + 1]) for i in range(6, ROWS)]

        def std(part):
            mean = math.fsum(part) / len(part)
            return math.sqrt(math.fsum((v - mean) ** 2 for v in part) / (len(part) - 1))

        self.near(got["close_mean_7"], rolling(lambda part: math.fsum(part) / 7), "mean")
        self.near(got["close_std_7"], rolling(std), "std")
        self.assertTrue(same(got["close_min_7"], rolling(min)))
        self.assertTrue(same(got["close_median_7"], rolling(lambda part: sorted(part)[3])))
        self.near(got["close_delta_7"], rolling(lambda part: part[-1] - part[0]), "delta")
        self.near(got["close_argmax_7"], rolling(lambda part: part[::-1].index(max(part))), "argmax")
        self.near(got["close_cumsum"], [math.fsum(x[: i + 1]) for i in range(ROWS)], "cumsum")
        # A sum of 7 is from left to right.
        self.assertTrue(same(got["close_sum_7"], rolling(lambda p: ((((((p[0] + p[1]) + p[2]) + p[3]) + p[4]) + p[5]) +
                                                                    p[6]))))
        expected, value = [], x[0]
        for v in x:
            value += (v - value) * 2 / 8
            expected.append(value)
        self.near(got["close_ema_7"], expected, "ema")

    def test_parameters(self):
        self.write("a.csv", "v\n1\n\nnull\n5\nNaN\n2\n")
        self.write("b.csv", "v,w\n1,2\n,3\n5,1\n")
        propagated = self.numbers("a.csv", "-c", "v", "--op", "sum", "-w", "2")["v_sum_2"]
        self.assertTrue(same(propagated, [math.nan] * 5))
        skipped = self.numbers("a.csv", "-c", "v", "--op", "sum", "-w", "2", "--nan", "skip", "--min-periods", "1")
        self.assertTrue(same(skipped["v_sum_2"], [1.0, 1.0, 5.0, 5.0, 2.0]))
        var = self.numbers("b.csv", "-c", "w", "--op", "var", "-w", "2", "--ddof", "0")["w_var_2"]
        self.assertTrue(same(var, [math.nan, 0.25, 1.0]))
        ema = self.numbers("b.csv", "-c", "w", "--op", "ema", "-w", "3", "--adjust")["w_ema_3"]
        self.near(ema, [2.0, (3 + 0.5 * 2) / 1.5, (1 + 0.5 * 3 + 0.25 * 2) / 1.75])
        seeded = self.numbers("b.csv", "-c", "w", "--op", "ema:seed=mean", "-w", "2")["w_ema_seedmean_2"]
        self.near(seeded, [math.nan, 2.5, 2.5 + (1 - 2.5) * 2 / 3])
        cov = self.numbers("b.csv", "-c", "v", "--other", "w", "--op", "cov", "-w", "3", "--nan", "skip", "--min-periods",
                           "2")["v_w_cov_3"]
        self.near(cov, [math.nan, math.nan, -2.0])

    def test_digits(self):
        """17 significant digits: those of printf, and they give the same bits back."""
        rng = random.Random(5)
        values = [rng.uniform(-1, 1) * 10 ** rng.randrange(-40, 25) for _ in range(3000)]
        values += [0.0, -0.0, 1e17, 99999999999999999.0, 0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 1e22, 123456789.0]
        values += [2.0**k * m for k in range(-60, 60) for m in (1, 3, 2**53 - 1)]
        (self.here / "a.npy").write_bytes(npy(values))
        _, columns = self.window("a.npy", "--op", "last", "-w", "1")
        self.assertEqual(columns["c1_last_1"], [f"{v:.17g}" for v in values])

    def test_infinities(self):
        self.write("a.csv", "v\ninf\n-inf\n1\n")
        _, columns = self.window("a.csv", "-c", "v", "--op", "last,sum", "-w", "1,2")
        self.assertEqual(columns["v_last_1"], ["inf", "-inf", "1"])
        self.assertEqual(columns["v_sum_2"], ["nan", "nan", "-inf"])

    def test_pieces(self):
        """More rows than are worked on at a time, and windows across; the same from rows that lie elsewhere in them."""
        rng = random.Random(1)
        rows = [[rng.gauss(1e6, 1), rng.random()] for _ in range(150000)]
        (self.here / "a.npy").write_bytes(npy(rows))
        ops = "sum,std,max,ema,cumsum,first"
        self.run_tallow("window", "a.npy", "--op", ops, "-w", "200,3000", "-c", "1", "-o", "one.npy")
        one = (self.here / "one.npy").read_bytes()
        self.run_tallow("window", "a.npy", "--op", ops, "-w", "200,3000", "-c", "1", "-o", "two.npy", "--host-mem", "3MiB",
                        "--threads", "1")
        self.assertEqual((self.here / "two.npy").read_bytes(), one)
        got = read_npy(one)
        for i in (2999, 65535, 65536, 65537, 131072, 149999):
            self.assertEqual(got[i][5], max(row[0] for row in rows[i - 2999 : i + 1]))
            self.assertEqual(got[i][9], rows[i - 199][0])

    def test_every_operation_in_pieces(self):
        """Numbers that are not there at first and between, few of them needed: the same whatever the pieces."""
        rng = random.Random(2)
        rows = [[math.nan if i < 700 or rng.random() < 0.1 else rng.gauss(5, 1), rng.choice((1.0, 2.0, math.nan, 3.5))]
                for i in range(9000)]
        (self.here / "a.npy").write_bytes(npy(rows))
        args = ("window", "a.npy", "--op", ",".join(OPS), "-w", "9,300", "-c", "1", "--other", "2", "--min-periods", "2",
                "--backend", "cpu")
        for policy in ("skip", "propagate"):
            self.run_tallow(*args, "--nan", policy, "-o", "one.npy", "-q")
            one = (self.here / "one.npy").read_bytes()
            self.run_tallow(*args, "--nan", policy, "-o", "two.npy", "-q", "--host-mem", "3MiB", "--threads", "1")
            self.assertEqual((self.here / "two.npy").read_bytes(), one)
            self.assertEqual(any(x == x for x in read_npy(one)[-1]), True)

    def test_backends(self):
        """The same bytes from each, of every operation."""
        self.synth("a.csv", 3000)
        expected = None
        for backend in BACKENDS:
            args = ("--op", ",".join(FOLDS + ["cov", "corr", "beta"]), "--other", "volume", "-w", "1,20,333",
                    "-o", f"{backend}.csv", "--backend", backend)
            self.run_tallow("window", "a.csv", *args, "-q")
            got = (self.here / f"{backend}.csv").read_bytes()
            expected = expected or got
            self.assertEqual(got, expected, backend)

    def test_refused_backends(self):
        self.synth("a.csv")
        env = {"OCL_ICD_VENDORS": str(self.here)}
        self.fails(UNAVAILABLE, "window", "a.csv", "--op", "mean", "--backend", "opencl", env=env, says="opencl")


class Tables(Windows):
    def test_times_that_do_not_count(self):
        """Without times none are copied, and rows may be in any order."""
        self.write("a.csv", "time,close\n2020-01-02,1\n2020-01-01,3\n")
        args = ("window", "a.csv", "--op", "sum", "--window", 2)
        self.fails(BAD_DATA, *args, says="is before that of line 2")
        self.assertEqual(self.run_tallow(*args, "--columns", "time=none")[0], b"close_sum_2\nnan\n4\n")

    """What is read and written."""

    def test_labels(self):
        self.write("a.csv", 'sym;Date;Time;v\n"a;b";2020-01-01;9:30;1\n"say ""x""";2020-01-01;9:31;2,5\n')
        args = ("--op", "last", "-w", "1", "-c", "v", "--decimal", ",")
        out, _ = self.run_tallow("window", "a.csv", *args)
        self.assertEqual(out.decode(), "Date,Time,v_last_1\n2020-01-01,9:30,1\n2020-01-01,9:31,2.5\n")
        out, _ = self.run_tallow("window", "a.csv", *args, "--keep", "sym,2")
        self.assertEqual(out.decode(), 'sym,Date,v_last_1\n"a;b",2020-01-01,1\n"say ""x""",2020-01-01,2.5\n')
        out, _ = self.run_tallow("window", "a.csv", *args, "--keep", "none")
        self.assertEqual(out.decode(), "v_last_1\n1\n2.5\n")
        out, _ = self.run_tallow("window", "a.csv", *args, "--columns", "time=2,clock=none")
        self.assertEqual(out.decode(), "Date,v_last_1\n2020-01-01,1\n2020-01-01,2.5\n")
        self.write("b.csv", "id;v\n" + "x" * 257 + ";1\n")
        self.fails(BAD_DATA, "window", "b.csv", *args, "--keep", "id", says=("b.csv:2:", "longer than 256 bytes"))

    def test_no_header(self):
        candles = "2020-01-01,1,3,0.5,2,100\n2020-01-02,2,4,1,3,200\n"
        for columns, name in (("close", "close_last_1"), ("5", "c5_last_1")):
            out, _ = self.run_tallow("window", "-", "--op", "last", "-w", "1", "-c", columns, input=candles.encode())
            self.assertEqual(out.decode(), f"time,{name}\n2020-01-01,2\n2020-01-02,3\n")
        out, _ = self.run_tallow("window", "-", "--op", "last", "-w", "1", "-c", "2", input=b"3 \t4\n1\t2\n")
        self.assertEqual(out.decode(), "c2_last_1\n4\n2\n")
        out, _ = self.run_tallow("window", "-", "--op", "last", "-w", "1", "-c", "1", "--header", "yes", input=b"3\n1\n")
        self.assertEqual(out.decode(), "3_last_1\n1\n")
        self.fails(BAD_DATA, "window", "-", "--op", "last", "-c", "close", input=b"1,2\n3,4\n", says="no column 'close'")
        # A first row without the number that is asked for is no header.
        for text in (b"5,null\n1,4\n", b"5,\n1,4\n", b"2020-01-01,\n2020-01-02,4\n", b"5,NaN\n1,4\n"):
            out, _ = self.run_tallow("window", "-", "--op", "last", "-w", "1", "-c", "2", "--keep", "none", input=text)
            self.assertEqual(out, b"c2_last_1\nnan\n4\n", text)
        # Without a time it is no candle, and its columns have no roles.
        self.fails(BAD_DATA, "window", "-", "--op", "last", "-c", "close", "--header", "no", input=b"1,2,3,4,5,6\n",
                   says=("no column 'close' (found: 1, 2, 3, 4, 5, 6)", "give a number from 1"))

    def test_ahead_of_the_header(self):
        text = "Report of today\n\n# a comment\nname|v\nx|1\n# another\ny|2\n"
        out, _ = self.run_tallow("window", "-", "--op", "last", "-w", "1", "-c", "v", input=text.encode())
        self.assertEqual(out.decode(), "v_last_1\n1\n2\n")

    def test_roles(self):
        """A role finds the column that render would take."""
        text = "Date,Close/Last,Volume\n2020-01-01,5,7\n"
        out, _ = self.run_tallow("window", "-", "--op", "last", "-w", "1", input=text.encode())
        self.assertEqual(out.decode(), "Date,Close/Last_last_1\n2020-01-01,5\n")

    def test_order(self):
        text = b"date,v\n2020-01-02,1\n2020-01-03,2\n2020-01-01,3\n2020-01-03,4\n"
        args = ("window", "-", "--op", "last", "-w", "1", "-c", "v")
        self.fails(BAD_DATA, *args, "-o", "o.csv", input=text, says=("before that of line 3", "--out-of-order skip or keep"))
        out, errors = self.run_tallow(*args, "--out-of-order", "skip", input=text)
        self.assertEqual([line[-1:] for line in out.decode().splitlines()[1:]], ["1", "2", "4"])
        self.assertIn("1 row goes back in time, the first at line 4: it is left out", errors)
        out, errors = self.run_tallow(*args, "--out-of-order", "keep", input=text)
        self.assertEqual([line[-1:] for line in out.decode().splitlines()[1:]], ["1", "2", "3", "4"])
        self.assertEqual(errors, "")
        # What can't be read as times has no order.
        out, _ = self.run_tallow(*args, input=b"time,v\nb,1\na,2\n")
        self.assertEqual(out.decode(), "time,v_last_1\nb,1\na,2\n")

    def test_bad_field(self):
        self.write("a.csv", "v\n1\nx\n3\n")
        out, errors = self.run_tallow("window", "a.csv", "-c", "v", "--op", "sum", "-w", "2", "--bad-field", "skip")
        self.assertEqual(out.decode(), "v_sum_2\nnan\n4\n")
        self.assertIn("a.csv: 1 row has a field that can't be read, the first at line 3: it is left out", errors)

    def test_packed(self):
        text = self.synth("a.csv", 50)
        (self.here / "b.csv.gz").write_bytes(gzip.compress(text.encode()))
        expected, _ = self.run_tallow("window", "a.csv", "--op", "mean")
        self.assertEqual(self.run_tallow("window", "b.csv.gz", "--op", "mean")[0], expected)
        self.assertEqual(self.run_tallow("window", "-", "--op", "mean", input=text.encode())[0], expected)
        values = self.close(text)
        (self.here / "c.npy.gz").write_bytes(gzip.compress(npy(values)))
        got = self.numbers("c.npy.gz", "--op", "mean")["c1_mean_20"]
        self.assertTrue(same(got, self.numbers("a.csv", "--op", "mean")["close_mean_20"]))

    def test_arrays(self):
        """Every form of an array gives what the same numbers give as text."""
        rows = [[float(i * i % 17), i / 4, -float(i)] for i in range(50)]
        self.write("a.csv", "x,y,z\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows))
        args = ("--op", "mean,cumsum,corr", "-w", "5", "--other", "3", "-c", "1,2")
        expected = list(self.numbers("a.csv", *args).values())
        for options in ({}, {"fortran": True}, {"descr": "<f4"}, {"descr": "<f4", "fortran": True}, {"version": 2},
                        {"version": 3}):
            (self.here / "a.npy").write_bytes(npy(rows, **options))
            got = self.numbers("a.npy", *args)
            self.assertEqual(list(got), ["c1_mean_5", "c1_cumsum", "c1_c3_corr_5", "c2_mean_5", "c2_cumsum",
                                         "c2_c3_corr_5"])
            for a, b in zip(got.values(), expected, strict=True):
                self.assertTrue(same(a, b), options)
        for descr in (">f8", ">f4"):
            (self.here / "a.npy").write_bytes(npy(rows, descr=descr))
            for a, b in zip(self.numbers("a.npy", *args).values(), expected, strict=True):
                self.assertTrue(same(a, b), descr)
        for kind, low, high in [(f"{sign}{n}", -(sign == "i") << min(53, 8 * n - 1), 1 << min(53, 8 * n - (sign == "i")))
                                for sign in "iu" for n in (1, 2, 4, 8)]:
            whole = [[low, 3], [high - 1, 0], [1, high - 1], [0, 1]]
            for order in "|" if kind[1] == "1" else "<>":
                for fortran in (False, True):
                    (self.here / "a.npy").write_bytes(npy(whole, descr=order + kind, fortran=fortran))
                    got = self.numbers("a.npy", "--op", "last", "-w", "1")
                    self.assertEqual(list(zip(*got.values())), [tuple(row) for row in whole], order + kind)
        (self.here / "a.npy").write_bytes(npy([True, False], descr="|b1"))
        self.assertEqual(self.numbers("a.npy", "--op", "last", "-w", "1")["c1_last_1"], [1, 0])
        # A column that is not asked for may hold anything.
        (self.here / "a.npy").write_bytes(npy([[1, 1 << 60], [2, 5]], descr="<i8"))
        self.assertEqual(self.numbers("a.npy", "--op", "last", "-w", "1", "-c", "1")["c1_last_1"], [1, 2])
        out, _ = self.run_tallow("window", "-", *args, "--input", "npy", input=npy(rows))
        self.assertEqual(len(out.splitlines()), 51)
        header = '{"shape": ( 2 ,) , "fortran_order":False,"descr":"<f8"}'
        (self.here / "b.npy").write_bytes(npy([1.0, 2.0], header=header) + b"more")
        self.assertEqual(self.numbers("b.npy", "--op", "last", "-w", "1")["c1_last_1"], [1.0, 2.0])

    def test_piped_arrays(self):
        """All columns of an array that can be read once alone."""
        rows = [[float(i * k % 17) for k in range(1, 60)] for i in range(300)]
        (self.here / "a.npy").write_bytes(npy(rows))
        args = ("window", "--op", "mean,corr", "-w", "5", "--other", "3")
        expected, _ = self.run_tallow(*args, "a.npy")
        self.assertEqual(len(expected.splitlines()[0].split(b",")), 2 * 59)
        self.assertEqual(self.run_tallow(*args, "-", "--input", "npy", input=npy(rows))[0], expected)
        os.mkfifo(self.here / "b.npy")
        for names, more in ((("b.npy",), ()), (("b.npy", "a.npy"), ("-o", "out/"))):
            with subprocess.Popen(["cp", "a.npy", "b.npy"], cwd=self.here):
                out, _ = self.run_tallow(*args, *names, *more)
            self.assertEqual(out or (self.here / "out/b.csv").read_bytes(), expected)
        self.assertEqual((self.here / "out/a.csv").read_bytes(), expected)
        piped = ("-", "--input", "npy")
        self.fails(USAGE, *args, *piped, "--host-mem", "8MiB", input=npy(rows),
                   says=("standard input: --host-mem needs", "--column"))
        with subprocess.Popen(["cp", "a.npy", "b.npy"], cwd=self.here, stderr=subprocess.DEVNULL):
            self.fails(USAGE, *args, *piped, "b.npy", "-o", "o/", input=npy(rows),
                       says=("b.npy: a second array", "--column"))
            (self.here / "b.npy").read_bytes()
        self.fails(BAD_DATA, *args, *piped, input=b"a,b\n1,2\n", says="standard input: this is no .npy file")
        self.fails(BAD_DATA, *args, "-", input=npy(rows), says="standard input: this is an array of NumPy, no CSV file: "
                                                               "add --input npy")
        self.write("a.npz", "PK")
        self.fails(BAD_DATA, *args, "a.npz", says="a.npz: this is a bundle of arrays")

    def test_changed_array(self):
        """One that has more columns than when they were counted, for which there would be no room."""
        (self.here / "a.npy").write_bytes(npy([1.0, 2.0]))
        (self.here / "new").write_bytes(npy([[float(k) for k in range(500)]] * 9))
        os.mkfifo(self.here / "fifo.csv")
        args = (BIN, "window", "fifo.csv", "a.npy", "--op", "mean", "-w", "1", "-o", "out/")
        child = subprocess.Popen(args, cwd=self.here, stderr=subprocess.PIPE)
        with open(self.here / "fifo.csv", "w", encoding="ascii") as writer:
            (self.here / "new").rename(self.here / "a.npy")
            writer.write("close\n1\n")
        _, errors = child.communicate()
        self.assertEqual(child.returncode, BAD_DATA, errors)
        self.assertIn(b"a.npy: the array is another than it was a moment ago", errors)
        self.assertEqual(sorted(path.name for path in (self.here / "out").iterdir()), ["fifo.csv"])

    def test_long_names(self):
        """A name of the header is cut between signs, one that was typed is not."""
        euros, long = "x" * 62 + "\u20ac", "y" * 120
        self.write("a.csv", f"{euros},{long},z\n1,2,3\n")
        names, _ = self.window("a.csv", "-c", "1,3", "--other", long, "--op", "last,cov", "-w", "1", "--ddof", "0")
        self.assertEqual(names, ["x" * 62 + "_last_1", "x" * 62 + f"_{long}_cov_1", "z_last_1", f"z_{long}_cov_1"])
        self.write("b.csv", "\x1b[31mv\nx\n")
        self.fails(BAD_DATA, "window", "b.csv", "-c", "1", "--header", "yes", "--op", "last",
                   says=r":2: \x1B[31mv 'x' is not")

    def test_arrays_out(self):
        """An array has the numbers of the text, whatever it was made of."""
        self.synth("a.csv", 100)
        args = ("--op", "mean,std,cumsum", "-w", "5,9")
        text = self.numbers("a.csv", *args)
        self.run_tallow("window", "a.csv", *args, "-o", "a.npy")
        got = read_npy((self.here / "a.npy").read_bytes())
        for row, expected in zip(got, zip(*text.values(), strict=True), strict=True):
            self.assertTrue(same(row, expected))
        (self.here / "b.npy").write_bytes(npy(self.close((self.here / "a.csv").read_text())))
        out, _ = self.run_tallow("window", "b.npy", *args, "--format", "npy")
        self.assertEqual(out, (self.here / "a.npy").read_bytes())
        for name, options in (("a", ("--format", "npy")), ("b", ("--format", "npy"))):
            (self.here / "c.npy").write_bytes(b"old")
            self.run_tallow("window", f"{name}.npy" if name == "b" else "a.csv", *args, "-o", f"out-{name}/", *options)
            self.assertEqual((self.here / f"out-{name}" / f"{name}.npy").read_bytes(), out)

    def test_any_name(self):
        """Where --format says what a file is."""
        self.synth("a.csv", 30)
        for form, ending in (("csv", "txt"), ("npy", "bin")):
            self.run_tallow("window", "a.csv", "--op", "mean", "-o", f"o.{ending}", "--format", form)
            self.run_tallow("window", "a.csv", "--op", "mean", "-o", f"o.{form}")
            self.assertEqual((self.here / f"o.{ending}").read_bytes(), (self.here / f"o.{form}").read_bytes())
        self.synth("b.csv", 30)
        self.run_tallow("window", "a.csv", "b.csv", "--op", "mean", "-o", "o.dir", "--format", "csv")
        self.assertEqual(sorted(path.name for path in (self.here / "o.dir").iterdir()), ["a.csv", "b.csv"])

    def test_devices_and_pipes(self):
        """They are written as they are, whatever their names."""
        self.synth("a.csv", 30)
        expected, _ = self.run_tallow("window", "a.csv", "--op", "mean")
        os.mkfifo(self.here / "p")
        for more in ((), ("--format", "csv")):
            self.assertEqual(self.run_tallow("window", "a.csv", "--op", "mean", "-o", "/dev/null", *more), (b"", ""))
            with subprocess.Popen(["cat", "p"], cwd=self.here, stdout=subprocess.PIPE) as reader:
                self.run_tallow("window", "a.csv", "--op", "mean", "-o", "p", *more)
                self.assertEqual(reader.stdout.read(), expected)
        (self.here / "b.npy").write_bytes(npy([1.0, 2.0]))
        self.run_tallow("window", "b.npy", "--op", "mean", "-o", "/dev/null", "--format", "npy")

    def test_places(self):
        """What -v says of where results were computed."""
        self.synth("a.csv", 30)
        for backend in BACKENDS:
            for ops, says in (("ema,cumsum", ", cpu, row by row\n"), ("mean", f", {backend} ("),
                              ("mean,ema,max", f", {backend} (")):
                _, errors = self.run_tallow("window", "a.csv", "--op", ops, "-v", "--backend", backend)
                self.assertIn(says, errors)
                self.assertEqual("1 of them row by row on the cpu" in errors, backend != "cpu" and "mean,ema" in ops)

    def test_several(self):
        texts = {name: self.synth(f"{name}.csv", 40, "--seed", seed) for name, seed in (("a", 1), ("b", 2))}
        self.write("bad.csv", "time,close\n2020-01-01,x\n")
        errors = self.fails(BAD_DATA, "window", "a.csv", "bad.csv", "no.csv", "b.csv", "--op", "mean", "-o", "out/x")
        self.assertEqual(errors.count("\n"), 2)
        self.assertEqual(self.files(), ["a.csv", "b.csv", "bad.csv", "out/x/a.csv", "out/x/b.csv"])
        for name in texts:
            alone, _ = self.run_tallow("window", f"{name}.csv", "--op", "mean")
            self.assertEqual((self.here / "out/x" / f"{name}.csv").read_bytes(), alone)
        self.fails(BAD_DATA, "window", "bad.csv", "--op", "mean", "-o", "none/")
        self.assertFalse((self.here / "none").exists())

    def test_replaces_whole_files_alone(self):
        self.synth("a.csv", 40)
        self.write("o.csv", "old")
        self.write("bad.csv", "time,close\n2020-01-01,1\n2020-01-02,x\n")
        self.fails(BAD_DATA, "window", "bad.csv", "--op", "mean", "-o", "o.csv")
        self.assertEqual((self.here / "o.csv").read_text(), "old")
        self.run_tallow("window", "a.csv", "--op", "mean", "-o", "o.csv")
        self.assertTrue((self.here / "o.csv").read_text().startswith("time,close_mean_20\n"))
        self.assertEqual(self.files(), ["a.csv", "bad.csv", "o.csv"])

    def test_failed_writes(self):
        """What can't be written whole is not written; where nothing can be, the next FILE is not tried."""
        self.synth("a.csv", 4000)
        self.synth("b.csv", 10)
        self.write("out/a.csv", "old")

        def confine():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))

        for more in ((), ("--format", "npy")):
            errors = self.fails(IO_ERROR, "window", "a.csv", "b.csv", "--op", "mean,std,max", "-o", "out", *more,
                                preexec_fn=confine, says="can't write: File too large")
            self.assertEqual(errors.count("\n"), 1)
            self.assertEqual(self.files(), ["a.csv", "b.csv", "out/a.csv"])
        self.assertEqual((self.here / "out/a.csv").read_text(), "old")

    def test_failed_reads(self):
        """Those of one FILE are its own."""
        self.synth("b.csv", 40)
        errors = self.fails(IO_ERROR, "window", "/proc/self/mem", "b.csv", "--op", "mean", "-o", "out/",
                            says="reading failed")
        self.assertEqual((errors.count("\n"), self.files()), (1, ["b.csv", "out/b.csv"]))

    def test_full_disk_and_gone_reader(self):
        self.synth("a.csv", 20000)
        with open("/dev/full", "wb") as full:
            done = self.start(("window", "a.csv", "--op", "mean"), stdout=full, stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (IO_ERROR, 1), done.stderr)
        script = '"$0" window a.csv --op mean,std,max -w 5,6,7 | head -1; echo ${PIPESTATUS[0]}'
        done = subprocess.run(["bash", "-c", script, BIN], cwd=self.here, capture_output=True, check=False, text=True)
        self.assertEqual((done.stdout.splitlines()[-1], done.stderr), (str(IO_ERROR), ""))


class Lists(Windows):
    def test_json(self):
        listed = json.loads(self.run_tallow("window", "--list", "--json")[0])
        self.assertEqual([op["name"] for op in listed], OPS)
        for op in listed:
            self.assertEqual(sorted(op), ["columns", "inputs", "lookback", "name", "parameters", "summary"])
            self.assertEqual(op["inputs"], 2 if op["name"] in ("cov", "corr", "beta") else 1)
            self.assertEqual(op["columns"], ["--column", "--other"][: op["inputs"]])
            for parameter in op["parameters"]:
                if "choices" in parameter:
                    self.assertEqual(sorted(parameter), ["choices", "default", "name", "summary"])
                    self.assertIn(parameter["default"], [choice["name"] for choice in parameter["choices"]])
                    continue
                is_window = parameter["default"] is None
                self.assertEqual(sorted(parameter.keys() - {"default_from"}), ["default", "least", "most", "name", "summary"])
                self.assertEqual(parameter.get("default_from"), "window" if is_window else None)
                self.assertLessEqual(parameter["least"], parameter["most"])
        defaults = {op["name"]: {p["name"]: p["default"] for p in op["parameters"]} for op in listed}
        self.assertEqual((defaults["ema"]["seed"], defaults["rma"]["seed"]), ("first", "mean"))
        self.assertEqual((defaults["mean"]["nan"], defaults["mean"]["min_periods"]), ("propagate", None))
        quantile = next(p for p in listed[9]["parameters"] if p["name"] == "quantile")
        self.assertEqual((quantile["least"], quantile["most"], quantile["default"]), (0, 1, 0.5))

    def test_text(self):
        out, _ = self.run_tallow("window", "--list")
        lines = out.decode().splitlines()
        self.assertEqual([line.split()[0] for line in lines[:-2]], OPS)
        self.assertIn("cov         2 columns  covariance of two columns", lines)
        self.assertIn("--list --op NAME", lines[-1])

    def test_details(self):
        out, _ = self.run_tallow("window", "--list", "--op", ",".join(OPS))
        lines = out.decode().splitlines()
        self.assertEqual([line.split()[0] for line in lines if line[0] != " "], OPS)
        self.assertIn("            rows before the first result: max(min_periods, ddof + 1) - 1", lines)
        for text in ("nan: what a NaN does; propagate: a NaN makes NaN while it is in the window; skip: it is left out; "
                     "default propagate",
                     "seed: what it begins with; first: the first row; mean: the mean of the first window rows; "
                     "default mean"):
            self.assertIn(f"            {text}", lines)

    def test_nan(self):
        """What the list says of a NaN is what it does."""
        self.write("a.csv", "v,w\n" + "".join(f"{x},{i % 3}\n" for i, x in enumerate("nan 1 2 nan 4 5 6 7".split())))
        nans = {"while it is in the window": {0, 1, 2, 3, 4, 5}, "NaN from there on": {0, 3, 4, 5, 6, 7},
                "it is the oldest row,": {0, 1, 2, 5}, "it is the newest row,": {0, 1, 3},
                "it is the oldest or the newest row,": {0, 1, 2, 3, 5}}
        for op in json.loads(self.run_tallow("window", "--list", "--json")[0]):
            policy = next(p for p in op["parameters"] if p["name"] == "nan")
            says = policy["choices"][0]["summary"]
            expected = next(rows for text, rows in nans.items() if text in says)
            rolls = any(p["name"] == "window" for p in op["parameters"])
            remembers = "from there on" in says
            args = ("-w", "3") if rolls else ()
            other = ("--other", "w") if op["inputs"] == 2 else ()
            name = op["name"] + (":min_periods=1:seed=first" if op["name"] in ("ema", "rma") else "")
            got = list(self.numbers("a.csv", "-c", "v", "--op", name, *args, *other, "-q").values())[0]
            if op["name"] == "kurtosis":
                continue # of 3 rows there is none
            found = {i for i, x in enumerate(got) if math.isnan(x)}
            self.assertEqual(found, expected if remembers else expected | {0, 1}, op["name"])

    def test_some(self):
        out, _ = self.run_tallow("window", "--list", "--op", "rma,mean")
        self.assertEqual([line.split()[0] for line in out.decode().splitlines() if line[0] != " "], ["mean", "rma"])
        listed = json.loads(self.run_tallow("window", "--list", "--json", "--op", "rma:seed=first,mean")[0])
        self.assertEqual([op["name"] for op in listed], ["mean", "rma"])
        self.fails(USAGE, "window", "--list", "--op", "sma", says="did you mean mean?")

    def test_every_operation_runs(self):
        """Each with each of its parameters, as the list has them."""
        self.synth("a.csv", 40)
        for op in json.loads(self.run_tallow("window", "--list", "--json")[0]):
            parts = [f"{p['name']}={p['default'] if p['default'] is not None else 3}" for p in op["parameters"]]
            other = ("--other", "volume") if op["inputs"] == 2 else ()
            names, columns = self.window("a.csv", "--op", ":".join([op["name"], *parts]), *other)
            self.assertNotEqual(columns[names[-1]][-1], "nan", op["name"])


class Memory(Windows):
    def test_bounded(self):
        """A long input in little memory: neither its rows nor the results are held."""
        rows = 400000
        script = 'i=0; while [ $i -lt 40 ]; do cat part; i=$((i + 1)); done'
        self.write("part", "".join(f"{i % 977}.25\n" for i in range(rows // 40)))
        feed = subprocess.Popen(["sh", "-c", script], cwd=self.here, stdout=subprocess.PIPE)

        def confine():
            resource.setrlimit(resource.RLIMIT_DATA, (1 << 27, 1 << 27))

        out, errors = self.run_tallow("window", "-", "-c", "1", "--op", "mean,ema,max", "-w", "20,2000", "-o", "o.npy",
                                      "--host-mem", "8MiB", "--backend", "cpu", "--threads", "1", stdin=feed.stdout,
                                      preexec_fn=None if is_sanitized() else confine)
        feed.stdout.close()
        self.assertEqual((feed.wait(), out, errors), (0, b"", ""))
        self.assertEqual((self.here / "o.npy").stat().st_size, 128 + rows * 6 * 8)
        self.assertIn(f"({rows}, 6)".encode(), (self.here / "o.npy").read_bytes()[:128])

    def enough(self, *args, begin=1000):
        """The memory that a refusal asks for, which does at once, for the same results."""
        expected, _ = self.run_tallow("window", *args)
        refused, errors = self.run_tallow("window", *args, "--host-mem", begin, code=NO_MEMORY)
        self.assertEqual((refused, errors.count("\n")), (b"", 1), errors)
        self.assertIn(f"--host-mem {begin} is too small a budget: set it to ", errors)
        size = int(errors.split("set it to ")[1].split()[0])
        got, _ = self.run_tallow("window", *args, "--host-mem", size)
        self.assertEqual(got, expected)
        return size

    def test_too_little(self):
        """Whatever asks for it: the command's own columns, the engine, the reader, states, windows."""
        self.synth("a.csv", 1000)
        (self.here / "b.csv.gz").write_bytes(gzip.compress((self.here / "a.csv").read_bytes()))
        cpu = ("--backend", "cpu", "--threads", "1")
        size = self.enough("a.csv", "--op", "mean,max,median,ema", "-w", "50,900", *cpu)
        for begin in (size // 4, size // 3, size * 2 // 5):
            self.enough("a.csv", "--op", "mean,max,median,ema", "-w", "50,900", *cpu, begin=begin)
        for op in ("mean", "wma", "skew", "beta", "median", "rank"):
            other = ("--other", "volume") if op == "beta" else ()
            for window in (700, 200000):
                self.enough("a.csv", "--op", op, "-w", window, "--min-periods", 4, *other, *cpu)
        self.enough("b.csv.gz", "--op", "std,ema,cumsum", "-w", "20,100000", "--backend", "cpu", "--threads", "4")
        if "cuda" in BACKENDS: # OpenCL would take long to compile its kernels in a cache of this class
            self.enough("a.csv", "--op", "mean,max", "-w", "50,5000", "--backend", "cuda")

    def test_too_little_for_tasks(self):
        """The engine asks for its list of tasks before it asks for what windows need."""
        self.synth("a.csv", 200)
        args = ("a.csv", "--op", "std", "-w", ",".join(map(str, range(19901, 20001))), "--min-periods", "4",
                "--backend", "cpu", "--threads", "1")
        refused, least = 1000, self.enough(*args)
        while least - refused > 1000:
            middle = (least + refused) // 2
            done = self.start(("window", *args, "--host-mem", middle), None, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
            refused, least = (refused, middle) if done.returncode == 0 else (middle, least)
        for less in range(0, 1_200_000, 150_000):
            self.enough(*args, begin=refused - less)

    def test_whose_budget(self):
        """What is left of it for an engine is no number that somebody gave."""
        self.synth("a.csv", 40)
        _, errors = self.run_tallow("window", "a.csv", "--op", "mean", "--host-mem", "1000", "-v", code=NO_MEMORY)
        self.assertIn("not used: --host-mem 1000 leaves too little for an engine\n", errors)
        self.assertNotIn("a host memory budget of", errors)

    def test_too_little_for_many(self):
        """Names of thousands of results are counted too."""
        self.synth("a.csv", 40)
        args = ("a.csv", "--op", "mean,max,ema,std", "-w", ",".join(map(str, range(2, 1002))), "--backend", "cpu")
        self.assertGreater(self.enough(*args), 4000 * (1000 * 8 + 256))


def is_sanitized():
    """Sanitizers map more than any limit."""
    done = subprocess.run(["nm", "-D", BIN], capture_output=True, text=True, check=False)
    return "__asan" in done.stdout or "__tsan" in done.stdout


if __name__ == "__main__":
    test_cli.main()
