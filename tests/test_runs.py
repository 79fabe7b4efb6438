"""Runs that can be stopped: manifests, --resume, --shard, merge, signals, and files that can't be written.

Environment: TALLOW_BIN, the executable (needed); TALLOW_FAILING_CALLS, the shared object of failing_calls.c, without
which the tests that need it are skipped. --kills N: how many times a run is killed by each of SIGTERM and SIGKILL;
--seed S: of the moments.
"""

import errno
import fcntl
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from processes import wait_until_idle

BIN = os.environ.get("TALLOW_BIN", "")
SHIM = os.environ.get("TALLOW_FAILING_CALLS", "")
USAGE, BAD_DATA, NO_INPUT, UNAVAILABLE, NO_MEMORY, CANT_CREATE, IO_ERROR, STOPPED = 64, 65, 66, 69, 71, 73, 74, 75
INTERRUPTED, TERMINATED = 130, 143
HEADER = "time,open,high,low,close,volume\n"
SMALL = ("--size", "64x64", "--backend", "cpu", "--threads", "2")
SYSTEMS = ("SLURM_", "JOB_COMPLETION_INDEX", "AWS_BATCH_", "OMPI_", "PMI_", "PMIX_", "PARALLEL_")

kills, seed = 6, 1
notes = []  # printed behind the summary


