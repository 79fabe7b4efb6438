"""tallow bench: which cases there are, what a run says and keeps, and what comparing two of them says.

Nothing here is about how long anything takes: cases run with tiny budgets, and runs that are compared are made up.
"""
import fcntl
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BIN = os.environ.get("TALLOW_BIN", "")
BACKENDS = [b for b in os.environ.get("TALLOW_TEST_BACKENDS", "cpu").split(",") if b]
SLOWER, USAGE, BAD_DATA, NO_INPUT, NO_MEMORY, CANT_CREATE = 1, 64, 65, 66, 71, 73
SUITES = ("render", "encode", "files", "stream", "images", "window", "bars", "csv", "trades")
QUICK = ("--time", "1ms", "--rows", "1000")
AGGREGATES = ("mean", "median", "stddev", "cv")
TIMEOUT = 1500


class Case(unittest.TestCase):
    def setUp(self):
        self.here = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.here)

    def start(self, *args, env=None):
        return subprocess.run([BIN, "bench", *map(str, args)], cwd=self.here, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=TIMEOUT, env={**os.environ, **(env or {})})

    def bench(self, *args, code=0, env=None):
        done = self.start(*args, env=env)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done.stdout

    def fails(self, code, *args, says):
        done = self.start(*args)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        self.assertIn(says, done.stderr)
        self.assertEqual(done.stdout, "")

    def usable(self):
        """The backends that can be used here, of those that are tested."""
        done = subprocess.run([BIN, "devices", "--json"], capture_output=True, check=False)
        found = {d["backend"] for d in json.loads(done.stdout) if d["usable"]}
        return [b for b in ("cpu", "opencl", "cuda") if b in found and b in BACKENDS]

    def names(self, *patterns):
        lines = [line for line in self.bench("--list", *patterns).splitlines() if line and line[0] != "#"]
        return [line.split()[0] for line in lines]


class List(Case):
    def test_suites(self):
        text = self.bench("--list")
        names = self.names()
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual([s for s in SUITES if s in {n.split("/")[0] for n in names}], list(SUITES))
        self.assertEqual(text.count("# "), len(SUITES))
        usual = [line.split()[0] for line in text.splitlines() if line.endswith(" usual")]
        self.assertLess(len(usual), 25)
        for suite in ("render", "encode", "window", "bars", "csv"):
            self.assertTrue(any(n.startswith(suite + "/") for n in usual), suite)

    def test_patterns(self):
        everything = self.names()
        self.assertEqual(self.names("render"), [n for n in everything if n.startswith("render/")])
        self.assertEqual(self.names("render/1080p*"), [n for n in everything if n.startswith("render/1080p")])
        self.assertEqual(self.names("window/mean/20"), ["window/mean/20"])
        self.assertIn("window/mean/20/series", self.names("window/mean/20*"))
        self.assertEqual(self.names("bars/*/read", "window/cumsum"),
                         [n for n in everything if n == "window/cumsum" or re.fullmatch("bars/.*/read", n)])
        self.assertEqual(self.names("window/m[ai]?/200"), ["window/min/200", "window/max/200"])
        self.assertEqual(len(self.names("window/mean/1[0-9][0-9]")), 100)

    def test_rows_are_in_names_of_files(self):
        self.assertIn("csv/iso/5000", self.names("--rows", "5000"))
        self.assertNotIn("csv/iso/200000", self.names("--rows", "5000"))


class WrongInput(Case):
    def test_cases(self):
        self.fails(USAGE, "rendr", says="no case is called 'rendr': did you mean 'render'?")
        self.fails(USAGE, "render", "window/maen/20", says="did you mean 'window/mean/20'?")
        self.fails(USAGE, "nothing/like/it", says="'tallow bench --list' names all")
        self.fails(USAGE, "rend", says="no case is called 'rend'")

    def test_options(self):
        for args, says in ((("--time", "0s"), "--time must be"), (("--time", "fast"), "--time must be"),
                           (("--threads", "0"), "--threads"), (("--threads", "1,x"), "--threads"),
                           (("--backend", "gpu"), "--backend"), (("--backend", "auto"), "--backend"),
                           (("--rows", "0"), "--rows must be"), (("--clock", "sun"), "--clock"),
                           (("--force",), "--force is for 'tallow bench compare'"),
                           (("--fail-on-slow",), "--fail-on-slow is for 'tallow bench compare'"),
                           (("--history", "x"), "add --save"), (("--secnds", "1"), "bench has no option --secnds"),
                           (("--clock", "processor", "--threads", "2"), "--clock processor is for one thread")):
            self.fails(USAGE, "window/mean/20", *args, says=says)

    def test_cpu_alone(self):
        other = [b for b in self.usable() if b != "cpu"]
        if not other:
            self.skipTest("there is no backend but the CPU")
        self.fails(USAGE, "csv/iso", "--backend", other[0], says="runs on the CPU alone")

    def test_output_before_measuring(self):
        self.fails(CANT_CREATE, "window", "--time", "1h", "--json", "no/such/file.json", says="no/such/file.json")


