"""tallow bars on files that are broken, cut off, mixed up or made to harm: a clear error or a counted skip, and never a
crash.

Environment: as for test_cli.py.
"""

import gzip
import io
import os
import random
import resource
import subprocess
import tempfile
import unittest
import zipfile

from test_cli import BAD_DATA, BIN, NO_INPUT, Case

HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
START = 1_723_161_256_322


def row(number, price="61800.30", quantity="0.006", time=None, maker="false"):
    return f"{number},{price},{quantity},{2 * number},{2 * number + 1},{time or START + 10 * number},{maker}\n"


def rows(n, first=0):
    return "".join(row(i) for i in range(first, first + n))


def zipped(text, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("trades.csv", text)
    return out.getvalue()


class Hostile(Case):
    def give(self, name, data):
        path = self.here / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def refused(self, data, says, name="t.csv", code=BAD_DATA):
        """Where a row is bad the run ends, and says what is wrong and where."""
        self.give(name, data)
        errors = self.fails(code, "bars", name, "--tick", "1", "-o", "out.csv", says=says)
        self.assertEqual(errors.count("\n"), 1, errors)
        self.assertFalse((self.here / "out.csv").exists())
        return errors

    def skipped(self, data, kept, says, name="t.csv", kind="--tick=1"):
        """With --on-bad skip the other rows make bars, and what was left out is counted."""
        self.give(name, data)
        out, errors = self.run_tallow("bars", name, kind, "--on-bad", "skip", "-f", "trades,volume")
        self.assertEqual(len(out.splitlines()) - 1, kept, errors)
        for part in (says,) if isinstance(says, str) else says:
            self.assertIn(part, errors)

    def both(self, data, line, kept, says=()):
        """A row that is bad at a line, by both policies."""
        self.refused(data, (f"t.csv:{line}:", *((says,) if isinstance(says, str) else says)))
        self.skipped(data, kept, "1")


class Rows(Hostile):
    def test_numbers(self):
        for price in ("nan", "NaN", "inf", "-inf", "", "abc", "1.2.3", "0x10", "1e400", "99999999999999999999", "--5"):
            with self.subTest(price=price):
                self.both(HEADER + rows(2) + row(2, price=price) + rows(2, 3), 4, 4)
        for quantity in ("nan", "", "1,5", "1e999", "92233720368.54775808"):
            with self.subTest(quantity=quantity):
                self.both(HEADER + rows(2) + row(2, quantity=quantity) + rows(2, 3), 4, 4)

    def test_zero_and_negative(self):
        for price in ("0", "0.00000000", "-1", "-61800.30"):
            with self.subTest(price=price):
                self.both(HEADER + rows(2) + row(2, price=price) + rows(2, 3), 4, 4, "price")
        for quantity in ("0", "-0.006", "-0"):
            with self.subTest(quantity=quantity):
                self.both(HEADER + rows(2) + row(2, quantity=quantity) + rows(2, 3), 4, 4, "quantit")

    def test_decimals(self):
        text = HEADER + rows(2) + row(2, price="61800.123456789") + rows(2, 3)
        self.both(text, 4, 4, "8 decimals")
        out, errors = self.run_tallow("bars", "t.csv", "--tick=1", "--decimals=round", "-f", "close")
        self.assertEqual(out.decode().splitlines()[3], "61800.12345679")
        self.assertIn("1", errors)
        self.run_tallow("bars", self.give("z.csv", HEADER + row(1, price="61800.300000000000")), "--tick=1")

    def test_order(self):
        self.both(HEADER + rows(3) + row(1, time=START + 25) + rows(2, 3), 5, 5, "id")
        self.both(HEADER + rows(3) + row(2, time=START + 25) + rows(2, 3), 5, 5, "id")
        self.both(HEADER + rows(3) + row(3, time=START + 5) + rows(2, 4), 5, 5, "time")

    def test_units_mixed(self):
        self.both(HEADER + rows(2) + row(2, time=(START + 20) * 1000) + rows(2, 3), 4, 4)
        self.both(HEADER + rows(2) + row(2, time=(START + 20) // 1000) + rows(2, 3), 4, 4)
        self.both(HEADER + rows(2) + row(2, time=0) .replace(str(START + 20), "0") + rows(2, 3), 4, 4)
        self.both(HEADER + rows(2) + row(2, time="2024-08-09T00:00:00Z") + rows(2, 3), 4, 4)

    def test_lines(self):
        self.both(HEADER + rows(2) + HEADER + rows(2, 2), 4, 4)
        self.both(HEADER + rows(2) + "1,2,3\n" + rows(2, 2), 4, 4)
        self.both(HEADER + rows(2) + row(2)[:-1] + ",7,8\n" + rows(2, 3), 4, 4)
        self.both(HEADER + rows(2) + row(2).replace("6", "\0", 1) + rows(2, 3), 4, 4)
        self.both(HEADER + rows(2) + '"' + row(2) + rows(2, 3), 4, 4)
        self.both(HEADER + rows(2) + "ü" + row(2) + rows(2, 3), 4, 4)

    def test_all_bad(self):
        self.skipped(HEADER + row(1) + row(1) * 20000, 1, "20,000 rows have ids")

    def test_nothing(self):
        for data in (b"", b"\n", b"\n\n\n", HEADER.encode(), b"\0" * 100000, b"\xef\xbb\xbf", b"x" * 70000):
            with self.subTest(data=data[:20]):
                self.give("t.csv", data)
                done = self.start(["bars", "t.csv", "--tick=1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.assertIn(done.returncode, (0, BAD_DATA), done.stderr)
                self.assertEqual(bool(done.stderr), done.returncode != 0)

    def test_random_harm(self):
        """Bytes of a good file are changed, left out or doubled."""
        good = (HEADER + rows(200)).encode()
        for number in range(int(os.environ.get("TALLOW_TEST_CASES", "40"))):
            rng = random.Random(number)
            data = bytearray(good)
            for _ in range(rng.randrange(1, 6)):
                at = rng.randrange(len(data))
                change = rng.randrange(4)
                if change == 0:
                    data[at] = rng.randrange(256)
                elif change == 1:
                    del data[at : at + rng.randrange(1, 300)]
                elif change == 2:
                    data[at:at] = data[at : at + rng.randrange(1, 300)]
                else:
                    data[at:at] = rng.choice((b"\0", b"\n", b",", b'"', b"-", b"9" * 30, b"\r", b"1e5", b"\xff"))
            for policy in ("error", "skip"):
                self.survives(bytes(data), "--on-bad", policy)

    def survives(self, data, *more, name="t.csv"):
        """Ends with a message, or well; nothing else. Returns what it said."""
        self.give(name, data)
        done = self.start(["bars", name, "--time=1s", "--range=10", *more, "-o", "out/"], stderr=subprocess.PIPE)
        self.assertIn(done.returncode, (0, BAD_DATA), (done.stderr, data))
        if done.returncode:
            self.assertTrue(done.stderr.startswith(b"tallow: "), done.stderr)
        return done.stderr.decode()


class Archives(Hostile):
    def packed(self):
        text = HEADER + rows(3000)
        yield "t.csv.gz", gzip.compress(text.encode())
        yield "t.zip", zipped(text)
        yield "s.zip", zipped(text, zipfile.ZIP_STORED)

    def test_cut_off(self):
        for name, data in self.packed():
            for length in (len(data) - 1, len(data) // 2, 30, 11):
                with self.subTest(name=name, length=length):
                    self.refused(data[:length], name, name=name)

    def test_corrupt(self):
        for name, data in self.packed():
            for part in (1, 2, 3):
                harmed = bytearray(data)
                at = len(data) * part // 4
                harmed[at : at + 4] = bytes(byte ^ 0x55 for byte in harmed[at : at + 4])
                with self.subTest(name=name, part=part):
                    self.refused(bytes(harmed), name, name=name)

    def test_checksums(self):
        """Bytes that unpack, but not to what was packed."""
        data = gzip.compress((HEADER + rows(300)).encode())
        self.refused(data[:-8] + bytes(4) + data[-4:], "t.csv.gz", name="t.csv.gz")
        self.refused(data[:-4] + bytes(4), "t.csv.gz", name="t.csv.gz")

    def test_bombs(self):
        data = gzip.compress((HEADER + rows(1) + "\n" * 100_000_000).encode(), 9)
        self.refused(data, "expansion", name="t.csv.gz")

    def test_not_there(self):
        self.fails(NO_INPUT, "bars", "none.csv", "--tick=1", says="none.csv")


class Long(Hostile):
    def write_all(self, pipe):
        """Two rows and a line of 1 GiB, or as much of it as is taken."""
        try:
            with pipe:
                pipe.write((HEADER + rows(2)).encode())
                for _ in range(1024):
                    pipe.write(b"7" * (1 << 20))
        except BrokenPipeError:
            pass

    def test_a_line_of_a_gigabyte(self):
        """From a pipe, in little memory."""
        limit = 200 << 20
        with (tempfile.TemporaryFile() as said,
              subprocess.Popen([BIN, "bars", "-", "--tick=1"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=said, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
                               ) as process):
            self.write_all(process.stdin)
            code = process.wait(600)
            said.seek(0)
            errors = said.read().decode()
        self.assertEqual(code, BAD_DATA, errors)
        self.assertIn(":4:", errors)
        self.assertIn("long", errors)


if __name__ == "__main__":
    unittest.main(verbosity=2)