def contents(folder):
    """Bytes by name of all that is in a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()}


def lines_of(path):
    """First line, jobs and last line of a manifest."""
    text = Path(path).read_text()
    assert text.endswith("\n")
    first, *jobs, last = map(json.loads, text.splitlines())
    return first, jobs, last


class Case(unittest.TestCase):
    def setUp(self):
        self.here = Path(tempfile.mkdtemp(prefix="tallow-runs-"))
        self.addCleanup(shutil.rmtree, self.here, ignore_errors=True)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(SYSTEMS)}
        self.env["XDG_CACHE_HOME"] = str(self.here / "cache")

    def start(self, *args, env=None, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        child = subprocess.Popen([BIN, *map(str, args)], cwd=self.here, env={**self.env, **(env or {})}, **options)
        self.addCleanup(self.close, child)
        return child

    @staticmethod
    def close(child):
        if child.poll() is None:
            child.kill()
        child.wait()
        for file in filter(None, (child.stdin, child.stdout, child.stderr)):
            file.close()

    def end(self, child, *codes):
        """Waits for it; checks the exit code. Its standard output and standard error as text."""
        out, errors = child.communicate(timeout=1500)
        if codes:
            self.assertIn(child.returncode, codes, errors)
        return (out or b"").decode(errors="surrogateescape"), (errors or b"").decode(errors="surrogateescape")

    def run_tallow(self, *args, code=0, **options):
        return self.end(self.start(*args, **options), code)

    def render(self, *args, code=0, **options):
        return self.run_tallow("render", *args, *SMALL, code=code, **options)

    def fails(self, code, *args, says=(), **options):
        out, errors = self.run_tallow(*args, code=code, **options)
        for part in (says,) if isinstance(says, str) else says:
            self.assertIn(part, errors)
        return errors

    def write(self, name, data):
        path = self.here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def synth(self, name, rows, number=1):
        self.run_tallow("synth", "candles", "--rows", rows, "--seed", number, "-o", name)
        return (self.here / name).read_text()

    def manifest(self, folder="out", name="manifest.jsonl"):
        return lines_of(self.here / folder / name)

    def names(self, folder="out"):
        return sorted(contents(self.here / folder))


class Manifest(Case):
    def test_members(self):
        """Everything that a line says can be found out again from the files."""
        (self.here / "in").mkdir()
        text = self.synth("in/a.csv", 60)
        self.render("in/a.csv", "-o", "out", "--window", 20, "--stride", 25)
        first, jobs, last = self.manifest()
        self.assertEqual(set(first), {"tallow", "manifest", "parameters", "libraries"})
        self.assertEqual((first["manifest"], last), (1, {"jobs": 2, "failed": 0}))
        parameters = first["parameters"]
        self.assertEqual((parameters["size"], parameters["window"], parameters["stride"]), ("64x64", 20, 25))
        self.assertEqual((parameters["theme"], parameters["from"], parameters["adjusted"]), ("modern", None, False))
        self.assertEqual((parameters["outside"], parameters["duplicate"]), ("widen", "error"))
        self.assertFalse({"backend", "threads", "output", "host-mem", "resume"} & set(parameters))
        self.assertEqual((first["libraries"], parameters["png"]), ({"tallow-png": "2"}, "fast"))
        for coding, libraries in (("small", {"libdeflate"}), ("libpng", {"libpng", "zlib"})):
            self.render("in/a.csv", "-o", coding, "--window", 20, "--stride", 25, "--png", coding)
            self.assertEqual(set(self.manifest(coding)[0]["libraries"]), libraries)
        rows = [line.split(",") for line in text.splitlines()[1:]]
        for number, job in enumerate(jobs):
            part = rows[25 * number : 25 * number + 20]
            times = [1577836800 * 10**9 + 60 * 10**9 * (25 * number + i) for i in range(20)]
            columns = [struct.pack("<20q", *times)]
            columns += [struct.pack("<20d", *(float(row[c]) for row in part)) for c in range(1, 6)]
            png = (self.here / "out" / job["name"]).read_bytes()
            self.assertEqual(list(job), ["ordinal", "name", "source", "symbol", "window", "range", "data", "status",
                                         "size", "width", "height", "sha256", "raster_sha256"])
            self.assertEqual(job["range"], {"first": part[0][0], "last": part[-1][0], "rows": 20})
            self.assertEqual(job["data"], hashlib.sha256(b"".join(columns)).hexdigest())
            self.assertEqual((job["size"], job["sha256"]), (len(png), hashlib.sha256(png).hexdigest()))
            self.assertEqual((job["ordinal"], job["window"], job["name"]), (number, number, f"a_{number:06d}.png"))
            self.assertEqual((job["source"], job["symbol"], job["status"]), ("in/a.csv", None, "ok"))
            self.assertEqual((job["width"], job["height"]), (64, 64))
        self.assertEqual(self.names(), ["a_000000.png", "a_000001.png", "manifest.jsonl"])

    def test_same_bytes(self):
        """Threads, budgets, verbosity and what was there before change nothing."""
        for number, rows in enumerate((300, 40, 700)):
            self.synth(f"{number}.csv", rows, number)
        inputs = ("0.csv", "none.csv", "1.csv", "2.csv")
        for more in ((), ("--window", 30, "--stride", 7)):
            self.render(*inputs, "-o", "out/", *more, code=NO_INPUT)
            expected = contents(self.here / "out")
            for other in (("--threads", 1), ("--threads", 5), ("--host-mem", "64MiB"), ("-q",), ("-v",)):
                self.run_tallow("render", *inputs, "-o", "again/", *SMALL[:4], *more, *other, code=NO_INPUT)
                self.assertEqual(contents(self.here / "again"), expected, other)
            shutil.rmtree(self.here / "out")
            shutil.rmtree(self.here / "again")

    def test_when(self):
        self.synth("a.csv", 60)
        self.render("a.csv", "-o", "a.png")
        self.render("a.csv", "-o", "off/", "--manifest", "off")
        self.assertFalse((self.here / "a.manifest.jsonl").exists())
        self.assertEqual(self.names("off"), ["a.png"])
        self.render("a.csv", "-o", "a.png", "--manifest", "on")
        _, (job,), last = self.manifest("", "a.manifest.jsonl")
        self.assertEqual((job["name"], last), ("a.png", {"jobs": 1, "failed": 0}))
        says = {("-o", "-", "--manifest", "on"): "--manifest on needs a folder or a file",
                ("-o", "a.png", "--resume"): "--resume needs --manifest on",
                ("-o", "out/", "--resume", "--manifest", "off"): "--resume needs the manifest",
                ("-o", "out/", "--shard", "1/2", "--manifest", "off"): "--shard needs the manifest",
                ("-o", "a.png", "--shard", "1/2"): "--shard needs a folder"}
        for args, part in says.items():
            self.fails(USAGE, "render", "a.csv", *args, says=part)

    def test_failures(self):
        """A FILE that fails is a line; the reason is what was said."""
        self.synth("a.csv", 60)
        self.write("bad.csv", HEADER + "2020-01-01,1,2,1,2,3\n2020-01-02,x,2,1,2,3\n")
        self.write("short.csv", HEADER + "2020-01-01,1,2,1,2,3\n")
        args = ("a.csv", "bad.csv", "none.csv", "short.csv")
        _, errors = self.render(*args, "-o", "out", "--window", 20, "--stride", 40, code=BAD_DATA)
        _, jobs, last = self.manifest()
        failed = (("bad.csv", BAD_DATA), ("none.csv", NO_INPUT), ("short.csv", BAD_DATA))
        self.assertEqual([(j["name"], j["source"], j["status"], j.get("exit_code")) for j in jobs],
                         [(f"a_{i:06d}.png", "a.csv", "ok", None) for i in range(2)]
                         + [(None, name, "failed", code) for name, code in failed])
        self.assertEqual(last, {"jobs": 5, "failed": 3})
        self.assertEqual(errors, "".join(f"tallow: {j['reason']}\n" for j in jobs if j["status"] == "failed"))
        self.render(*args, "-o", "files/", code=BAD_DATA)
        _, jobs, _ = self.manifest("files")
        self.assertEqual([(j["name"], j["status"]) for j in jobs],
                         [("a.png", "ok"), ("bad.png", "failed"), ("none.png", "failed"), ("short.png", "ok")])

    def test_symbols(self):
        """A chart for each symbol, with and without windows; names that a file can have."""
        symbols = ("A/B", "MSFT", ".x", "é")
        rows = "".join(f"2020-01-{d:02d},{s},1,3,1,2,{d}\n" for d in range(1, 13) for s in symbols)
        self.write("m.csv", "date,sym,open,high,low,close,volume\n" + rows + "2020-01-01,one,1,2,1,2,3\n")
        _, errors = self.render("m.csv", "-o", "out", "--by", "sym")
        _, jobs, _ = self.manifest()
        names = ["m_A_B.png", "m_MSFT.png", "m__x.png", "m_é.png", "m_one.png"]
        self.assertEqual([j["name"] for j in jobs], names)
        self.assertEqual([j["symbol"] for j in jobs], ["A/B", "MSFT", ".x", "é", "one"])
        self.assertEqual(self.names(), sorted(names + ["manifest.jsonl"]))
        self.assertEqual(errors, "")
        one = [f"2020-01-{d:02d},1,3,1,2,{d}\n" for d in range(1, 13)]
        self.write("one.csv", "date,open,high,low,close,volume\n" + "".join(one))
        for more in ((), ("--last", 5), ("--from", "2020-01-04", "--to", "2020-01-09")):
            _, errors = self.render("m.csv", "-o", "by", "--by", "sym", *more)
            says = "tallow: m.csv: 1 of 5 symbols has no candle in the range asked for: no charts of these\n"
            self.assertEqual(errors.replace("warning: ", ""), says if "--from" in more else "")
            chart = (self.here / "by/m_MSFT.png").read_bytes()
            shutil.rmtree(self.here / "by")
            self.render("one.csv", "-o", "one.png", *more)
            self.assertEqual(chart, (self.here / "one.png").read_bytes(), more)
        windows = ("--window", 5, "--stride", 3)
        _, errors = self.render("m.csv", "-o", "w", "--by", "2", *windows)
        self.assertEqual(errors.replace("warning: ", ""),
                         "tallow: m.csv: 1 of 5 symbols has fewer than 5 candles: no charts of these\n")
        self.assertEqual(self.render("m.csv", "-o", "quiet", "--by", "2", *windows, "-q")[1], "")
        self.fails(BAD_DATA, "render", "m.csv", "-o", "none", "--by", "2", "--window", 99, *SMALL,
                   says=("m.csv: A/B: 12 candles in it: --window 99 needs", "m.csv: one: 1 candle in it"))
        _, errors = self.render("m.csv", "-o", "again", "--by", "2", *windows, "-v")
        self.assertRegex(errors, r"(?m)^tallow: m\.csv: 12 windows of 5 candles, 64x64, cpu")
        self.render("one.csv", "-o", "one", *windows)
        _, jobs, last = self.manifest("w")
        self.assertEqual((len(jobs), last["failed"]), (4 * 3, 0))
        for i in range(3):
            self.assertEqual((self.here / f"w/m_MSFT_{i:06d}.png").read_bytes(),
                             (self.here / f"one/one_{i:06d}.png").read_bytes())

    def test_names_that_collide(self):
        head, row = "sym,date,open,high,low,close\n", ",2020-01-01,1,2,1,2\n"
        self.write("m.csv", head + "A/B" + row + "A:B" + row)
        self.fails(BAD_DATA, "render", "m.csv", "-o", "out", "--by", "sym", *SMALL,
                   says="the symbols A/B and A:B would both become m_A_B.png")
        self.write("a.csv", head + "b_c" + row)
        self.write("a_b.csv", head + "c" + row)
        self.fails(BAD_DATA, "render", "a.csv", "a_b.csv", "-o", "two", "--by", "sym", *SMALL,
                   says="a_b.csv: its symbol c and b_c of a.csv would both become a_b_c.png")
        self.assertEqual(self.names("two"), ["a_b_c.png", "manifest.jsonl"])

    def test_hostile_names(self):
        """Bytes of a file's name that are no UTF-8 are lone surrogates, as Python's os.fsdecode has them."""
        text = self.synth("a.csv", 30)
        raw = os.path.join(os.fsencode(self.here), b'x\xff"\\\n.csv')
        with open(raw, "w") as file:
            file.write(text)
        self.run_tallow("render", os.fsdecode(raw), "-o", "out/", *SMALL)
        _, (job,), _ = self.manifest()
        self.assertEqual(os.fsencode(job["source"]), raw)
        self.assertEqual(os.fsencode(job["name"]), b'x\xff"\\\n.png')
        for i in (1, 2):
            self.render(os.fsdecode(raw), "-o", "parts/", "--shard", f"{i}/2")
        self.run_tallow("merge", "parts")
        self.assertEqual(contents(self.here / "out"), contents(self.here / "parts"))

    def test_log_scale(self):
        """A window that a log scale can't show fails alone."""
        rows = [f"2020-01-{i + 1:02d},{p},{p},{p},{p},1\n" for i, p in enumerate((3, 2, 1, -1, 1, 2, 3, 4, 5))]
        self.write("a.csv", HEADER + "".join(rows))
        says = ("tallow: a.csv: a_000001.png: the candle of 2020-01-04T00:00:00Z: a log scale has no place for the "
                "price -1 (open): use the linear scale\n")
        window = ("--window", 3, "--scale", "log")
        self.assertEqual(self.fails(BAD_DATA, "render", "a.csv", "-o", "out", *window, *SMALL), says)
        self.assertEqual(self.fails(BAD_DATA, "render", "a.csv", "-o", "off", *window, *SMALL, "--manifest", "off"),
                         says)
        _, jobs, _ = self.manifest()
        self.assertEqual([j["status"] for j in jobs], ["ok", "failed", "ok"])

    def test_foreign_file(self):
        """What someone else has called manifest.jsonl is not replaced."""
        self.synth("a.csv", 30)
        self.write("out/manifest.jsonl", "mine\n")
        for more in ((), ("--resume",)):
            self.fails(CANT_CREATE, "render", "a.csv", "-o", "out/", *SMALL, *more,
                       says="out/manifest.jsonl is there already, and no manifest of tallow")
        self.assertEqual((self.here / "out/manifest.jsonl").read_text(), "mine\n")
        self.assertEqual(self.names(), ["manifest.jsonl"])

    def test_nothing_is_left_behind(self):
        self.synth("a.csv", 30)
        self.fails(NO_MEMORY, "render", "a.csv", "-o", "new/deep/", "--host-mem", 1, *SMALL)
        self.fails(CANT_CREATE, "render", "a.csv", "-o", f"new/{'x' * 300}/", *SMALL)
        self.assertFalse((self.here / "new").exists())
        (self.here / "new").mkdir()
        self.fails(NO_MEMORY, "render", "a.csv", "-o", "new/deep/", "--host-mem", 1, *SMALL)
        self.assertEqual(list((self.here / "new").iterdir()), [])

    def test_left_over_candles(self):
        self.synth("a.csv", 47)
        _, errors = self.render("a.csv", "-o", "out", "--window", 20, "--stride", 10, "-v")
        self.assertRegex(errors, r"(?m)^tallow: a\.csv: 3 windows of 20 candles, 64x64, .*, its last 7 candles fill")

    def test_pool_on_the_cpu(self):
        self.synth("a.csv", 47)
        _, errors = self.render("a.csv", "-o", "a.png", "--pool", "1MiB")
        self.assertIn("--pool has no effect", errors)
        self.assertEqual(self.render("a.csv", "-o", "a.png", "--pool", "1MiB", "-q")[1], "")


