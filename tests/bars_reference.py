"""Bars once more, from the text of tallow/bars.h alone: whole numbers of any size, one row at a time, files read by
the standard library. What test_bars_golden.py holds the command line against.

A row is a Row, prices and quantities at 1e-8. Each kind of bars is a class whose take() gives the bars that a row
closes, and whose forming() gives the unfinished one or None.
"""

import csv
import gzip
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

ONE = 10**8
NUMBER = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$")


def decimal(text, digits=8, rounds=False):
    """The whole number of 10^-digits that a text is, or is nearest to; ValueError where it is none."""
    found = NUMBER.match(text.strip())
    if not found or not (found[2] or found[3]):
        raise ValueError(f"no number: {text!r}")
    fraction = found[3] or ""
    number, power = int(found[2] + fraction or "0"), int(found[4] or 0) - len(fraction) + digits
    number, rest = (number * 10**power, 0) if power >= 0 else divmod(number, 10**-power)
    if rest and not rounds:
        raise ValueError(f"more than {digits} decimals: {text!r}")
    if rest and 2 * rest + number % 2 > 10**-power:
        number += 1
    return -number if found[1] == "-" else number


@dataclass(slots=True)
class Row:
    """A trade, or with `is_bar` a bar of which price is the close."""

    time: int
    price: int
    quantity: int
    id: int
    first_id: int
    last_id: int
    trades: int
    is_buy: bool
    quote: int  # at 1e-16
    open: int
    high: int
    low: int


@dataclass(slots=True)
class Bar:
    """One bar; decimal numbers at 1e-8, turnovers at 1e-16."""

    open_time: int
    close_time: int
    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    quote_volume: int = 0
    trades: int = 0
    agg_trades: int = 0
    buy_volume: int = 0
    buy_quote_volume: int = 0
    buy_trades: int = 0
    first_id: int = -1
    last_id: int = -1
    is_empty: bool = False
    has_prices: bool = True

    @property
    def vwap(self):
        return self.quote_volume // self.volume if self.volume else self.close

    @property
    def sell_volume(self):
        return self.volume - self.buy_volume

    @property
    def sell_quote_volume(self):
        return self.quote_volume - self.buy_quote_volume

    @property
    def sell_trades(self):
        return self.trades - self.buy_trades


# ---- files ----

NAMES = {
    "time": ("transacttime", "opentime", "timestamp", "time", "tradetime", "datetime", "ts", "t", "date", "day",
             "tradedate", "tradingday"),
    "price": ("price", "p", "close", "last"),
    "quantity": ("quantity", "qty", "q", "size", "amount", "volume", "basevolume", "v"),
    "id": ("aggtradeid", "aggregatetradeid", "a", "tradeid", "id"),
    "first_id": ("firsttradeid", "firstid", "f"),
    "last_id": ("lasttradeid", "lastid", "l"),
    "maker": ("isbuyermaker", "buyermaker", "m"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low",),
    "quote": ("quotevolume", "quoteassetvolume", "turnover"),
    "count": ("count", "trades", "numberoftrades", "numtrades"),
}
SHAPES = {
    3: ("time", "price", "quantity"),
    6: ("id", "price", "quantity", "turnover", "time", "maker"),
    8: ("id", "price", "quantity", "first_id", "last_id", "time", "maker", "best"),
}


def text_of(path):
    """A file as text, whatever it is packed by."""
    data = Path(path).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read(archive.namelist()[0])
    return data.decode()


def places(header):
    """Number of the column by role. The first name of a role that the header has is the one."""
    plain = [re.sub("[^a-z0-9]", "", name.lower()) for name in header]
    found = {}
    for role, names in NAMES.items():
        for name in names:
            if name in plain:
                found[role] = plain.index(name)
                break
    return found


def read_time(text):
    if text.lstrip("-").isdigit():
        return int(text)
    moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    since = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86400 + since.seconds) * 10**9 + since.microseconds * 1000


