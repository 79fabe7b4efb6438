"""tallow bars: kinds, columns and formats of tables, parts, checkpoints, live input, and wrong use.

Environment: as for test_cli.py.
"""

import ast
import gzip
import json
import os
import random
import select
import signal
import struct
import subprocess
import time
import unittest

import test_cli
from processes import wait_until_idle
from test_cli import BAD_DATA, BIN, CANT_CREATE, IO_ERROR, NO_INPUT, NO_MEMORY, STOPPED, USAGE, Case, Png

ALL = ("open_time close_time open high low close volume quote_volume vwap trades agg_trades buy_volume sell_volume "
       "buy_quote_volume sell_quote_volume buy_trades sell_trades first_id last_id").split()
START = 1723161256000  # ms; 2024-08-08
MINUTE = 60000


def trades(n, seed=1, step=400, start=START):
    """Rows of aggregated trades: id, price, quantity, first and last trade, ms, whether the buyer was the maker."""
    rng = random.Random(seed)
    moment, price, last = start, 6180030000000, 0
    rows = []
    for i in range(n):
        moment += rng.choice((0, 0, 1, step))
        price += rng.randint(-200, 200) * 10000000 // 2
        first, last = last + 1, last + rng.randint(1, 4)
        quantity = rng.choice((1, 100000, 123456789, 25 * 10**8, rng.randint(1, 10**14)))
        rows.append((i + 1, price, quantity, first, last, moment, rng.random() < 0.5))
    return rows


def decimal(number, decimals=8):
    """Exact, without zeros at the end, never with an exponent."""
    whole, rest = divmod(number, 10**decimals)
    return f"{whole}.{rest:0{decimals}}".rstrip("0").rstrip(".")


HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"


def text_of(rows, header=True):
    lines = [f"{i},{decimal(p)},{decimal(q)},{f},{l},{t},{str(m).lower()}" for i, p, q, f, l, t, m in rows]
    return "\n".join([HEADER] * header + lines) + "\n"


