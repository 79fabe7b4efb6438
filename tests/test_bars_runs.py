"""Long runs of tallow bars: killed at random moments and resumed, and as many trades as there are in a year.

Environment: TALLOW_BIN, the executable (needed). --kills N: how many times a run is killed, 10 unless told;
--seed S: of the moments; --trades N: of the longer of two streams, of which the shorter is a twelfth, 1200000 unless
told.
"""

import os
import random
import re
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from processes import wait_until_idle
from test_cli import BIN, STOPPED, Case

kills, seed, trades = 10, 1, 1_200_000
notes = []  # printed behind the summary

KINDS = ("--time=1s,1m,1h", "--range=20", "--renko=0.5", "--tick=100", "--volume=5000", "--value=1000000.5",
         "--split")
MEMORY_MAX = 50_000_000
FLAT = 1_000_000  # what allocators and page tables waver by


class Killed(Case):
    """Whatever ends a run, and whenever: what it leaves in the end is what an unbroken run makes."""

    def tables(self, folder):
        return {p.name: p.read_bytes() for p in sorted((self.here / folder).iterdir())}

    def kill(self, rng, longest, args):
        """Starts the run and kills it at any moment. Its exit code."""
        with subprocess.Popen([BIN, *args], cwd=self.here, stderr=subprocess.PIPE) as process:
            time.sleep(rng.random() * longest)
            number = rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
            process.send_signal(number)
            said = process.stderr.read().decode()
            code = process.wait(600)
        self.assertIn(code, (0, -number, STOPPED), said)
        return code

    def kill_again_and_again(self, name, rng, count, *more):
        """Kills runs over the files of `name`, each going on from the one before or, if that was done, from the start."""
        files = [f"{name}{i}.csv" for i in range(3)]
        plain, cut = f"{name}-plain", f"{name}-cut"
        before = time.monotonic()
        self.run_tallow("bars", *files, *KINDS, *more, "-o", f"{plain}/")
        longest = time.monotonic() - before
        expected = self.tables(plain)
        args = ["bars", *files, *KINDS, *more, "-o", f"{cut}/", "--checkpoint", f"{name}.state", "--checkpoint-every",
                "20000", "--resume"]
        stopped = 0
        for _ in range(count):
            if self.kill(rng, longest, args) == 0:
                self.assertEqual(self.tables(cut), expected)
                (self.here / f"{name}.state").unlink()
                for path in (self.here / cut).iterdir():
                    path.unlink()
            else:
                stopped += 1
        self.run_tallow(*args)
        self.assertEqual(self.tables(cut), expected)
        return stopped

    def test_killed(self):
        rng = random.Random(seed)
        for number in range(3):
            self.run_tallow("synth", "trades", "--rows", 120000, "--seed", number, "--start", f"202{number}-01-01",
                            "--format", "aggtrades", "-o", f"a{number}.csv")
            lines = (self.here / f"a{number}.csv").read_text().splitlines()[1:]
            rows = "".join(",".join((*line.split(",")[5:6], *line.split(",")[1:3])) + "\n" for line in lines)
            self.write(f"b{number}.csv", rows)
            ids = "".join(f"{120000 * number + int(line.split(',')[0])},{line.split(',', 1)[1]}\n" for line in lines)
            self.write(f"a{number}.csv", ids)
        half = (kills + 1) // 2
        stopped = self.kill_again_and_again("a", rng, half)
        stopped += self.kill_again_and_again("b", rng, half, "--format", "npy")
        notes.append(f"{2 * half} kills, {stopped} of them in the midst of a run")


class Memory(Case):
    """A year of trades through a pipe takes no more memory than a month, and little."""

    @staticmethod
    def resident(process):
        """The most bytes that a process has had so far."""
        status = Path(f"/proc/{process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024

    def peak(self, count):
        """Bytes that tallow bars had at most, and the trades a second."""
        make = [BIN, "synth", "trades", "--rows", str(count), "--format", "aggtrades", "--seed", "5"]
        take = [BIN, "bars", "-", "--time=1m,1d", "--range=250", "--renko=5", "--tick=1000", "--partition=month",
                "-o", f"out{count}/"]
        before = time.monotonic()
        read, write = os.pipe()
        with subprocess.Popen(make, stdout=write) as maker, subprocess.Popen(take, stdin=read, cwd=self.here) as taker:
            os.close(read)
            self.assertEqual(maker.wait(), 0)
            wait_until_idle(taker)  # which has taken all, and waits for more
            most = self.resident(taker)
            os.close(write)
            self.assertEqual(taker.wait(), 0)
        return most, count / (time.monotonic() - before)

    def count(self, folder):
        """Trades of all bars of 1,000: all but those of the last bar."""
        paths = sorted((self.here / folder).glob("tick-1000*.csv"))
        return 1000 * sum(len(path.read_text().splitlines()) - 1 for path in paths)

    def test_a_year(self):
        (less, _), (more, rate) = self.peak(trades // 12), self.peak(trades)
        notes.append(f"{trades} trades: at most {more / 1e6:.1f} MB, of a twelfth {less / 1e6:.1f} MB; "
                     f"{rate / 1e6:.2f} million trades a second")
        self.assertLess(more, MEMORY_MAX)
        self.assertLess(more, less + FLAT)
        self.assertEqual(self.count(f"out{trades}"), trades // 1000 * 1000)


def take_option(name):
    """The number behind --NAME, which is taken off the command line, or None."""
    if f"--{name}" not in sys.argv:
        return None
    at = sys.argv.index(f"--{name}")
    number = int(sys.argv[at + 1])
    del sys.argv[at : at + 2]
    return number


if __name__ == "__main__":
    kills = take_option("kills") or kills
    seed = take_option("seed") or seed
    trades = take_option("trades") or trades
    program = unittest.main(verbosity=2, exit=False)
    print("\n".join(notes))
    sys.exit(not program.result.wasSuccessful())