class Reader:
    """The rows of a file."""

    def __init__(self, path, rounds=False):
        lines = [line for line in csv.reader(io.StringIO(text_of(path))) if line]
        self.has_header = not re.match(r"[-+.\d]", lines[0][1] if len(lines[0]) > 1 else "")
        self.at = places(lines[0]) if self.has_header else {n: i for i, n in enumerate(SHAPES[len(lines[0])])}
        self.lines = lines[1:] if self.has_header else lines
        self.rounds = rounds
        self.are_bars = {"open", "high", "low"} <= self.at.keys()
        self.has_sides = "maker" in self.at
        self.has_quote = not self.are_bars or "quote" in self.at
        self.has_ranges = {"first_id", "last_id"} <= self.at.keys()
        self.has_ids = "id" in self.at or self.has_ranges
        first = self.lines[0][self.at["time"]] if self.lines else "0"
        whole = first.lstrip("-").isdigit()
        sizes = (p for p in (1, 10**3, 10**6, 10**9) if whole and abs(int(first)) < p * 10**11)
        self.per_second = next(sizes, 10**9)

    def __iter__(self):
        at, rounds = self.at, self.rounds
        for number, line in enumerate(self.lines):
            price, quantity = (decimal(line[at[name]], rounds=rounds) for name in ("price", "quantity"))
            own = int(line[at["id"]]) if "id" in at else number
            first, last = own, own
            if self.has_ranges:
                first, last = int(line[at["first_id"]]), int(line[at["last_id"]])
            trades, quote = last - first + 1, price * quantity
            opened = high = low = price
            if self.are_bars:
                opened, high, low = (decimal(line[at[name]], rounds=rounds) for name in ("open", "high", "low"))
                trades = int(line[at["count"]]) if "count" in at else 0
                quote = decimal(line[at["quote"]], rounds=rounds) * ONE if "quote" in at else 0
            is_buy = self.has_sides and line[at["maker"]].lower() in ("false", "0")
            time = read_time(line[at["time"]])
            yield Row(time, price, quantity, own, first, last, trades, is_buy, quote, opened, high, low)


# ---- kinds ----


class Kind:
    """What all kinds have in common: the bar that is forming."""

    def __init__(self):
        self.bar = None

    def add(self, row, quantity=None, counts=True):
        """Adds a row, or a part of it, to the bar that is forming; begins one if there is none."""
        if self.bar is None:
            self.bar = Bar(row.time, row.time, row.open, row.high, row.low, row.price, first_id=row.first_id)
        bar = self.bar
        whole = quantity is None
        amount, quote = (row.quantity, row.quote) if whole else (quantity, quantity * row.price)
        bar.close_time, bar.close, bar.last_id = row.time, row.price, row.last_id
        bar.high, bar.low = max(bar.high, row.high), min(bar.low, row.low)
        bar.volume += amount
        bar.quote_volume += quote
        if row.is_buy:
            bar.buy_volume += amount
            bar.buy_quote_volume += quote
        if counts:
            bar.agg_trades += 1
            bar.trades += row.trades
            if row.is_buy:
                bar.buy_trades += row.trades

    def close(self):
        bar, self.bar = self.bar, None
        return bar

    def forming(self):
        return self.bar


class Tick(Kind):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def take(self, row):
        self.add(row)
        return [self.close()] if self.bar.agg_trades == self.size else []