class Run(Case):
    def measure(self, *args):
        self.bench(*args, "--json", "run.json")
        return json.loads((self.here / "run.json").read_text())

    def check_benchmark(self, entry):
        """What google-benchmark's tools read of an entry."""
        for name, kind in (("name", str), ("run_name", str), ("run_type", str), ("repetitions", int), ("threads", int),
                           ("iterations", int), ("real_time", (int, float)), ("cpu_time", (int, float)),
                           ("time_unit", str), ("family_index", int), ("per_family_instance_index", int)):
            self.assertIsInstance(entry[name], kind, name)
        if entry["run_type"] == "iteration":
            self.assertEqual(entry["name"], entry["run_name"])
            self.assertGreater(entry["real_time"], 0)
            self.assertGreaterEqual(entry["iterations"], 1)
            self.assertLess(entry["repetition_index"], entry["repetitions"])
        else:
            self.assertEqual(entry["run_type"], "aggregate")
            self.assertEqual(entry["name"], entry["run_name"] + "_" + entry["aggregate_name"])
            self.assertEqual(entry["aggregate_unit"], "percentage" if entry["aggregate_name"] == "cv" else "time")
        self.assertEqual(entry["time_unit"], "ns")

    def check_run(self, run):
        context = run["context"]
        for name in ("date", "host_name", "executable", "num_cpus", "mhz_per_cpu", "cpu_scaling_enabled", "caches",
                     "load_avg", "library_build_type", "commit", "compiler", "fingerprint", "tier"):
            self.assertIn(name, context)
        self.assertRegex(context["date"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertGreater(context["copy_bytes_per_second"], 0)
        by_name = {}
        for entry in run["benchmarks"]:
            self.check_benchmark(entry)
            by_name.setdefault(entry["run_name"], []).append(entry)
        for name, entries in by_name.items():
            repetitions = [e for e in entries if e["run_type"] == "iteration"]
            self.assertEqual([e["repetition_index"] for e in repetitions], list(range(len(repetitions))), name)
            self.assertEqual(len(repetitions), repetitions[0]["repetitions"])
            self.assertEqual([e["aggregate_name"] for e in entries if e["run_type"] == "aggregate"], list(AGGREGATES))
        return by_name

    def median(self, entries):
        (median,) = (e for e in entries if e.get("aggregate_name") == "median")
        return median

    def test_one_of_each_suite(self):
        cases = ("render/96p/50/batch:1024", "encode/1080p/100/fast", "files/600p/1000/csv", "stream/96p/60/whole",
                 "images/jkx/20/u8", "window/std/20", "bars/time-1m/all/push", "csv/iso/1000",
                 "trades/time-price-quantity")
        run = self.check_run(self.measure(*cases, *QUICK, "--backend", "cpu", "--threads", "1"))
        self.assertEqual(sorted(run), sorted(f"{c}/rows:1000/cpu/threads:1" for c in cases))
        for name, entries in run.items():
            median = self.median(entries)
            self.assertRegex(median["output_hash"], "^[0-9a-f]{16}$")
            self.assertGreater(median["items_per_second"], 0)
            self.assertGreater(median["cold"], 0)
            self.assertEqual(median["stage"], "memory" if name.split("/")[0] in
                             ("render", "encode", "images", "window", "bars") else "whole")
            self.assertLessEqual(median["low"], median["real_time"] * 1.001)
            self.assertIn("low", median)
            if name.startswith(("render", "files", "stream", "images", "window")):
                self.assertGreater(median["host_peak_bytes"], 0, name)

    def test_every_case(self):
        """But of windows, which are many and alike, some."""
        cases = ("render", "encode", "files", "stream", "images", "bars", "csv", "trades", "window/*/20",
                 "window/mean/2000*", "window/median/200*", "window/c*", "window/eight-outputs")
        run = self.check_run(self.measure(*cases, *QUICK, "--backend", "cpu", "--threads", "2"))
        self.assertEqual(len(run), len(set(self.names(*cases, "--rows", "1000"))))
        self.assertGreater(len(run), 270)

    def test_works_that_have_no_output(self):
        cases = ("render/96p/50/batch:1024/memset", "bars/time-1m/all/read", "csv/iso/1000/lines",
                 "csv/iso/1000/gzip/inflate", "csv/iso/1000/table", "trades/aggTrades-spot/bytes",
                 "images/jkx/5/u8/memset", "window/mean/20/update", "window/mean/20/peek", "stream/96p/60/encode",
                 "stream/96p/60/draw")
        run = self.check_run(self.measure(*cases, *QUICK, "--backend", "cpu", "--threads", "2"))
        self.assertEqual(len(run), len(cases))
        for entries in run.values():
            self.assertNotIn("output_hash", self.median(entries))

    def test_all_backends_have_the_same_output(self):
        backends = self.usable()
        # One on the software CUDA driver takes its time.
        cases = ("render/96p/50/batch:1024", "images/jkx/5/u8/left", "window/mean/20", "bars/tick-1000/ohlc/run")
        run = self.check_run(self.measure(*cases, *QUICK, "--backend", ",".join(backends), "--threads", "1,2"))
        self.assertEqual(len(run), len(cases) * (len(backends) + 1))
        for case in cases:
            rows = {n: self.median(e) for n, e in run.items() if n.startswith(case + "/")}
            self.assertEqual(len({m["output_hash"] for m in rows.values()}), 1, case)
            baseline = f"{case}/rows:1000/cpu/threads:1"
            for name, median in rows.items():
                if name == baseline:
                    self.assertNotIn("speedup", median)
                else:
                    self.assertEqual(median["baseline"], baseline)
                    self.assertEqual(median["baseline_tier"],
                                     json.loads((self.here / "run.json").read_text())["context"]["tier"])
                    self.assertAlmostEqual(median["speedup"], rows[baseline]["real_time"] / median["real_time"],
                                           delta=1e-6 * median["speedup"])
                    self.assertLessEqual(median["speedup_low"], median["speedup"])
                    self.assertGreaterEqual(median.get("speedup_high", median["speedup"]), median["speedup"])

    def test_each_way_to_read_gives_the_same(self):
        cases = self.names("csv/binance", "csv/iso/1000/gzip", "--rows", "1000")
        run = self.check_run(self.measure("csv/binance", "csv/iso/1000", *QUICK))
        medians = {n: self.median(e) for n, e in run.items()}
        for start in ("csv/binance/1000", "csv/iso/1000"):
            hashes = {m["output_hash"] for n, m in medians.items() if n.startswith(start) and "output_hash" in m}
            self.assertEqual(len(hashes), 1, start)
        self.assertGreater(len(cases), 4)

    def test_windows_in_one_call_or_more(self):
        run = self.check_run(self.measure("window/eight-outputs", "--backend", "cpu", *QUICK))
        self.assertEqual(len({self.median(e)["output_hash"] for e in run.values()}), 1)

    def test_images_that_are_left_there(self):
        run = self.check_run(self.measure("images/jkx/5/f32", "images/jkx/5/f32/left", "--backend", "cpu", *QUICK))
        self.assertEqual(len({self.median(e)["output_hash"] for e in run.values()}), 1)
        self.assertEqual([self.median(e)["stage"] for _, e in sorted(run.items(), key=lambda r: "left" in r[0])],
                         ["memory", "left"])

    def test_opencl_on_a_cpu_only_by_name(self):
        done = subprocess.run([BIN, "devices", "--json"], capture_output=True, check=False)
        found = [d for d in json.loads(done.stdout) if d["backend"] == "opencl" and d["usable"]]
        if not found or found[0]["automatic"]:
            self.skipTest("there is no OpenCL on a CPU")
        args = ("window/ema/20", *QUICK, "--threads", "1")
        text = self.bench(*args, "--json", "run.json")
        self.assertRegex(text, r"\nopencl +runs on the CPU here and was left out.*--backend cpu,opencl\n$")
        names = {b["run_name"] for b in json.loads((self.here / "run.json").read_text())["benchmarks"]}
        self.assertIn("window/ema/20/rows:1000/cpu/threads:1", names)
        self.assertNotIn("window/ema/20/rows:1000/opencl", names)
        text = self.bench(*args, "--backend", "cpu,opencl")
        self.assertRegex(text, r"(?m)^ +opencl ")
        self.assertNotIn("left out, for", text)

    def test_table(self):
        text = self.bench("window/mean/20", "window/max/20/fall", *QUICK, "--backend", "cpu", "--threads", "1,2")
        self.assertRegex(text, r"(?m)^tallow +\d+\.\d+\.\d+, commit \S+, \S+")
        self.assertRegex(text, r"(?m)^cpu +.*\d+ CPUs, tier \w+.*governor ")
        self.assertRegex(text, r"(?m)^case +on +time ")
        self.assertRegex(text, r"(?m)^window/mean/20 +cpu:1 +[\d.]+ [num]?s +[\d.?]+%?!? +[\d.]+ [num]?s +.*rows/s")
        self.assertRegex(text, r"(?m)^ +cpu:2 .*(\([\d.,e+-]+ to [\d.,e+-]+\)|\(not sure\))$")
        self.assertRegex(text, r"(?m)^speedup  over the first cpu line of the case")

    def test_json_in_place_of_the_table(self):
        self.check_run(json.loads(self.bench("window/ema/20", *QUICK, "--backend", "cpu", "--json", "-")))

    def test_a_line_that_fails(self):
        if b"__asan_init" in Path(BIN).read_bytes() or b"__tsan_init" in Path(BIN).read_bytes():
            self.skipTest("a sanitizer needs more memory than it is given here")
        limit = 1 << 30  # bytes, less than the space that charts go to
        done = subprocess.run([BIN, "bench", "render/96p/50/batch:1024", "encode/1080p/100/fast", *QUICK, "--backend",
                               "cpu", "--threads", "1", "--json", "run.json"], cwd=self.here, capture_output=True,
                              text=True, timeout=TIMEOUT, check=False,
                              env={**os.environ, "OCL_ICD_VENDORS": "/nothing"},  # PoCL starts a thread for each CPU
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        self.assertEqual(done.returncode, NO_MEMORY, done.stderr)
        self.assertIn("1 of 2 lines failed, the first because: no ", done.stderr)
        self.assertRegex(done.stdout, r"(?m)^render/96p/50/batch:1024 +cpu:1 +failed: no \d+ bytes")
        self.assertRegex(done.stdout, r"(?m)^encode/1080p/100/fast +cpu:1 +[\d.]+ ")
        failed = json.loads((self.here / "run.json").read_text())["benchmarks"][0]
        self.assertTrue(failed["error_occurred"])
        self.assertIn("bytes", failed["error_message"])
        self.assertIn("1 cases", self.bench("compare", "run.json", "run.json"))

    def test_processor_time(self):
        run = self.measure("window/ema/20", *QUICK, "--clock", "processor")
        self.assertEqual(run["context"]["clock"], "processor")
        self.assertEqual({b["threads"] for b in run["benchmarks"]}, {1})
        self.assertTrue(all("/cpu/" in b["run_name"] for b in run["benchmarks"]))


class Save(Case):
    def test_history(self):
        args = ("window/ema/20", *QUICK, "--backend", "cpu", "--threads", "1", "--save")
        self.bench(*args, env={"XDG_DATA_HOME": str(self.here / "data")})
        (saved,) = (self.here / "data/tallow/bench").iterdir()
        self.assertRegex(saved.name, r"^run-\d{8}T\d{6}Z-\d+-\S+\.json$")
        self.assertIn("benchmarks", json.loads(saved.read_text()))
        self.assertIn("0 SLOW", self.bench("compare", saved, saved))

    def test_what_killed_processes_have_left(self):
        folder = self.here / "runs"
        folder.mkdir()
        for name in (".run-123", ".run-99999999", ".run-12.json", ".run-", "mine"):
            (folder / name).write_text("{")
        with open(folder / ".run-99999999") as held:  # by one who lives
            fcntl.flock(held, fcntl.LOCK_EX)
            self.bench("window/ema/20", *QUICK, "--backend", "cpu", "--threads", "1", "--save", "--history", folder)
        names = {p.name for p in folder.iterdir() if not p.name.startswith("run-")}
        self.assertEqual(names, {".run-99999999", ".run-12.json", ".run-", "mine"})

    def test_is_bounded(self):
        folder = self.here / "runs"
        folder.mkdir()
        for i in range(230):
            (folder / f"run-20200101T000{i:03}Z-00-abc.json").write_text("{}")
        (folder / "mine.json").write_text("{}")
        (folder / "run-notes.txt").write_text("")
        self.bench("window/ema/20", *QUICK, "--backend", "cpu", "--threads", "1", "--save", "--history", folder)
        names = sorted(p.name for p in folder.iterdir())
        self.assertIn("mine.json", names)
        self.assertIn("run-notes.txt", names)
        runs = [n for n in names if n.startswith("run-") and n.endswith(".json")]
        self.assertEqual(len(runs), 200)
        self.assertEqual(runs[0], "run-20200101T000031Z-00-abc.json")
        self.assertGreater(runs[-1], "run-2026")
        self.assertEqual(len(names), 202)

    def test_no_place(self):
        (self.here / "file").write_text("")
        done = self.start("window/ema/20", *QUICK, "--backend", "cpu", "--save", "--history", "file/runs")
        self.assertEqual(done.returncode, CANT_CREATE)
        self.assertRegex(done.stderr, "file/runs(: | can't be made)")
        self.assertNotIn("window/ema/20", done.stdout)  # it is noticed before anything is measured


class Compare(Case):
    def run_of(self, name, times, fingerprint="0123", unit="ns", **context):
        """A file of a run: times of each repetition, by case; a tuple adds the hash of the output."""
        benchmarks = []
        for case, value in times.items():
            numbers, digest = value if isinstance(value, tuple) else (value, None)
            for i, number in enumerate(numbers):
                benchmarks.append({"name": case, "run_name": case, "run_type": "iteration", "repetition_index": i,
                                   "repetitions": len(numbers), "real_time": number, "cpu_time": number,
                                   "time_unit": unit})
            if digest:
                benchmarks.append({"name": case + "_median", "run_name": case, "run_type": "aggregate",
                                   "aggregate_name": "median", "real_time": numbers[0], "output_hash": digest})
        path = self.here / name
        path.write_text(json.dumps({"context": {"fingerprint": fingerprint, "cpu": "A CPU", "num_cpus": 2,
                                                "tier": "avx2", **context}, "benchmarks": benchmarks}))
        return path

    def noise(self, center, spread):
        """Sixteen numbers around the center, of which neighbours are not alike."""
        steps = (1, -0.8, 0.3, -0.2, 0.9, -1, 0.1, -0.4, 0.5, -0.6, 0.8, -0.3, 0.2, -0.9, 0.6, -0.1)
        return [center * (1 + spread * s) for s in steps]

    def verdicts(self, *args, code=0):
        text = self.bench("compare", *args, code=code)
        found = re.findall(r"(?m)^(\S+) +[\d.]+ \w+ +[\d.]+ \w+ +[\d.]+ +\(.*\) +(\w+)", text)
        return dict(found), text

    def test_each_verdict(self):
        old = self.run_of("old.json", {c: self.noise(1000, 0.001) for c in ("same", "fast", "slow")} |
                          {"doubtful": self.noise(1000, 0.1), "gone": [1] * 8})
        new = self.run_of("new.json", {"same": self.noise(1002, 0.001), "fast": self.noise(900, 0.001),
                                       "slow": self.noise(1100, 0.001), "doubtful": self.noise(1030, 0.1),
                                       "come": [1] * 8, "come2": [1] * 8})
        verdicts, text = self.verdicts(old, new)
        self.assertEqual(verdicts, {"same": "SAME", "fast": "FAST", "slow": "SLOW", "doubtful": "AMBIGUOUS"})
        self.assertIn("4 cases: 1 FAST, 1 SLOW, 1 SAME, 1 AMBIGUOUS; only before: 1, only after: 2", text)
        self.verdicts(old, new, "--fail-on-slow", code=SLOWER)
        self.verdicts(new, old, "--fail-on-slow", code=SLOWER)
        self.verdicts(old, old, "--fail-on-slow")

    def with_others(self, path, others):
        """The run, of a machine of which other programs took this share."""
        run = json.loads(path.read_text())
        for name in {b["run_name"] for b in run["benchmarks"]}:
            run["benchmarks"].append({"name": name + "_median", "run_name": name, "run_type": "aggregate", "threads": 2,
                                      "aggregate_name": "median", "real_time": 1000, "others": others})
        path.write_text(json.dumps(run))
        return path

    def test_a_run_with_itself(self):
        busy = self.with_others(self.run_of("busy.json", {"a": self.noise(1000, 0.2), "b": [1000] * 2}), 0.8)
        verdicts, text = self.verdicts(busy, busy)
        self.assertEqual(verdicts, {"a": "SAME", "b": "AMBIGUOUS"})
        self.assertNotIn("they are one measurement", text)
        whole = self.run_of("whole.json", {"a": self.noise(1000, 0.2)})
        self.assertIn("both runs have the same samples: they are one measurement", self.verdicts(whole, whole)[1])

    def test_why_nothing_can_be_told(self):
        old = self.with_others(self.run_of("old.json", {"a": self.noise(1000, 0.001)}), 0.37)
        new = self.run_of("new.json", {"a": self.noise(1003, 0.001)})
        verdicts, text = self.verdicts(old, new)
        self.assertEqual(verdicts, {"a": "AMBIGUOUS"})
        least = float(re.search(r"(?m)^a .* AMBIGUOUS below ([\d.]+)%$", text)[1])
        low, high = map(float, re.search(r"\(([\d.]+) to ([\d.]+)\)", text).groups())
        self.assertAlmostEqual(least, 100 * (1.01 * (high / low) ** 0.5 - 1), delta=1)
        self.assertIn(f"nothing can be told: changes below {least:.0f}% are too small for these runs\n", text)
        self.assertRegex(text, r"other programs took up to 37% of the CPUs during the first run and 0% during the "
                               r"second, which makes the\nintervals wide: measure on an idle machine\n")
        self.assertNotIn("longer", text)
        done = self.start("compare", old, new, "--fail-on-slow")
        self.assertEqual(done.returncode, 0)
        self.assertIn("every case is AMBIGUOUS, so that nothing could be told", done.stderr)
        self.assertEqual(self.start("compare", old, new).stderr, "")
        text = self.verdicts(self.run_of("idle.json", {"a": self.noise(1000, 0.1), "b": self.noise(1, 0.001)}),
                             self.run_of("idle2.json", {"a": self.noise(1010, 0.1), "b": self.noise(2, 0.001)}))[1]
        self.assertIn("longer runs, by --time, can tell smaller changes", text)
        self.assertNotIn("nothing can be told", text)
        self.assertNotIn("other programs", text)

    def test_units(self):
        old = self.run_of("old.json", {"a": self.noise(1000, 0.001)})
        new = self.run_of("new.json", {"a": self.noise(1, 0.001)}, unit="us")
        self.assertEqual(self.verdicts(old, new)[0], {"a": "SAME"})

    def test_spoiled_repetitions(self):
        old = self.run_of("old.json", {"a": self.noise(1000, 0.001)})
        new = self.run_of("new.json", {"a": self.noise(1000, 0.001)})
        run = json.loads(new.read_text())
        for entry in run["benchmarks"][:6]:
            entry.update(real_time=1400, spoiled=1)
        new.write_text(json.dumps(run))
        self.assertEqual(self.verdicts(old, new)[0], {"a": "SAME"})

    def test_few_repetitions(self):
        old = self.run_of("old.json", {"a": [1000, 1001]})
        self.assertEqual(self.verdicts(old, self.run_of("new.json", {"a": [2000, 2001]}))[0], {"a": "AMBIGUOUS"})

    def test_other_output(self):
        old = self.run_of("old.json", {"a": (self.noise(1000, 0.001), "00"), "b": (self.noise(1000, 0.001), "11")})
        new = self.run_of("new.json", {"a": (self.noise(1000, 0.001), "00"), "b": (self.noise(1000, 0.001), "22")})
        text = self.verdicts(old, new)[1]
        self.assertRegex(text, r"(?m)^b .*SAME +other output$")
        self.assertRegex(text, r"(?m)^a .*SAME *$")

    def test_other_machines(self):
        old = self.run_of("old.json", {"a": self.noise(1000, 0.001)})
        new = self.run_of("new.json", {"a": self.noise(1000, 0.001)}, fingerprint="4567", cpu="Another CPU")
        self.fails(BAD_DATA, "compare", old, new, says="A CPU, 2 CPUs, tier avx2; and: Another CPU, 2 CPUs")
        self.assertEqual(self.verdicts(old, new, "--force")[0], {"a": "SAME"})
        unknown = self.run_of("unknown.json", {"a": self.noise(1000, 0.001)}, fingerprint="")
        self.fails(BAD_DATA, "compare", old, unknown, says="unknown.json does not say which machine")
        by_processor = self.run_of("cpu.json", {"a": self.noise(1000, 0.001)}, clock="processor")
        self.fails(BAD_DATA, "compare", old, by_processor, "--force", says="one run has times of the processor")

    def test_runs_of_its_own(self):
        args = ("window/ema/20", "window/mean/20", *QUICK, "--backend", "cpu", "--threads", "1")
        for name in ("a.json", "b.json"):
            self.bench(*args, "--json", name)
        self.assertIn("2 cases:", self.bench("compare", "a.json", "b.json"))

    def test_bad_files(self):
        good = self.run_of("good.json", {"a": [1000] * 8})
        for text, says in (("", "is empty: no JSON"), ("[1, 2", "no JSON: the file is cut short"), ("[1 2]", "no JSON: ']'"), ("[]", 'no list "benchmarks"'), ("{}", "benchmarks"),
                           ('{"benchmarks": 3}', 'no list "benchmarks"'),
                           ('{"benchmarks": [{}]}', "a benchmark has no name"), ('{"benchmarks": [7]}', "has no name"),
                           ('{"benchmarks": [{"name": "a"}]}', "a has no real_time above 0"),
                           ('{"benchmarks": [{"name": "a", "real_time": -1}]}', "a has no real_time above 0"),
                           ('{"benchmarks": [{"name": "%s", "real_time": 1}]}' % ("a" * 500), "a name of more than")):
            (self.here / "bad.json").write_text(text)
            self.fails(BAD_DATA, "compare", good, "bad.json", says="bad.json")
            self.fails(BAD_DATA, "compare", "bad.json", good, says=says)
        self.fails(NO_INPUT, "compare", good, "none.json", says="none.json: can't open: No such file or directory: check the name")
        self.fails(BAD_DATA, "compare", good, self.run_of("other.json", {"b": [1000] * 8}), says="no case in common")

    def test_wrong_options(self):
        good = self.run_of("good.json", {"a": [1000] * 8})
        self.fails(USAGE, "compare", says="compare takes two FILEs")
        self.fails(USAGE, "compare", good, says="compare takes two FILEs")
        self.fails(USAGE, "compare", good, good, good, says="compare takes two FILEs")
        self.fails(USAGE, "compare", good, good, "--time", "1s", says="--time has no place beside 'compare'")
        self.fails(USAGE, "compare", good, good, "--save", says="--save has no place beside 'compare'")


class Scripts(Case):
    """Those of bench/ that run the command again and again."""

    FOLDER = Path(__file__).resolve().parent.parent / "bench"

    def run_script(self, name, *args):
        return subprocess.run([sys.executable, self.FOLDER / name, *map(str, args)], cwd=self.here, capture_output=True,
                              text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL)

    def test_no_command(self):
        for name, args in (("telemetry-cost", ("none/tallow",)), ("prove-verdicts", ("--tallow", "none/tallow"))):
            done = self.run_script(name, *args)
            self.assertEqual((done.returncode, done.stdout), (1, ""), name)
            self.assertRegex(done.stderr, r"^none/tallow can't be run: build the preset release, or name another .*\n$")

    def test_telemetry_cost(self):
        """Each command, by its name, with whatever times."""
        done = self.run_script("telemetry-cost", BIN, 0, "--scale", 0.001, "--most", 1e9)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for name in ("charts of 100 candles", "images of 20 bars", "windows of 20 rows", "bars of 1 minute"):
            self.assertRegex(done.stdout, rf"(?m)^{name} +[\d.]+ +[\d.]+ to [\d.]+ .* \d+ pairs$")


if __name__ == "__main__":
    if not BIN:
        sys.exit("TALLOW_BIN must name the command line")
    unittest.main()
