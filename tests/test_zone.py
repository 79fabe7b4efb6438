#!/usr/bin/env python3
"""Compares all zones of the system's zoneinfo, as test_zone prints them, with Python's zoneinfo, 1900 to 2100.

Needs Python 3.9 and /usr/share/zoneinfo (Debian: tzdata); without them it ends with 77, skipped.
"""

import os
import random
import subprocess
import sys
from bisect import bisect_right
from datetime import datetime, timedelta, timezone
from pathlib import Path

SKIPPED = 77
FOLDER = Path("/usr/share/zoneinfo")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
FIRST = int((datetime(1900, 1, 1, tzinfo=timezone.utc) - EPOCH).total_seconds())
END = int((datetime(2100, 1, 1, tzinfo=timezone.utc) - EPOCH).total_seconds())
SAMPLES = 150


def changes_of(program, names):
    environment = {name: value for name, value in os.environ.items() if name != "TZDIR"}
    done = subprocess.run([program, *names], capture_output=True, text=True, check=True, env=environment)
    for line in done.stdout.splitlines():
        name, *numbers = line.split()
        assert numbers and numbers[0] != "refused:", line
        yield name, [int(x) for x in numbers[0::2]], [int(x) for x in numbers[1::2]]


def wrong_times(zone, begins, offsets, rng):
    """Times at which the offsets differ: at random, and around each change."""
    times = [rng.randrange(FIRST, END) for _ in range(SAMPLES)]
    times += [begin - before for begin in begins for before in (0, 1) if FIRST < begin < END]
    for time in times:
        ours = offsets[bisect_right(begins, time) - 1]
        theirs = (EPOCH + timedelta(seconds=time)).astimezone(zone).utcoffset().total_seconds()
        if ours != theirs:
            yield time, ours, theirs


def main():
    try:
        import zoneinfo
    except ImportError:
        print("this Python has no zoneinfo")
        return SKIPPED
    if not (FOLDER / "Europe").is_dir():
        print(f"{FOLDER} has no zones")
        return SKIPPED
    zoneinfo.reset_tzpath(to=[str(FOLDER)])
    names = sorted(name for name in zoneinfo.available_timezones() if (FOLDER / name).is_file())
    rng = random.Random(1)
    n_zones = n_wrong = 0
    for name, begins, offsets in changes_of(os.environ["TALLOW_TEST_ZONE"], names):
        n_zones += 1
        for time, ours, theirs in wrong_times(zoneinfo.ZoneInfo(name), begins, offsets, rng):
            n_wrong += 1
            if n_wrong < 20:
                print(f"{name} at {time}: {ours}, not {theirs}")
    print(f"{n_zones} zones of {len(names)}, {n_wrong} times wrong")
    return 1 if n_wrong or n_zones != len(names) or n_zones < 300 else 0


if __name__ == "__main__":
    sys.exit(main())