class Amount(Kind):
    """Volume, or with `value` turnover; size at 1e-8."""

    def __init__(self, size, value=False, split=False):
        super().__init__()
        self.value, self.split = value, split
        self.size = size * ONE if value else size

    def reached(self):
        if self.bar is None:
            return 0
        return self.bar.quote_volume if self.value else self.bar.volume

    def take(self, row):
        if self.split:
            return self.take_parts(row)
        self.add(row)
        return [self.close()] if self.reached() >= self.size else []

    def take_parts(self, row):
        bars, rest, counts = [], row.quantity, True
        while rest > 0:
            needed = self.size - self.reached()
            if self.value:
                needed = -(-needed // row.price)
            part = min(rest, needed)
            self.add(row, part, counts)
            counts = False
            if part == needed:
                bars.append(self.close())
            rest -= part
        return bars


class Range(Kind):
    def __init__(self, size, gate=True):
        super().__init__()
        self.size, self.gate = size, gate

    def take(self, row):
        opens = self.bar is None
        self.add(row)
        bar = self.bar
        delta = bar.open * self.size // 100000
        if opens or bar.open - delta < row.price < bar.open + delta or (self.gate and row.time == bar.open_time):
            return []
        return [self.close()]


class Renko(Kind):
    def __init__(self, size):
        super().__init__()
        self.size, self.level, self.direction, self.prices = size, None, 0, []

    def next_brick(self, price):
        """Open and close of the brick that a price closes, or None."""
        level, size, way = self.level, self.size, self.direction
        for step in (1, -1):
            goes_on = way in (0, step)
            opened = level if goes_on else level + step * size
            closed = opened + step * size
            if (price - closed) * step >= 0:
                return opened, closed
        return None

    def take(self, row):
        bars = []
        if self.level is None:
            self.level = row.price
        while brick := self.next_brick(row.price):
            if bars:
                self.bar = Bar(row.time, row.time, 0, 0, 0, 0, first_id=row.first_id, last_id=row.last_id)
            else:
                self.add(row)
            self.set_prices(*brick)
            self.direction = 1 if brick[1] > brick[0] else -1
            self.level, self.prices = brick[1], []
            bars.append(self.close())
        self.prices.append(row.price)
        if len(self.prices) > 2:
            self.prices = [min(self.prices), max(self.prices)]
        if not bars:
            self.add(row)
            self.set_prices(self.level, row.price)
        return bars

    def set_prices(self, opened, closed):
        bar, all_prices = self.bar, [opened, closed, *self.prices]
        bar.open, bar.close, bar.high, bar.low = opened, closed, max(all_prices), min(all_prices)


DAY = 86400


class Time(Kind):
    """Intervals of `size` units of a zone's clock less an offset in seconds. empty: none, flat or null."""

    SECONDS = {"s": 1, "m": 60, "h": 3600, "d": DAY, "w": 7 * DAY}

    def __init__(self, size, unit, per_second, zone=None, offset=0, empty="none"):
        super().__init__()
        self.size, self.unit, self.per_second, self.offset, self.empty = size, unit, per_second, offset, empty
        self.zone = ZoneInfo(zone) if zone else None
        self.end = None
        self.last = None

    def ahead(self, second):
        """Seconds that the clock is ahead of UTC."""
        if self.zone is None:
            return -self.offset
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=second)
        return int(self.zone.utcoffset(moment.astimezone(self.zone)).total_seconds()) - self.offset

    def clock(self, time):
        return time + self.ahead(time // self.per_second) * self.per_second

    def multiple(self, clock, steps=0):
        """The last multiple of the interval up to what a clock shows, and `steps` more."""
        if self.unit == "mo":
            date = datetime(1970, 1, 1) + timedelta(days=clock // (DAY * self.per_second))
            month = ((date.year - 1970) * 12 + date.month - 1) // self.size * self.size + steps * self.size
            year, month = divmod(month, 12)
            return (datetime(1970 + year, month + 1, 1) - datetime(1970, 1, 1)).days * DAY * self.per_second
        length = self.size * self.per_second
        length = length // 1000 if self.unit == "ms" else length * self.SECONDS[self.unit]
        origin = 4 * DAY * self.per_second if self.unit == "w" else 0
        return origin + ((clock - origin) // length + steps) * length

    def begins(self, time):
        now, before = self.clock(time), self.clock(time - 1)
        return self.multiple(now) == now or self.multiple(now) > before

    def changes(self, first, last):
        """Moments behind first up to last from which on the clock is ahead by another number; whole seconds."""
        if self.zone is None:
            return
        at, end = first // self.per_second, last // self.per_second
        while at < end:
            further = min(at + 6 * 3600, end)
            if self.ahead(at) != self.ahead(further):
                low, high = at, further
                while high - low > 1:
                    middle = (low + high) // 2
                    if self.ahead(middle) == self.ahead(further):
                        high = middle
                    else:
                        low = middle
                yield high * self.per_second
            at = further

    def begin_of(self, time):
        while True:
            clock = self.clock(time)
            begin = time - (clock - self.multiple(clock))
            changes = list(self.changes(begin, time))
            if not changes:
                return begin
            if self.begins(changes[-1]):
                return changes[-1]
            time = changes[-1] - 1

    def next_of(self, time):
        while True:
            clock = self.clock(time)
            following = time + self.multiple(clock, 1) - clock
            change = next(self.changes(time, following), None)
            if change is None:
                return following
            if self.begins(change):
                return change
            time = change

    def take(self, row):
        bars = []
        if self.bar is not None and row.time >= self.end:
            bars.append(self.close())
            bars += self.empties(bars[0].close, row.time)
        if self.bar is None:
            begin, self.end = self.begin_of(row.time), self.next_of(row.time)
            self.add(row)
            self.bar.open_time = begin
        else:
            self.add(row)
        self.bar.close_time = self.end - 1
        return bars

    def empties(self, price, time):
        while self.empty != "none":
            begin, following = self.end, self.next_of(self.end)
            if time < following:
                return
            prices = (price,) * 4 if self.empty == "flat" else (0,) * 4
            yield Bar(begin, following - 1, *prices, is_empty=True, has_prices=self.empty == "flat")
            self.end = following


def bars_of(rows, kind):
    """All bars of rows, and the one that is forming at the end or None."""
    bars = []
    for row in rows:
        bars += kind.take(row)
    return bars, kind.forming()