class DryRun(Case):
    def test_names(self):
        self.synth("a.csv", 60)
        self.synth("b.csv", 30)
        args = ("a.csv", "none.csv", "b.csv", "-o", "out", "--window", 20, "--stride", 10)
        out, _ = self.render(*args, "--dry-run", code=NO_INPUT)
        self.assertFalse((self.here / "out").exists())
        expected = [f"out/a_{i:06d}.png" for i in range(5)] + [f"out/b_{i:06d}.png" for i in range(2)]
        self.assertEqual(out.splitlines(), expected)
        parts = [self.render(*args, "--dry-run", "--shard", f"{i}/3")[0] for i in (1,)]
        parts += [self.end(self.start("render", *args, *SMALL, "--dry-run", "--shard", f"{i}/3"))[0] for i in (2, 3)]
        self.assertEqual(sorted("".join(parts).splitlines()), expected)
        self.assertEqual(parts[0].splitlines(), ["out/a_000000.png", "out/a_000003.png", "out/b_000000.png"])
        self.assertFalse((self.here / "out").exists())

    def test_what_is_left(self):
        self.synth("a.csv", 60)
        args = ("a.csv", "-o", "out", "--window", 20, "--stride", 10)
        self.render(*args)
        self.assertEqual(self.render(*args, "--dry-run", "--resume"), ("", "tallow: nothing is left to draw\n"))
        self.assertEqual(self.render(*args, "--dry-run", "--resume", "-q"), ("", ""))
        os.remove(self.here / "out/a_000003.png")
        before = contents(self.here / "out")
        self.assertEqual(self.render(*args, "--dry-run", "--resume"), ("out/a_000003.png\n", ""))
        self.assertEqual(self.render(*args, "--dry-run")[0].count("\n"), 5)
        self.assertEqual(contents(self.here / "out"), before)
        self.fails(USAGE, "render", *args, *SMALL, "--theme", "light", "--dry-run", "--resume", says="theme is")

    def test_one_file(self):
        self.synth("a.csv", 60)
        self.assertEqual(self.render("a.csv", "-o", "x/a.png", "--dry-run")[0], "x/a.png\n")
        self.assertEqual(self.render("a.csv", "-o", "-", "--dry-run")[0], "-\n")

    def test_nobody_reads(self):
        """It ends where nobody takes the names: what comes behind, a pipe without a writer, is not waited for."""
        self.synth("a.csv", 10000)
        os.mkfifo(self.here / "fifo")
        reader, writer = os.pipe()
        os.close(reader)
        self.addCleanup(os.close, writer)
        child = self.start("render", "a.csv", "fifo", "-o", "out", "--window", 1, "--dry-run", stdout=writer)
        self.assertEqual((child.wait(timeout=600), child.stderr.read()), (IO_ERROR, b""))


