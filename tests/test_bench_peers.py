"""bench/peers: what it refuses, what can't be installed, its statistics and inputs, what a run prints and writes.

No peer and no network is needed: peers that are planted take the places of the real ones, and pip finds nothing.
"""
import importlib.util
import io
import json
import math
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

BUILD = Path(os.environ.get("TALLOW_BUILD", "build/dev"))
PEERS = Path(__file__).resolve().parents[1] / "bench" / "peers"
TALLOW, WRITER = BUILD / "tools" / "tallow", BUILD / "bench" / "write_inputs"
DIFFERENT, USAGE, NO_INPUT, UNAVAILABLE, FAULT, CANT_CREATE, IO_ERROR = 1, 64, 66, 69, 70, 73, 74
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""}
SCRATCH = ("/dev/shm", tempfile.gettempdir())
TIMEOUT = 1500

sys.dont_write_bytecode = True
sys.path.insert(0, str(PEERS))

import cases  # noqa: E402
import estimates  # noqa: E402
import libraries  # noqa: E402
import report  # noqa: E402
import turns  # noqa: E402

_place = importlib.util.spec_from_file_location("peers_main", PEERS / "__main__.py")
main = importlib.util.module_from_spec(_place)
_place.loader.exec_module(main)

# Peers of two cases, each with a way of its own.
FAKES = '''"""Made up: nothing is done."""
import os, time
from cases import Case

def list_cases(rows):
    peers = {name: name.capitalize() for name in ("right", "wrong", "unsure", "breaks", "dies", "absent")}
    one = Case("window/mean/20", "fakes", peers, ["columns", rows], rows, "rows", {"size": rows}, True)
    size = Case("window/mean/200", "fakes", {"right": "Right"}, ["columns", rows], rows + 1, "rows", {"size": rows})
    command = Case("command/synth", "fakes", {"right": "Right"}, ["columns", rows], rows, "rows", {"size": rows},
                   True, ["synth", "candles", "--rows", "10", "-o", "made.csv"])
    return [one, size, command]

class Right:
    by, settings = "sleep", "a nap"
    def __init__(self, surroundings, size):
        self.items = size // 2
        assert os.path.getsize(surroundings.path("column-0.f64")) == 8 * size
        print("a library's noise")
    def call(self):
        time.sleep(0.001)
    def check(self):
        return True, "equal"

class Wrong(Right):
    def check(self):
        return False, "3 apart"

class Unsure(Right):
    def check(self):
        return None, "not checked"

class Breaks(Right):
    def call(self):
        raise ValueError("a bad day")

class Dies(Right):
    def check(self):
        os._exit(3)
'''

# The Python of an environment whose pip finds nothing, and a library that is there.
PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m pip" ]; then
  for name; do :; done
  echo "WARNING: nothing is reached" >&2
  echo "ERROR: No matching distribution found for $name" >&2
  exit 1
