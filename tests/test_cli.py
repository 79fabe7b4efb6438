"""The command line: what it draws and prints, its exit codes, and what it says when it is used wrongly.

Environment: TALLOW_BIN, the executable (needed); TALLOW_TEST_BACKENDS, the backends that must work, between commas
("cpu"); TALLOW_DATA, a folder with real market data.
"""

import gzip
import hashlib
import json
import os
import pty
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib
from pathlib import Path

from processes import used, wait_until_taken

BIN = os.environ.get("TALLOW_BIN", "")
BACKENDS = [b for b in os.environ.get("TALLOW_TEST_BACKENDS", "cpu").split(",") if b]
DATA = Path(os.environ.get("TALLOW_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")

USAGE, BAD_DATA, NO_INPUT, UNAVAILABLE, NO_MEMORY, CANT_CREATE, IO_ERROR = 64, 65, 66, 69, 71, 73, 74
STOPPED, INTERRUPTED = 75, 130
COMMANDS = ("render", "window", "bars", "dataset", "bench", "tune", "merge", "devices", "synth", "completion", "help")
TIERS = ("baseline", "avx2", "avx512")
PALETTES = {  # background, grid, up, down, text
    "classic": "000000 333333 00FF00 FF0000 C8C8C8",
    "modern": "1E1E1E 424242 26A69A EF5350 C4C4C4",
    "tradingview": "131722 2A2E39 089981 F23645 B2B5BE",
    "light": "FFFFFF E0E0E0 26A69A EF5350 404040",
}
GRID, UP, DOWN, TEXT = 1, 2, 3, 4
HEADER = "time,open,high,low,close,volume\n"

notes = []  # printed behind the summary


class Png:
    """An indexed PNG, decoded: size, palette and rows of indices. Checks every chunk's checksum."""

    def __init__(self, data):
        if data[:8] != b"\x89PNG\r\n\x1a\n":
            raise ValueError("no PNG signature")
        self.file, at, packed = data, 8, b""
        while at < len(data):
            (length,) = struct.unpack(">I", data[at : at + 4])
            kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
            (crc,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
            if zlib.crc32(kind + body) != crc:
                raise ValueError(f"bad checksum in {kind}")
            if kind == b"IHDR":
                self.width, self.height, self.depth, self.color, *_ = struct.unpack(">IIBBBBB", body)
            elif kind == b"PLTE":
                self.palette = " ".join(body[i : i + 3].hex().upper() for i in range(0, len(body), 3))
            elif kind == b"IDAT":
                packed += body
            at += 12 + length
        if self.color != 3:
            raise ValueError("not indexed")
        self.rows = self._unpack(zlib.decompress(packed))

    def _unpack(self, raw):
        stride = (self.width * self.depth + 7) // 8
        if len(raw) != self.height * (stride + 1):
            raise ValueError("wrong amount of image data")
        above, rows, mask, per_byte = bytes(stride), [], (1 << self.depth) - 1, 8 // self.depth
        for y in range(self.height):
            start = y * (stride + 1)
            line = bytearray(raw[start + 1 : start + 1 + stride])
            for x in range(stride):
                left = line[x - 1] if x else 0
                corner = above[x - 1] if x else 0
                line[x] = (line[x] + self._predict(raw[start], left, above[x], corner)) & 255
            above = line
            shifts = [8 - self.depth * (k + 1) for k in range(per_byte)]
            rows.append(bytes((byte >> s) & mask for byte in line for s in shifts)[: self.width])
        return rows

    @staticmethod
    def _predict(kind, left, up, corner):
        if kind < 4:
            return (0, left, up, (left + up) // 2)[kind]
        guess = left + up - corner
        return min((left, up, corner), key=lambda value: abs(guess - value))

    def count(self, ink):
        return sum(row.count(ink) for row in self.rows)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="tallow-cli-"))
        cls.cache = cls.folder / "cache"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.here = Path(tempfile.mkdtemp(dir=self.folder))

    def start(self, args, env=None, **options):
        env = {**os.environ, "XDG_CACHE_HOME": str(self.cache), **(env or {})}
        return subprocess.run([BIN, *map(str, args)], cwd=self.here, env=env, timeout=1500, check=False, **options)

    def run_tallow(self, *args, code=0, env=None, **options):
        """Runs it, checks the exit code, returns standard output (bytes) and standard error (text)."""
        done = self.start(args, env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        errors = done.stderr.decode(errors="surrogateescape")
        self.assertEqual(done.returncode, code, f"{args}: {errors}")
        return done.stdout, errors

    def fails(self, code, *args, says=(), **options):
        """Runs it, checks exit code, that nothing is on standard output and that the message has its form."""
        out, errors = self.run_tallow(*args, code=code, **options)
        self.assertEqual(out, b"", args)
        for line in errors.splitlines():
            self.assertTrue(line.startswith("tallow: "), line)
        self.assertNotEqual(errors, "", args)
        for part in (says,) if isinstance(says, str) else says:
            self.assertIn(part, errors)
        return errors

    def write(self, name, text):
        path = self.here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def synth(self, name="a.csv", rows=60, *more):
        self.run_tallow("synth", "candles", "--rows", rows, "-o", name, *more)
        return (self.here / name).read_text()

    def render(self, *args, size="320x200", **options):
        """Renders to a PNG on standard output and decodes it."""
        out, errors = self.run_tallow("render", *args, "--size", size, "-o", "-", **options)
        self.assertEqual(errors, "")
        return Png(out)

    def devices(self, env=None):
        return json.loads(self.run_tallow("devices", "--json", env=env)[0])

    def need_software_cuda(self):
        if not any(d["name"] == "Software CUDA device" for d in self.devices()):
            notes.append("SKIPPED: tests on the software CUDA driver, for it is not there")
            self.skipTest("no software CUDA driver")

    def charts_in(self, folder):
        """Bytes by name of the charts there; a manifest is beside them."""
        return {p.name: p.read_bytes() for p in sorted((self.here / folder).iterdir()) if p.suffix == ".png"}

    def files(self):
        return sorted(str(p.relative_to(self.here)) for p in self.here.rglob("*") if p.is_file())


class WrongUse(Case):
    """Wrong input first: what a new user meets."""

    def check(self, *args, says):
        errors = self.fails(USAGE, *args, says=says)
        self.assertEqual(errors.count("\n"), 1, errors)
        return errors

    def test_no_command(self):
        out, errors = self.run_tallow(code=USAGE)
        self.assertEqual(out, b"")
        self.assertIn("Usage: tallow COMMAND", errors)

    def test_unknown_command(self):
        self.check("rendr", says=("'rendr'", "did you mean 'render'?", "try 'tallow --help'"))
        self.check("device", says="did you mean 'devices'?")
        self.check("help", "snyth", says="did you mean 'synth'?")
        self.check("frobnicate", says="there is no command 'frobnicate'; try 'tallow --help'")
        self.check("--backend", says=("a command comes first", "'--backend'"))
        self.check("", says="there is no command ''")
        self.check("x" * 5000, says="there is no command")

    def test_unknown_option(self):
        says = ("no option --thme", "did you mean --theme?", "'tallow render --help'")
        self.check("render", "--thme", "light", says=says)
        self.check("render", "--thme=light", says="did you mean --theme?")
        self.check("render", "--back", "cpu", says="did you mean --backend?")
        self.check("devices", "--jsno", says="did you mean --json?")
        self.check("synth", "candles", "--row", "5", says="did you mean --rows?")
        self.check("render", "--frobnicate", says="render has no option --frobnicate; try")
        self.check("render", "-z", says="render has no option -z")
        self.check("devices", "--" + "y" * 5000, says="devices has no option --yyy")

    def test_chart_in_the_place_of_its_file(self):
        """It would be lost."""
        text = self.synth("a.png")
        os.symlink("a.png", self.here / "b.png")
        for out in ("a.png", "./a.png", "b.png"):
            self.check("render", "a.png", "-o", out, says=f"--output {out} would replace the FILE a.png")
        self.assertEqual((self.here / "a.png").read_text(), text)

    def test_missing_value(self):
        for option in ("--output", "-o", "--theme", "--last", "--from", "--pool", "-s", "--window", "--stats"):
            self.check("render", "a.csv", option, says="needs a value")
        self.check("render", "a.csv", "--size", "--theme", "light", says="--size needs a value: --size WxH")
        self.check("render", "a.csv", "-o", "-v", says="--output needs a value")
        self.check("render", "a.csv", "--output=", says="--output must not be empty")
        self.check("render", "a.csv", "--size=", says="--size must be")

    def test_value_of_a_flag(self):
        self.check("devices", "--json=yes", says="--json takes no value")

    def test_twice(self):
        self.check("synth", "candles", "--rows", "1", "--rows", "1", says="--rows is there twice")
        self.check("render", "a.csv", "-o", "a.png", "--output=b.png", says="--output is there twice")
        self.check("render", "a.csv", "-vv", says="--verbose is there twice")

    def test_missing_parts(self):
        self.check("render", says="FILE... is missing")
        self.check("render", "a.csv", says="--output OUT is missing")
        self.check("synth", says="candles|trades is missing")

    def test_too_much(self):
        self.check("devices", "gpu", says="devices has no use for 'gpu'")
        self.check("synth", "candles", "trades", says="synth has no use for 'trades'")
        self.check("help", "render", "synth", says="help has no use for 'synth'")

    def test_choices(self):
        rows = {
            "--theme": ("classic, modern, tradingview or light", "modren", "modern"),
            "--backend": ("auto, cpu, opencl or cuda", "openlc", "opencl"),
            "--axis": ("index or time", "tme", "time"),
            "--volume": ("on or off", "of", "off"),
            "--grid": ("on or off", "onn", "on"),
            "--png": ("fast, small or libpng", "fsat", "fast"),
            "--fallback": ("on or off", "offf", "off"),
        }
        for option, (names, wrong, meant) in rows.items():
            says = (f"{option} must be {names}, not '{wrong}'", f"did you mean {meant}?")
            self.check("render", "a.csv", "-o", "a.png", option, wrong, says=says)
        self.check("render", "a.csv", "-o", "a.png", "--theme", "qqqq", says="light, not 'qqqq'; try")
        self.check("synth", "candels", says=("candles or trades, not 'candels'", "did you mean candles?"))
        self.check("synth", "candles", "--shape", "jump", says="did you mean jumps?")
        for name in ("gpu", "GPU"):
            self.check("render", "a.csv", "-o", "a.png", "--backend", name, says="did you mean cuda or opencl?")
            self.check("bench", "--backend", name, says="did you mean cuda or opencl?")
        self.check("synth", "candles", "--format", "npy", says="--format must be csv")

    def test_numbers(self):
        bad = ("", "x", "-1", "+1", " 1", "1 ", "1.5", "1e3", "0x10", "1,000", "99999999999999999999", "٣")
        for value in bad:
            self.check("synth", "candles", f"--rows={value}", says="--rows must be a whole number, 0 or more")
            self.check("render", "a.csv", "-o", "a.png", f"--threads={value}", says="a whole number from 1 to 1024")
        self.check("synth", "candles", "--rows=9223372036854775808", says="below 2^63")
        self.check("synth", "candles", "--seed=18446744073709551616", says="below 2^64")
        for value in ("0", "1025"):
            self.check("render", "a.csv", "-o", "a.png", "--threads", value, says="1 to 1024")
        for option, most in (("--last", None), ("--window", 1 << 40), ("--stride", 1 << 40), ("--deadline", 4294967)):
            for value in ("0", "-1", "1.5", *((str(most + 1),) if most else ())):
                says = f"{option} must be a whole number" + (f" from 1 to {most}" if most else ", 1 or more")
                self.check("render", "a.csv", "-o", "a.png", f"{option}={value}", says=says)

    def test_sizes(self):
        bad = ("1280", "1280x", "x720", "1280x720x1", "1280*720", "15x720", "1280x15", "16385x16", "16x16385", "-1x20")
        for value in bad:
            says = ("--size must be WIDTHxHEIGHT", "16 to 16384")
            self.check("render", "a.csv", "-o", "a.png", f"--size={value}", says=says)

    def test_bytes(self):
        bad = ("", "4PB", "4  MiB", "MiB", "-4MiB", "4,5GiB", "4.5", "16777216TiB", "18446744073709551615")
        for value in bad:
            for option in ("--pool", "--host-mem"):
                self.check("render", "a.csv", "-o", "a.png", f"{option}={value}", says=("number of bytes", "512MiB"))

    def test_durations(self):
        for value in ("", "5", "m", "0s", "-1m", "1.5h", "367d", "1y", "1 m", "9223372036855s"):
            self.check("synth", "candles", f"--interval={value}", says=("--interval must be", "such as 5m"))

    def test_times(self):
        for value in ("yesterday", "2020-13-01", "2020-02-30", "2020-01-01T25:00", "1.1.2020", ""):
            for option in ("--from", "--to"):
                self.check("render", "a.csv", "-o", "a.png", f"{option}={value}", says=f"{option}: ")
            self.check("synth", "candles", f"--start={value}", says="--start: ")
        self.check("render", "a.csv", "-o", "a.png", "--from", "2020", says="not a year alone: write YYYY-01-01")

    def test_range_the_wrong_way_round(self):
        for to in ("2020-01-01", "2019-01-01"):
            says = f"--from 2020-01-01 must lie before --to {to}"
            self.check("render", "a.csv", "-o", "a.png", "--from", "2020-01-01", "--to", to, says=says)

    def test_excluding(self):
        self.check("render", "a.csv", "-o", "a.png", "-v", "-q", says="--verbose and --quiet exclude each other")
        for backend in ((), ("--backend", "cpu"), ("--backend", "auto")):
            for device in ("0", "all"):
                says = "--device needs --backend"
                self.check("render", "a.csv", "-o", "a.png", "--device", device, *backend, says=says)
        self.check("render", "a.csv", "-o", "x", "--stride", "5", says="--stride needs --window")
        self.check("render", "a.csv", "-o", "x", "--window", "5", "--last", "9", says="--last and --window exclude")
        self.check("render", "a.csv", "-o", "a.png", "--stats", "-", says="--stats needs the name of a file")

    def test_outputs(self):
        self.check("render", "a.csv", "-o", "a.jpg", says="--output a.jpg must end in .png, or in / to name a folder")
        self.check("render", "a.csv", "b.csv", "-o", "a.png", says="can't hold the charts of 2 files: name a folder")
        self.check("render", "a.csv", "b.csv", "-o", "-", says="name a folder")
        says = ("x/a.csv and y/a.CSV.gz would both become a.png in charts",)
        self.check("render", "x/a.csv", "b.csv", "y/a.CSV.gz", "-o", "charts", says=says)
        self.check("render", "a.csv", "a.csv", "-o", "charts", says="a.csv and a.csv would both become")
        for out in ("a.png", "-"):
            says = f"--output {out} can't hold the charts of --window"
            self.check("render", "a.csv", "-o", out, "--window", "5", says=says)
        self.check("render", "x/a.csv", "y/a.csv", "-o", "charts", "--window", "5", says="would both become")
        self.assertEqual(self.files(), [])

    def test_chart_on_a_terminal(self):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        self.synth("a.csv")
        done = self.start(("render", "a.csv", "-o", "-"), stdout=slave, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn(b"--output -: standard output is a terminal: send it to a file, or name one", done.stderr)

    def test_hostile_words(self):
        """Nothing that a terminal would obey is printed."""
        for args in (("render", "--\x1b[31m"), ("\x1b]0;x\x07",), ("render", "\x1b[2J.csv", "-o", "a.png")):
            done = self.start(args, capture_output=True)
            self.assertIn(done.returncode, (USAGE, NO_INPUT))
            self.assertIsNone(re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", done.stderr), done.stderr)


class Help(Case):
    def test_version(self):
        for option in ("--version", "-V"):
            out, _ = self.run_tallow(option)
            self.assertRegex(out.decode(), r"\Atallow \d+\.\d+\.\d+\n\Z")

    def test_main(self):
        texts = [self.run_tallow(*args)[0] for args in (("--help",), ("-h",), ("help",))]
        self.assertEqual(len(set(texts)), 1)
        text = texts[0].decode()
        self.assertLess(text.index("Examples:"), text.index("Usage:"))
        for command in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {command} +\w")
        for code in (0, 1, 64, 65, 66, 69, 70, 71, 73, 74, 75, 130, 143):
            self.assertRegex(text, rf"(?m)^  {code} +\w")

    def test_commands(self):
        for command in COMMANDS:
            forms = ((command, "--help"), (command, "-h"), ("help", command), ("--help", command))
            texts = [self.run_tallow(*args)[0] for args in forms]
            self.assertEqual(len(set(texts)), 1, command)
            text = texts[0].decode()
            self.assertTrue(text.startswith(f"tallow {command}: "))
            self.assertLess(text.index("Examples:"), text.index(f"Usage: tallow {command}"))
            self.assertIn("-h, --help", text)

    def test_every_option_is_there(self):
        expected = {
            "render": "output spec print-spec size theme axis scale last from to window stride volume grid "
            "labels last-price title price-name volume-name time-name timezone mav lines line-colors margins png "
            "by columns header delimiter decimal day-first adjusted expansion "
            "bad-field missing-price negative-price high-below-low outside negative-volume out-of-order duplicate "
            "resume shard manifest dry-run "
            "backend device threads pool host-mem fallback deadline stats metrics metrics-interval trace alloc-log "
            "progress progress-fd json verbose quiet help",
            "bars": "output format fields label partial partition "
            "time tick volume value range renko split no-gate empty zone offset "
            "columns header delimiter unit from to on-bad decimals expansion "
            "checkpoint checkpoint-every resume backend threads host-mem stats metrics metrics-interval trace "
            "progress verbose quiet help",
            "dataset": "output preset window stride last from to horizons labelled type layout color size spec member "
            "per-tar by columns header delimiter decimal day-first adjusted expansion "
            "bad-field missing-price negative-price high-below-low outside negative-volume out-of-order duplicate "
            "resume shard manifest backend device threads pool host-mem fallback deadline "
            "stats metrics metrics-interval trace alloc-log "
            "progress progress-fd json verbose quiet help",
            "bench": "backend threads time rows clock list json save history output fail-on-slow force help",
            "tune": "threads time json help",
            "merge": "quiet help",
            "devices": "check json help",
            "synth": "rows seed shape format output interval start help",
            "completion": "help",
            "help": "man help",
        }
        for command, options in expected.items():
            text = self.run_tallow("help", command)[0].decode()
            self.assertEqual(re.findall(r"(?m)^  (?:-\w,|   ) --([a-z-]+)", text), options.split(), command)

    def test_defaults_and_ranges_are_there(self):
        text = " ".join(self.run_tallow("help", "render")[0].decode().split())
        for part in ("Default: 1280x720.", "classic, modern, tradingview, light. Default: modern.", "Default: auto.",
                     "Default: 60.",
                     "open at T or later", "open before T", "Without an offset it is UTC", "16x16 to 16384x16384"):
            self.assertIn(part, text)

    def test_fits_a_terminal(self):
        for args in ((), *((c,) for c in COMMANDS)):
            text = self.run_tallow("help", *args)[0].decode()
            for line in text.splitlines()[1:]:
                if not line.startswith("  tallow "):
                    self.assertLessEqual(len(line), 80, line)

    def test_wanted_in_spite_of_mistakes(self):
        out, errors = self.run_tallow("render", "--size", "wrong", "--help")
        self.assertIn(b"Usage: tallow render", out)
        self.assertEqual(errors, "")
        self.fails(USAGE, "render", "--", "--help", says="--output OUT is missing")

    def test_examples_work(self):
        self.synth("aapl.csv", 600, "--interval", "1d")
        month = self.synth("btc.csv", 500, "--start", "2022-01-15")
        (self.here / "btc.csv.gz").write_bytes(gzip.compress(month.encode()))
        for name in ("one", "two"):
            self.write(f"data/{name}.csv", month)
        header, *rows = month.splitlines()
        symbols = "\n".join([f"{header},symbol", *(f"{row},{symbol}" for symbol in "AB" for row in rows), ""])
        (self.here / "prices.csv.gz").write_bytes(gzip.compress(symbols.encode()))
        (self.here / "shards").mkdir()
        ticks, _ = self.run_tallow("synth", "trades", "--rows", 100000, "--format", "aggtrades")
        (self.here / "trades.csv.gz").write_bytes(gzip.compress(ticks))
        run = {"context": {"fingerprint": "1"}, "benchmarks": [{"name": "a", "real_time": 1}] * 3}
        for name in ("old.json", "new.json"):
            self.write(name, json.dumps(run))
        path = self.here / "bin"
        path.mkdir()
        (path / "tallow").symlink_to(Path(BIN).resolve())
        env = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(self.cache)}
        count = 0
        for args in ((), *((c,) for c in COMMANDS)):
            text = self.run_tallow("help", *args)[0].decode()
            for line in re.search(r"Examples:\n((?:  .*\n)+)", text).group(1).splitlines():
                if line.startswith("  tallow bench") and not re.search(" compare | report | --list", line):
                    line += " --list"  # as if measuring took no time
                if line.startswith("  tallow tune"):
                    line = re.sub(r" --time \S+", "", line) + " --time 100ms"
                for name in ("charts/manifest.jsonl", "set.npy"):  # of an example with other options
                    (self.here / name).unlink(missing_ok=True)
                done = subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=self.here, env=env,
                                      capture_output=True, check=False)
                said = b"" if line.endswith("merge parts") else done.stderr  # which tells what it has put together
                said = re.sub(rb"tallow: set.npy: part 1 of 2 is done; part 2 is not\n", b"", said)
                said = re.sub(rb"tallow: \S+: (\d+ in part 1 of 2, of )?\d+ images of \d+ windows.*\n", b"", said)
                said = re.sub(rb"tallow: .* unfinished bars? .*left out.*\n", b"", said)
                if line.startswith("  tallow tune"):  # for so little time it has a warning
                    said = re.sub(rb"tallow: warning: auto estimates \d of \d kinds .*\n", b"", said)
                self.assertEqual((done.returncode, said), (0, b""), line)
                count += 1
        self.assertGreaterEqual(count, 14)
        self.assertEqual(len(self.charts_in("windows")), (500 - 100) // 25 + 1)
        self.assertEqual(json.loads((self.here / "stats.json").read_text())["images"], 2)
        for name in ("aapl.png", "last-year.png", "january.png", "charts/one.png", "charts/two.png", "demo.png",
                     "windows/btc_000016.png", "small/one.png", "trades.png"):
            Png((self.here / name).read_bytes())


class Synth(Case):
    GOLDEN = {  # sha256 of 200 rows with seed 42, computed once
        ("candles", "quiet"): "eef77937e522c0e273d38b47c8655d5fae3bf6f6df0aefd826f088936a58103e",
        ("candles", "trending"): "6bd6dbf97384cbe8b03d2857c7a08b6687d2220edee4b4d0f00101e5c5cdc19b",
        ("candles", "gaps"): "32bf8fa8bc2a31892c499e078d0eb920071e38072842d5b36bc4871e756799ce",
        ("candles", "jumps"): "12ee1bdbc51b9e09e97b01de8babb64f86bb30a7756c916f4359f44b83cc5128",
        ("trades", "quiet"): "fbcf657e562540e40a920c3ba2ceaef42c4bbc5f2b9dccf3df28cdeb8e6e1b0e",
        ("trades", "trending"): "f2a2348133df65175bb43118538b3c94424812b0007ba7d95e6c7da5929eeba3",
        ("trades", "gaps"): "b63299a59165c1e189b52488dafc4fb8ec39b299cc9e6ec27b6e2d891e9819e8",
        ("trades", "jumps"): "be4c30676b38070601dfef0883cfd71880b8fa40f9b098aac635bc2e539e5354",
    }

    def test_known_answers(self):
        for (kind, shape), expected in self.GOLDEN.items():
            out, errors = self.run_tallow("synth", kind, "--rows", 200, "--seed", 42, "--shape", shape)
            self.assertEqual(errors, "")
            self.assertEqual(hashlib.sha256(out).hexdigest(), expected, (kind, shape))

    def test_defaults(self):
        out, _ = self.run_tallow("synth", "candles")
        self.assertEqual(out.count(b"\n"), 1001)
        same, _ = self.run_tallow("synth", "candles", "--rows=1000", "--seed=1", "--shape=trending", "--format=csv",
                                  "--interval=1m", "--start=2020-01-01", "-o-")
        self.assertEqual(out, same)
        trades, _ = self.run_tallow("synth", "trades")
        same, _ = self.run_tallow("synth", "trades", "-i250ms", "-n", "1000")
        self.assertEqual(trades, same)

    def test_candles(self):
        for shape in ("quiet", "trending", "gaps", "jumps", "JUMPS"):
            text = self.run_tallow("synth", "candles", "--shape", shape, "--seed", "18446744073709551615")[0].decode()
            lines = text.splitlines()
            self.assertEqual(lines[0] + "\n", HEADER)
            self.assertTrue(text.endswith("\n"))
            self.assertEqual(lines[1:], sorted(lines[1:]))
            for line in lines[1:]:
                self.assertRegex(line, r"\A20\d\d-\d\d-\d\dT\d\d:\d\d:00Z(,\d+\.\d\d){4},\d+\Z")
                o, h, l, c = map(float, line.split(",")[1:5])
                self.assertTrue(0 < l <= min(o, c) and max(o, c) <= h, line)

    def test_trades(self):
        text = self.run_tallow("synth", "trades", "--rows", 300)[0].decode()
        lines = text.splitlines()
        self.assertEqual(lines[0], "time,id,price,quantity,side")
        for i, line in enumerate(lines[1:], 1):
            self.assertRegex(line, rf"\A2020-01-01T\d\d:\d\d:\d\d\.\d{{3}}Z,{i},\d+\.\d\d,\d+\.\d{{3}},(buy|sell)\Z")
        times = [line.split(",")[0] for line in lines[1:]]
        self.assertEqual(times, sorted(times))
        self.assertLess(len(set(times)), 250)

    def test_seed_and_rows(self):
        outs = {self.run_tallow("synth", "candles", "--seed", s)[0] for s in range(5)}
        self.assertEqual(len(outs), 5)
        long = self.run_tallow("synth", "candles", "--rows", 500)[0]
        self.assertTrue(long.startswith(self.run_tallow("synth", "candles", "--rows", 77)[0]))
        self.assertEqual(self.run_tallow("synth", "candles", "--rows", 0)[0].decode(), HEADER)

    def test_times(self):
        def times(*args):
            out = self.run_tallow("synth", "candles", "--rows", "3", *args)[0].decode()
            return [line.split(",")[0] for line in out.splitlines()[1:]]

        day = "2020-01-01T00:00:0"
        self.assertEqual(times("--interval", "1h")[2], "2020-01-01T02:00:00Z")
        self.assertEqual(times("--interval", "1w")[2], "2020-01-15T00:00:00Z")
        self.assertEqual(times("--interval", "250ms"), [day + "0.000Z", day + "0.250Z", day + "0.500Z"])
        self.assertEqual(times("--interval", "1us")[2], day + "0.000002Z")
        self.assertEqual(times("--interval", "1ns")[2], day + "0.000000002Z")
        self.assertEqual(times("--start", "1999-12-31T23:59:30.5Z")[1], "2000-01-01T00:00:30.500Z")
        self.assertEqual(times("--start", "1/2/2020 9:30")[0], "2020-01-02T09:30:00Z")
        self.assertEqual(times("--start", "1577836800")[0], "2020-01-01T00:00:00Z")
        self.assertEqual(times("--start", "1678-01-01")[0], "1678-01-01T00:00:00Z")
        self.assertEqual(times("--start", "2000-02-28", "--interval", "1d")[1:],
                         ["2000-02-29T00:00:00Z", "2000-03-01T00:00:00Z"])
        self.assertEqual(times("--shape", "gaps", "--start", "2020-01-04")[0], "2020-01-06T09:30:00Z")

    def test_end_of_time(self):
        out, errors = self.run_tallow("synth", "candles", "--start", "2261-12-31", "--interval", "10h", code=USAGE)
        self.assertIn("row 4 would lie beyond the year 2261: use fewer --rows", errors)
        self.fails(USAGE, "synth", "candles", "--start", "2261-12-31", "--interval", "10h", "-o", "a.csv",
                   says="beyond the year 2261")
        self.assertEqual(self.files(), [])
        # At once, without a row written, and from the first time that there is.
        self.assertEqual(out, b"")
        self.fails(USAGE, "synth", "candles", "--rows", "99999999999", "--start", "1678-01-01", "-o", "a.csv",
                   says="beyond the year 2261")
        self.assertEqual(self.files(), [])

    def test_file(self):
        out, _ = self.run_tallow("synth", "candles")
        for form in (("-o", "a.csv"), ("-oa.csv",), ("--output", "a.csv"), ("--output=a.csv",)):
            self.write("a.csv", "old")
            silent, errors = self.run_tallow("synth", "candles", *form)
            self.assertEqual((silent, errors), (b"", ""))
            self.assertEqual((self.here / "a.csv").read_bytes(), out)
            self.assertEqual(self.files(), ["a.csv"])
        os.remove(self.here / "a.csv")
        self.run_tallow("synth", "candles", "-oa.csv", umask=0o027)
        self.assertEqual((self.here / "a.csv").stat().st_mode & 0o777, 0o640)

    def test_special_files(self):
        self.run_tallow("synth", "candles", "-o", "/dev/null")
        self.assertTrue(Path("/dev/null").is_char_device())
        self.fails(IO_ERROR, "synth", "candles", "-o", "/dev/full", says="/dev/full: can't write: No space left")

    def test_output_that_cannot_be_made(self):
        self.write("file", "x")
        self.fails(CANT_CREATE, "synth", "candles", "-o", "missing/a.csv", says="missing/a.csv: can't write: No such")
        self.fails(CANT_CREATE, "synth", "candles", "-o", "file/a.csv", says="Not a directory")
        self.fails(CANT_CREATE, "synth", "candles", "-o", ".", says="directory")
        self.fails(CANT_CREATE, "synth", "candles", "-o", "x" * 300, says="File name too long")
        self.assertEqual(self.files(), ["file"])

    def test_failed_write_keeps_the_old_file(self):
        self.write("a.csv", "old")
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
        says = "a.csv: can't write: File too large"
        self.fails(IO_ERROR, "synth", "candles", "--rows", 10000, "-o", "a.csv", says=says, preexec_fn=limit)
        self.assertEqual((self.here / "a.csv").read_text(), "old")
        self.assertEqual(self.files(), ["a.csv"])

    def test_reader_goes_away(self):
        done = subprocess.Popen([BIN, "synth", "candles", "--rows", "1000000"], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)
        done.stdout.read(100)
        done.stdout.close()
        self.assertEqual(done.stderr.read(), b"")
        done.stderr.close()
        self.assertEqual(done.wait(timeout=600), IO_ERROR)

    def test_full_standard_output(self):
        for args in (("synth", "candles"), ("help",), ("--version",), ("devices",)):
            with open("/dev/full", "wb") as full:
                done = self.start(args, stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, IO_ERROR, args)
            self.assertIn(b"standard output: can't write", done.stderr)

    def test_closed_standard_streams(self):
        self.synth("a.csv")
        for args in (("synth", "candles"), ("--version",), ("render", "a.csv", "-o", "-")):
            done = self.start(args, stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1))
            self.assertEqual(done.returncode, IO_ERROR, args)
            self.assertIn(b"standard output: can't write", done.stderr)
        done = self.start(("render", "a.csv", "-v", "-o", "a.png"), preexec_fn=lambda: [os.close(d) for d in (0, 1, 2)])
        self.assertEqual(done.returncode, 0)
        Png((self.here / "a.png").read_bytes())

    def test_memory_does_not_grow(self):
        peaks = []
        for rows in ("1000", "1000000"):
            child = subprocess.Popen([BIN, "synth", "candles", "-n", rows], stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(child.returncode, 0)
            peaks.append(usage.ru_maxrss)
        self.assertLess(peaks[1] - peaks[0], 2048, "KiB")


class Render(Case):
    def test_size(self):
        self.synth("a.csv")
        for size in ("16x16", "320x200", "33X17", "1000x40"):
            width, height = map(int, size.lower().split("x"))
            png = self.render("a.csv", size=size)
            self.assertEqual((png.width, png.height), (width, height))
        out, _ = self.run_tallow("render", "a.csv", "-o", "-")
        self.assertEqual(struct.unpack(">II", out[16:24]), (1280, 720))

    def test_largest(self):
        self.synth("a.csv")
        self.run_tallow("render", "a.csv", "-o", "a.png", "--size", "16384x16384")
        self.assertEqual(struct.unpack(">II", (self.here / "a.png").read_bytes()[16:24]), (16384, 16384))

    def test_themes(self):
        self.synth("a.csv")
        pixels = set()
        for theme, palette in PALETTES.items():
            for spelling in (theme, theme.upper()):
                png = self.render("a.csv", "--theme", spelling)
                self.assertEqual(png.palette, palette)
                pixels.add(b"".join(png.rows))
            self.assertEqual(self.render("a.csv", "--theme", theme, "--labels", "off").palette, palette[:-7])
        self.assertEqual(len(pixels), 1)
        self.assertEqual(self.render("a.csv").palette, PALETTES["modern"])

    def test_something_is_drawn(self):
        self.synth("a.csv")
        png = self.render("a.csv")
        for ink in (GRID, UP, DOWN):
            self.assertGreater(png.count(ink), 100)

    def test_grid(self):
        self.synth("a.csv")
        self.assertEqual(self.render("a.csv", "--grid", "off").count(GRID), 0)
        self.assertEqual(self.render("a.csv", "--grid", "on").rows, self.render("a.csv").rows)

    def test_codings(self):
        """The pixels are the same in each, the bytes are not; fast is the default."""
        self.synth("a.csv")
        default = self.render("a.csv")
        pictures = [self.render("a.csv", "--png", coding) for coding in ("fast", "small", "libpng")]
        for picture in pictures:
            self.assertEqual(picture.rows, default.rows)
        files = [picture.file for picture in pictures]
        self.assertEqual((files[0], len(set(files))), (default.file, 3))

    def test_png_without_libdeflate(self):
        """One coding is refused, with what to install, before anything is drawn; the others need no such library."""
        self.synth("a.csv")
        (self.here / "libdeflate.so.0").write_bytes(b"no library")
        env = {"LD_LIBRARY_PATH": f"{self.here}:{os.environ.get('LD_LIBRARY_PATH', '')}"}
        self.fails(UNAVAILABLE, "render", "a.csv", "-o", "small.png", "--backend", "cpu", "--png", "small", env=env,
                   says=("need libdeflate: install it (package libdeflate0), or choose another coding",))
        self.assertFalse((self.here / "small.png").exists())
        for coding in ("fast", "libpng"):
            self.run_tallow("render", "a.csv", "-o", f"{coding}.png", "--backend", "cpu", "--png", coding, env=env)

    def test_volume(self):
        text = self.synth("a.csv")
        self.write("b.csv", "".join(line.rpartition(",")[0] + "\n" for line in text.splitlines()))
        with_panel, without = self.render("a.csv"), self.render("a.csv", "--volume", "off")
        self.assertNotEqual(with_panel.rows, without.rows)
        self.assertEqual(self.render("a.csv", "--volume", "on").rows, with_panel.rows)
        for volume in ((), ("--volume", "on"), ("--volume", "off")):
            self.assertEqual(self.render("b.csv", *volume).rows, without.rows)

    def test_axis(self):
        self.synth("a.csv", 400, "--shape", "gaps", "--start", "2020-01-02T14:00")
        by_index, by_time = self.render("a.csv", "--axis", "index"), self.render("a.csv", "--axis", "time")
        self.assertEqual(by_index.rows, self.render("a.csv").rows)

        def empty_columns(png):
            return sum(all(row[x] < UP for row in png.rows) for x in range(png.width))

        self.assertGreater(empty_columns(by_time), empty_columns(by_index) + 50)

    def without_times(self, name, text):
        lines = text.splitlines()
        self.write(name, "".join(line.partition(",")[2] + "\n" for line in lines))
        self.write("bare-" + name, "".join(line.partition(",")[2] + "\n" for line in lines[1:]))

    def test_files_without_times(self):
        """Drawn as with times, but for the labels of these; backwards nothing is."""
        text = self.synth("a.csv", 120)
        self.without_times("b.csv", text)
        none = ("--columns", "time=none")
        for args in ((), ("--last", 50, "--mav", 7), ("--out-of-order", "sort", "--duplicate", "last")):
            plain = self.render("a.csv", *args, "--labels", "off").rows
            for name in ("b.csv", "bare-b.csv", "a.csv"):
                self.assertEqual(self.render(name, *none, *args, "--labels", "off").rows, plain, (name, args))
        labelled = self.render("b.csv", *none)
        self.assertEqual(labelled.rows, self.render("a.csv", *none).rows)
        self.assertNotEqual(labelled.rows, self.render("a.csv").rows)
        bottom = labelled.height - 20
        self.assertFalse(any(TEXT in row for row in labelled.rows[bottom:]))
        self.assertTrue(any(TEXT in row for row in labelled.rows[:bottom]))
        self.assertEqual(self.render("b.csv", *none, "--scale", "log").rows,
                         self.render("a.csv", *none, "--scale", "log").rows)
        self.fails(BAD_DATA, "render", "b.csv", "-o", "x.png",
                   says="no column for date or time (found: open, high, low, close, volume): name it in the first line, or "
                   "say which it is: --columns time=NAME, or that there is none: --columns time=none")

    def test_what_needs_times(self):
        self.synth("a.csv")
        for columns in ("time=none", " TIME = None ", "clock=none,time=none,open=2"):
            for args, says in ((("--from", "2020-01-01"), "--from needs times: --columns has time=none; try"),
                               (("--to", "2020-01-01"), "--to needs times: --columns has time=none; try"),
                               (("--axis", "time"), "--axis time needs times: --columns has time=none; try"),
                               (("--title", "{{n} {last}"), "there is a }"),
                               (("--title", "{n} {last}"), "{first} and {last} of --title need times: --columns has"),
                               (("--title", "{{{first}}}"), "{first} and {last} of --title need times: --columns has")):
                self.fails(USAGE, "render", "a.csv", "-o", "x.png", "--columns", columns, *args, says=says)
            self.render("a.csv", "--columns", columns, "--title", "{{first}} {symbol} {n} {{last}}")
        self.fails(USAGE, "render", "a.csv", "-o", "x.png", "--columns", "time=none,clock=1", says="there is no clock")
        self.write("chart.json", '{"axis": "time"}')
        self.fails(BAD_DATA, "render", "a.csv", "-o", "x.png", "--columns", "time=none", "--spec", "chart.json",
                   says="chart.json:1:10: --axis time needs times")
        for columns in ("open=2", "time=1,volume=none", "time=nonesuch", "volume=none", "close=time"):
            errors = self.run_tallow("render", "a.csv", "-o", "x.png", "--columns", columns, "--from", "2020-01-01",
                                     code=BAD_DATA if columns in ("time=nonesuch", "close=time") else 0)[1]
            self.assertNotIn("needs times", errors)

    def test_runs_without_times(self):
        """Windows, from a table and from a file that is not held, symbols, manifest, --resume and shards."""
        self.without_times("b.csv", self.synth("a.csv", 100))
        args = ("--columns", "time=none", "--window", 30, "--size", "64x64", "--mav", 3)
        render = ("render", "b.csv", *args)
        self.run_tallow(*render, "-o", "whole/")
        manifest = [json.loads(line) for line in (self.here / "whole/manifest.jsonl").read_text().splitlines()]
        self.assertEqual([line["range"] for line in manifest[1:-1]], 3 * [{"first": None, "last": None, "rows": 30}])
        self.assertEqual(len({line["data"] for line in manifest[1:-1]}), 3)
        self.assertIn("3 found", self.run_tallow(*render, "-o", "whole/", "--resume", "-v")[1])
        for i in (1, 2):
            self.run_tallow(*render, "-o", "parts/", "--shard", f"{i}/2")
        self.run_tallow("merge", "parts")
        rows = (self.here / "b.csv").read_text().splitlines()
        self.write("c.csv", "".join(f"{row},{'sym' if i == 0 else 'A'}\n" for i, row in enumerate(rows)))
        self.run_tallow("render", "c.csv", *args, "--by", "sym", "-o", "by/")
        for i in range(3):
            chart = (self.here / f"whole/b_00000{i}.png").read_bytes()
            self.assertEqual((self.here / f"parts/b_00000{i}.png").read_bytes(), chart)
            self.assertEqual((self.here / f"by/c_A_00000{i}.png").read_bytes(), chart)

    def cut(self, text, first, end):
        lines = text.splitlines(keepends=True)
        self.write("cut.csv", lines[0] + "".join(lines[1 + first : 1 + end]))
        return self.render("cut.csv").rows

    def test_selection(self):
        """--from is inclusive, --to exclusive, --last counts what they leave."""
        text = self.synth("a.csv", 60)
        self.write("b.csv", "".join(line.rpartition(",")[0] + "\n" for line in text.splitlines()))
        rows = {
            ("--last", "10"): (50, 60),
            ("--last", "1"): (59, 60),
            ("--last", "60"): (0, 60),
            ("--last", "9223372036854775807"): (0, 60),
            ("--from", "2020-01-01T00:20:00Z"): (20, 60),
            ("--from", "2020-01-01T00:19:00.000000001Z"): (20, 60),
            ("--from", "1/1/2020 0:20"): (20, 60),
            ("--from", "1577838000"): (20, 60),
            ("--from", "1577838000000"): (20, 60),
            ("--from", "2020-01-01T01:20:00+01:00"): (20, 60),
            ("--to", "2020-01-01T00:20:00Z"): (0, 20),
            ("--to", "2020-01-01T00:20:00.000000001Z"): (0, 21),
            ("--from", "2019-01-01", "--to", "2021-01-01"): (0, 60),
            ("--from", "2020-01-01T00:10", "--to", "2020-01-01T00:50"): (10, 50),
            ("--from", "2020-01-01T00:10", "--to", "2020-01-01T00:50", "--last", "5"): (45, 50),
            ("--to", "2020-01-01T00:03", "--last", "5"): (0, 3),
            ("--from", "2020-01-01T00:59"): (59, 60),
        }
        for args, (first, end) in rows.items():
            self.assertEqual(self.render("a.csv", *args).rows, self.cut(text, first, end), args)
        png = self.render("b.csv", "--last", "7")
        self.assertEqual(png.rows, self.render("a.csv", "--last", "7", "--volume", "off").rows)

    def test_empty_selection(self):
        self.synth("a.csv", 60)
        for args in (("--from", "2020-01-01T01:00"), ("--to", "2020-01-01"), ("--to", "2019-01-01", "--last", "3"),
                     ("--from", "2020-01-01T00:00:01", "--to", "2020-01-01T00:00:59")):
            says = ("a.csv: ", "60 candles, from 2020-01-01T00:00:00Z to 2020-01-01T00:59:00Z", "change --from or --to")
            self.fails(BAD_DATA, "render", "a.csv", "-o", "a.png", *args, says=says)
        self.write("b.csv", HEADER)
        self.fails(BAD_DATA, "render", "b.csv", "-o", "b.png", says="b.csv")
        self.assertEqual(self.files(), ["a.csv", "b.csv"])

    def test_nothing_but_gaps(self):
        """A whole chart without a candle is worth a warning; a window is not."""
        gaps = "".join(f"2020-01-0{d},S,1,,1,2\n2020-01-0{d},T,1,2,1,2\n" for d in range(1, 7))
        self.write("a.csv", "date,sym,open,high,low,close\n" + gaps)
        self.write("b.csv", "date,open,high,low,close\n2020-01-01,1,2,1,\n2020-01-02,1,2,1,\n2020-01-03,1,2,1,2\n")
        says = "no candle to draw: every one lacks a price\n"
        for args, expected in ((("b.csv", "--to", "2020-01-03"), "tallow: b.csv: " + says), (("b.csv",), ""),
                               (("b.csv", "--to", "2020-01-03", "-q"), ""),
                               (("a.csv", "--by", "sym"), "tallow: a.csv: S: " + says),
                               (("a.csv", "--by", "sym", "--window", "2"), ""), (("b.csv", "--window", "2"), "")):
            _, errors = self.run_tallow("render", *args, "-o", "out/")
            told = [line for line in errors.replace("warning: ", "").splitlines(True) if "no candle" in line]
            self.assertEqual("".join(told), expected, args)
            shutil.rmtree(self.here / "out")

    def test_bad_input(self):
        row = "2020-01-01T00:00:00Z,10,12,9,11,5\n"
        files = {
            "high.csv": (HEADER + row + "2020-01-02T00:00:00Z,10,8,9,11,5\n", "high.csv:3"),
            "text.csv": (HEADER + "2020-01-02T00:00:00Z,10,x,9,11,5\n", "text.csv:2"),
            "order.csv": (HEADER + row + row, "order.csv:3"),
            "names.csv": ("a,b\n1,2\n", "names.csv:1"),
            "empty.csv": ("", "empty.csv"),
        }
        for name, (text, says) in files.items():
            self.write(name, text)
            errors = self.fails(BAD_DATA, "render", name, "-o", "a.png", says=says)
            self.assertEqual(errors.count("\n"), 1)
        whole = gzip.compress((HEADER + row * 1).encode())
        (self.here / "cut.csv.gz").write_bytes(whole[:-12])
        self.fails(BAD_DATA, "render", "cut.csv.gz", "-o", "a.png", says="cut.csv.gz")
        self.assertNotIn("a.png", self.files())

    def test_missing_input(self):
        self.fails(NO_INPUT, "render", "nowhere.csv", "-o", "a.png", says="nowhere.csv: ")
        self.fails(NO_INPUT, "render", ".", "-o", "a.png", says="folder")
        self.fails(NO_INPUT, "render", "", "-o", "a.png")
        self.assertEqual(self.files(), [])

    def test_gap_and_negative_prices(self):
        self.write("a.csv", HEADER + "2020-01-01,1,2,1,2,5\n2020-01-02,,,,,\n2020-01-03,-3,-1,-4,-2,5\n")
        self.assertGreater(self.render("a.csv", "-q").count(UP), 0)

    def test_one_file(self):
        self.synth("a.csv")
        out, errors = self.run_tallow("render", "a.csv", "-o", "b.PNG")
        self.assertEqual((out, errors), (b"", ""))
        self.assertEqual(self.files(), ["a.csv", "b.PNG"])
        for form in (("-oc.png",), ("-o", "c.png"), ("--output", "c.png"), ("--output=c.png",)):
            self.run_tallow("render", *form, "a.csv")
            self.assertEqual((self.here / "c.png").read_bytes(), (self.here / "b.PNG").read_bytes())
            os.remove(self.here / "c.png")

    def test_one_file_to_a_folder(self):
        self.synth("a.csv")
        (self.here / "there.png").mkdir()
        self.run_tallow("render", "a.csv", "-o", "new/")
        self.run_tallow("render", "a.csv", "-o", "there.png")
        self.assertEqual(self.files(), ["a.csv", "new/a.png", "new/manifest.jsonl", "there.png/a.png",
                                        "there.png/manifest.jsonl"])

    def test_names_in_a_folder(self):
        text = self.synth("a.csv")
        names = {"b.csv.gz": "b", "c.CSV": "c", "d.txt": "d", "e": "e", "f.2020.csv": "f.2020", "g.2020": "g.2020",
                 ".csv": ".csv", "h i.csv": "h i", "x/y/j.csv": "j", "é.csv": "é"}
        for name in names:
            self.write(name, text)
        before = set(self.files())
        self.run_tallow("render", *names, "-", "-o", "new/deep/charts", input=text.encode())
        charts = {f"new/deep/charts/{stem}.png" for stem in (*names.values(), "stdin")}
        self.assertEqual(set(self.files()) - before - {"new/deep/charts/manifest.jsonl"}, charts)
        contents = {(self.here / name).read_bytes() for name in charts}
        self.assertEqual(len(contents), 1)

    def test_dash_names(self):
        text = self.synth("a.csv")
        self.write("-x.csv", text)
        self.write("--help", text)
        self.run_tallow("render", "-o", "charts", "--", "-x.csv", "--help")
        self.assertTrue({"charts/-x.png", "charts/--help.png"} <= set(self.files()))

    def test_others_are_drawn_when_one_fails(self):
        text = self.synth("a.csv")
        for name in ("b.csv", "c.csv"):
            self.write(name, text)
        self.write("bad.csv", HEADER + "x\n")
        errors = self.fails(BAD_DATA, "render", "a.csv", "bad.csv", "b.csv", "none.csv", "c.csv", "-o", "charts",
                            says=("bad.csv", "none.csv"))
        self.assertEqual(errors.count("\n"), 2)
        self.assertEqual(list(self.charts_in("charts")), ["a.png", "b.png", "c.png"])
        self.fails(NO_INPUT, "render", "none.csv", "bad.csv", "-o", "charts")

    def test_each_file_has_its_own_selection_and_panel(self):
        text = self.synth("a.csv", 90)
        self.write("b.csv", "".join(line.rpartition(",")[0] + "\n" for line in text.splitlines()[:40]))
        self.run_tallow("render", "b.csv", "a.csv", "-o", "charts", "--last", "50", "--size", "320x200")
        for name, args in (("a", ()), ("b", ("--volume", "off"))):
            png = Png((self.here / f"charts/{name}.png").read_bytes())
            self.assertEqual(png.rows, self.render(f"{name}.csv", "--last", "50", *args).rows)

    def test_pipes(self):
        text = self.synth("a.csv")
        png = self.render("-", input=gzip.compress(text.encode()))
        self.assertEqual(png.rows, self.render("a.csv").rows)
        self.run_tallow("render", "a.csv", "-o", "a.png", "--size", "320x200")
        self.assertEqual(Png((self.here / "a.png").read_bytes()).rows, png.rows)
        with open("/dev/full", "wb") as full:
            done = self.start(("render", "a.csv", "-o", "-"), stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, IO_ERROR)
        self.assertIn(b"standard output: can't write: No space left", done.stderr)

    def test_reader_goes_away(self):
        self.synth("a.csv")
        reader, writer = os.pipe()
        os.close(reader)
        done = self.start(("render", "a.csv", "-o", "-"), stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        self.assertEqual((done.returncode, done.stderr), (IO_ERROR, b""))

    def test_output_that_cannot_be_made(self):
        text = self.synth("a.csv")
        self.write("file", "x")
        self.write("b.csv", text)
        for more in ((), ("--manifest", "on")):
            self.fails(CANT_CREATE, "render", "a.csv", "-o", "missing/a.png", *more,
                       says="missing/a.png: can't write: the folder missing does not exist: make it first")
        self.fails(CANT_CREATE, "render", "a.csv", "-o", "b.csv/",
                   says="b.csv/: can't make this folder: b.csv is a file")
        self.fails(CANT_CREATE, "render", "a.csv", "-o", "file/a.png", says="file/a.png")
        self.fails(CANT_CREATE, "render", "a.csv", "b.csv", "-o", "file", says="file: can't make this folder")
        self.fails(CANT_CREATE, "render", "a.csv", "-o", "file/deep/", says="can't make this folder: file is a file")
        self.fails(CANT_CREATE, "render", "a.csv", "-o", "x" * 300 + ".png")
        self.assertEqual(self.files(), ["a.csv", "b.csv", "file"])

    def test_full_disk(self):
        self.synth("a.csv")
        self.write("a.png", "old")
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
        self.fails(IO_ERROR, "render", "a.csv", "-o", "a.png", "--backend", "cpu", says="a.png", preexec_fn=limit)
        self.assertEqual((self.here / "a.png").read_text(), "old")
        self.assertEqual(self.files(), ["a.csv", "a.png"])

    def test_verbose_and_quiet(self):
        self.synth("a.csv")
        self.write("b.csv", "time,open,high,low,close\n2020-01-01,1,2,1,2\n")
        out, errors = self.run_tallow("render", "a.csv", "b.csv", "-o", "charts", "-v", "--backend", "cpu", "-j1")
        self.assertEqual(out, b"")
        self.assertRegex(errors, r"(?m)^tallow: using cpu: .+ \(\w+\)$")
        self.assertRegex(errors, r"(?m)^tallow: charts/a\.png: 60 candles, 1280x720, cpu \(\w+\)$")
        self.assertRegex(errors, r"(?m)^tallow: charts/b\.png: 1 candle, 1280x720, cpu \(\w+\), no volume in the file$")
        _, errors = self.run_tallow("render", "a.csv", "-vo", "a.png")
        self.assertRegex(errors, r"(?m)^tallow: using \w+: ")
        for option in ((), ("--quiet",), ("-q",)):
            self.assertEqual(self.run_tallow("render", "a.csv", "-o", "a.png", *option)[1], "")

    def test_verbose_tells_why(self):
        self.synth("a.csv")
        _, errors = self.run_tallow("render", "a.csv", "-o", "a.png", "-v")
        used = re.search(r"using (\w+):", errors).group(1)
        for backend in ("cuda", "opencl", "cpu"):
            if backend == used:
                break
            self.assertRegex(errors, rf"(?m)^tallow: {backend}.* not used: .+")

    def test_budgets(self):
        self.synth("a.csv")
        self.fails(NO_MEMORY, "render", "a.csv", "-o", "a.png", "--host-mem", "0", says="budget")
        self.fails(NO_MEMORY, "render", "a.csv", "-o", "a.png", "--host-mem", "1", "--backend", "cpu")
        for value in ("1GiB", "1073741824", "1073741824B", "1048576KiB", "1024MiB"):
            self.run_tallow("render", "a.csv", "-o", "a.png", "--host-mem", value, "--pool", value)
        self.run_tallow("render", "a.csv", "-o", "a.png", "--host-mem", "1TiB", "--pool", "0", "--backend", "cpu")


class SameBytes(Case):
    def setUp(self):
        super().setUp()
        self.inputs = []
        for shape, rows in (("quiet", 40), ("trending", 1000), ("gaps", 5000), ("jumps", 300)):
            self.synth(f"{shape}.csv", rows, "--shape", shape)
            self.inputs.append(f"{shape}.csv")

    def charts(self, *args, env=None):
        charts = []
        for more in (("--axis", "index"), ("--axis", "time", "--size", "501x333", "--theme", "light")):
            self.run_tallow("render", *self.inputs, "-o", "charts", *more, *args, env=env)
            charts += [hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((self.here / "charts").iterdir())]
            shutil.rmtree(self.here / "charts")
        return charts

    def test_threads(self):
        one = self.charts("--backend", "cpu", "--threads", "1")
        self.assertEqual(len(set(one)), 2 * (len(self.inputs) + 1), "a manifest for each size")
        for threads in ("2", "5"):
            self.assertEqual(one, self.charts("--backend", "cpu", "--threads", threads))

    def test_tiers(self):
        expected = self.charts("--backend", "cpu")
        tried = []
        for tier in TIERS:
            env = {"TALLOW_CPU_TIER": tier}
            done = self.start(("render", self.inputs[0], "-v", "-o", "a.png", "--backend", "cpu"), env,
                              stderr=subprocess.PIPE)
            if done.returncode == UNAVAILABLE and tier != "baseline":
                continue
            self.assertIn(f"cpu ({tier})", done.stderr.decode())
            self.assertEqual(expected, self.charts("--backend", "cpu", env=env), tier)
            tried.append(tier)
        notes.append(f"CPU tiers compared: {', '.join(tried)}")
        self.assertIn("baseline", tried)

    def test_unknown_tier(self):
        self.fails(UNAVAILABLE, "render", self.inputs[0], "-o", "a.png", "--backend", "cpu", says="TALLOW_CPU_TIER",
                   env={"TALLOW_CPU_TIER": "sse9"})

    def test_backends(self):
        expected = self.charts("--backend", "cpu", "--threads", "1")
        for backend in BACKENDS:
            self.assertEqual(expected, self.charts("--backend", backend), backend)
            _, errors = self.run_tallow("render", self.inputs[0], "-v", "-o", "a.png", "--backend", backend)
            self.assertRegex(errors, rf"(?m)^tallow: a\.png: .*, {backend} \(")
        self.assertEqual(expected, self.charts("--backend", "auto"))
        notes.append(f"backends compared: {', '.join(BACKENDS)}")


class Windows(Case):
    """--window and --stride, against single charts of the same rows."""

    SIZE = ("--size", "160x120")

    def cut(self, text, window, stride, *args, only=None):
        """The charts that are expected: each of a file of its own. only: the numbers of those that are wanted."""
        header, *rows = text.splitlines(keepends=True)
        count = max(0, (len(rows) - window) // stride + 1)
        wanted = range(count) if only is None else [i % count for i in only]
        shutil.rmtree(self.here / "cuts", ignore_errors=True)
        for i in wanted:
            self.write(f"cuts/{i:06d}.csv", header + "".join(rows[i * stride : i * stride + window]))
        names = [f"cuts/{i:06d}.csv" for i in wanted]
        self.run_tallow("render", *names, "-o", "expected/", *self.SIZE, *args)
        charts = {f"{i:06d}": (self.here / f"expected/{i:06d}.png").read_bytes() for i in wanted}
        shutil.rmtree(self.here / "expected")
        return count, charts

    def draw(self, *args, code=0, **options):
        """Draws windows to a folder; its content by name."""
        self.run_tallow("render", *args, "-o", "out", *self.SIZE, code=code, **options)
        charts = self.charts_in("out")
        shutil.rmtree(self.here / "out")
        return charts

    def check(self, expected, charts, stem="a"):
        count, some = expected
        self.assertEqual(sorted(charts), [f"{stem}_{i:06d}.png" for i in range(count)])
        for number, chart in some.items():
            self.assertEqual(charts[f"{stem}_{number}.png"], chart, number)

    def test_strides(self):
        text = self.synth("a.csv", 60)
        for window, stride in ((10, 10), (10, 3), (10, 1), (10, 25), (60, 60), (60, 1), (59, 1), (1, 1), (1, 7), (7, 7),
                               (31, 30), (10, 50), (10, 51), (10, 1 << 40)):
            args = ("--window", window, *(() if stride == window else ("--stride", stride)))
            self.check(self.cut(text, window, stride), self.draw("a.csv", *args))

    def test_options(self):
        text = self.synth("a.csv", 60, "--shape", "gaps", "--interval", "30m")
        plain = "".join(line.rpartition(",")[0] + "\n" for line in text.splitlines())
        self.write("b.csv", plain)
        rows = (("--axis", "time"), ("--volume", "off"), ("--grid", "off", "--theme", "light"))
        for args in rows:
            for stride in (4, 20):
                expected = self.cut(text, 12, stride, *args)
                self.check(expected, self.draw("a.csv", "-w", 12, "--stride", stride, *args))
        self.check(self.cut(plain, 12, 5), self.draw("b.csv", "-w12", "--stride=5"), "b")
        _, errors = self.run_tallow("render", "b.csv", "-w", "50", "-vo", "out")
        says = r"(?m)^tallow: b\.csv: 1 window of 50 candles, .*, no volume in the file, its last 10 candles fill no"
        self.assertRegex(errors, says)

    def test_range(self):
        """--from and --to apply first."""
        text = self.synth("a.csv", 60)
        header, *rows = text.splitlines(keepends=True)
        for args, first, end in (
            (("--from", "2020-01-01T00:20"), 20, 60),
            (("--from", "2020-01-01T00:19:00.000000001Z"), 20, 60),
            (("--to", "2020-01-01T00:35"), 0, 35),
            (("--from", "2020-01-01T00:07", "--to", "2020-01-01T00:42"), 7, 42),
            (("--from", "2019-01-01", "--to", "2021-01-01"), 0, 60),
            (("--from", "2020-01-01T00:50"), 50, 60),
        ):
            kept = header + "".join(rows[first:end])
            for stride in (3, 10, 14):
                charts = self.draw("a.csv", "--window", 10, "--stride", stride, *args)
                self.check(self.cut(kept, 10, stride), charts)
        short = ("--window", 10, "--from", "2020-01-01T00:51")
        self.fails(BAD_DATA, "render", "a.csv", "-o", "out", *short,
                   says=("a.csv: 9 candles in the range asked for", "--window 10"))
        for outside in (("--to", "2020-01-01"), ("--from", "2021-01-01")):
            self.fails(BAD_DATA, "render", "a.csv", "-o", "out", "--window", "1", *outside, says="a.csv: 0 candles in")

    def test_length(self):
        """One row too short, and just long enough."""
        text = self.synth("a.csv", 60)
        self.fails(BAD_DATA, "render", "a.csv", "-o", "out", "--window", "61",
                   says=("a.csv: 60 candles in it", "--window 61 needs at least as many"))
        self.assertEqual(self.files(), ["a.csv", "out/manifest.jsonl"])
        self.check(self.cut(text, 60, 60), self.draw("a.csv", "--window", "60"))
        self.synth("one.csv", 1)
        self.fails(BAD_DATA, "render", "one.csv", "-o", "out", "--window", "2", says="one.csv: 1 candle in it")
        self.write("none.csv", HEADER)
        self.fails(BAD_DATA, "render", "none.csv", "-o", "out", "--window", "1", says="none.csv")
        self.fails(NO_INPUT, "render", "nowhere.csv", "-o", "out", "--window", "1", says="nowhere.csv")

    def test_kinds_of_input(self):
        text = self.synth("a.csv", 60)
        expected = self.cut(text, 10, 4)
        (self.here / "g.csv.gz").write_bytes(gzip.compress(text.encode()))
        args = ("--window", "10", "--stride", "4")
        self.check(expected, self.draw("g.csv.gz", *args), "g")
        for data in (text.encode(), gzip.compress(text.encode())):
            self.check(expected, self.draw("-", *args, input=data), "stdin")
        os.mkfifo(self.here / "f.csv")
        writer = subprocess.Popen(["cp", "a.csv", "f.csv"], cwd=self.here)
        self.check(expected, self.draw("f.csv", *args), "f")
        self.assertEqual(writer.wait(timeout=600), 0)

    def test_several_files(self):
        text = self.synth("a.csv", 60)
        self.write("b.csv", "".join(text.splitlines(keepends=True)[:31]))
        self.write("short.csv", "".join(text.splitlines(keepends=True)[:10]))
        self.write("bad.csv", "".join(text.splitlines(keepends=True)[:25]) + "x\n" + text)
        names = ("a.csv", "short.csv", "nowhere.csv", "bad.csv", "b.csv")
        args = (*names, "--window", "10", "--stride", "4")
        errors = self.fails(BAD_DATA, "render", *args, "-o", "out", *self.SIZE,
                            says=("short.csv: 9 candles", "nowhere.csv", "bad.csv:26"))
        self.assertEqual(errors.count("\n"), 3)
        charts = self.draw(*args, code=BAD_DATA)
        for stem, rows in (("a", 60), ("bad", 24), ("b", 30)):
            expected = self.cut("".join(text.splitlines(keepends=True)[: rows + 1]), 10, 4)
            self.check(expected, {n: c for n, c in charts.items() if n.startswith(stem + "_")}, stem)
        self.assertEqual({n.split("_")[0] for n in charts}, {"a", "b", "bad"})

    def test_outputs_that_cannot_be_made(self):
        """The file whose chart can't be written is given up, the next is drawn."""
        text = self.synth("a.csv", 60)
        self.write("b.csv", text)
        (self.here / "out/a_000003.png").mkdir(parents=True)
        args = ("a.csv", "b.csv", "--window", "10", "--stride", "4", *self.SIZE)
        errors = self.fails(CANT_CREATE, "render", *args, "-o", "out", says="out/a_000003.png: can't write")
        self.assertEqual(errors.count("\n"), 1)
        (self.here / "out/a_000003.png").rmdir()
        charts = self.charts_in("out")
        count, expected = self.cut(text, 10, 4)
        names = [f"a_{i:06d}.png" for i in range(3)] + [f"b_{i:06d}.png" for i in range(count)]
        self.assertEqual(sorted(charts), names)
        for name, chart in charts.items():
            self.assertEqual(chart, expected[name[2:8]])

    def test_full_disk(self):
        self.synth("a.csv", 60)
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
        for manifest, says in (("off", "out/a_000000.png"), ("on", "out/manifest.jsonl")):
            self.fails(IO_ERROR, "render", "a.csv", "-o", "out", "--window", "10", "--backend", "cpu", "--manifest",
                       manifest, says=says, preexec_fn=limit)
            self.assertEqual(os.listdir(self.here), ["a.csv"])

    def test_many(self):
        """More windows than one push takes."""
        text = self.synth("a.csv", 5000)
        for window, stride in ((10, 1), (3, 4)):
            only = (0, 1, 700, 1249, 4095, 4096, 4097, -2, -1)
            size = ("--size", "24x16")
            count = (5000 - window) // stride + 1
            self.run_tallow("render", "a.csv", "-o", "out", "--window", window, "--stride", stride, *size)
            self.assertEqual(list(self.charts_in("out")), [f"a_{i:06d}.png" for i in range(count)])
            header, *rows = text.splitlines(keepends=True)
            wanted = sorted({i % count for i in only})
            for i in wanted:
                self.write(f"cuts/{i:06d}.csv", header + "".join(rows[i * stride : i * stride + window]))
            self.run_tallow("render", *(f"cuts/{i:06d}.csv" for i in wanted), "-o", "expected/", *size)
            for i in wanted:
                self.assertEqual((self.here / f"out/a_{i:06d}.png").read_bytes(),
                                 (self.here / f"expected/{i:06d}.png").read_bytes(), i)
            for folder in ("out", "cuts", "expected"):
                shutil.rmtree(self.here / folder)

    def test_large_windows(self):
        """More rows than fit in memory at one time, against --from and --to; with every budget the same bytes."""
        self.synth("a.csv", 120000)
        for stride in (7000, 30000, 41000):
            args = ("--window", 30000, "--stride", stride)
            charts = self.draw("a.csv", *args)
            self.assertEqual(charts, self.draw("a.csv", *args, "--host-mem", "24MiB"))
            starts = range(0, 120000 - 30000 + 1, stride)
            self.assertEqual(len(charts), len(starts))
            for number, start in enumerate(starts):
                times = [f"{1577836800 + 60 * row}" for row in (start, start + 30000)]
                self.run_tallow("render", "a.csv", "-o", "a.png", "--from", times[0], "--to", times[1], *self.SIZE)
                self.assertEqual(charts[f"a_{number:06d}.png"], (self.here / "a.png").read_bytes(), (stride, number))

    def test_backends(self):
        text = self.synth("a.csv", 300)
        expected = self.cut(text, 50, 20)
        for backend in BACKENDS:
            self.check(expected, self.draw("a.csv", "-w", "50", "--stride", "20", "--backend", backend))


class Stats(Case):
    """--stats, budgets and --alloc-log."""

    COUNTERS = ("host_bytes", "device_bytes", "pool_bytes")
    NUMBERS = ("charts", "candles", "pixels", "values", "images", "launches", "uploaded", "downloaded", "copied",
               "reduced", "operations", "failures", "resets", "trims", "halvings", "fallbacks", "fallbacks_memory",
               "fallbacks_unavailable", "to_cpu", "threads", "passed_over")

    def stats(self, *args, code=0, **options):
        self.run_tallow("render", *args, "--stats", "stats.json", code=code, **options)
        stats = json.loads((self.here / "stats.json").read_text())
        self.assertEqual(stats["exit_code"], code)
        os.remove(self.here / "stats.json")
        return stats

    def test_reports_replace_nothing(self):
        self.synth("a.csv", 60)
        before = (self.here / "a.csv").read_bytes()
        for args in (["--stats", "a.csv"], ["--alloc-log", "./a.csv"], ["--stats", "a.png"],
                     ["--stats", "same", "--alloc-log", "same"]):
            self.fails(64, "render", "a.csv", "-o", "a.png", *args, says=args[1].removeprefix("./"))
        self.assertEqual((self.here / "a.csv").read_bytes(), before)

    def test_members(self):
        self.synth("a.csv", 60)
        for backend in BACKENDS:
            stats = self.stats("a.csv", "-o", "a.png", "--backend", backend, "--size", "320x200")
            self.assertEqual(set(stats), {"command", "version", "commit", "exit_code", "wall_seconds", "files", "rows",
                                          "images", "row_bytes", "engines"})
            self.assertEqual((stats["images"], stats["row_bytes"]), (1, 0))
            self.assertGreater(stats["wall_seconds"], 0)
            (engine,) = stats["engines"]
            self.assertEqual(set(engine), {"backend", "device", "driver", "device_budget", "host_budget", "reason",
                                           "by_operation", *self.COUNTERS, *self.NUMBERS})
            self.assertEqual(engine["backend"], backend)
            self.assertIn((backend, engine["device"], engine["driver"]),
                          [(d["backend"], d["name"], d["driver"]) for d in self.devices()])
            for name in self.COUNTERS:
                self.assertEqual(set(engine[name]), {"current", "peak", "total"})
                self.assertLessEqual(engine[name]["current"], engine[name]["peak"])
            for name in self.NUMBERS:
                self.assertIs(type(engine[name]), int, name)
            self.assertEqual((engine["charts"], engine["candles"], engine["pixels"]), (1, 60, 320 * 200))
            self.assertEqual((engine["copied"], engine["failures"], engine["reason"]), (0, 0, ""))
            self.assertIsNone(engine["host_budget"])

    def test_totals(self):
        for name in ("a.csv", "b.csv"):
            self.synth(name, 60)
        stats = self.stats("a.csv", "b.csv", "-o", "out", "--window", "10", "--stride", "1", "--size", "32x32")
        self.assertEqual(stats["images"], 102)
        self.assertEqual(sum(e["charts"] for e in stats["engines"]), 102)
        self.assertEqual(sum(e["candles"] for e in stats["engines"]), 1020)
        self.assertEqual(sum(e["copied"] for e in stats["engines"]), 0)
        self.assertGreater(stats["row_bytes"], 0)

    def test_after_a_failure(self):
        self.synth("a.csv", 60)
        self.assertEqual(self.stats("a.csv", "none.csv", "-o", "out", code=NO_INPUT)["images"], 1)
        self.assertEqual(self.stats("a.csv", "-o", "a.png", "--host-mem", "0", code=NO_MEMORY)["engines"], [])

    def test_file(self):
        self.synth("a.csv")
        self.write("stats.json", "old")
        self.fails(CANT_CREATE, "render", "a.csv", "-o", "a.png", "--stats", "missing/s.json", says="missing/s.json")
        self.assertEqual(self.files(), ["a.csv", "stats.json"])
        self.stats("a.csv", "-o", "a.png")
        self.assertEqual(self.files(), ["a.csv", "a.png"])

    def check_budgets(self, stats, pool, host_mem):
        peak = sum(e["host_bytes"]["peak"] for e in stats["engines"]) + stats["row_bytes"]
        if host_mem:
            self.assertLessEqual(peak, host_mem)
            self.assertLessEqual(sum(e["host_budget"] for e in stats["engines"]) + stats["row_bytes"], host_mem)
        for engine in stats["engines"]:
            if pool and engine["backend"] != "cpu":
                self.assertEqual(engine["device_budget"], pool)
                self.assertLessEqual(engine["device_bytes"]["peak"], pool)
                self.assertLessEqual(engine["pool_bytes"]["peak"], engine["device_bytes"]["peak"])

    def test_peaks(self):
        """No budget is exceeded by a byte, and the bytes of the charts are those of a run without."""
        self.synth("a.csv", 30000)
        for what in (("a.csv", "-o", "out/", "--size", "800x600"),
                     ("a.csv", "-o", "out/", "--size", "200x150", "--window", "3000", "--stride", "1700")):
            expected = None
            for backend in BACKENDS:
                for pool, host_mem in ((None, None), (64 << 20, 256 << 20), (8 << 20, 48 << 20), (4 << 20, 24 << 20)):
                    args = [*what, "--backend", backend]
                    args += ["--pool", pool] if pool else []
                    args += ["--host-mem", host_mem] if host_mem else []
                    self.check_budgets(self.stats(*args), pool, host_mem)
                    charts = {p.name: p.read_bytes() for p in (self.here / "out").iterdir()}
                    shutil.rmtree(self.here / "out")
                    expected = expected or charts
                    self.assertEqual(charts, expected, args)

    def grow(self, option, *args):
        """The number that a refusal names does: runs with it, returns it and what the run took."""
        self.run_tallow("render", *args)  # so that self-tests are done
        errors = self.fails(NO_MEMORY, "render", *args, option, "1", says="budget")
        value = int(re.search(r"set it to (\d+) or more", errors).group(1))
        return value, self.stats(*args, option, value)

    def test_what_would_do(self):
        self.synth("a.csv", 3000)
        rows = ((), ("--window", "1000", "--stride", "400"), ("--window", "20", "--stride", "700"))
        for backend in BACKENDS:
            for more in rows:
                for size in ("64x64", "1920x1080"):
                    args = ("a.csv", "-o", "out/", "--backend", backend, "--size", size, *more)
                    value, stats = self.grow("--host-mem", *args)
                    self.check_budgets(stats, None, value)
                    if backend != "cpu":
                        value, stats = self.grow("--pool", *args)
                        self.check_budgets(stats, value, None)

    def test_too_small_for_a_window(self):
        self.synth("a.csv", 3000)
        args = ("a.csv", "-o", "out", "--backend", "cpu", "--window", "1000000000", "--host-mem", "64MiB")
        errors = self.fails(NO_MEMORY, "render", *args, says="--host-mem 64MiB is too small a budget: set it")
        self.assertGreater(int(re.search(r"set it to (\d+)", errors).group(1)), 2 * 40 * 10**9)

    def test_files_beside_each_other(self):
        """A file that can be drawn alone can be drawn behind others, whatever --host-mem is."""
        for name, rows in (("a.csv", 100000), ("b.csv", 100000), ("c.csv", 10), ("d.csv", 100000), ("e.csv", 500)):
            self.synth(name, rows)
        names = ["a.csv", "b.csv", "c.csv", "d.csv", "e.csv"]
        self.fails(NO_MEMORY, "render", *names, "-o", "out/", "--backend", "cpu", "--host-mem", "4MiB",
                   says=[f"{name}: --host-mem 4MiB is too small" for name in ("a.csv", "b.csv", "d.csv")])
        self.assertEqual(list(self.charts_in("out")), ["c.png", "e.png"])
        value = 16 << 20
        stats = self.stats(*names, "-o", "out/", "--backend", "cpu", "--size", "640x480", "--host-mem", value)
        self.assertEqual(stats["images"], len(names))
        self.check_budgets(stats, None, value)

    def read_log(self, name):
        text = (self.here / name).read_text()
        self.assertTrue(text.endswith("\n"))
        header, *lines = text.splitlines()
        self.assertEqual(header, "number,nanoseconds,operation,bytes,in_use,status")
        return [line.split(",") for line in lines]

    def test_alloc_log(self):
        self.synth("a.csv", 500)
        for backend in BACKENDS:
            stats = self.stats("a.csv", "-o", "a.png", "--backend", backend, "--alloc-log", "log.csv")
            lines = self.read_log("log.csv")
            self.assertGreater(len(lines), 2)
            held = {"host": 0, "slab": 0, "pool": 0}
            peak = dict(held)
            number = 0
            for n, nanoseconds, what, size, in_use, status in lines:
                self.assertGreater(int(n), number)
                number = int(n)
                self.assertGreaterEqual(int(nanoseconds), 0)
                self.assertEqual(status, "TLW_OK")
                kind, verb = what.split("_")
                held[kind] += int(size) if verb in ("alloc", "open") else -int(size)
                peak[kind] = max(peak[kind], int(in_use))
                self.assertGreaterEqual(held[kind], 0, what)
            self.assertEqual(held, {"host": 0, "slab": 0, "pool": 0}, "all is given back")
            (engine,) = stats["engines"]
            self.assertLessEqual(peak["host"], engine["host_bytes"]["peak"])
            self.assertEqual(peak["pool"], engine["pool_bytes"]["peak"])
        self.fails(CANT_CREATE, "render", "a.csv", "-o", "b.png", "--alloc-log", "missing/log.csv", says="missing/log")
        self.assertNotIn("b.png", self.files())


class SeveralDevices(Case):
    def setUp(self):
        super().setUp()
        self.need_software_cuda()
        self.env = {"SOFTCUDA": "devices=3"}

    def charts(self, *args, **options):
        self.run_tallow("render", *args, "-o", "out/", **options)
        charts = {p.name: p.read_bytes() for p in (self.here / "out").iterdir()}
        shutil.rmtree(self.here / "out")
        return charts

    def test_same_bytes(self):
        names = [f"{i}.csv" for i in range(7)]
        for i, name in enumerate(names):
            self.synth(name, 50 + 700 * i, "--seed", i)
        all_devices = ("--backend", "cuda", "--device", "all")
        for what in ((*names, "--size", "320x200"), (*names, "--window", "40", "--stride", "17", "--size", "64x48")):
            expected = self.charts(*what, "--backend", "cpu")
            self.assertEqual(expected, self.charts(*what, *all_devices, env=self.env))
            self.assertEqual(expected, self.charts(*what, *all_devices))
            tight = ("--pool", "2MiB", "--host-mem", "96MiB")
            self.assertEqual(expected, self.charts(*what, *all_devices, *tight, env=self.env))

    def test_stats(self):
        self.synth("a.csv", 4000)
        args = ("a.csv", "-o", "out", "--window", "20", "--stride", "1", "--size", "64x48", "--backend", "cuda")
        _, errors = self.run_tallow("render", *args, "--device", "ALL", "-v", "--stats", "s.json", "--alloc-log", "log",
                                    "--host-mem", "96MiB", env=self.env)
        stats = json.loads((self.here / "s.json").read_text())
        self.assertEqual(len(stats["engines"]), 3)
        self.assertEqual(sum(e["charts"] for e in stats["engines"]), 3981)
        self.assertLessEqual(stats["row_bytes"] + sum(e["host_bytes"]["peak"] for e in stats["engines"]), 96 << 20)
        self.assertEqual([n for n in self.files() if n.startswith("log")], ["log.0", "log.1", "log.2"])
        self.assertRegex(errors, r"(?m)^tallow: a\.csv: 3981 windows of 20 candles, 64x48, .* on 3 devices$")
        self.run_tallow("render", "a.csv", "-o", "a.png", "--backend", "cuda", "--device", "all", "--alloc-log", "one",
                        "--stats", "s.json")
        self.assertEqual(len(json.loads((self.here / "s.json").read_text())["engines"]), 1)
        self.assertIn("one", self.files())

    def test_no_device(self):
        self.synth("a.csv")
        self.fails(UNAVAILABLE, "render", "a.csv", "-o", "a.png", "--backend", "cuda", "--device", "all",
                   says="cuda has no device that can be used", env={"SOFTCUDA": "devices=0"})


class Signals(Case):
    """A signal ends the command with its code; what is in the folder by then is whole."""

    def begin(self, *args, **options):
        env = {**os.environ, "XDG_CACHE_HOME": str(self.cache)}
        child = subprocess.Popen([BIN, *map(str, args)], cwd=self.here, env=env, stderr=subprocess.PIPE, **options)
        self.addCleanup(self.close, child)
        return child

    @staticmethod
    def close(child):
        child.kill()
        child.wait()
        for file in filter(None, (child.stdin, child.stdout, child.stderr)):
            file.close()

    def end(self, child, number):
        """It must have been stopped in order; the number of charts that it tells."""
        errors = child.stderr.read().decode()
        self.assertEqual(child.wait(timeout=600), STOPPED, errors)
        says = re.search(rf"stopped by {signal.Signals(number).name}: (\d+) charts? (?:is|are) written", errors)
        self.assertTrue(says, errors)
        return int(says.group(1))

    def wait_for_charts(self, child, count):
        """Until so many charts are there; the command must still be at work then."""
        folder = self.here / "out"
        while not folder.exists() or sum(n.endswith(".png") for n in os.listdir(folder)) < count:
            self.assertIsNone(child.poll())

    def check_charts(self):
        """All are whole, none is missing, and there is nothing else."""
        names = list(self.charts_in("out"))
        self.assertEqual(names, [f"a_{i:06d}.png" for i in range(len(names))])
        (manifest,) = set(os.listdir(self.here / "out")) - set(names)
        self.assertTrue(manifest.startswith("manifest.jsonl"), manifest)
        for name in {*names[:3], *names[-5:]}:
            Png((self.here / "out" / name).read_bytes())
        return len(names)

    def test_while_drawing(self):
        self.synth("a.csv", 100000)
        for number in (signal.SIGINT, signal.SIGTERM):
            for backend in BACKENDS:
                child = self.begin("render", "a.csv", "-o", "out", "--window", 200, "--stride", 1, "--size", "128x96",
                                   "--backend", backend, "--stats", "stats.json")
                self.wait_for_charts(child, 20)
                child.send_signal(number)
                told = self.end(child, number)
                count = self.check_charts()
                stats = json.loads((self.here / "stats.json").read_text())
                self.assertEqual((stats["exit_code"], stats["images"], told), (STOPPED, count, count))
                self.assertLess(count, 99801)
                self.assertEqual(set(self.files()) - {f"out/{n}" for n in os.listdir(self.here / "out")},
                                 {"a.csv", "stats.json"})
                shutil.rmtree(self.here / "out")

    def test_twice(self):
        self.synth("a.csv", 100000)
        child = self.begin("render", "a.csv", "-o", "out", "--window", 200, "--stride", 1, "--backend", "cpu")
        self.wait_for_charts(child, 5)
        for _ in range(3):
            child.send_signal(signal.SIGINT)
        child.stderr.read()
        self.assertIn(child.wait(timeout=600), (INTERRUPTED, STOPPED))
        self.check_charts()

    def test_while_waiting_for_input(self):
        """Nothing comes, neither from standard input nor from a pipe with a name; nor is one opened by a writer."""
        os.mkfifo(self.here / "fifo")
        for more in ((), ("--window", "5")):
            for name in ("-", "fifo"):
                for head in (b"", HEADER.encode()):
                    child = self.begin("render", name, "-o", "out/", "--stats", "stats.json", "-v", *more,
                                       stdin=subprocess.PIPE)
                    line = child.stderr.readline()
                    while not line.startswith(b"tallow: using"):
                        line = child.stderr.readline()
                    if name == "-":
                        child.stdin.write(head)
                        child.stdin.flush()
                    child.send_signal(signal.SIGINT)
                    self.assertEqual(self.end(child, signal.SIGINT), 0)
                    stats = json.loads((self.here / "stats.json").read_text())
                    self.assertEqual((stats["exit_code"], stats["images"]), (STOPPED, 0))
                    os.remove(self.here / "stats.json")
        self.assertEqual(self.files(), [])

    def test_while_standard_output_is_stuck(self):
        self.synth("a.csv", 100000, "--shape", "jumps")
        child = self.begin("render", "a.csv", "-o", "-", "--size", "16000x2000", stdout=subprocess.PIPE)
        self.assertEqual(child.stdout.read(8), b"\x89PNG\r\n\x1a\n")
        child.send_signal(signal.SIGTERM)
        self.end(child, signal.SIGTERM)

    def test_many_files(self):
        text = self.synth("a.csv", 1000)
        names = [f"in/{i:04d}.csv" for i in range(2000)]
        for name in names:
            self.write(name, text)
        child = self.begin("render", *names, "-o", "out")
        self.wait_for_charts(child, 5)
        child.send_signal(signal.SIGINT)
        told = self.end(child, signal.SIGINT)
        charts = self.charts_in("out")
        self.assertEqual(list(charts), [f"{i:04d}.png" for i in range(told)])
        self.assertLess(len(charts), len(names))
        self.assertEqual(len(set(charts.values())), 1)

    def test_ignored(self):
        """A signal that the caller ignores stays ignored."""
        self.synth("a.csv", 2000)
        child = self.begin("render", "a.csv", "-o", "out", "--window", 50, "--stride", 1, "--size", "64x48",
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        self.wait_for_charts(child, 1)
        child.send_signal(signal.SIGINT)
        self.assertEqual((child.stderr.read(), child.wait(timeout=600)), (b"", 0))
        self.assertEqual(self.check_charts(), 1951)


class StoppedBench(Case):
    """What was measured when a signal comes is shown and kept, but not in the history."""

    begin, close = Signals.begin, staticmethod(Signals.close)

    ARGS = ("bench", "window/mean/20", "window/std/20", "--rows", 1000, "--threads", 1, "--backend", "cpu", "--json",
            "run.json", "--save", "--history", "history")

    def stop(self, numbers, seconds):
        """Once it has measured for a while: rounds take turns, 16 of each line."""
        child = self.begin(*self.ARGS, "--time", f"{seconds}s", stdout=subprocess.PIPE)
        self.assertRegex(child.stderr.readline(), rb"^tallow: 2 lines, about ")
        begun = used(child)
        while child.poll() is None and used(child) < begun + 1:
            time.sleep(0.01)
        for number in numbers:
            child.send_signal(number)
            wait_until_taken(child, number)
        out, _ = child.communicate(timeout=600)
        self.assertFalse((self.here / "history").exists())
        return child.returncode, out.decode()

    def test_once(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            code, out = self.stop([number], 16)
            self.assertEqual(code, 128 + number)
            measured = int(re.search(r"\ninterrupted: ([12]) of 2 lines measured\n$", out)[1])
            run = json.loads((self.here / "run.json").read_text())
            names = {b["run_name"] for b in run["benchmarks"]}
            self.assertEqual(len(names), measured)
            self.assertEqual(sum(line.startswith("window/") for line in out.splitlines()), measured)
            self.assertEqual(self.files(), ["run.json"])
            (self.here / "run.json").unlink()

    def test_a_history_that_can_not_be(self):
        """Refused ahead of the measuring."""
        self.write("file", "")
        for folder in ("file", "file/deep"):
            self.fails(CANT_CREATE, "bench", "window", "--time", "1h", "--save", "--history", folder,
                       says=f"--save: a run can't be written into {folder}: Not a directory")

    def test_twice(self):
        """In the midst of a turn that would take minutes."""
        code, out = self.stop([signal.SIGINT, signal.SIGINT], 3600)
        self.assertEqual((code, self.files()), (INTERRUPTED, []))
        self.assertNotIn("interrupted", out)


class Devices(Case):
    KEYS = {"backend": str, "name": str, "uuid": str, "driver": str, "memory_bytes": int, "compute_units": int,
            "reason": str, "usable": bool, "checked": bool, "automatic": bool, "auto_choice": bool}

    def read(self, *args):
        out, errors = self.run_tallow("devices", "--json", *args)
        self.assertEqual(errors, "")
        return json.loads(out)

    def test_json(self):
        devices = self.read()
        self.assertEqual({d["backend"] for d in devices}, {"cuda", "opencl", "cpu"})
        for d in devices:
            for key, kind in self.KEYS.items():
                self.assertIs(type(d[key]), kind, key)
            self.assertEqual(set(d), {*self.KEYS, "index"})
            self.assertFalse(d["checked"])
            self.assertTrue(d["index"] is None or d["index"] >= 0)
            self.assertTrue(d["usable"] or d["reason"])
            self.assertTrue(d["index"] is not None or not d["usable"])
        (cpu,) = (d for d in devices if d["backend"] == "cpu")
        self.assertTrue(cpu["usable"] and cpu["automatic"] and cpu["compute_units"] >= 1)
        choices = [i for i, d in enumerate(devices) if d["auto_choice"]]
        self.assertEqual(choices, [min(i for i, d in enumerate(devices) if d["usable"] and d["automatic"])])

    def test_check(self):
        devices = self.read("--check")
        self.assertTrue(all(d["checked"] for d in devices))
        for backend in BACKENDS:
            self.assertTrue(any(d["usable"] for d in devices if d["backend"] == backend), backend)

    def test_table(self):
        text, errors = self.run_tallow("devices")
        self.assertEqual(errors, "")
        lines = text.decode().splitlines()
        self.assertEqual(sum("auto takes this" in line for line in lines), 1)
        for d in self.read():
            index = "-" if d["index"] is None else str(d["index"])
            self.assertTrue(any(line.split()[:2] == [d["backend"], index] for line in lines), d)
            if d["reason"]:
                self.assertTrue(any(d["reason"] in line for line in lines), d)
        self.run_tallow("devices", "--check")

    def test_nothing_usable(self):
        env = {"TALLOW_CPU_TIER": "sse9", "OCL_ICD_VENDORS": "/nowhere", "OCL_ICD_FILENAMES": "", "LD_LIBRARY_PATH": ""}
        done = self.start(("devices", "--json"), env, capture_output=True)
        devices = json.loads(done.stdout)
        (cpu,) = (d for d in devices if d["backend"] == "cpu")
        self.assertFalse(cpu["usable"])
        self.assertIn("sse9", cpu["reason"])
        usable = any(d["usable"] for d in devices)
        self.assertEqual(done.returncode, 0 if usable else UNAVAILABLE)
        says = b"tallow: no device can be used; the reasons are in the list\n"
        self.assertEqual(done.stderr, b"" if usable else says)
        table = self.start(("devices",), env, capture_output=True)
        self.assertEqual((table.returncode, table.stderr), (done.returncode, done.stderr))
        self.assertIn(b"refused: ", table.stdout)

    def test_auto_takes_the_choice(self):
        self.synth("a.csv")
        (choice,) = (d for d in self.read() if d["auto_choice"])
        _, errors = self.run_tallow("render", "a.csv", "-o", "a.png", "-v")
        self.assertIn(f"using {choice['backend']}: {choice['name']}", errors)

    def test_device_by_name(self):
        self.synth("a.csv")
        for d in self.read("--check"):
            if d["usable"] and d["backend"] != "cpu":
                for name in filter(None, (str(d["index"]), d["uuid"])):
                    self.run_tallow("render", "a.csv", "-o", "a.png", "--backend", d["backend"], "--device", name)

    def test_lost_device(self):
        """What a lost device leaves undone is said; what was done stays."""
        self.need_software_cuda()
        names = ["a.csv", "b.csv", "c.csv"]
        for name in names:
            self.synth(name)
        args = ("render", *names, "-o", "charts", "--backend", "cuda")
        self.run_tallow(*args)  # so that the self-test is done
        expected = (self.here / "charts/a.png").read_bytes()
        shutil.rmtree(self.here / "charts")
        left = []
        for launch in range(1, 100):
            env = {"SOFTCUDA": f"sticky=cuLaunchKernel:{launch}:CUDA_ERROR_LAUNCH_FAILED"}
            done = self.start(args, env, stderr=subprocess.PIPE)
            charts = self.charts_in("charts") if (self.here / "charts").exists() else {}
            self.assertEqual(list(charts), ["a.png", "b.png", "c.png"][: len(charts)])
            self.assertTrue(all(chart == expected for chart in charts.values()))
            shutil.rmtree(self.here / "charts", ignore_errors=True)
            if done.returncode == 0:
                break
            self.assertEqual(done.returncode, UNAVAILABLE)
            failed, *rest = done.stderr.decode().splitlines()
            self.assertTrue(failed.startswith(f"tallow: {names[len(charts)]}: CUDA could not"), failed)
            left.append(2 - len(charts))
            says = [f"tallow: {left[-1]} of 3 files were not tried, for the device is lost"] if left[-1] else []
            done_are = "1 chart is" if len(charts) == 1 else f"{len(charts)} charts are"
            says.append(f"tallow: {done_are} written; run the same command with --resume to go on")
            self.assertEqual(rest, says)
        self.assertEqual((len(charts), left[0]), (3, 2))

    def test_lost_within_a_chart(self):
        """A chart of which a part was written is taken back, and the folders that were made for it."""
        self.need_software_cuda()
        self.synth("a.csv", 300)
        args = ["render", "a.csv", "-o", "new/deep/", "--backend", "cuda", "--size", "2000x16000", "--pool", "16MiB"]
        for launch in range(1, 100):
            env = {"SOFTCUDA": f"sticky=cuLaunchKernel:{launch}:CUDA_ERROR_LAUNCH_FAILED"}
            done = self.start(args, env, stderr=subprocess.PIPE)
            if done.returncode == 0:
                break
            self.assertEqual((done.returncode, os.listdir(self.here)), (UNAVAILABLE, ["a.csv"]), launch)
        self.assertGreater(launch, 2)
        self.assertEqual(self.files(), ["a.csv", "new/deep/a.png", "new/deep/manifest.jsonl"])

    def test_unavailable(self):
        self.synth("a.csv")
        usable = {d["backend"] for d in self.read("--check") if d["usable"]}
        for backend in ("cuda", "opencl"):
            if backend not in usable:
                says = (backend, ": ")
                self.fails(UNAVAILABLE, "render", "a.csv", "-o", "a.png", "--backend", backend, says=says)
            self.fails(UNAVAILABLE, "render", "a.csv", "-o", "a.png", "--backend", backend, "--device", "999",
                       says=backend)
        self.assertEqual(self.files(), ["a.csv"])


class RealData(Case):
    FILES = {
        "aapl_daily_20040819_20180120.csv": 3379,
        "goog_daily_20040819_20180120.csv": 3379,
        "intc_daily_19950101_20040412.csv": 2335,
        "sp500_minute_201911.csv": 1563,
        "btcperp_minute_202201.csv.gz": 45031,
    }

    def setUp(self):
        super().setUp()
        if not DATA.is_dir():
            notes.append(f"SKIPPED: the tests on real data, for {DATA} is not there (set TALLOW_DATA)")
            self.skipTest("no real data")

    def test_candles(self):
        paths = [DATA / name for name in self.FILES]
        for backend in BACKENDS:
            out = self.here / backend
            _, errors = self.run_tallow("render", *paths, "-v", "-o", out, "--backend", backend)
            for name, rows in self.FILES.items():
                chart = out / (name.split(".")[0] + ".png")
                self.assertIn(f"{chart}: {rows} candles", errors)
                self.assertEqual(chart.read_bytes(), (self.here / BACKENDS[0] / chart.name).read_bytes())
                if backend == BACKENDS[0]:
                    png = Png(chart.read_bytes())
                    self.assertGreater(min(png.count(UP), png.count(DOWN)), 1000)

    def test_refused(self):
        spy = DATA / "spy_daily_20080101_20180101.csv"
        says = f"{spy}: 2 rows have an open or close outside low to high, the first at line 1808: their high and low"
        _, errors = self.run_tallow("render", spy, "-o", "a.png")
        self.assertIn(says, errors)
        self.fails(BAD_DATA, "render", spy, "-o", "a.png", "--outside", "error", says=f"{spy}:1808: open 209.419998")
        for name in ("btcusdt_trades_20240808.csv.gz", "spy_trades_20131008.csv.gz"):
            self.fails(BAD_DATA, "render", DATA / name, "-o", "a.png", says=(name, "no column for open, high, low"))

    def test_selection(self):
        aapl = DATA / "aapl_daily_20040819_20180120.csv"
        _, errors = self.run_tallow("render", aapl, "-v", "-o", "a.png", "--from", "2017-01-01", "--to", "2018-01-01")
        self.assertIn("a.png: 251 candles", errors)
        self.fails(BAD_DATA, "render", aapl, "-o", "b.png", "--from", "2018-02-01",
                   says="3379 candles, from 2004-08-19T00:00:00Z to 2018-01-19T00:00:00Z")


def main():
    if not BIN or not os.access(BIN, os.X_OK):
        sys.exit("TALLOW_BIN must name the tallow executable")
    result = unittest.main(exit=False).result
    for note in dict.fromkeys(notes):
        print(note)
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