class Resume(Case):
    ARGS = ("a.csv", "b.csv", "-o", "out", "--window", 20, "--stride", 3)

    def setUp(self):
        super().setUp()
        self.text = self.synth("a.csv", 200)
        self.synth("b.csv", 100, 2)
        self.render(*self.ARGS)
        self.expected = contents(self.here / "out")

    def resume(self, *more, code=0):
        """How many charts were drawn and how many were found."""
        out, _ = self.render(*self.ARGS, "--resume", "--json", *more, code=code)
        done = json.loads(out)
        return done["charts"], done["found"]

    def test_nothing_to_do(self):
        n = len(self.expected) - 1
        self.assertEqual(self.resume(), (0, n))
        self.assertEqual(contents(self.here / "out"), self.expected)
        self.assertEqual(self.resume("--host-mem", "64MiB"), (0, n))

    def test_missing_and_damaged_files(self):
        n = len(self.expected) - 1
        png = self.here / "out/a_000004.png"
        damage = {
            "missing": lambda: png.unlink(),
            "cut": lambda: png.write_bytes(self.expected["a_000004.png"][:-1]),
            "longer": lambda: png.write_bytes(self.expected["a_000004.png"] + b"x"),
            "other byte": lambda: png.write_bytes(self.expected["a_000004.png"][:-1] + b"x"),
            "empty": lambda: png.write_bytes(b""),
            "other chart": lambda: png.write_bytes(self.expected["b_000004.png"]),
        }
        for name, call in damage.items():
            call()
            self.assertEqual(self.resume(), (1, n - 1), name)
            self.assertEqual(contents(self.here / "out"), self.expected, name)

    def test_changed_input(self):
        """Only the windows that hold the changed candle are drawn; more candles give more windows."""
        lines = self.text.splitlines(keepends=True)
        time, o, h, l, c, v = lines[100].split(",")
        lines[100] = ",".join((time, o, h, l, c, str(int(v) + 1) + "\n"))
        self.write("a.csv", "".join(lines))
        drawn, found = self.resume()
        self.assertEqual(drawn, sum(i * 3 <= 99 < i * 3 + 20 for i in range(61)))
        self.assertEqual(drawn + found, len(self.expected) - 1)
        changed = contents(self.here / "out")
        self.render(*self.ARGS)
        self.assertEqual(contents(self.here / "out"), changed)
        self.write("a.csv", "".join(lines) + "2021-01-01T00:00:00Z,1,2,1,2,3\n" * 1)
        self.assertEqual(self.resume()[0], 0 if (201 - 20) // 3 == (200 - 20) // 3 else 1)

    def test_other_parameters(self):
        rows = {("--theme", "light"): 'theme is "light", and was "modern" there', ("--size", "65x64"): "65x64",
                ("--stride", 4): "stride is 4, and was 3 there", ("--from", "2020-01-01"): "from is",
                ("--outside", "clamp"): 'outside is "clamp"', ("--volume", "off"): 'volume is "off"'}
        for more, says in rows.items():
            args = [a for a in (*self.ARGS, *SMALL) if more[0] not in ("--size", "--stride") or a != more[0]]
            if more[0] in ("--size", "--stride"):
                at = (*self.ARGS, *SMALL).index(more[0])
                args = [*(*self.ARGS, *SMALL)[:at], *(*self.ARGS, *SMALL)[at + 2 :]]
            self.fails(USAGE, "render", *args, *more, "--resume", says=(says, "give these charts another folder"))
            self.assertEqual(contents(self.here / "out"), self.expected)
        self.resume("--outside", "widen")  # the default by name
        self.render(*self.ARGS, "--theme", "light")
        self.assertEqual(self.manifest()[0]["parameters"]["theme"], "light")

    def test_charts_that_stay(self):
        """A run that begins anew in the folder of another says that charts of that one stay, once."""
        self.write("out/manifest-1-of-2.jsonl", self.expected["manifest.jsonl"])
        _, errors = self.render(*self.ARGS, "--theme", "light")
        self.assertRegex(errors, r"\Atallow: (warning: )?out/manifest\S*\.jsonl is of a run with other parameters: "
                                 r'theme is "light", and was "modern" there; charts of that run that .* stay .*\n\Z')
        self.assertEqual(self.render(*self.ARGS, "--theme", "light")[1], "")
        self.assertEqual(self.render(*self.ARGS, "-q")[1], "")

    def test_more_files(self):
        self.synth("c.csv", 40, 3)
        out, _ = self.render("c.csv", *self.ARGS, "--resume", "--json")
        self.assertEqual(json.loads(out)["found"], len(self.expected) - 1)
        self.assertEqual([j["ordinal"] for j in self.manifest()[1]], list(range(json.loads(out)["found"] + 7)))

    def test_failed_files_are_tried_again(self):
        self.write("b.csv", HEADER + "x\n")
        self.render(*self.ARGS, "--resume", code=BAD_DATA)
        self.synth("b.csv", 100, 2)
        self.resume()
        self.assertTrue(self.expected.items() <= contents(self.here / "out").items())

    def test_torn_journals(self):
        """Whatever a killed run has left of its journal and files, by byte."""
        whole = self.expected["manifest.jsonl"]
        n = len(self.expected) - 1
        lines = whole.splitlines(keepends=True)
        for size in (0, 5, len(lines[0]) - 1, len(lines[0]), len(lines[0]) + len(lines[1]) - 1,
                     len(lines[0]) + len(lines[1]), len(whole) // 2, len(whole)):
            os.remove(self.here / "out/manifest.jsonl")
            self.write("out/manifest.jsonl.AbC123.part", whole[:size])
            self.write("out/a_000000.png.zzzzzz.part", b"half")
            kept = max(0, whole[:size].count(b"\n") - 1)
            self.assertEqual(self.resume()[1], min(kept, n), size)
            self.assertEqual(contents(self.here / "out"), self.expected, size)
        junk = b"\n\n{}\n\x00\x00\n" + b"x" * 100000 + b"\n"
        os.remove(self.here / "out/manifest.jsonl")
        journal = lines[0] + junk + b"".join(lines[1:9]) + lines[9][:7] + lines[10]
        self.write("out/manifest.jsonl.AbC123.part", journal)
        self.assertEqual(self.resume()[1], 8)
        self.assertEqual(contents(self.here / "out"), self.expected)

    def test_what_others_have(self):
        """Names that only look alike are left alone, and what a live writer holds."""
        kept = {"x.png.part": b"1", "y.AbC123.part": b"2", "a.png.AbC1234.part": b"3", "a.png.AbC-23.part": b"4"}
        for name, data in kept.items():
            self.write(f"out/{name}", data)
        live = self.write("out/a_000001.png.LiVe12.part", b"half")
        with open(live, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.resume()
            self.assertEqual(contents(self.here / "out"), {**self.expected, **kept, live.name: b"half"})
        self.resume()
        self.assertEqual(contents(self.here / "out"), {**self.expected, **kept})

    def test_begin_anew(self):
        """Without --resume nothing is taken over, and what is left of older runs goes."""
        self.write("out/manifest.jsonl.AbC123.part", self.expected["manifest.jsonl"])
        self.write("out/manifest-1-of-9.jsonl", self.expected["manifest.jsonl"])
        out, _ = self.render(*self.ARGS, "--json")
        self.assertEqual((json.loads(out)["charts"], json.loads(out)["found"]), (len(self.expected) - 1, 0))
        self.assertEqual(contents(self.here / "out"), self.expected)

    def test_single_file(self):
        args = ("a.csv", "-o", "a.png", "--manifest", "on")
        self.render(*args)
        before = contents(self.here)
        out, _ = self.render(*args, "--resume", "--json")
        self.assertEqual((json.loads(out)["charts"], json.loads(out)["found"]), (0, 1))
        (self.here / "a.png").write_bytes(b"x")
        self.render(*args, "--resume")
        self.assertEqual({n: d for n, d in contents(self.here).items() if not n.startswith("cache")},
                         {n: d for n, d in before.items() if not n.startswith("cache")})
        self.fails(USAGE, "render", *args, *SMALL, "--last", 5, "--resume", says="last is 5, and was null there")


class InTheFolder(Case):
    """What a run writes into the folder of its inputs is not taken for an input, nor replaced by a report."""

    def setUp(self):
        super().setUp()
        self.text = self.synth("data/a.csv", 30) if (self.here / "data").mkdir() is None else ""

    def refused(self, *args, says):
        before = contents(self.here)
        self.fails(USAGE, "render", *args, *SMALL, says=says)
        self.assertEqual(contents(self.here), before)

    def test_operands(self):
        self.render("data/a.csv", "-o", "data/")
        for out in ("data/", "data", "./data/"):
            self.refused("data/a.csv", "data/manifest.jsonl", "-o", out,
                         says="the FILE data/manifest.jsonl is a manifest that the run would replace: leave it out")
            self.refused("data/a.csv", "data/a.png", "-o", out, says="the FILE data/a.png is a chart")
        os.symlink("data/manifest.jsonl", self.here / "link.csv")
        self.refused("link.csv", "-o", "data/", says="the FILE link.csv is a manifest")
        self.refused("link.csv", "data/a.csv", "-o", "data/", "--window", 5, "--resume", says="link.csv is a manifest")
        self.write("data/a_000000.png", self.text)
        self.refused("data/a.csv", "data/a_000000.png", "-o", "data", "--window", 5, says="a_000000.png is a chart")
        self.write("data/a_X.png", self.text)
        self.refused("data/a.csv", "data/a_X.png", "-o", "data", "--by", "1", says="data/a_X.png is a chart")
        self.write("data/manifest-2-of-3.jsonl", "x")
        self.refused("data/manifest-2-of-3.jsonl", "-o", "data/", says="is a manifest")
        self.refused("data/manifest-2-of-3.jsonl", "-o", "data/", "--shard", "2/3", says="is a manifest")
        self.render("data/a.csv", "-o", "a.png", "--manifest", "on")
        self.refused("a.manifest.jsonl", "-o", "a.png", "--manifest", "on", says="a.manifest.jsonl is a manifest")

    def test_others_are_inputs(self):
        """Names that only look alike."""
        for name in ("b.png", "a_1.png", "a_000001x.png", "manifest.csv"):
            self.write(f"data/{name}", self.text)
        self.write("other/manifest.jsonl", self.text)
        self.render("data/b.png", "data/a_1.png", "data/a_000001x.png", "data/manifest.csv", "other/manifest.jsonl",
                    "data/a.csv", "-o", "data/", "--window", 10)
        self.assertEqual((self.here / "data/a_1.png").read_text(), self.text)

    def test_reports(self):
        for out in ("new/", "data/"):
            for name, what in (("manifest.jsonl", "manifest"), ("a.png", "chart")):
                for option in ("--stats", "--alloc-log"):
                    self.refused("data/a.csv", "-o", out, option, out + name, says=f"{name} has the name of a {what}")
        self.render("data/a.csv", "-o", "new/", "--stats", "new/b.png")


class Shards(Case):
    ARGS = ("a.csv", "none.csv", "b.csv", "--window", 20, "--stride", 3)

    def setUp(self):
        super().setUp()
        self.synth("a.csv", 120)
        self.synth("b.csv", 60, 2)

    def draw(self, out, n, *args, code=(0, NO_INPUT)):
        for i in range(1, n + 1):
            self.end(self.start("render", *args, *SMALL, "-o", out, "--shard", f"{i}/{n}"), *code)

    def test_any_number(self):
        """Parts and merge give the folder of a single run, byte for byte."""
        self.write("m.csv", "sym,time,open,high,low,close\n" + "".join(
            f"S{i % 3},2020-01-{i // 3 + 1:02d},1,2,1,2\n" for i in range(30)))
        for what in (self.ARGS, ("a.csv", "b.csv"), ("m.csv", "--by", "sym"), ("m.csv", "--by", "1", "-w", 4)):
            single = NO_INPUT if "none.csv" in what else 0
            self.render(*what, "-o", "whole/", code=single)
            for n in (1, 2, 7):
                self.draw("parts/", n, *what)
                self.run_tallow("merge", "parts", code=single)
                self.assertEqual(contents(self.here / "parts"), contents(self.here / "whole"), (what, n))
                shutil.rmtree(self.here / "parts")
            shutil.rmtree(self.here / "whole")

    def test_share(self):
        """Part i has the jobs whose ordinal is i - 1 modulo n, and nobody else says what failed."""
        outs = []
        for i in (1, 2, 3):
            child = self.start("render", *self.ARGS, *SMALL, "-o", "out", "--shard", f"{i}/3")
            outs.append((*self.end(child), child.returncode))
            _, jobs, last = self.manifest("out", f"manifest-{i}-of-3.jsonl")
            self.assertTrue(all(j["ordinal"] % 3 == i - 1 for j in jobs))
            self.assertEqual((last["shard"], last["of"], last["jobs"], last["total"]), (i, 3, len(jobs), 34 + 1 + 14))
        self.assertEqual(sorted(code for *_, code in outs), [0, 0, NO_INPUT])
        self.assertEqual(sum("none.csv" in errors for _, errors, _ in outs), 1)

    def test_resume_with_other_parts(self):
        """What some parts have done other numbers of parts take over."""
        what = ("a.csv", "b.csv", "--window", 20, "--stride", 3)
        self.render(*what, "-o", "whole")
        self.end(self.start("render", *what, *SMALL, "-o", "out", "--shard", "2/3"), 0)
        out, _ = self.render(*what, "-o", "out", "--resume", "--json")
        self.assertEqual(json.loads(out)["found"], 48 // 3)
        self.assertEqual(contents(self.here / "out"), contents(self.here / "whole"))
        for i in (1, 2):
            out, _ = self.render(*what, "-o", "out", "--resume", "--json", "--shard", f"{i}/2")
            self.assertEqual(json.loads(out)["charts"], 0)
        self.run_tallow("merge", "out")
        self.assertEqual(contents(self.here / "out"), contents(self.here / "whole"))

    def test_again(self):
        """A part that begins anew does so for itself alone."""
        self.draw("out", 3, *self.ARGS)
        before = contents(self.here / "out")
        self.write("out/manifest-2-of-3.jsonl.AbC123.part", before["manifest-2-of-3.jsonl"])
        self.write("out/manifest-1-of-3.jsonl.AbC123.part", before["manifest-1-of-3.jsonl"])
        kept = "manifest-1-of-3.jsonl.AbC123.part"
        self.end(self.start("render", *self.ARGS, *SMALL, "-o", "out", "--shard", "2/3"))
        self.assertEqual(contents(self.here / "out"), {**before, kept: before["manifest-1-of-3.jsonl"]})
        self.end(self.start("merge", "out"), NO_INPUT)
        merged = contents(self.here / "out")
        for shard in ("2/3", "1/5"):
            self.end(self.start("render", *self.ARGS, *SMALL, "-o", "out", "--shard", shard))
        self.assertTrue({*merged, "manifest-2-of-3.jsonl", "manifest-1-of-5.jsonl"} == {*self.names()})
        self.assertEqual((self.here / "out/manifest.jsonl").read_bytes(), merged["manifest.jsonl"])

    def test_told(self):
        """-v says how many windows are of the part, and were found."""
        what = ("a.csv", "--window", 20, "--stride", 3, "-v")
        for more, says in (((), ""), (("--resume",), ", 34 found"), (("--shard", "1/3"), ", 12 of this part"),
                           (("--shard", "1/3", "--resume"), ", 12 of this part, 12 found")):
            _, errors = self.render(*what, "-o", "out", *more)
            self.assertIn(f"tallow: a.csv: 34 windows of 20 candles{says}, 64x64, ", errors)
        os.remove(self.here / "out/a_000003.png")
        _, errors = self.render(*what, "-o", "out", "--resume", "--shard", "1/3")
        self.assertIn(", 12 of this part, 11 found, ", errors)

    def test_refusals(self):
        for text in ("", "0/2", "3/2", "1/0", "1/", "/2", "1", "a/2", "1/2/3", "-1/2", "1/1000001", "auto/", "auto/0",
                     "Auto", "1 /2", "01x/2"):
            self.fails(USAGE, "render", "a.csv", "-o", "out/", f"--shard={text}")
        self.assertFalse((self.here / "out").exists())

    def auto(self, text, env, code=0, says=()):
        """Which part, of how many, --shard takes with these variables."""
        _, errors = self.render("a.csv", "b.csv", "-o", "out/", "--shard", text, env=env, code=code)
        for part in (says,) if isinstance(says, str) else says:
            self.assertIn(part, errors)
        if code:
            return None
        (name,) = (n for n in self.names() if n.startswith("manifest"))
        shutil.rmtree(self.here / "out")
        return name.removeprefix("manifest-").removesuffix(".jsonl").replace("-of-", "/")

    def test_auto(self):
        slurm = {"SLURM_ARRAY_TASK_ID": "14", "SLURM_ARRAY_TASK_MIN": "10", "SLURM_ARRAY_TASK_MAX": "16",
                 "SLURM_ARRAY_TASK_STEP": "2", "SLURM_ARRAY_TASK_COUNT": "4"}
        tasks = {"SLURM_PROCID": "0", "SLURM_NTASKS": "8"}
        rows = [
            ("auto", slurm, "3/4"),
            ("auto", {**slurm, **tasks}, "3/4"),
            ("auto", {**slurm, "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"}, "3/4"),
            ("auto", tasks, "1/8"),
            ("auto", {"SLURM_PROCID": "2", "SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "3"}, "3/3"),
            ("auto/5", {"JOB_COMPLETION_INDEX": "0"}, "1/5"),
            ("auto/5", {"JOB_COMPLETION_INDEX": "4"}, "5/5"),
            ("auto", {"AWS_BATCH_JOB_ARRAY_INDEX": "2", "AWS_BATCH_JOB_ARRAY_SIZE": "6"}, "3/6"),
            ("auto/6", {"AWS_BATCH_JOB_ARRAY_INDEX": "2"}, "3/6"),
            ("auto", {"AWS_BATCH_JOB_NODE_INDEX": "1", "AWS_BATCH_JOB_NUM_NODES": "2"}, "2/2"),
            ("auto", {"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"}, "4/4"),
            ("auto", {"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "3", **tasks}, "4/4"),
            ("auto", {"PMI_RANK": "0", "PMI_SIZE": "2"}, "1/2"),
            ("auto/9", {"PMIX_RANK": "7"}, "8/9"),
            ("auto/3", {"PARALLEL_SEQ": "3"}, "3/3"),
            ("auto", {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1"}, "1/1"),
        ]
        for text, env, expected in rows:
            index, count = expected.split("/")
            self.assertEqual(self.auto(text, env, says=f"tallow: this is part {index} of {count}, by "), expected, env)
        env = {"JOB_COMPLETION_INDEX": "4"}
        self.auto("auto/5", env, says="part 5 of 5, by JOB_COMPLETION_INDEX\n")
        self.auto("auto", tasks, says="part 1 of 8, by SLURM_PROCID and SLURM_NTASKS\n")
        self.assertEqual(self.render("a.csv", "-o", "q/", "--shard", "auto/5", "-q", env=env)[1], "")
        self.assertEqual(self.render("a.csv", "-o", "q/", "--shard", "5/5", env=env)[1], "")

    def test_auto_refused(self):
        rows = [
            ("auto", {}, "no variable of Slurm"),
            ("auto", {"JOB_COMPLETION_INDEX": "0"}, "JOB_COMPLETION_INDEX does not tell how many parts"),
            ("auto", {"PARALLEL_SEQ": "1"}, "write --shard auto/N"),
            ("auto/2", {"PARALLEL_SEQ": "0"}, "PARALLEL_SEQ is 0"),
            ("auto/2", {"JOB_COMPLETION_INDEX": "2"}, "JOB_COMPLETION_INDEX says part 3"),
            ("auto/2", {"JOB_COMPLETION_INDEX": "x"}, "JOB_COMPLETION_INDEX is 'x': a whole number"),
            ("auto/2", {"JOB_COMPLETION_INDEX": "-1"}, "JOB_COMPLETION_INDEX is '-1'"),
            ("auto/2", {"JOB_COMPLETION_INDEX": ""}, "JOB_COMPLETION_INDEX is ''"),
            ("auto", {"OMPI_COMM_WORLD_RANK": "4", "OMPI_COMM_WORLD_SIZE": "4"}, "OMPI_COMM_WORLD_RANK is beyond"),
            ("auto", {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4", "PARALLEL_SEQ": "9"},
             "OMPI_COMM_WORLD_RANK says part 2 but PARALLEL_SEQ part 9"),
            ("auto", {"PMI_RANK": "1", "PMI_SIZE": "4", "OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "5"},
             "OMPI_COMM_WORLD_SIZE says 5 parts but PMI_SIZE 4"),
            ("auto/3", {"PMI_RANK": "1", "PMI_SIZE": "4"}, "PMI_SIZE says 4 parts, not 3"),
            ("auto", {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_MAX": "7",
                      "SLURM_ARRAY_TASK_STEP": "1", "SLURM_ARRAY_TASK_COUNT": "3"}, "Slurm array has gaps"),
            ("auto", {"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_STEP": "2",
                      "SLURM_ARRAY_TASK_COUNT": "3"}, "Slurm array has gaps"),
            ("auto", {"PMI_RANK": "0", "PMI_SIZE": "0"}, "PMI_SIZE is 0"),
            ("auto", {"PMI_RANK": "99999999999999999999", "PMI_SIZE": "2"}, "PMI_RANK is '9999"),
        ]
        for text, env, says in rows:
            self.auto(text, env, USAGE, says)


class Merge(Case):
    WHAT = ("a.csv", "--window", 20, "--stride", 4)

    def setUp(self):
        super().setUp()
        self.synth("a.csv", 120)
        for i in (1, 2, 3):
            self.render(*self.WHAT, "-o", "out", "--shard", f"{i}/3")
        self.before = contents(self.here / "out")

    def refused(self, code, says):
        """Nothing has changed then."""
        now = contents(self.here / "out")
        errors = self.fails(code, "merge", "out", says=says)
        self.assertEqual(contents(self.here / "out"), now)
        return errors

    def restore(self):
        for name, data in self.before.items():
            self.write(f"out/{name}", data)

    def test_missing_parts(self):
        os.remove(self.here / "out/manifest-2-of-3.jsonl")
        self.refused(NO_INPUT, ("part 2 of 3 is missing", "--shard 2/3 --resume"))
        os.remove(self.here / "out/manifest-3-of-3.jsonl")
        self.refused(NO_INPUT, ("parts 2, 3 of 3 are missing", "--shard 2/3 --resume and so on"))
        os.remove(self.here / "out/manifest-1-of-3.jsonl")
        self.refused(NO_INPUT, ("no manifest of a part", "--shard I/N"))
        self.fails(NO_INPUT, "merge", "nowhere", says="nowhere: can't be read")

    def test_missing_charts(self):
        png = self.here / "out/a_000004.png"
        png.unlink()
        self.refused(NO_INPUT, ("out/a_000004.png is missing, or not the chart that part 2 has made", "1 chart is"))
        png.write_bytes(b"x" * len(self.before["a_000004.png"]))
        self.refused(NO_INPUT, "out/a_000004.png is missing")
        (self.here / "out/a_000005.png").unlink()
        self.refused(NO_INPUT, "2 charts are missing or damaged")
        self.restore()
        self.run_tallow("merge", "out")

    def test_wrong_parts(self):
        second = self.before["manifest-2-of-3.jsonl"]
        lines = second.splitlines(keepends=True)
        rows = [
            (lines[0], "a job is missing"),
            (b"".join(lines[:-1]), "last line is missing"),
            (b"".join(lines[:2] + lines[3:]), "a job is missing or out of place"),
            (b"".join(lines[:2] + lines[1:]), "a job is missing or out of place"),
            (second.replace(b'"modern"', b'"light"'), 'other parameters than part 1: theme is "light", and was'),
            (second.replace(b'"total": 26', b'"total": 29'), "its last line is missing or wrong"),
            (second.replace(b'"shard": 2', b'"shard": 3'), "its last line is missing or wrong"),
            (b"", "first line is not that of a manifest"),
            (b"\x00" * 100, "first line is not that of a manifest"),
            (second.replace(b'"a_000001.png"', b'"../a_000001.png"'), "a chart that can't be in this folder"),
        ]
        for data, says in rows:
            self.write("out/manifest-2-of-3.jsonl", data)
            self.refused(BAD_DATA, says)
        (self.here / "out/manifest-2-of-3.jsonl").unlink()
        os.mkfifo(self.here / "out/manifest-2-of-3.jsonl")
        child = self.start("merge", "out")
        self.assertEqual(child.wait(timeout=600), IO_ERROR)
        self.assertIn(b"out/manifest-2-of-3.jsonl: ", child.stderr.read())
        (self.here / "out/manifest-2-of-3.jsonl").unlink()
        self.restore()
        self.write("out/manifest-2-of-4.jsonl", second)
        self.refused(BAD_DATA, "manifests of 3 parts and of 4")

    def test_changed_input(self):
        self.synth("a.csv", 124)
        self.render(*self.WHAT, "-o", "out", "--shard", "2/3", "--resume")
        self.refused(BAD_DATA, ("part 2 saw 27 jobs, part 1 saw 26", "draw all parts again"))

    def test_merged(self):
        self.write("out/manifest-2-of-3.jsonl.AbC123.part", self.before["manifest-2-of-3.jsonl"])
        self.write("out/a_000001.png.AbC123.part", b"half")
        self.assertEqual(self.run_tallow("merge", "-q", "out/"), ("", ""))
        self.render(*self.WHAT, "-o", "whole")
        self.assertEqual(contents(self.here / "out"), contents(self.here / "whole"))
        self.refused(NO_INPUT, "merged already")

    def test_failing_writes(self):
        with self.subTest("read-only") if os.geteuid() else self.subTest("as root"):
            limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
            self.fails(IO_ERROR, "merge", "out", says="manifest.jsonl: can't write", preexec_fn=limit)
            self.assertEqual(contents(self.here / "out"), self.before)


class Stopped(Case):
    """SIGTERM and SIGKILL at any moment, and twins."""

    WHAT = ("a.csv", "none.csv", "b.csv", "m.csv", "-o")

    def setUp(self):
        super().setUp()
        self.synth("a.csv", 150)
        self.synth("b.csv", 60, 2)
        self.synth("m.csv", 90, 3)
        self.env["TALLOW_CPU_TIER"] = "baseline"

    def args(self, out):
        return ("render", "a.csv", "none.csv", "b.csv", "m.csv", "-o", out, "--window", 20, "--stride", 1, *SMALL)

    def unbroken(self):
        seconds = []
        for _ in range(2):
            started = time.monotonic()
            self.run_tallow(*self.args("whole"), code=NO_INPUT)
            seconds.append(time.monotonic() - started)
        return contents(self.here / "whole"), min(seconds)

    def break_off(self, args, number, after):
        """Starts it and sends the signal; checks how it ended. Whether it was by the signal."""
        child = self.start(*args)
        time.sleep(after)
        child.send_signal(number)
        _, errors = self.end(child, 0, NO_INPUT, STOPPED, -signal.SIGKILL, -signal.SIGTERM)
        if child.returncode == STOPPED:
            says = r"stopped by SIGTERM: \d+ charts? (is|are) written; run the same command with --resume"
            self.assertRegex(errors, says)
        return child.returncode in (STOPPED, -number)

    def check_charts(self, folder, expected):
        """Every chart that has its name is whole, whenever the run was broken off."""
        for name, data in contents(self.here / folder).items() if (self.here / folder).exists() else ():
            if name.endswith(".png"):
                self.assertEqual(data, expected[name], name)

    def finish(self, args):
        _, errors = self.run_tallow(*args, "--resume", code=NO_INPUT)
        self.assertEqual(errors.count("\n"), 1, errors)

    def test_killed(self):
        """A run is cut short by at least as many signals as there are rounds, however the machine's pace changes."""
        expected, seconds = self.unbroken()
        moments = random.Random(seed)
        for number in (signal.SIGTERM, signal.SIGKILL):
            stopped = rounds = 0
            while rounds < kills or stopped < kills:
                args = self.args("out")
                for again in range(moments.randrange(1, 4)):
                    underway = self.break_off(args, number, moments.uniform(0, seconds))
                    stopped += underway
                    if not again:
                        seconds *= 1.05 if underway else 0.8  # so that about one in five comes too late
                    self.check_charts("out", expected)
                    args = (*self.args("out"), "--resume")
                self.finish(self.args("out"))
                self.assertEqual(contents(self.here / "out"), expected, (number, rounds))
                shutil.rmtree(self.here / "out")
                rounds += 1
                self.assertLess(rounds, 20 * kills, "no signal comes in time")
            notes.append(f"{number.name} stopped {stopped} runs underway")

    def test_killed_parts(self):
        expected, seconds = self.unbroken()
        moments = random.Random(seed + 1)
        for n in (1, 2, 7):
            for number in (signal.SIGTERM, signal.SIGKILL):
                for i in range(1, n + 1):
                    args = (*self.args("out"), "--shard", f"{i}/{n}")
                    self.break_off(args, number, moments.uniform(0, seconds / n))
                children = [self.start(*self.args("out"), "--shard", f"{i}/{n}", "--resume") for i in range(1, n + 1)]
                for child in children:
                    self.end(child, 0, NO_INPUT)
                self.run_tallow("merge", "out", code=NO_INPUT)
                self.assertEqual(contents(self.here / "out"), expected, (n, number))
                shutil.rmtree(self.here / "out")

    def test_twins(self):
        """The same command several times at once, some begun later, some killed: the same folder, and none fails."""
        expected, seconds = self.unbroken()
        moments = random.Random(seed + 2)
        for i in range(max(2, kills // 2)):
            killed = self.start(*self.args("out"))
            children = []
            for k in range(3):
                time.sleep(moments.uniform(0, seconds / 3))
                children.append(self.start(*self.args("out"), *(("--resume",) if (i + k) % 2 else ())))
            killed.kill()
            for child in children:
                _, errors = self.end(child, NO_INPUT)
                self.assertEqual(errors.count("\n"), 1, errors)
            self.end(killed)
            left = contents(self.here / "out")
            self.assertEqual({n: d for n, d in left.items() if not n.endswith(".part")}, expected, i)
            self.finish(self.args("out"))
            self.assertEqual(contents(self.here / "out"), expected, i)
            shutil.rmtree(self.here / "out")

    def wait_for(self, path, size=1):
        end = time.monotonic() + 60
        while not (self.here / path).exists() or (self.here / path).stat().st_size < size:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.005)

    def test_while_waiting_for_input(self):
        """What was given to the stream before is written; then it ends, though the pipe gives nothing."""
        text = self.synth("c.csv", 30)
        os.mkfifo(self.here / "fifo")
        args = ("a.csv", "fifo", "-o", "out")
        for number in (signal.SIGINT, signal.SIGTERM):
            child = self.start("render", *args, "--window", 20, "--stride", 5, *SMALL)
            with open(self.here / "fifo", "w") as writer:
                writer.write(text[:50])
                writer.flush()
                self.wait_for("out/a_000010.png")
                child.send_signal(number)
                started = time.monotonic()
                _, errors = self.end(child, STOPPED)
                self.assertLess(time.monotonic() - started, 60)
            self.assertIn(f"stopped by {signal.Signals(number).name}: 27 charts are written", errors)
            self.assertEqual(sum(n.endswith(".png") for n in self.names()), 27)
            shutil.rmtree(self.here / "out")
        child = self.start("render", "-", "-o", "new/", *SMALL, stdin=subprocess.PIPE)
        wait_until_idle(child)
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(timeout=600), STOPPED)
        self.assertIn(b"0 charts are written", child.stderr.read())
        self.assertFalse((self.here / "new").exists())

    def test_stuck_output(self):
        """A reader that takes nothing: in flight for ever, given up in the end."""
        self.synth("a.csv", 100000)
        child = self.start("render", "a.csv", "-o", "-", "--size", "16000x2000", "--backend", "cpu")
        self.assertEqual(child.stdout.read(8), b"\x89PNG\r\n\x1a\n")
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(timeout=600), STOPPED)

    def test_stuck_messages(self):
        """Nobody reads what the command says, and the pipe is full: it ends all the same, and tidily."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        size = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.write(writer, b"x" * (size - 1))
        child = self.start(*self.args("out"), "-v", stderr=writer)
        wait_until_idle(child)
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(timeout=600), STOPPED)
        self.finish(self.args("out"))
        self.assertEqual(contents(self.here / "out"), self.unbroken()[0])

    def test_twice(self):
        """The second signal ends it at once; no temporary file is left but the journal, which --resume takes over."""
        child = self.start("render", "a.csv", "-o", "-", "--size", "16000x16000", "--backend", "cpu")
        self.assertEqual(child.stdout.read(8), b"\x89PNG\r\n\x1a\n")
        wait_until_idle(child)
        child.send_signal(signal.SIGTERM)
        wait_until_idle(child)
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(timeout=600), INTERRUPTED)
        expected, _ = self.unbroken()
        first, second = signal.SIGINT, signal.SIGTERM
        for pair in ((first, second), (second, first), (first, first)):
            child = self.start(*self.args("out"))
            self.wait_for("out/a_000005.png")
            for number in pair:
                child.send_signal(number)
            self.end(child, INTERRUPTED, TERMINATED, STOPPED)
            self.check_charts("out", expected)
            left = [n for n in self.names() if n.endswith(".part")]
            self.assertTrue(all(n.startswith("manifest.jsonl.") for n in left), left)
            self.finish(self.args("out"))
            self.assertEqual(contents(self.here / "out"), expected)
            shutil.rmtree(self.here / "out")

    def test_without_manifest(self):
        child = self.start(*self.args("out"), "--manifest", "off")
        self.wait_for("out/a_000005.png")
        child.send_signal(signal.SIGTERM)
        _, errors = self.end(child, STOPPED)
        self.assertIn("run the same command again to go on", errors)

    def test_ignored(self):
        expected, _ = self.unbroken()
        child = self.start(*self.args("out"), preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        self.wait_for("out/a_000005.png")
        child.send_signal(signal.SIGINT)
        self.end(child, NO_INPUT)
        self.assertEqual(contents(self.here / "out"), expected)

    def test_synth(self):
        for number, code in ((signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)):
            child = self.start("synth", "candles", "--rows", 10**9, "--interval", "1ns", "-o", "x/big.csv",
                               preexec_fn=lambda: os.makedirs(self.here / "x", exist_ok=True))
            end = time.monotonic() + 60
            while not any((self.here / "x").iterdir() if (self.here / "x").exists() else ()):
                self.assertLess(time.monotonic(), end)
            child.send_signal(number)
            self.end(child, code)
            self.assertEqual(self.names("x"), [])


class Failing(Case):
    """Calls that fail, one at a time: the exit code, nothing but whole files, a journal to go on from."""

    def setUp(self):
        super().setUp()
        if not SHIM:
            notes.append("SKIPPED: the tests with failing calls, for TALLOW_FAILING_CALLS is not set")
            self.skipTest("no shim")
        self.synth("a.csv", 60)
        self.synth("b.csv", 60, 2)
        self.render(*self.args("whole"))
        self.expected = contents(self.here / "whole")

    def args(self, out):
        return ("a.csv", "b.csv", "-o", out, "--window", 20, "--stride", 10)

    def failing(self, rules, args=None, code=0):
        env = {"LD_PRELOAD": SHIM, "FAILING_CALLS": rules}
        return self.render(*(args or self.args("out")), code=code, env=env)

    def check(self, rules, code, says):
        """Fails so, and a second run mends it."""
        _, errors = self.failing(rules, code=code)
        self.assertIn(says, errors, rules)
        left = contents(self.here / "out") if (self.here / "out").exists() else {}
        for name, data in left.items():
            if not name.endswith(".part"):
                self.assertEqual(data, self.expected[name], (rules, name))
        self.assertNotIn("manifest.jsonl", left, rules)
        self.assertTrue(all(n.startswith("manifest.jsonl.") for n in left if n.endswith(".part")), left)
        done = sum(n.endswith(".png") for n in left)
        out, _ = self.render(*self.args("out"), "--resume", "--json")
        self.assertEqual(contents(self.here / "out"), self.expected, rules)
        shutil.rmtree(self.here / "out")
        return done, json.loads(out)["found"]

    def test_charts(self):
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            for call in ("write", "close", "rename"):
                for at in (1, 4):
                    part = "_0000" if call == "rename" else ".png"
                    count = 2 * at - 1 if call == "close" else at  # a second descriptor keeps the lock
                    says = "can't write: " + os.strerror(number)
                    done, found = self.check(f"{call}:{part}:{count}:{number}", IO_ERROR, says)
                    self.assertEqual((done, found), (at - 1, at - 1), (call, number))
        for number in (errno.EROFS, errno.EACCES):
            self.check(f"make:.png:2:{number}", CANT_CREATE, "can't write: " + os.strerror(number))

    def test_one_file_of_several(self):
        """A name that can't be made is that FILE's failure alone; a full disk is everybody's."""
        _, errors = self.failing(f"make:a_000002:1:{errno.ENAMETOOLONG}", code=CANT_CREATE)
        self.assertEqual(errors.count("\n"), 1)
        self.assertEqual([n for n in self.names() if n.endswith(".png")],
                         ["a_000000.png", "a_000001.png", *(f"b_{i:06d}.png" for i in range(5))])
        shutil.rmtree(self.here / "out")
        _, errors = self.failing(f"write:a_000002:1:{errno.ENOSPC}", code=IO_ERROR)
        self.assertEqual(errors.splitlines()[1:], [
            "tallow: 1 of 2 files were not finished",
            "tallow: 2 charts are written; run the same command with --resume to go on"])
        self.assertEqual([n for n in self.names() if n.endswith(".png")], ["a_000000.png", "a_000001.png"])

    def test_disk_full_before_the_next_file(self):
        """A file that is left unread for that reason is not said to be short."""
        os.mkfifo(self.here / "fifo")
        child = self.start("render", "a.csv", "fifo", "-o", "out", "--window", 20, *SMALL,
                           env={"LD_PRELOAD": SHIM, "FAILING_CALLS": f"write:a_000002:1:{errno.ENOSPC}"})
        with open(self.here / "fifo", "w") as writer:
            self.assertIn(b"can't write", child.stderr.readline())
            writer.write((self.here / "b.csv").read_text())
        _, errors = self.end(child, IO_ERROR)
        self.assertEqual(errors.splitlines(), [
            "tallow: 1 of 2 files were not finished",
            "tallow: 2 charts are written; run the same command with --resume to go on"])

    def test_journal(self):
        for at in range(1, 8):
            for error in (errno.ENOSPC, errno.EIO):
                done, found = self.check(f"write:manifest:{at}:{error}", IO_ERROR, "manifest.jsonl: can't write")
                self.assertEqual((done, found), (max(0, at - 1), max(0, at - 2)) if at > 1 else (0, 0))
        done, found = self.check(f"write:manifest:4:short,write:manifest:5:{errno.ENOSPC}", IO_ERROR, "can't write")
        self.assertEqual((done, found), (3, 2))
        self.check(f"make:manifest:1:{errno.EROFS}", CANT_CREATE, "manifest.jsonl: can't write: Read-only")

    def test_manifest(self):
        """All charts are there then."""
        for rule in (f"make:manifest:2:{errno.ENOSPC}", f"close:manifest:1:{errno.EDQUOT}",
                     f"rename:manifest:1:{errno.EIO}", f"write:manifest:12:{errno.ENOSPC}"):
            done, found = self.check(rule, IO_ERROR, "manifest.jsonl: can't write")
            self.assertEqual((done, found), (10, 10), rule)
            self.check(rule, IO_ERROR, "10 charts are written; run the same command with --resume to go on")

    def test_passing(self):
        """Calls that a signal breaks off, and writes that take a part, change nothing."""
        for rules in (f"write:out:1:{errno.EINTR},write:out:4:{errno.EINTR}", "write:out:0:short",
                      f"make:out:1:{errno.EINTR},make:out:3:{errno.EINTR}"):
            self.failing(rules)
            self.assertEqual(contents(self.here / "out"), self.expected, rules)
            shutil.rmtree(self.here / "out")

    def test_single_file(self):
        """An old file stays as it was."""
        for call, code in (("make", CANT_CREATE), ("write", IO_ERROR), ("close", IO_ERROR), ("rename", IO_ERROR)):
            self.write("a.png", "old")
            number = errno.EROFS if call == "make" else errno.ENOSPC
            self.failing(f"{call}:a.png:1:{number}", ("a.csv", "-o", "a.png"), code)
            self.assertEqual((self.here / "a.png").read_text(), "old")
            self.assertEqual([n for n in self.names("") if ".part" in n], [])

    def test_stats(self):
        self.failing(f"rename:s.json:1:{errno.ENOSPC}", (*self.args("out"), "--stats", "s.json"), IO_ERROR)
        self.assertEqual(contents(self.here / "out"), self.expected)
        self.assertFalse((self.here / "s.json").exists())


def main():
    global kills, seed
    if not BIN or not os.access(BIN, os.X_OK):
        sys.exit("TALLOW_BIN must name the tallow executable")
    args = sys.argv[1:]
    for name in ("--kills", "--seed"):
        if name in args:
            at = args.index(name)
            if name == "--kills":
                kills = int(args[at + 1])
            else:
                seed = int(args[at + 1])
            del args[at : at + 2]
    result = unittest.main(argv=[sys.argv[0], *args], exit=False).result
    for note in dict.fromkeys(notes):
        print(note)
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