fi
PYTHONPATH={fakes} exec {python} "$@"
"""
METADATA = "Metadata-Version: 2.1\nName: planted\nVersion: 9.8.7\n"

RUNNER = """import runpy, sys
sys.dont_write_bytecode = True
sys.path[:0] = [{peers!r}, {fakes!r}]
import cases, libraries
cases.KINDS = ["fakes"]
libraries.PEERS = {{name: (["planted"], 1) for name in ("right", "wrong", "unsure", "breaks", "dies")}}
libraries.PEERS["absent"] = (["planted", "nowhere"], 1)
sys.argv[0] = "bench/peers"
runpy.run_path({peers!r} + "/__main__.py", run_name="__main__")
"""


def plant_program(path, text):
    path.write_text(text)
    path.chmod(0o755)


class Case(unittest.TestCase):
    def setUp(self):
        self.here = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.here)

    def start(self, *args, program=PEERS):
        variables = {**os.environ, **OFFLINE, "PYTHONDONTWRITEBYTECODE": "1", "XDG_CACHE_HOME": str(self.here)}
        return subprocess.run([sys.executable, program, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=TIMEOUT, env=variables)

    def fails(self, code, *args, says, **kept):
        done = self.start(*args, **kept)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        self.assertIn(says, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        return done


class Usage(Case):
    def test_what_is_refused(self):
        self.fails(USAGE, "--peers", "polars,pindas", says="no peer 'pindas'")
        self.fails(USAGE, "--peers", ",", says="--peers names none")
        self.fails(USAGE, "window/mode", says="no case is called 'window/mode'")
        self.fails(USAGE, "window", "--peers", "mplfinance", says="mplfinance can do nothing of what was asked for")
        self.fails(USAGE, "--clock", "processor", "--threads", "2", says="for one thread")
        for option, value in (("--rounds", "0"), ("--time", "-1"), ("--rows", "x"), ("--threads", "1e99")):
            self.fails(USAGE, f"{option}={value}", says=option)
        self.fails(USAGE, "--nonsense", says="--nonsense")

    def test_programs_that_are_missing(self):
        done = self.fails(NO_INPUT, "--build", self.here, says="--build")
        self.assertIn("tools/tallow is missing", done.stderr)

    def test_output_that_can_not_be_made(self):
        """It is told before anything is installed or measured."""
        self.fails(CANT_CREATE, "--build", BUILD, "-o", self.here / "no" / "run.json", says="can't be made")
        self.assertEqual(list(self.here.iterdir()), [])

    def test_output_that_is_no_file(self):
        (self.here / "folder").mkdir()
        for name in ("folder", "folder/", "new/", ""):
            self.fails(CANT_CREATE, "--build", BUILD, "-o", f"{self.here}/{name}" if name else "",
                       says="is no name of a file")
        self.assertEqual([path.name for path in self.here.rglob("*")], ["folder"])

    def test_reader_that_has_gone(self):
        with subprocess.Popen([sys.executable, PEERS, "--list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}) as process:
            process.stdout.close()
            said = process.stderr.read()
            self.assertEqual((process.wait(timeout=TIMEOUT), said), (IO_ERROR, ""))

    def test_folder_that_is_no_environment(self):
        """Not even one with a Python, such as that of the system."""
        (self.here / "bin").mkdir()
        (self.here / "bin" / "python").symlink_to(sys.executable)
        self.fails(UNAVAILABLE, "--build", BUILD, "--venv", self.here, says="is not empty and no virtual environment")
        self.assertEqual([path.name for path in self.here.iterdir()], ["bin"])

    def test_list(self):
        done = self.start("--list")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = {line.split()[0]: line for line in done.stdout.splitlines()}
        self.assertIn("usual", lines["window/mean/20"])
        self.assertNotIn("usual", lines["window/mean/200"])
        self.assertIn("polars", lines["window/mean/20"])
        some = self.start("--list", "csv", "--peers", "duckdb", "--rows", "77").stdout
        self.assertEqual({line.split()[-1] for line in some.splitlines()}, {"duckdb"})
        self.assertIn("csv/iso/77/table", some)


# A Python that makes what the module venv would, or says why not.
MAKER = """#!/bin/sh
[ "$1 $2" = "-m venv" ] || exit 9
if [ -e {here}/refuses ]; then
  echo "first line" >&2
  echo "ensurepip is not available" >&2
  exit 1