def bar_of(rows, begin=None, end=None):
    """The fields of ALL, as text."""
    volume, quote = sum(r[2] for r in rows), sum(r[1] * r[2] for r in rows)
    buys = [r for r in rows if not r[6]]
    buy_volume, buy_quote = sum(r[2] for r in buys), sum(r[1] * r[2] for r in buys)
    n, n_buys = (sum(r[4] - r[3] + 1 for r in part) for part in (rows, buys))
    prices = [r[1] for r in rows]
    return [str(rows[0][5] if begin is None else begin), str(rows[-1][5] if end is None else end),
            *map(decimal, (prices[0], max(prices), min(prices), prices[-1], volume)), decimal(quote, 16),
            decimal(quote // volume), str(n), str(len(rows)), decimal(buy_volume), decimal(volume - buy_volume),
            decimal(buy_quote, 16), decimal(quote - buy_quote, 16), str(n_buys), str(n - n_buys),
            str(rows[0][3]), str(rows[-1][4])]


def minutes_of(rows, size=MINUTE):
    parts = {}
    for row in rows:
        parts.setdefault(row[5] // size, []).append(row)
    return [bar_of(part, k * size, (k + 1) * size - 1) for k, part in parts.items()]


def read_records(data):
    """Names, types and rows of an array of records as the command writes it."""
    assert data[:8] == b"\x93NUMPY\x01\x00"
    size = 10 + struct.unpack("<H", data[8:10])[0]
    assert size % 64 == 0 and data[size - 1 : size] == b"\n"
    header = ast.literal_eval(data[10:size].decode().strip())
    assert header["fortran_order"] is False
    form = "<" + "".join({"<i8": "q", "<f8": "d", "|b1": "?"}[kind] for _, kind in header["descr"])
    rows = list(struct.iter_unpack(form, data[size:]))
    assert header["shape"] == (len(rows),)
    return [name for name, _ in header["descr"]], rows


UNFINISHED = r"tallow: (1 unfinished bar of [\d,]+ rows? is|\d+ unfinished bars are) left out.*\n"


class Bars(Case):
    def bars(self, *args, **options):
        """Runs it on standard output. Returns names and rows of texts."""
        out, errors = self.run_tallow("bars", *args, **options)
        self.assertRegex(errors, rf"\A({UNFINISHED})?\Z")
        names, *rows = [line.split(",") for line in out.decode().splitlines()]
        self.assertTrue(all(len(row) == len(names) for row in rows))
        return names, rows

    def table(self, name):
        return [line.split(",") for line in (self.here / name).read_text().splitlines()]


class Tables(Bars):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rows = trades(3000)
        cls.minutes = minutes_of(cls.rows)

    def setUp(self):
        super().setUp()
        self.write("t.csv", text_of(self.rows))

    def test_csv(self):
        names, rows = self.bars("t.csv", "--time", "1m")
        self.assertEqual(names, ALL)
        self.assertGreater(len(rows), 4)
        self.assertEqual(rows, self.minutes[:-1])
        self.assertEqual(self.bars("-", "--time", "1m", input=text_of(self.rows).encode())[1], rows)

    def test_ticks_and_partial(self):
        expected = [bar_of(self.rows[i : i + 700]) for i in range(0, 3000, 700)]
        names, rows = self.bars("t.csv", "--tick", "700")
        self.assertEqual(rows, expected[:-1])
        names, rows = self.bars("t.csv", "--tick", "700", "--partial")
        self.assertEqual(names, [*ALL, "partial"])
        self.assertEqual([row[:-1] for row in rows], expected)
        self.assertEqual([row[-1] for row in rows], ["0"] * 4 + ["1"])

    def test_labels(self):
        names, rows = self.bars("t.csv", "--time", "1m", "--label", "open")
        self.assertEqual(names, ["timestamp", *ALL])
        self.assertTrue(all(row[0] == row[1] for row in rows))
        _, rows = self.bars("t.csv", "--time", "1m", "--label", "close")
        self.assertTrue(all(int(row[0]) == int(row[2]) + 1 for row in rows))
        _, rows = self.bars("t.csv", "--tick", "9", "--label", "close")
        self.assertTrue(all(row[0] == row[2] for row in rows))

    def test_fields(self):
        names, rows = self.bars("t.csv", "--time", "1m", "--fields", "vwap,Close,open_time")
        self.assertEqual(names, ["vwap", "close", "open_time"])
        self.assertEqual(rows, [[row[8], row[5], row[0]] for row in self.minutes[:-1]])
        for i, name in enumerate(ALL):
            self.assertEqual(self.bars("t.csv", "--time", "1m", "--fields", name)[1],
                             [[row[i]] for row in self.minutes[:-1]])

    def test_only_what_the_input_has(self):
        plain = "".join(f"{t},{decimal(p)},{decimal(q)}\n" for _, p, q, _, _, t, _ in self.rows)
        self.write("plain.csv", "time,price,qty\n" + plain)
        names, rows = self.bars("plain.csv", "--time", "1m")
        self.assertEqual(names, ALL[:11])
        self.assertEqual([row[:9] for row in rows], [row[:9] for row in self.minutes[:-1]])
        self.write("prices.csv", "time,price\n" + "".join(f"{t},{decimal(p)}\n" for _, p, _, _, _, t, _ in self.rows))
        names, rows = self.bars("prices.csv", "--time", "1m")
        self.assertEqual(names, [*ALL[:6], "trades", "agg_trades"])
        self.assertEqual([row[:6] for row in rows], [row[:6] for row in self.minutes[:-1]])

    def test_json_lines(self):
        for args in (("-o", "a.jsonl"), ("-o", "a.ndjson"), ("--format", "jsonl", "-o", "a.txt")):
            self.run_tallow("bars", "t.csv", "--time", "1m", *args)
            lines = (self.here / args[-1]).read_text().splitlines()
            got = [json.loads(line, parse_float=str, parse_int=str) for line in lines]
            self.assertEqual([list(bar) for bar in got], [ALL] * len(got))
            self.assertEqual([list(bar.values()) for bar in got], self.minutes[:-1])

    def test_arrays(self):
        self.run_tallow("bars", "t.csv", "--time", "1m", "--partial", "-o", "a.npy")
        names, rows = read_records((self.here / "a.npy").read_bytes())
        self.assertEqual(names, [*ALL, "partial"])
        kinds = [type(value) for value in rows[0]]
        self.assertEqual([name for name, kind in zip(names, kinds, strict=True) if kind is int],
                         ["open_time", "close_time", "trades", "agg_trades", "buy_trades", "sell_trades", "first_id",
                          "last_id"])
        self.assertEqual([list(row[:-1]) for row in rows],
                         [[kind(text) for kind, text in zip(kinds, row)] for row in self.minutes])
        self.assertEqual([row[-1] for row in rows], [False] * (len(rows) - 1) + [True])

    def test_empty_bars(self):
        self.write("gap.csv", "time,price,quantity,id\n1000,2.5,1,7\n2000,2.5,1,8\n5500,3,2,9\n6000,1,1,10\n")
        fields = ("--time", "1s", "--fields", "open_time,open,close,volume,vwap,trades,first_id")
        self.assertEqual(self.bars("gap.csv", *fields, "--unit", "ms")[1],
                         [["1000", "2.5", "2.5", "1", "2.5", "1", "7"], ["2000", "2.5", "2.5", "1", "2.5", "1", "8"],
                          ["5000", "3", "3", "2", "3", "1", "9"]])
        for empty, price in (("flat", "2.5"), ("null", "")):
            _, rows = self.bars("gap.csv", *fields, "--unit", "ms", "--empty", empty)
            self.assertEqual(rows[2:4], [[t, price, price, "0", price, "0", ""] for t in ("3000", "4000")])
            self.assertEqual(len(rows), 5)
        args = ("bars", "gap.csv", *fields, "--unit", "ms", "--empty", "null")
        bar = json.loads(self.run_tallow(*args, "--format", "jsonl")[0].splitlines()[2])
        self.assertEqual(bar, {"open_time": 3000, "open": None, "close": None, "volume": 0, "vwap": None, "trades": 0,
                               "first_id": None})
        self.run_tallow(*args, "-o", "a.npy")
        row = read_records((self.here / "a.npy").read_bytes())[1][2]
        self.assertEqual((row[0], row[3], row[6]), (3000, 0.0, -1))
        self.assertNotEqual(row[1], row[1])

    def test_several_kinds(self):
        kinds = {"time-1m": ("--time", "1m"), "time-2s": ("--time", "2s"), "tick-70": ("--tick", "70"),
                 "volume-1250000.5": ("--volume", "1250000.50"), "value-1000000000": ("--value", "1000000000"),
                 "range-20": ("--range", "20"), "renko-50.5": ("--renko", "50.5")}
        args = ("--time", "1m,2s", "--tick", "70", "--volume", "1250000.50", "--value", "1000000000", "--range", "20",
                "--renko", "50.5")
        self.run_tallow("bars", "t.csv", *args, "-o", "all-{kind}.csv")
        self.run_tallow("bars", "t.csv", *args, "-o", "deep/folder/", "--threads", "3")
        for name, kind in kinds.items():
            rows = self.table(f"all-{name}.csv")
            self.assertGreater(len(rows), 3, name)
            self.assertEqual(rows[1:], self.bars("t.csv", *kind)[1], name)
            self.assertEqual(rows, self.table(f"deep/folder/{name}.csv"), name)
        self.assertEqual(self.files(), sorted(["t.csv", *(f"all-{name}.csv" for name in kinds),
                                               *(f"deep/folder/{name}.csv" for name in kinds)]))

    def test_rules(self):
        """Options of kinds reach them."""
        lines = "".join(f"{t},{p},{q}\n" for t, p, q in ((0, 100, 7), (0, 101, 7), (1, 102, 7), (90, 99, 7)))
        self.write("few.csv", "time,price,quantity\n" + lines)

        def column(name, *args):
            return [row[0] for row in self.bars("few.csv", "--unit", "s", "--fields", name, *args)[1]]

        self.assertEqual(column("volume", "--volume", "10"), ["14", "14"])
        self.assertEqual(column("volume", "--volume", "10", "--split"), ["10", "10"])
        self.assertEqual(column("quote_volume", "--value", "1000", "--split"),
                         ["1000.00000003", "1000.00000097"])  # of the least quantity that suffices
        self.assertEqual(column("close", "--range", "1000"), ["102"])
        self.assertEqual(column("close", "--range", "1000", "--no-gate"), ["101", "99"])
        self.assertEqual(column("open_time", "--time", "1m", "--offset", "30s"), ["-30"])
        self.assertEqual(column("open_time", "--time", "1m", "--offset=-30s"), ["-30"])
        self.assertEqual(column("open_time", "--time", "1d", "--partial", "--zone", "Asia/Kolkata"), [str(-19800)])
        self.assertEqual(column("close", "--renko", "1"), ["101", "102", "100", "99"])

    def test_parts(self):
        rows = trades(4000, step=3600000, start=1704060000000 - 5 * 86400000)  # from 2023-12-26 on
        self.write("long.csv", text_of(rows))
        whole = self.bars("long.csv", "--tick", "5")[1]
        for zone, hours in (("UTC", 0), ("Asia/Tokyo", 9)):
            for span, length in (("year", 4), ("month", 7), ("day", 10)):
                folder = f"{span}{hours}"
                self.run_tallow("bars", "long.csv", "--tick", "5", "--partition", span, "--zone", zone, "-o",
                                f"{folder}/")
                parts = {}
                for row in whole:
                    moment = time.gmtime(int(row[0]) // 1000 + hours * 3600)
                    parts.setdefault(time.strftime("%Y-%m-%d", moment)[:length], []).append(row)
                self.assertGreater(len(parts), 1)
                names = {f"{folder}/tick-5-{part}.csv": part for part in parts}
                self.assertEqual([f for f in self.files() if f.startswith(f"{folder}/")], sorted(names))
                for name, part in names.items():
                    self.assertEqual(self.table(name), [ALL, *parts[part]], name)
        self.run_tallow("bars", "long.csv", "--tick", "5", "--partition", "year", "-o", "some.name.npy")
        self.assertEqual(len(read_records((self.here / "some.name-2024.npy").read_bytes())[1]) +
                         len(read_records((self.here / "some.name-2023.npy").read_bytes())[1]), len(whole))

    def test_a_clock_that_goes_back_over_midnight(self):
        """At 0:01 in St John's clocks went back to 23:01 of the day before: no part is opened twice."""
        back = 1162089060  # 2006-10-29 02:31 UTC
        lines = "".join(f"{(back + s) * 1000},1,1\n" for s in range(-3600, 7200, 20))
        self.write("john.csv", "time,price,quantity\n" + lines)
        self.run_tallow("bars", "john.csv", "--tick", "1", "--partition", "day", "--zone", "America/St_Johns", "-o",
                        "d.csv")
        parts = [f for f in self.files() if f.startswith("d-")]
        self.assertEqual(parts, ["d-2006-10-28.csv", "d-2006-10-29.csv"])
        self.assertEqual([len(self.table(part)) - 1 for part in parts], [3540 // 20, 7260 // 20])

    def test_to_render(self):
        for args in (("--time", "10s"), ("--time", "1s", "--empty", "null"), ("--range", "20", "--label", "close")):
            bars = self.run_tallow("bars", "t.csv", *args)[0]
            out, errors = self.run_tallow("render", "-", "-o", "-", "--size", "320x200", input=bars)
            self.assertEqual(errors, "")
            self.assertEqual((Png(out).width, Png(out).height), (320, 200))
        count = len(self.bars("t.csv", "--time", "10s")[1])
        bars = self.run_tallow("bars", "t.csv", "--time", "10s")[0]
        _, said = self.run_tallow("render", "-", "-o", "c.png", "-v", input=bars)
        self.assertIn(f"{count} rows", said)
        self.assertIn(" volume", said)

    def test_bars_of_bars(self):
        """The turnover of rows that are bars has 8 decimals at most."""
        rows = [(i, p // 10**6 * 10**6, q % 10**10 // 100 * 100 + 100, *rest) for i, p, q, *rest in self.rows]
        self.write("t.csv", text_of(rows))
        self.minutes = minutes_of(rows)
        self.run_tallow("bars", "t.csv", "--time", "1s", "--partial", "-o", "s.csv", "--fields", ",".join(ALL))
        names, rows = self.bars("s.csv", "--time", "1m")
        keep = [ALL.index(name) for name in names]
        self.assertEqual(names, [name for name in ALL if not name.startswith(("buy", "sell"))])
        n_rows = names.index("agg_trades")
        for got, expected in zip(rows, self.minutes[:-1], strict=True):
            expected = [expected[i] for i in keep]
            self.assertEqual(got[:n_rows] + got[n_rows + 1 :], expected[:n_rows] + expected[n_rows + 1 :])
        self.run_tallow("bars", "t.csv", "--time", "100ms", "--empty", "flat", "-o", "flat.csv")
        self.fails(BAD_DATA, "bars", "flat.csv", "--time", "1m", says="--columns first_id=none,last_id=none")
        _, rows = self.bars("flat.csv", "--time", "1m", "--columns", "first_id=none,last_id=none", "--fields",
                            "high,low")
        self.assertEqual(rows, [row[3:5] for row in self.minutes[:-1]][: len(rows)])
        self.fails(USAGE, "bars", "s.csv", "--range", "10", says=("--range needs trades", "--time and --tick"))


class Input(Bars):
    def test_forms(self):
        rows = trades(500)
        expected = minutes_of(rows)[:-1]
        self.write("no-header.csv", text_of(rows, header=False))
        (self.here / "a.csv.gz").write_bytes(gzip.compress(text_of(rows).encode()))
        self.write("one.csv", text_of(rows[:200]))
        self.write("two.csv", text_of(rows[200:], header=False))
        self.write("odd.csv", text_of(rows).replace(",", ";").replace("price", "x").replace("quantity", "y"))
        for args in (("no-header.csv",), ("a.csv.gz",), ("one.csv", "two.csv"),
                     ("odd.csv", "--columns", "price=x,quantity=3")):
            self.assertEqual(self.bars(*args, "--time", "1m")[1], expected, args)

    def test_units(self):
        for unit, scale in (("s", 1), ("ms", 1000), ("us", 10**6), ("ns", 10**9)):
            text = "".join(f"{(1700000000 + 40 * i) * scale},5,1\n" for i in range(9))
            _, rows = self.bars("-", "--time", "1m", input=b"time,price,quantity\n" + text.encode())
            self.assertEqual(rows[0][:2], [str(1699999980 * scale), str(1700000040 * scale - 1)], unit)
        _, rows = self.bars("-", "--time", "1m", "--unit", "ms", input=b"time,price,quantity\n5,1,1\n70000,1,1\n")
        self.assertEqual(rows[0][:2], ["0", "59999"])

    def test_daily_candles(self):
        """Months of days, whose column of times is a date."""
        days = ("2024-01-02,5,7,4,6,5.5,10", "2024-01-31,6,9,5,8,7.5,20", "2024-02-01,8,8,1,2,1.5,30",
                "2024-03-01,2,3,2,3,3,1")
        self.write("days.csv", "\n".join(("Date,Open,High,Low,Close,Adj Close,Volume", *days)) + "\n")
        _, rows = self.bars("days.csv", "--time", "1mo", "--fields", "open,high,low,close,volume")
        self.assertEqual([row[-5:] for row in rows], [["5", "9", "4", "8", "30"], ["8", "8", "1", "2", "30"]])

    def test_bars_by_their_begin(self):
        """Bars that are labelled by their end have their begin too."""
        self.write("t.csv", text_of(trades(2000)))
        for label in ("open", "close"):
            self.run_tallow("bars", "t.csv", "--time", "1s", "--label", label, "-o", f"{label}.csv")
        args = ("--time", "5s", "--columns", "first_id=none,last_id=none,quote=none")
        self.assertEqual(self.bars("close.csv", *args), self.bars("open.csv", *args))

    def test_sides(self):
        text = "time,price,quantity,side\n1700000000000,5,1,buy\n1700000000001,5,2,SELL\n1700000060000,5,4,b\n"
        _, rows = self.bars("-", "--time", "1m", "--fields", "buy_volume,sell_volume", input=text.encode())
        self.assertEqual(rows[0][-2:], ["1", "2"])

    def test_several_symbols(self):
        rows = "1700000000000,5,1,A\n1700000000001,5,2,B\n1700000060000,5,4,A\n"
        self.write("s.csv", "time,price,quantity,symbol\n" + rows)
        self.fails(BAD_DATA, "bars", "s.csv", "--time", "1m", says="s.csv:3: symbol 'B' comes behind 'A'")
        _, rows = self.bars("s.csv", "--time", "1m", "--columns", "symbol=none", "--fields", "volume")
        self.assertEqual(rows[0][-1:], ["3"])

    def test_files_of_two_kinds(self):
        self.write("a.csv", "time,id,price,quantity,side\n1700000000000,1,5,1,buy\n")
        self.write("b.csv", "time,price,quantity\n1700000060000,5,1\n")
        self.fails(BAD_DATA, "bars", "a.csv", "b.csv", "--time", "1m", "-o", "x.csv",
                   says="leave them out by --columns id=none,maker=none")
        self.bars("a.csv", "b.csv", "--time", "1m", "--columns", "id=none,maker=none")

    def test_small_times(self):
        self.write("s.csv", "time,price,quantity\n1000,5,1\n2000,5,1\n")
        self.fails(BAD_DATA, "bars", "s.csv", "--time", "1m", says="say the unit by --unit s, ms, us or ns")

    def test_from_and_to(self):
        rows = trades(2000)
        self.write("t.csv", text_of(rows))
        begin, end = rows[500][5], rows[1500][5]
        some = [row for row in rows if begin <= row[5] < end]
        args = ("--from", f"{begin}", "--to", f"{end}")
        self.assertEqual(self.bars("t.csv", "--time", "10s", *args)[1], minutes_of(some, 10000)[:-1])
        self.assertEqual(self.bars("t.csv", "--time", "10s", *args[:2])[1],
                         minutes_of([row for row in rows if begin <= row[5]], 10000)[:-1])
        self.assertEqual(self.bars("t.csv", "--tick", "100", "--to", "2100-01-01")[1][-1][-1], str(rows[1999][4]))
        self.assertEqual(self.bars("t.csv", "--time", "10s", *args[2:])[1],
                         minutes_of([row for row in rows if row[5] < end], 10000)[:-1])
        self.fails(BAD_DATA, "bars", "t.csv", "--time", "1s", "--from", "2030-01-01",
                   says="none of its 2000 rows lies between --from and --to")

    def test_a_last_bar_that_ends_by_to(self):
        """It is complete, for no trade in its interval can come."""
        rows = [row for row in trades(2000) if row[5] >= 0]
        end = rows[1200][5] // 10000 * 10000  # of a bar that has trades
        some = [row for row in rows if row[5] < end]
        self.assertEqual(some[-1][5] // 10000, end // 10000 - 1)
        self.write("t.csv", text_of(rows))
        expected = minutes_of(some, 10000)
        next_time = next(row[5] for row in rows if row[5] >= end)
        for to, n in ((end - 1, -1), (end, None), (next_time, None), (next_time + 1, -1)):
            part = [row for row in rows if row[5] < to]
            args = ("t.csv", "--time", "10s", "--to", f"{to}")
            out, errors = self.run_tallow("bars", *args)
            self.assertEqual([line.split(",") for line in out.decode().splitlines()[1:]],
                             minutes_of(part, 10000)[:n], to)
            self.assertEqual("unfinished" in errors, n is not None)
        args = ("t.csv", "--time", "10s", "--to", f"{end}")
        _, said = self.run_tallow("bars", *args, "-v", "-o", "a.csv")
        self.assertIn(f"time-10s: {len(expected)} bars", said)
        self.assertEqual([row[-1] for row in self.bars(*args, "--partial")[1]], ["0"] * len(expected))
        for _ in range(2):
            self.run_tallow("bars", *args, "-o", "b.csv", "--checkpoint", "state", "--resume")
            self.assertEqual(self.table("b.csv")[1:], expected)
        self.assertEqual(len(self.bars("t.csv", "--tick", "9", "--to", f"{end}")[1]), len(some) // 9)

    def test_shorter_than_bars(self):
        self.write("c.csv", "time,open,high,low,close\n" +
                   "".join(f"{1700000000000 + t * 60000},1,1,1,1\n" for t in (0, 1, 2, 5, 6)))
        for kinds, n in ((("--time", "1m"), 0), (("--time", "1h"), 0), (("--time", "59s"), 1), (("--time", "1s,2m"), 1),
                         (("--time", "1s,2s"), 2), (("--tick", "2"), 0)):
            _, errors = self.run_tallow("bars", "c.csv", *kinds, "-o", "out/")
            self.assertEqual(errors.count("is shorter than the bars of c.csv, which can't be divided"), n, kinds)
        self.assertEqual(self.run_tallow("bars", "c.csv", "--time", "1s", "-o", "out/", "-q")[1], "")

    def test_what_to_do_about_bad_rows(self):
        head = "time,price,quantity,id\n1700000001000,11,1,2\n"
        for bad, says in (("1700000002000,0,1,3", "the price must be above 0, not 0: "),
                          ("1700000002000,-1.50,1,3", "the price must be above 0, not -1.5: "),
                          ("1700000002000,1,-0.00000001,3", "the quantity must be above 0, not -0.00000001: "),
                          ("1700000002000,1,1,2", "id 2 is not above that of the row above, 2: "),
                          ("1700000002000,1,1,-2", "id -2: it must be 0 or above; "),
                          ("1700000000000,1,1,3", "time 1700000000000 is before that of the row above")):
            self.write("a.csv", f"{head}{bad}\n")
            self.fails(BAD_DATA, "bars", "a.csv", "--tick", "1", says=("a.csv:3: ", says, "skip bad ones by --on-bad skip"))
        for bad, says in (("1,2,1,5,1", "lie between its low and its high: "), ("1,1,1,1,-1", "must be 0 or above: ")):
            self.write("b.csv", f"time,open,high,low,close,volume\n1700000002000,{bad}\n")
            self.fails(BAD_DATA, "bars", "b.csv", "--tick", "1", says=("b.csv:2: ", says, "skip bad ones by --on-bad skip"))

    def test_bad_rows(self):
        head = "time,price,quantity,id\n"
        good = "1700000000000,10,1,1\n1700000001000,11,1,2\n"
        for bad, says in (("1700000000500,10,1,3", "a.csv:4: "), ("1700000002000,10,1,2", "a.csv:4: "),
                          ("1700000002000,0,1,3", "a.csv:4: "), ("1700000002000,1,-1,3", "a.csv:4: "),
                          ("1700000002000,x,1,3", "a.csv:4: "), ("1700000002000,1.123456789,1,3", "--decimals round"),
                          ("1700000002000,nan,1,3", "--on-bad skip"), ("1700000002,10,1,3", "a.csv:4: "),
                          ("1700000002000,10,1", "a.csv:4: ")):
            self.write("a.csv", f"{head}{good}{bad}\n1700000003000,12,1,4\n1700000100000,12,1,5\n")
            self.fails(BAD_DATA, "bars", "a.csv", "--time", "1m", says=says)
            self.run_tallow("bars", "a.csv", "--time", "1m", "-o", "b.csv", code=BAD_DATA)
            self.assertEqual(self.files(), ["a.csv"], bad)
            skipping = ("bars", "a.csv", "--time", "1m", "--on-bad", "skip", "--fields", "close,agg_trades")
            out, errors = self.run_tallow(*skipping)
            self.assertEqual(out, b"close,agg_trades\n12,3\n", bad)
            self.assertRegex(errors, rf"\Atallow: warning: 1 row .*line 4 of a\.csv: it is left out\n{UNFINISHED}\Z")
            self.assertEqual(self.run_tallow(*skipping, "-q"), (out, ""))

    def test_counts_of_bad_rows(self):
        lines = ["1700000000000,10,1,5", "1700000001000,10,1,5", "1700000002000,10,1,4", "1600000000000,10,1,6",
                 "1700000003000,-1,1,7", "1700000003000,1,0,8", "1700000003000,1,0,9", "1700000003000,1,zero,9",
                 "1700000004000,10,1,10"]
        self.write("a.csv", "time,price,quantity,id\n" + "\n".join(lines) + "\n")
        _, errors = self.run_tallow("bars", "a.csv", "--tick", "1", "--on-bad", "skip", "-o", "b.csv")
        self.assertEqual(len(self.table("b.csv")), 3)
        for says in ("1 row can't be read, the first at line 9 of a.csv", "line 5 of a.csv",
                     "2 rows have ids that are not above the one before, the first at line 3 of a.csv: they are left",
                     "1 row has a price that is not above 0, or prices in no order, the first at line 6 of a.csv",
                     "2 rows have quantities that are not above 0, the first at line 7 of a.csv"):
            self.assertIn(says, errors)
        many = [f"{1700000000000 + i},10,{0 if i in (17000, 17500) else 1},{i}" for i in range(18000)]
        self.write("many.csv", "time,price,quantity,id\n" + "\n".join(many) + "\n")
        _, errors = self.run_tallow("bars", "many.csv", "--tick", "1", "--on-bad", "skip", "-o", "b.csv")
        self.assertIn("2 rows have quantities that are not above 0, the first at line 17002 of many.csv", errors)
        self.write("c.csv", "time,price,quantity\n1,1.0000000049,1\n2,1.00000001,1\n")
        out, errors = self.run_tallow("bars", "c.csv", "--tick", "1", "--decimals", "round", "--fields", "close",
                                      "--unit", "ms")
        self.assertEqual(out, b"close\n1\n1.00000001\n")
        self.assertIn("1 number of more than 8 decimals: it is rounded", errors)

    def test_nothing(self):
        self.write("head.csv", "time,price,quantity\n")
        self.fails(BAD_DATA, "bars", "head.csv", "--time", "1m", says="head.csv: the file has no rows: add some")
        self.write("empty.csv", "")
        self.fails(BAD_DATA, "bars", "empty.csv", "--time", "1m", says="empty.csv")
        self.write("one.csv", "time,price,quantity\n1700000000000,1,1\n")
        out, errors = self.run_tallow("bars", "one.csv", "--time", "1m")
        self.assertEqual(len(out.splitlines()), 1)
        self.assertIn("time-1m: no bar has closed: --partial writes the one that is forming", errors)
        self.assertEqual(self.bars("one.csv", "--time", "1m", "--partial", "--fields", "close")[1], [["1", "1"]])

    def test_live(self):
        """A bar comes out when it closes, long before the input ends."""
        command = [BIN, "bars", "-", "--time", "1s", "--fields", "open_time,close"]
        with subprocess.Popen([*command, "-q"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
            process.stdin.write(b"time,price,quantity\n1700000000000,10,1\n")
            got = b""
            for i in range(1, 4):
                process.stdin.write(f"{1700000000000 + 1000 * i},{10 + i},1\n".encode())
                expected = f"{1700000000000 + 1000 * (i - 1)},{9 + i}\n".encode()
                while not got.endswith(expected):
                    self.assertTrue(select.select([process.stdout], [], [], 10)[0])
                    got += os.read(process.stdout.fileno(), 4096)
            process.stdin.close()
            self.assertEqual(process.wait(600), 0)
        self.assertEqual(got, b"open_time,close\n1700000000000,10\n1700000001000,11\n1700000002000,12\n")


class Checkpoints(Bars):
    KINDS = ("--time", "1s,1m", "--range", "20", "--renko", "100", "--volume", "1000000", "--split")

    def setUp(self):
        super().setUp()
        self.rows = trades(3000)
        self.write("t.csv", text_of(self.rows))

    def tables(self, folder):
        return {p.name: p.read_bytes() for p in (self.here / folder).iterdir()}

    def test_whole(self):
        for ending, more in (("csv", ()), ("npy", ("--partial",)), ("jsonl", ("--partition", "day"))):
            args = ("bars", "t.csv", *self.KINDS, "--format", ending, *more)
            self.run_tallow(*args, "-o", f"plain{ending}/")
            self.run_tallow(*args, "-o", f"saved{ending}/", "--checkpoint", "state", "--checkpoint-every", "100")
            self.assertEqual(self.tables(f"plain{ending}"), self.tables(f"saved{ending}"))
            for _ in range(2):
                self.run_tallow(*args, "-o", f"saved{ending}/", "--checkpoint", "state", "--resume")
                self.assertEqual(self.tables(f"plain{ending}"), self.tables(f"saved{ending}"))
            (self.here / "state").unlink()

    def test_killed(self):
        """Runs that wait for more input are killed, by signals that can be caught and by one that can't."""
        text = text_of(self.rows)
        for ending, more in (("csv", ("--partition", "day")), ("npy", ("--partial",))):
            args = ["bars", "-", *self.KINDS, "--format", ending, *more]
            self.run_tallow(*args, "-o", f"plain{ending}/", input=text.encode())
            args += ["-o", f"cut{ending}/", "--checkpoint", "state", "--checkpoint-every", "130", "--resume"]
            rng = random.Random(7)
            for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
                with subprocess.Popen([BIN, *args], cwd=self.here, stdin=subprocess.PIPE,
                                      stderr=subprocess.PIPE) as process:
                    process.stdin.write(text[: rng.randrange(1000, len(text))].encode())
                    process.stdin.flush()
                    wait_until_idle(process)
                    process.send_signal(number)
                    said = process.stderr.read().decode()
                    code = process.wait(600)
                if number == signal.SIGKILL:
                    self.assertEqual(code, -number)
                else:
                    self.assertEqual((code, said), (STOPPED, f"tallow: stopped by {number.name}: --resume goes on\n"))
            self.run_tallow(*args, input=text.encode())
            self.assertEqual(self.tables(f"plain{ending}"), self.tables(f"cut{ending}"))
            self.assertEqual([f for f in self.files() if f.endswith(".part")], [])
            (self.here / "state").unlink()

    def test_going_on_with_further_files(self):
        self.write("one.csv", text_of(self.rows[:2000]))
        self.write("two.csv", text_of(self.rows[1500:]))
        args = ("--time", "1s", "-o", "b.csv", "--checkpoint", "state", "--resume")
        self.run_tallow("bars", "t.csv", "--time", "1s", "-o", "a.csv")
        self.run_tallow("bars", "one.csv", *args)
        self.run_tallow("bars", "two.csv", *args)
        self.assertEqual(self.table("a.csv"), self.table("b.csv"))

    def test_without_ids(self):
        """Rows are known by their number: further ones alone are refused, not taken for those that were seen."""
        lines = [f"{t},{decimal(p)},{decimal(q)}\n" for _, p, q, _, _, t, _ in self.rows]
        for name, part in (("all", lines), ("one", lines[:1000]), ("two", lines[1000:1600]), ("rest", lines[1000:])):
            self.write(f"{name}.csv", "time,price,quantity\n" + "".join(part))
        args = ("--time", "1s", "-o", "b.csv", "--checkpoint", "state", "--resume")
        self.run_tallow("bars", "all.csv", "--time", "1s", "-o", "a.csv")
        self.run_tallow("bars", "one.csv", *args)
        table, state = (self.here / "b.csv").read_bytes(), (self.here / "state").read_bytes()
        self.fails(BAD_DATA, "bars", "two.csv", *args,
                   says=("two.csv: the input ends before row 1,000, the last that state has seen", "give the earlier "
                         "FILEs again, first"))
        self.fails(BAD_DATA, "bars", "rest.csv", *args,
                   says=("rest.csv:986: the checkpoint has seen another row here", "so give the earlier FILEs again, "
                         "first and unchanged"))
        self.assertEqual((self.here / "b.csv").read_bytes(), table)
        self.assertEqual((self.here / "state").read_bytes(), state)
        self.run_tallow("bars", "one.csv", "rest.csv", *args)
        self.assertEqual(self.table("a.csv"), self.table("b.csv"))
        self.run_tallow("bars", "all.csv", *args)
        self.assertEqual(self.table("a.csv"), self.table("b.csv"))

    def test_what_was_written_behind_is_cut_off(self):
        args = ("bars", "t.csv", "--time", "1s", "-o", "b.csv", "--checkpoint", "state")
        self.run_tallow(*args)
        whole = self.table("b.csv")
        with open(self.here / "b.csv", "a", encoding="utf-8") as table:
            table.write("17,half a ro")
        self.run_tallow(*args, "--resume")
        self.assertEqual(self.table("b.csv"), whole)

    def test_refused(self):
        args = ("bars", "t.csv", "--time", "1s", "-o", "b.csv", "--checkpoint", "state")
        self.run_tallow(*args)
        table, state = (self.here / "b.csv").read_bytes(), (self.here / "state").read_bytes()
        self.fails(USAGE, *args, says="--checkpoint state is there already: add --resume to go on from it")
        for more, says in ((("--partial",), "was made without --partial"), (("--label", "open"), "without --label"),
                           (("--fields", "close"), "without --fields"), (("--on-bad", "skip"), "without --on-bad")):
            self.fails(USAGE, *args, "--resume", *more, says=says)
        self.fails(USAGE, "bars", "t.csv", "--time", "2s", *args[4:], "--resume", says="was made with --time 1s")
        self.fails(USAGE, "bars", "t.csv", "--time", "1s", "-o", "c.csv", *args[6:], "--resume",
                   says="--output b.csv")
        for i in range(0, len(state), 97):
            (self.here / "state").write_bytes(state[:i] + bytes([state[i] ^ 4]) + state[i + 1 :])
            self.fails(BAD_DATA, *args, "--resume",
                       says="state: this is no checkpoint of 'tallow bars', or it is damaged")
        for size in (0, 7, 100, len(state) - 1):
            (self.here / "state").write_bytes(state[:size])
            self.fails(BAD_DATA, *args, "--resume", says="damaged")
        (self.here / "state").write_bytes(state)
        self.assertEqual((self.here / "b.csv").read_bytes(), table)
        changed = list(self.rows)
        changed[2990] = (*changed[2990][:1], changed[2990][1] + 1, *changed[2990][2:])
        self.write("t.csv", text_of(changed))
        self.fails(BAD_DATA, *args, "--resume", says="t.csv:2992: the checkpoint has seen another row with id 2991: ")
        self.write("t.csv", text_of(self.rows))
        (self.here / "b.csv").write_bytes(table[:-1])
        self.fails(BAD_DATA, *args, "--resume", says="b.csv: it is missing or shorter than the checkpoint says")

    def test_needs_files(self):
        for out in ((), ("-o", "-"), ("-o", "/dev/null")):
            self.fails(USAGE, "bars", "t.csv", "--time", "1s", *out, "--checkpoint", "state",
                       says="--checkpoint needs files")
        self.fails(USAGE, "bars", "t.csv", "--time", "1s", "-o", "x.csv", "--checkpoint", "x.csv",
                   says="--output and --checkpoint are both x.csv")
        self.fails(CANT_CREATE, "bars", "t.csv", "--time", "1s", "-o", "x.csv", "--checkpoint", "none/state",
                   says="none/state: can't write")
        self.assertEqual(self.files(), ["t.csv"])


class WrongUse(Bars):
    def test_options(self):
        self.write("t.csv", text_of(trades(10)))
        for args, says in (
            (("--time", "1m"), "FILE... is missing"),
            (("t.csv",), "which bars? give --time, --tick"),
            (("t.csv", "--time", "1x"), "such as 1m, 250ms or 3mo, several between commas, not '1x'"),
            (("t.csv", "--time", "0m"), "not '0m'"),
            (("t.csv", "--time", "1m,"), "not ''"),
            (("t.csv", "--time", "1m,1m"), "--time has '1m' twice"),
            (("t.csv", "--time", "60s,1m"), "--time: 60s and 1m are the same bars: give one of them"),
            (("t.csv", "--time", "1d,1440m,2d"), "--time: 1d and 1440m are the same bars"),
            (("t.csv", "--time", "1m,  x"), "not 'x'"),
            (("t.csv", "--time", "5000mo"), "--time: the size is 5000: it must be 1 to 3600"),
            (("t.csv", "--tick", "0"), "--tick must be a whole number of rows above 0"),
            (("t.csv", "--volume", "1.123456789"), "at most 8 decimals"),
            (("t.csv", "--value", "0"), "--value must be a turnover above 0"),
            (("t.csv", "--renko", "-5"), "--renko must be the height of a brick above 0"),
            (("t.csv", "--range", "1.5"), "--range must be a whole number of 1/100,000"),
            (("t.csv", "--tick", ",".join(map(str, range(1, 18))), "-o", "x/"), "at most 16 kinds"),
            (("t.csv", "--tick", "1", "--split"), "--split needs --volume or --value"),
            (("t.csv", "--tick", "1", "--no-gate"), "--no-gate needs --range"),
            (("t.csv", "--tick", "1", "--empty", "flat"), "--empty needs --time"),
            (("t.csv", "--tick", "1", "--offset", "1m"), "--offset needs --time"),
            (("t.csv", "--tick", "1", "--zone", "UTC"), "--zone needs --time or --partition"),
            (("t.csv", "--tick", "1", "--resume"), "--resume needs --checkpoint"),
            (("t.csv", "--time", "1m", "--offset", "5"), "--offset must be a whole number with ms"),
            (("t.csv", "--time", "1m", "--zone", "Europe/Berln"), "did you mean Europe/Berlin?"),
            (("t.csv", "--time", "1m", "--fields", "hig"), "there is no 'hig'; did you mean high?"),
            (("t.csv", "--time", "1m", "--fields", "low,low"), "--fields has 'low' twice"),
            (("t.csv", "--time", "1m", "--fields", "Timestamp"), "where --label open or --label close is given"),
            (("t.csv", "--time", "1m", "--fields", "low,partial"), "where --partial is given"),
            (("t.csv", "--time", "1m", "--timeframe", "1m"), "did you mean --time?"),
            (("t.csv", "--time", "1m", "--timezone", "UTC"), "did you mean --zone?"),
            (("t.csv", "--time", "1m", "-o", "a-{symbol}.csv"), "{symbol} is not known: {kind} stands for the kind"),
            (("t.csv", "--time", "1m,2m", "-o", "{kind}-{part}.csv"), "{part} is not known"),
            (("t.csv", "--time", "1m,2m"), "standard output holds bars of one kind, not of 2"),
            (("t.csv", "--time", "1m,2m", "-o", "a.csv"), "write {kind} into the name"),
            (("t.csv", "--time", "1m", "-o", "a.csv.gz"), "bars are not packed"),
            (("t.csv", "--time", "1m", "-o", "a.txt"), "must end in .csv, .jsonl or .npy"),
            (("t.csv", "--time", "1m", "-o", "a.csv", "--format", "npy"), "contradict each other"),
            (("t.csv", "--time", "1m", "--format", "npy"), "name a file for it"),
            (("t.csv", "--time", "1m", "--partition", "day"), "--partition needs files"),
            (("t.csv", "--time", "1m", "-o", "t.csv"), "t.csv would replace the FILE t.csv"),
            (("t.csv", "--time", "1m", "--from", "2024-01-02", "--to", "2024-01-01"), "must lie before --to"),
            (("t.csv", "--time", "1m", "-v", "-q"), "exclude each other"),
            (("t.csv", "--time", "1m", "-q", "--progress", "on"), "exclude each other"),
            (("-", "-", "--time", "1m"), "give - once"),
            (("t.csv", "--time", "1m", "--columns", "foo=1"), "--columns: 'foo' is no role"),
        ):
            self.fails(USAGE, "bars", *args, says=says)
        self.fails(USAGE, "render", "t.csv", "-o", "t.png", "--zone", "UTC", says="did you mean --timezone?")
        self.assertEqual(self.files(), ["t.csv"])

    def test_input(self):
        self.write("t.csv", text_of(trades(10)))
        self.write("prices.csv", "time,price\n1,2\n")
        self.fails(NO_INPUT, "bars", "none.csv", "--time", "1m", says="none.csv: can't open")
        self.fails(NO_INPUT, "bars", ".", "--time", "1m", says="is a folder")
        self.write("other.csv", "a,b,c\n1,2,3\n")
        self.fails(BAD_DATA, "bars", "other.csv", "--time", "1m", says="no column for time, price (found: a, b, c)")
        self.fails(BAD_DATA, "bars", "t.csv", "--time", "1m", "--columns", "price=Px", says="no column Px for price")
        self.fails(BAD_DATA, "bars", "prices.csv", "--volume", "1",
                   says="no column of quantities, which --volume needs")
        for field, says in (("buy_volume", "quantity"), ("sell_trades", "is_buyer_maker"), ("first_id", "(id)")):
            self.fails(BAD_DATA, "bars", "prices.csv", "--time", "1m", "--fields", field, says=says)
        self.fails(USAGE, "bars", "-", "--time", "250ms", says="whole units",
                   input=b"time,price,quantity\n1700000000,1,1\n")

    def test_outputs(self):
        self.write("t.csv", text_of(trades(3000)))
        self.fails(CANT_CREATE, "bars", "t.csv", "--time", "1m", "-o", "none/a.csv",
                   says="the folder none does not exist")
        self.fails(CANT_CREATE, "bars", "t.csv", "--time", "1m", "-o", "t.csv/x/", says="t.csv is a file")
        self.write("old.csv", "precious")
        self.run_tallow("bars", "t.csv", "t.csv", "--time", "1s", "-o", "old.csv", code=BAD_DATA)
        self.assertEqual((self.here / "old.csv").read_text(), "precious")
        done = self.start(["bars", "t.csv", "--tick", "1", "-o", "/dev/full"], stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stderr),
                         (IO_ERROR, b"tallow: /dev/full: can't write: No space left on device\n"))
        (self.here / "taken").mkdir()
        (self.here / "taken/time-1m.csv").mkdir()
        self.fails(CANT_CREATE, "bars", "t.csv", "--time", "1m", "-o", "taken/", says="a folder, device")

    def test_host_memory(self):
        self.write("t.csv", text_of(trades(1000)))
        expected = self.bars("t.csv", "--time", "1s")
        errors = self.fails(NO_MEMORY, "bars", "t.csv", "--time", "1s", "--host-mem", "1MiB",
                            says="--host-mem 1MiB is too small a budget: set it to ")
        enough = errors.split("set it to ")[1].split()[0]
        self.assertLess(int(enough), 16 << 20)
        self.assertEqual(self.bars("t.csv", "--time", "1s", "--host-mem", enough), expected)

    def test_signals(self):
        """Without a checkpoint a signal ends the command at once and takes its files back."""
        with subprocess.Popen([BIN, "bars", "-", "--time", "1s", "-o", "a.csv"], cwd=self.here, stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            process.stdin.write(text_of(trades(100)).encode())
            process.stdin.flush()
            wait_until_idle(process)
            self.assertEqual(len(self.files()), 1)
            process.send_signal(signal.SIGINT)
            self.assertEqual((process.wait(600), process.stderr.read()), (test_cli.INTERRUPTED, b""))
        self.assertEqual(self.files(), [])

    def test_what_killed_runs_leave(self):
        self.write("t.csv", text_of(trades(100)))
        for out in (("-o", "a.csv"), ("-o", "a-{kind}.csv"), ("-o", "folder/"),
                    ("-o", "p.csv", "--partition", "year")):
            args = ("bars", "t.csv", "--tick", "9", *out)
            before = self.files()
            self.run_tallow(*args)
            made = self.files()
            for name in set(made) - set(before):
                self.write(f"{name}.aB3dE6.part", "left over")
            self.run_tallow(*args)
            self.assertEqual(self.files(), made)

    def test_messages(self):
        self.write("t.csv", text_of(trades(1000)))
        _, errors = self.run_tallow("bars", "t.csv", "--tick", "400", "-o", "a.csv", "-v")
        for says in ("using cpu", "1,000 rows of trades", "times in ms", "tick-400: 2 bars"):
            self.assertIn(says, errors)
        args = ("bars", "t.csv", "--tick", "400", "-o", "a.csv")
        self.assertEqual(self.run_tallow(*args, "--progress", "on", "--partial")[1], "")

    def test_unfinished_bars(self):
        """What is left out in the end is said, in one line for all kinds."""
        self.write("t.csv", text_of(trades(1000)))
        args = ("bars", "t.csv", "--tick", "333")
        said = "tallow: 1 unfinished bar of 1 row is left out (--partial writes it)\n"
        self.assertEqual(self.run_tallow(*args)[1], said)
        self.assertEqual(self.run_tallow(*args, "-o", "b.csv", "--checkpoint", "state")[1],
                         said.replace("it)", "it, --resume goes on with it)"))
        self.assertEqual(self.run_tallow(*args, "-q")[1], "")
        self.assertEqual(self.run_tallow(*args, "--partial")[1], "")
        self.assertEqual(self.run_tallow("bars", "t.csv", "--tick", "500")[1], "")
        self.assertEqual(self.run_tallow("bars", "t.csv", "--tick", "333,500", "-o", "out/")[1], said)
        self.assertEqual(self.run_tallow("bars", "t.csv", "--tick", "333,300,500", "-o", "out/")[1],
                         "tallow: 2 unfinished bars are left out, the last of each kind (--partial writes them)\n")

    def test_blanks_in_lists(self):
        self.write("t.csv", text_of(trades(1000)))
        self.run_tallow("bars", "t.csv", "--time", "1s, 2s", "--fields", "low, close", "-o", "out/")
        self.assertEqual(self.files(), ["out/time-1s.csv", "out/time-2s.csv", "t.csv"])
        self.assertEqual(self.table("out/time-2s.csv")[0], ["low", "close"])


class Synth(Bars):
    def test_aggregated_trades(self):
        out = self.run_tallow("synth", "trades", "--rows", "2000", "--format", "aggtrades")[0].decode().splitlines()
        plain = self.run_tallow("synth", "trades", "--rows", "2000")[0].decode().splitlines()
        self.assertEqual(out[0], HEADER)
        last = 0
        for line, other in zip(out[1:], plain[1:], strict=True):
            number, price, quantity, first, end, moment, maker = line.split(",")
            self.assertEqual(int(first), last + 1)
            last = int(end)
            self.assertIn(last - int(first), (0, 1, 2))
            text, *rest, side = other.split(",")
            self.assertEqual(rest, [number, price, quantity])
            self.assertEqual(maker, "true" if side == "sell" else "false")
            seconds, milliseconds = divmod(int(moment), 1000)
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
            self.assertEqual(text, f"{stamp}.{milliseconds:03}Z")
        self.fails(USAGE, "synth", "candles", "--format", "aggtrades", says="is one of trades")

    def test_memory(self):
        """Little, however long the input is."""
        script = ("import os, resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode; "
                  "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
        self.run_tallow("synth", "trades", "--rows", "300000", "--format", "aggtrades", "-o", "t.csv")
        command = [BIN, "bars", "t.csv", "--time", "1m,1h", "--range", "250", "--tick", "10", "-o", "out/"]
        done = subprocess.run(["python3", "-c", script, *command], cwd=self.here, capture_output=True, check=True)
        code, kilobytes = map(int, done.stdout.split())
        self.assertEqual(code, 0)
        self.assertLess(kilobytes, 40 << 10)


if __name__ == "__main__":
    unittest.main()
