"""Numbers and times of files, read by the library that this build made, against Python's float and datetime."""

import ctypes
import math
import os
import random
import struct
import sys
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tallow_ctypes import Candles, Error, library_of  # noqa: E402

WORK = Path(os.environ["TALLOW_WORK"])
WORK.mkdir(parents=True, exist_ok=True)
LIBRARY = ctypes.CDLL(str(library_of(os.environ["TALLOW_BUILD"])))
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def nanoseconds(when, fraction=0):
    since = when - EPOCH
    return (since.days * 86400 + since.seconds) * 10**9 + fraction


def parse_time(text):
    time, error = ctypes.c_int64(), Error()
    code = LIBRARY.tlw_time_parse(text.encode(), ctypes.byref(time), ctypes.byref(error))
    return time.value if code == 0 else error.message.decode()


def read(text):
    """The opens, volumes and times of a file."""
    path = WORK / "file.csv"
    path.write_text(text)
    table, error, candles = ctypes.c_void_p(), Error(), Candles()
    code = LIBRARY.tlw_csv_read(str(path).encode(), None, None, ctypes.byref(table), ctypes.byref(error))
    if code != 0:
        raise AssertionError(error.message.decode())
    LIBRARY.tlw_table_candles(table, ctypes.byref(candles))
    n = candles.n_rows
    columns = candles.open[:n], candles.volume[:n], candles.time[:n]
    LIBRARY.tlw_table_close(ctypes.byref(table))
    return columns


def random_number(rng):
    kind = rng.randrange(5)
    if kind == 0:
        return f"{rng.uniform(0, 100000):.{rng.randrange(9)}f}"
    if kind == 1:
        return repr(abs(struct.unpack("d", struct.pack("Q", rng.getrandbits(62)))[0]))
    digits = "".join(rng.choices("0123456789", k=rng.randrange(1, 25 if kind == 2 else 18)))
    point = rng.randrange(len(digits) + 1)
    text = digits[:point] + "." + digits[point:]
    return text + (f"e{rng.randrange(-330, 300 - point)}" if kind == 4 else "")


class Numbers(unittest.TestCase):
    def test_numbers(self):
        rng = random.Random(4)
        texts = [text for text in (random_number(rng) for _ in range(60000)) if math.isfinite(float(text))]
        lines = [f"{10**9 + i},{text},{text},{text},{text},{text}\n" for i, text in enumerate(texts)]
        opens, volumes, times = read("time,open,high,low,close,volume\n" + "".join(lines))
        self.assertEqual(len(opens), len(texts))
        for i, text in enumerate(texts):
            expected = struct.pack("d", float(text))
            self.assertEqual(struct.pack("d", opens[i]), expected, text)
            self.assertEqual(struct.pack("d", volumes[i]), expected, text)
            self.assertEqual(times[i], (10**9 + i) * 10**9)


def random_time(rng):
    when = datetime(1678, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=rng.randrange(18429206400))
    when = when.replace(second=0) if rng.randrange(4) == 0 else when
    digits = rng.randrange(10) if when.second else 0
    fraction = rng.randrange(10**digits) if digits else 0
    offset = rng.choice([None, "Z", " UTC", "+00:00", "+05:30", "-0800", "+14"])
    date = rng.choice(["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%m/%d/%Y"])
    text = when.strftime(date if when.year >= 1000 else "%Y-%m-%d")
    text += rng.choice(" T") + when.strftime("%H:%M:%S" if when.second else "%H:%M")
    text += f".{fraction:0{digits}}" if digits else ""
    shift = timedelta()
    if offset and offset[0] in "+-":
        shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:].replace(":", "") or 0))
        shift = -shift if offset[0] == "-" else shift
    return text + (offset or ""), nanoseconds(when - shift, fraction * 10 ** (9 - digits) if digits else 0)


class Times(unittest.TestCase):
    def test_random_times(self):
        rng = random.Random(5)
        first, last = nanoseconds(datetime(1678, 1, 1, tzinfo=timezone.utc)), 9214646400 * 10**9
        for _ in range(60000):
            text, expected = random_time(rng)
            if first <= expected < last:
                self.assertEqual(parse_time(text), expected, text)

    def test_every_day(self):
        day = datetime(1678, 1, 1, tzinfo=timezone.utc)
        expected, texts = [], []
        while day.year < 2262:
            texts.append(f"{day:%Y-%m-%d},1,1,1,1,1\n")
            expected.append(nanoseconds(day))
            day += timedelta(days=1)
        self.assertEqual(read("date,open,high,low,close,volume\n" + "".join(texts))[2], expected)

    def test_days_that_are_none(self):
        for year in (1900, 2000, 2019, 2020, 2100):
            for month in range(15):
                for day in range(33):
                    text = f"{year}-{month:02}-{day:02}"
                    try:
                        expected = nanoseconds(datetime(year, month, day, tzinfo=timezone.utc))
                    except ValueError:
                        self.assertIsInstance(parse_time(text), str, text)
                    else:
                        self.assertEqual(parse_time(text), expected, text)


if __name__ == "__main__":
    unittest.main()