fi
mkdir -p "$3/bin" && touch "$3/pyvenv.cfg" && cp {here}/python "$3/bin/python" && echo "$3" >> {here}/made
"""


class Environments(Case):
    """Folders that are made, and what pip says in them."""

    def setUp(self):
        super().setUp()
        plant_program(self.here / "python", PYTHON.format(fakes=self.here, python=sys.executable))
        plant_program(self.here / "maker", MAKER.format(here=self.here))
        patch = unittest.mock.patch.object(libraries.sys, "executable", str(self.here / "maker"))
        patch.start()
        self.addCleanup(patch.stop)

    def test_is_made_once(self):
        for _ in range(2):
            libraries.Environment(self.here / "new").make()
        self.assertEqual((self.here / "made").read_text(), f"{self.here}/new\n")

    def test_reason_why_it_can_not_be_made(self):
        (self.here / "refuses").touch()
        with self.assertRaisesRegex(libraries.NoEnvironment, "-m venv .* fails: ensurepip is not available"):
            libraries.Environment(self.here / "new").make()

    def test_one_that_does_not_run(self):
        environment = libraries.Environment(self.here / "new")
        environment.make()
        environment.python.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
        with self.assertRaisesRegex(libraries.NoEnvironment, "does not run: broken; remove"):
            environment.install(["planted"], str)

    def test_one_whose_making_was_interrupted(self):
        """No peer is called missing for that."""
        environment = libraries.Environment(self.here / "new")
        environment.make()
        for says in ("/bin/python: No module named pip", "ModuleNotFoundError: No module named 'pip._internal'"):
            plant_program(environment.python, f'#!/bin/sh\n[ "$1" = -c ] || {{ echo "{says}" >&2; exit 1; }}\n')
            with self.assertRaisesRegex(libraries.NoEnvironment, "new is half a virtual environment.*: remove it"):
                environment.install(["planted"], str)
        self.assertEqual(environment.missing, {})
        environment.python.unlink()
        with self.assertRaisesRegex(libraries.NoEnvironment, "new is half a virtual environment: remove it"):
            libraries.Environment(self.here / "new").make()

    def test_what_can_not_be_installed(self):
        (self.here / "planted-9.8.7.dist-info").mkdir()
        (self.here / "planted-9.8.7.dist-info" / "METADATA").write_text(METADATA)
        environment, said = libraries.Environment(self.here / "new"), []
        environment.make()
        environment.install(["planted", "polars", "numpy"], said.append)
        self.assertEqual(environment.versions, {"planted": "9.8.7"})
        self.assertEqual(len(said), 2)
        reason = "No matching distribution found for"
        self.assertEqual(environment.why_not("polars"), f"polars: {reason} polars; numpy: {reason} numpy")
        self.assertEqual(environment.why_not("bottleneck"), f"numpy: {reason} numpy")


class Statistics(unittest.TestCase):
    def repetitions(self, seconds, spoiled=()):
        return [estimates.Repetition(i, s, s, 1, estimates.SWITCHED if i in spoiled else 0)
                for i, s in enumerate(seconds)]

    def test_estimate_by_hand(self):
        values = [1.0, 2.0, 4.0]  # logarithms log 2 apart, whose neighbours vary against each other
        found = estimates.estimate(values)
        reach = 4.3027 * math.log(2) * math.sqrt(math.pi / 2 / 3 * 1.3 / 0.7)
        self.assertAlmostEqual(found.value, 2)
        self.assertAlmostEqual(found.low, 2 / math.exp(reach))
        self.assertAlmostEqual(found.high, 2 * math.exp(reach))

    def test_neighbours_that_are_alike(self):
        """Ten values that rise by a hundredth: the correlation of neighbours, 0.7, becomes 4 / 3 and then the most."""
        found = estimates.estimate([math.exp(0.01 * i) for i in range(10)])
        factor = (1 + 0.8) / (1 - 0.8)
        reach = 3.1824 * 0.01 * math.sqrt(math.pi / 2 * 82.5 / 9 / 10 * factor)
        self.assertAlmostEqual(math.log(found.high / found.value), reach, places=6)

    def test_few_values_have_no_interval(self):
        found = estimates.estimate([1.0, 3.0])
        self.assertEqual((found.value, found.low, found.is_known), (2, 0, False))

    def test_students_t(self):
        for freedom, t in ((1, 12.7062), (2, 4.3027), (10, 2.2281), (30, 2.0423), (120, 1.9799)):
            self.assertAlmostEqual(estimates.student(freedom), t, delta=3e-3)
        self.assertAlmostEqual(estimates.student(1.5), (12.7062 + 4.3027) / 2)

    def test_spoiled_ones_are_left_out(self):
        few = self.repetitions([1, 1.01, 1.02, 5], spoiled={3})
        self.assertAlmostEqual(estimates.time_of(few).value, 1.01)
        most = self.repetitions([1, 2, 3, 4], spoiled={0, 1})  # too many to do without
        self.assertAlmostEqual(estimates.time_of(most).value, 2.5)

    def test_slow_ones_are_marked(self):
        some = self.repetitions([1, 1.05, 1.2, 1.01])
        self.assertEqual(estimates.mark_slow(some), 1)
        self.assertEqual([r.spoiled for r in some], [0, 0, estimates.SLOW, 0])
        some[2].seconds = 1
        self.assertEqual(estimates.mark_slow(some), 0)
        self.assertEqual(estimates.mark_slow([]), 0)

    def test_ratios_go_round_by_round(self):
        """A machine that becomes slower in the middle changes both alike."""
        ours, theirs = self.repetitions([1, 1, 8, 8, 8]), self.repetitions([2, 2, 16, 16, 16])
        found = estimates.ratio_of_turns(theirs, ours)
        self.assertAlmostEqual(found.value, 2)
        self.assertAlmostEqual(found.high / found.low, 1)
        for r in theirs[2:]:
            r.round += 10  # too few rounds in common to take that out
        apart = estimates.ratio_of_turns(theirs, ours)
        self.assertEqual(apart.value, 2)
        self.assertGreater(apart.high / apart.low, 4)
        self.assertFalse(estimates.ratio_of_turns(theirs[:2], ours).is_known)

    def test_slow_ones_widen(self):
        few = self.repetitions([1, 1.01, 1.02, 1.01, 1])
        more = few + [estimates.Repetition(5, 1.3, 1.3, 1, estimates.SLOW)]
        narrow, wide = estimates.time_of(few), estimates.time_of(more)
        self.assertEqual(narrow.value, wide.value)
        self.assertGreater(wide.high, narrow.high)
        self.assertLess(wide.low, narrow.low)

    def test_spoiled_rounds_are_no_pairs(self):
        ours, theirs = self.repetitions([1, 1, 1, 1], spoiled={0}), self.repetitions([9, 2, 2, 2])
        self.assertAlmostEqual(estimates.ratio_of_turns(theirs, ours).value, 2)
        self.assertAlmostEqual(estimates.ratio_of_turns(theirs, ours).low, 2)

    def test_same_as_tallow_bench(self):
        """Its intervals are those of 'tallow bench' from the same repetitions."""
        quick = ["--rows", "1000", "--time", "60ms", "--json", "-"]
        command = [TALLOW, "bench", "window/mean/20", "window/std/20", *quick]
        entries = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["benchmarks"]
        medians = [entry for entry in entries if entry.get("aggregate_name") == "median"]
        self.assertGreaterEqual(len(medians), 2)
        for median in medians:
            batches = [e for e in entries if e["run_name"] == median["run_name"] and e["run_type"] == "iteration"]
            found = estimates.time_of([estimates.Repetition(i, e["real_time"], 0, 1, e.get("spoiled", 0))
                                       for i, e in enumerate(batches)])
            self.assertEqual(found.is_known, "high" in median)
            self.assertAlmostEqual(found.low, median["low"], delta=1e-6 * median["low"])
            self.assertAlmostEqual(found.high, median.get("high", math.inf), delta=1e-6 * median.get("high", 0))


class Texts(unittest.TestCase):
    def test_numbers(self):
        self.assertEqual([report.time_text(s) for s in (2.5e-9, 1.234e-5, 0.0456, 0.9999, 123.4)],
                         ["2.50 ns", "12.3 us", "45.6 ms", "1.00 s", "123 s"])
        self.assertEqual([report.rate_text(r) for r in (12.34, 4e4, 5.67e8, 9.99e9)],
                         ["12.3 ", "40.0 k ", "567 M ", "9.99 G "])
        self.assertEqual(report.times_text(estimates.Interval(2450.4, 2404, 25000)), "2,450 (2,400 to 25,000)")
        self.assertEqual(report.times_text(estimates.Interval(2.0)), "2.00 (not sure)")

    def test_reasons_of_pip(self):
        self.assertEqual(libraries.reason_of("ERROR: first\nnoise\nERROR:  last one \nhint\n"), "last one")
        self.assertEqual(libraries.reason_of("Killed\n\n"), "Killed")
        self.assertEqual(libraries.reason_of(""), "no reason given")

    def test_threads(self):
        self.assertEqual(libraries.threads_of("polars", 4), 4)
        self.assertEqual(libraries.threads_of("bottleneck", 4), 1)


class Inputs(Case):
    def write(self, *args):
        subprocess.run([WRITER, self.here, *map(str, args)], check=True)
        return sorted(path.name for path in self.here.iterdir())

    def numbers(self, name, form):
        data = (self.here / name).read_bytes()
        return struct.unpack(f"<{len(data) // 8}{form}", data)

    def test_trades_as_numbers_and_as_text(self):
        self.write("trades", 50, 20)
        columns = [self.numbers(f"{name}.i64", "q") for name in ("time", "price", "quantity")]
        self.assertEqual({len(column) for column in columns}, {50})
        lines = [line.split(",") for line in (self.here / "trades.csv").read_text().splitlines()]
        self.assertEqual(len(lines), 21)
        for i, line in enumerate(lines[1:]):
            decimals = [round(float(text) * 10**8) for text in line[1:3]]
            self.assertEqual([int(line[5]), *decimals], [column[i] for column in columns])

    def test_series_as_numbers_and_as_text(self):
        self.write("series", 30, 10)
        lines = [line.split(",") for line in (self.here / "series.csv").read_text().splitlines()]
        self.assertEqual(len(lines), 11)
        for k, name in enumerate(lines[0][1:], 1):
            column = self.numbers(f"{name}.f64", "d")
            self.assertEqual(len(column), 30)
            self.assertEqual([float(line[k]) for line in lines[1:]], list(column[:10]))

    def test_the_others(self):
        self.assertEqual(self.write("columns", 10), ["column-0.f64", "column-1.f64"])
        self.assertIn("month-first.csv", self.write("files", 5))
        self.assertEqual(len((self.here / "iso.csv").read_text().splitlines()), 6)
        self.assertIn("8.csv", self.write("charts", 5))
        self.assertNotEqual((self.here / "1.csv").read_text(), (self.here / "2.csv").read_text())

    def test_what_is_refused(self):
        for args in ("", "columns", "columns 0", "columns x", "trades 5", "trades 5 6", "no 5"):
            done = subprocess.run([WRITER, self.here, *args.split()], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr[:6]), (USAGE, "usage:"), args)
        done = subprocess.run([WRITER, self.here / "no", "columns", "5"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("can't be made", done.stderr)


class Cases(unittest.TestCase):
    def test_names_are_those_of_tallow_bench(self):
        for rows in (None, 5000):
            options = ["--rows", str(rows)] if rows else []
            listed = subprocess.run([TALLOW, "bench", "--list", *options], capture_output=True, text=True, check=True)
            names = {line.split()[0] for line in listed.stdout.splitlines() if line}
            for case in cases.list_all(rows):
                self.assertTrue(case.command or case.name in names, case.name)
                self.assertLessEqual(set(case.peers), set(libraries.PEERS))

    def test_calls_have_as_many_items(self):
        known = {case.name: case for case in cases.list_all(None)}
        names = ["window/mean/20", "window/median/200", "bars/time-1m/ohlc-volume-quote/push", "images/jkx/5/u8",
                 "images/jkx/20/u8", "images/jkx/60/u8", "csv/iso/200000/table", "files/1080p/100/csv"]
        command = [TALLOW, "bench", *names, "--backend", "cpu", "--threads", "1", "--time", "1ms", "--json", "-"]
        run = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        seen = set()
        for entry in run["benchmarks"]:
            if entry["run_type"] == "iteration":
                name = entry["run_name"].removesuffix("/cpu/threads:1")
                items = entry["items_per_second"] * entry["real_time"] * 1e-9
                self.assertAlmostEqual(items / known[name].items, 1, places=6)
                seen.add(name)
        self.assertEqual(seen, set(names))

    def test_patterns(self):
        known = cases.list_all(None)
        chosen = [case.name for case in cases.choose(known, ["window/mean/20", "bars"])]
        self.assertIn("window/mean/20", chosen)
        self.assertNotIn("window/mean/200", chosen)
        self.assertTrue(any(name.startswith("bars/") for name in chosen))
        self.assertEqual({case.kind for case in cases.choose(known, [])}, set(cases.KINDS))


class Outputs(Case):
    """Files that a run is written to."""

    def write(self, path, text="text"):
        with main.Output(str(path)) as output:
            main.write_run(str(path), output, text)

    def test_each_keeps_its_kind(self):
        """A link stays one, what is no file is written in place, and nothing else is left."""
        pipe, link, target = self.here / "pipe", self.here / "link", self.here / "target"
        os.mkfifo(pipe)
        link.symlink_to("target")
        with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
            self.write(pipe)
            self.assertEqual(reader.communicate(timeout=TIMEOUT)[0], b'"text"\n')
        for text in ("first", "again"):  # where the target is missing, and where it is there
            self.write(link, text)
            self.assertEqual(target.read_text(), f'"{text}"\n')
        self.assertTrue(link.is_symlink() and pipe.is_fifo())
        self.assertEqual({path.name for path in self.here.iterdir()}, {"pipe", "link", "target"})

    def test_what_fails_leaves_what_was_there(self):
        path = self.here / "run.json"
        path.write_text("before")
        with self.assertRaises(KeyboardInterrupt), main.Output(str(path)):
            raise KeyboardInterrupt
        with unittest.mock.patch.object(main.os, "replace", side_effect=OSError(5, "it is broken")):
            self.refuses(path, "it is broken")
        self.assertEqual([(p.name, p.read_text()) for p in self.here.iterdir()], [("run.json", "before")])

    def refuses(self, path, says, text="text"):
        with unittest.mock.patch.object(sys, "stderr", io.StringIO()) as said, self.assertRaises(SystemExit) as end:
            self.write(path, text)
        self.assertEqual(end.exception.code, IO_ERROR)
        self.assertEqual(said.getvalue(), f"bench/peers: {path} can't be written: {says}\n")

    def test_no_room(self):
        for text in ("text", "x" * 100000):
            self.refuses("/dev/full", "No space left on device", text)


class Run(Case):
    """Planted peers beside 'tallow bench'."""

    def setUp(self):
        super().setUp()
        fakes, environment = self.here / "fakes", self.here / "venv"
        for folder in (fakes / "planted-9.8.7.dist-info", environment / "bin"):
            folder.mkdir(parents=True)
        (fakes / "fakes.py").write_text(FAKES)
        (fakes / "planted-9.8.7.dist-info" / "METADATA").write_text(METADATA)
        python = environment / "bin" / "python"
        plant_program(python, PYTHON.format(fakes=fakes, python=sys.executable))
        (environment / "pyvenv.cfg").write_text("")
        self.runner = self.here / "runner.py"
        self.runner.write_text(RUNNER.format(peers=str(PEERS), fakes=str(fakes)))
        self.environment = environment

    def run_peers(self, *args):
        quick = ["--build", BUILD, "--venv", self.environment, "--rounds", "3", "--time", "0.01", "--rows", "1000"]
        return self.start(*quick, *args, program=self.runner)

    def benchmarks(self, run, name, aggregate):
        return [b for b in run["benchmarks"] if b["run_name"] == name and b.get("aggregate_name", "") == aggregate]

    def test_table_and_json(self):
        done = self.run_peers("-o", self.here / "run.json")
        self.assertEqual(done.returncode, DIFFERENT, done.stderr)
        self.assertIn("absent is left out, for pip can't install nowhere: No matching distribution found for nowhere",
                      done.stderr)
        self.assertIn("/wrong has another output: 3 apart", done.stderr)
        self.assertIn("/breaks failed: ValueError: a bad day", done.stderr)
        self.check_table(done.stdout)
        run = json.loads((self.here / "run.json").read_text())
        self.check_context(run["context"])
        self.check_rows(run)
        self.assertFalse([path for path in self.here.iterdir() if path.name.startswith("run.json.")])
        compared = subprocess.run([TALLOW, "bench", "compare", self.here / "run.json", self.here / "run.json"],
                                  capture_output=True, text=True)
        self.assertEqual(compared.returncode, 0, compared.stderr)
        self.assertIn("0 FAST, 0 SLOW", compared.stdout)

    def check_table(self, text):
        table, legend = text.split("\n\ntime ")
        lines = [line for line in table.splitlines() if line.startswith("  planted 9.8.7")]
        self.assertEqual(len(lines), 6)
        for ending, count in (("equal", 2), ("none                     3 apart", 1), ("not checked", 1)):
            self.assertEqual(sum(line.endswith(ending) for line in lines), count, table)
        self.assertIn("failed: ValueError: a bad day", table)
        self.assertIn("failed: its process ended with 3", table)
        self.assertIn("  tallow synth", table)
        self.assertIn("left out absent: nowhere: No matching distribution", legend)
        self.assertIn("Made up: nothing is done.\n  planted 9.8.7: a nap; sleep", legend)

    def check_context(self, context):
        self.assertEqual(set(context["peers"]), {"right", "wrong", "unsure", "breaks", "dies"})
        self.assertEqual(context["peers"]["right"], "planted 9.8.7")
        self.assertEqual(context["peers_missing"], {"absent": "nowhere: No matching distribution found for nowhere"})
        for name in ("fingerprint", "commit", "cpu", "tier", "clock"):
            self.assertIn(name, context)

    def check_rows(self, run):
        ours = "window/mean/20/rows:1000/cpu/threads:1"
        (median,) = self.benchmarks(run, ours, "median")
        self.assertRegex(median["output_hash"], "^[0-9a-f]{16}$")
        self.assertEqual(median["backend"], "cpu")
        self.assertNotIn("peer", median)
        for name, same in (("right", True), ("wrong", False), ("unsure", None)):
            row = f"{ours}/{name}"
            self.assertGreaterEqual(len(self.benchmarks(run, row, "")), 3)
            (median,) = self.benchmarks(run, row, "median")
            self.assertEqual((median["peer"], median["same_output"]), ("planted 9.8.7", same))
            self.assertEqual((median["peer_settings"], median["baseline"]), ("sleep; a nap", ours))
            self.assertEqual("times_as_fast" in median, same is not False)
            self.assertNotIn("speedup", median)
            # A call naps for a millisecond or more and has half of the items.
            self.assertGreaterEqual(median["best"], 2e6)
            self.assertAlmostEqual(median["items_per_second"] * math.sqrt(median["low"] * median["high"]) * 1e-9, 1000,
                                   delta=10)
            for aggregate in ("mean", "stddev", "cv"):
                self.assertEqual(len(self.benchmarks(run, row, aggregate)), 1)
        for name in ("breaks", "dies"):
            (entry,) = [b for b in run["benchmarks"] if b["run_name"] == f"{ours}/{name}"]
            self.assertTrue(entry["error_occurred"])
        command = "command/synth/rows:1000/cpu/threads:1"
        self.assertEqual(len(self.benchmarks(run, command, "median")), 1)
        (median,) = self.benchmarks(run, f"{command}/right", "median")
        self.assertEqual(median["baseline"], command)

    def test_no_peer_is_left(self):
        done = self.run_peers("--peers", "absent")
        self.assertEqual((done.returncode, done.stdout), (UNAVAILABLE, ""))
        self.assertIn("no peer is left", done.stderr)

    def test_all_is_well(self):
        done = self.run_peers("--peers", "right", "--clock", "processor", "-o", "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        run = json.loads(done.stdout)
        self.assertEqual(run["context"]["clock"], "processor")
        self.assertEqual(run["context"]["peers"], {"right": "planted 9.8.7"})

    def test_other_sizes_are_a_fault(self):
        done = self.run_peers("window/mean/200")
        self.assertEqual(done.returncode, FAULT)
        self.assertIn("a call of window/mean/200 has 1000 rows, where bench/peers/fakes.py says 1001", done.stderr)

    def test_is_stopped(self):
        """By a signal: no output, no inputs that stay behind."""
        quick = ["--build", BUILD, "--venv", self.environment, "--rows", "1000", "--time", "1000", "--peers", "right"]
        with subprocess.Popen([sys.executable, self.runner, *quick, "-o", self.here / "run.json"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            while not process.stdout.readline().startswith("case, by whom"):
                self.assertIsNone(process.poll())
            inputs = f"tallow-peers-{process.pid}-*"
            self.assertTrue([path for folder in SCRATCH for path in Path(folder).glob(inputs)])
            process.terminate()
            _, said = process.communicate(timeout=TIMEOUT)
        self.assertEqual((process.returncode, said), (130, "bench/peers: stopped\n"))
        self.assertFalse([path for path in self.here.iterdir() if path.name.startswith("run.json")])
        self.assertFalse([path for folder in SCRATCH for path in Path(folder).glob(inputs)])

    def test_slow_calls_have_few_turns(self):
        row = turns.Row("a", "b", 1, 1, "rows")
        row.add(0, [3.0, 1.0, 2.0], 2.0, 0)
        self.assertEqual(row.repetitions[0].seconds, 2)
        peer = turns.Peer.__new__(turns.Peer)
        peer.row, peer.scale = row, 1.0
        self.assertFalse(peer.is_long)
        row.add(1, [turns.LONG * 2], 1.0, 0)
        self.assertTrue(peer.is_long)
        peer.scale = 4.0
        self.assertFalse(peer.is_long)


if __name__ == "__main__":
    unittest.main()
