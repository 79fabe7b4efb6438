"""What a run tells of itself: --metrics by a strict reader of Prometheus' text format, --stats beside it, --trace in
the Trace Event Format; their numbers against what was made, whole files at any moment, and what goes wrong.

Environment: as for test_cli.py.
"""

import ast
import collections
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import test_cli
from processes import wait_until_taken
from test_cli import BACKENDS, BAD_DATA, BIN, CANT_CREATE, INTERRUPTED, IO_ERROR, NO_INPUT, STOPPED, USAGE, Case

TERMINATED = 143
TIMEOUT = 600
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[+-]Inf|NaN")
STAGES = ("prepare", "upload", "compute", "download", "encode", "deliver")
QUICK = ("--metrics", "m.prom", "--metrics-interval", "10ms")
COUNTS = ("calls", "failures", "items", "bytes")


def unescape(text):
    return re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), text)


def labels_of(text):
    """Name="value" between commas; a comma may stand behind the last."""
    found, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        if not match or match[1] in found or match[1].startswith("__"):
            raise ValueError(f"bad labels: {text}")
        found[match[1]] = unescape(match[2])
        at = match.end()
        if at < len(text) and text[at] != ",":
            raise ValueError(f"no comma: {text}")
        at += 1
    return found


class Metrics:
    """A file of metrics. Refuses what a strict reader would, and what the conventions forbid."""

    def __init__(self, data):
        self.series, self.types, self.helps = {}, {}, {}
        text = data.decode("utf-8")
        if not text.endswith("\n"):
            raise ValueError("the last line has no end")
        family = None
        for line in text[:-1].split("\n"):
            if line.startswith("# HELP "):
                family, self.helps_of = self._begin(line)
            elif line.startswith("# TYPE "):
                self._set_type(line, family)
            else:
                self._add(line, family)
        for name in self.types:
            if not any(key[0] == name for key in self.series):
                raise ValueError(f"{name} has no samples")

    def _begin(self, line):
        match = re.fullmatch(rf"# HELP ({NAME}) (\S.*[.])", line)
        if not match or match[1] in self.helps:
            raise ValueError(f"bad or second: {line}")
        self.helps[match[1]] = match[2]
        return match[1], match[2]

    def _set_type(self, line, family):
        match = re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge)", line)
        if not match or match[1] != family or family in self.types:
            raise ValueError(f"out of place: {line}")
        self.types[family] = match[2]
        if (match[2] == "counter") != family.endswith("_total"):
            raise ValueError(f"the name does not tell its type: {line}")

    def _add(self, line, family):
        match = SAMPLE.fullmatch(line)
        if not match or match[1] != family or family not in self.types or not NUMBER.fullmatch(match[3]):
            raise ValueError(f"bad or out of place: {line}")
        key = (family, *sorted(labels_of(match[2] or "").items()))
        if key in self.series:
            raise ValueError(f"twice: {line}")
        self.series[key] = float(match[3])
        self.texts = getattr(self, "texts", {})
        self.texts[key] = match[3]

    def all(self, name, **labels):
        """Of the series that have these labels too: their values by the other labels."""
        wanted = set(labels.items())
        return {key[1:]: value for key, value in self.series.items() if key[0] == name and wanted <= set(key[1:])}

    def sum(self, name, **labels):
        return sum(self.all(name, **labels).values())

    def one(self, name, **labels):
        (value,) = self.all(name, **labels).values()
        return value

    def nanoseconds(self, name, **labels):
        """Exactly, of one series; 0: there is none."""
        keys = [key for key in self.series if key[0] == name and set(labels.items()) <= set(key[1:])]
        if not keys:
            return 0
        (key,) = keys
        whole, part = self.texts[key].split(".")
        return int(whole) * 10**9 + int(part)


class Trace:
    """Events by process and track; names of both."""

    def __init__(self, text):
        self.events = json.loads(text, parse_float=str)
        self.processes, self.threads, self.spans, self.others = {}, {}, [], []
        for event in self.events:
            at = (event["pid"], event["tid"])
            if event["ph"] == "X":
                self.spans.append({**event, "ts": self.ns(event["ts"]), "dur": self.ns(event["dur"])})
            elif event["name"] == "process_name":
                self.processes[event["pid"]] = event["args"]["name"]
            elif event["name"] == "thread_name":
                self.threads[at] = event["args"]["name"]
            else:
                self.others.append(event)

    @staticmethod
    def ns(microseconds):
        whole, part = microseconds.split(".")
        return int(whole) * 1000 + int(part.ljust(3, "0"))

    def tracks(self):
        tracks = collections.defaultdict(list)
        for span in self.spans:
            tracks[span["pid"], span["tid"]].append(span)
        return tracks

    def named(self, name, process=None):
        return [s for s in self.spans if s["name"] == name and (process is None or s["pid"] == process)]

    def sum(self, name, member, process=None):
        return sum(s["args"][member] for s in self.named(name, process))


def overlap(one, other):
    return one["ts"] < other["ts"] + other["dur"] and other["ts"] < one["ts"] + one["dur"]


shared = tempfile.TemporaryDirectory(prefix="tallow-metrics-")


class Told(Case):
    @classmethod
    def setUpClass(cls):
        """Kernels are compiled once for all."""
        super().setUpClass()
        cls.cache = Path(shared.name)

    def read_metrics(self, name="m.prom"):
        return Metrics((self.here / name).read_bytes())

    def read_trace(self, name="t.json"):
        return Trace((self.here / name).read_text())

    def read_all(self):
        return self.read_metrics(), json.loads((self.here / "s.json").read_text()), self.read_trace()

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

    def end(self, child, code):
        errors = child.stderr.read().decode()
        self.assertEqual(child.wait(timeout=TIMEOUT), code, errors)
        return errors

    def wait_until(self, holds, child):
        deadline = time.monotonic() + TIMEOUT
        while not holds():
            self.assertIsNone(child.poll(), "the command has ended")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)

    def check_tracks(self, trace):
        """Each track has a name, and its spans follow each other."""
        for at, spans in trace.tracks().items():
            self.assertIn(at[0], trace.processes)
            self.assertIn(at, trace.threads)
            for before, span in zip(spans, spans[1:]):
                self.assertGreaterEqual(span["ts"], before["ts"] + before["dur"], (at, before, span))
        self.assertEqual([e for e in trace.others if not e["name"].endswith("_sort_index")], [])

    def check_stats(self, stats, metrics):
        """Both tell the same."""
        self.assertEqual(stats["exit_code"], metrics.one("tallow_exit_code"))
        for i, engine in enumerate(stats["engines"]):
            for name, operation in engine["by_operation"].items():
                labels = {"engine": str(i), "operation": name}
                for count in COUNTS:
                    self.assertEqual(operation[count], metrics.one(f"tallow_operation_{count}_total", **labels))
                for stage, seconds in operation["stage_seconds"].items():
                    told = metrics.one("tallow_stage_seconds_total", stage=stage, **labels)
                    self.assertAlmostEqual(told, seconds, places=8)
            for memory in ("host", "device", "pool"):
                for member, name in (("current", ""), ("peak", "peak_"), ("total", "allocated_")):
                    name = f"tallow_memory_{name}bytes" + ("_total" if member == "total" else "")
                    told = metrics.one(name, engine=str(i), memory=memory)
                    self.assertEqual(told, engine[f"{memory}_bytes"][member])


class Numbers(Told):
    def test_render(self):
        version = self.run_tallow("--version")[0].decode().split()[1]
        for name in ("a.csv", "b.csv"):
            self.synth(name, 400)
        for backend in BACKENDS:
            self.run_tallow("render", "a.csv", "b.csv", "-o", "out/", "--window", 100, "--stride", 5, "--size", "96x64",
                            "--metrics", "m.prom", "--stats", "s.json", "--trace", "t.json", "--backend", backend,
                            "--host-mem", "256MiB")
            charts = self.charts_in("out")
            n, size = len(charts), sum(map(len, charts.values()))
            self.assertEqual(n, 122)
            metrics, stats, trace = self.read_all()
            self.assertEqual(metrics.one("tallow_build_info", run="m", version=version), 1)
            self.assertEqual(metrics.one("tallow_run_info", run="m", command="render"), 1)
            self.assertEqual((metrics.one("tallow_run_ended"), metrics.one("tallow_exit_code")), (1, 0))
            for name, count in (("images_written", n), ("charts", n), ("candles", 100 * n), ("pixels", n * 96 * 64),
                                ("files", 2), ("rows", 800)):
                self.assertEqual(metrics.sum(f"tallow_{name}_total"), count, name)
            self.assertEqual((stats["command"], stats["version"], stats["files"], stats["rows"], stats["images"]),
                             ("render", version, 2, 800, n))
            self.assertEqual(metrics.one("tallow_engine_info", backend=backend, runs_on=backend), 1)
            self.assertEqual(metrics.one("tallow_memory_limit_bytes", memory="host"),
                             stats["engines"][0]["host_budget"])
            self.assertLessEqual(metrics.one("tallow_memory_peak_bytes", memory="host") +
                                 metrics.one("tallow_row_bytes"), 256 << 20)
            self.assertEqual(metrics.one("tallow_row_bytes"), stats["row_bytes"])
            self.assertEqual(metrics.one("tallow_operation_items_total", operation="stream"), n)
            self.assertEqual(metrics.one("tallow_operation_bytes_total", operation="stream"), size)
            for stage in ("prepare", "compute", "encode", "deliver"):
                self.assertGreater(metrics.one("tallow_stage_seconds_total", operation="stream", stage=stage), 0, stage)
            self.check_stats(stats, metrics)
            self.check_tracks(trace)
            self.check_stages(trace, metrics)
            self.assertEqual(trace.sum("deliver", "bytes"), size)
            self.assertEqual((trace.sum("write", "bytes"), trace.sum("write", "items")), (size, n))
            self.assertEqual(trace.sum("read and parse", "items"), 800)
            self.assertEqual(trace.sum("push", "items"), n)
            self.assertEqual({s["args"]["file"] for s in trace.named("push")}, {"a.csv", "b.csv"})
            shutil.rmtree(self.here / "out")

    def check_stages(self, trace, metrics):
        """The times of stages are those of the spans."""
        for operation in {s["cat"] for s in trace.spans if s["pid"] > 1}:
            for stage in STAGES:
                spans = [s["dur"] for s in trace.spans if (s["pid"], s["cat"], s["name"]) == (2, operation, stage)]
                told = metrics.nanoseconds("tallow_stage_seconds_total", operation=operation, stage=stage)
                self.assertEqual(sum(spans), told, (operation, stage))

    def test_window(self):
        self.synth("a.csv", 500)
        for backend in BACKENDS:
            self.run_tallow("window", "a.csv", "--op", "mean,ema", "--window", "10,20", "--column", "close,high",
                            "-o", "w.npy", "--backend", backend, *QUICK, "--stats", "s.json", "--trace", "t.json")
            metrics, stats, trace = self.read_all()
            data = (self.here / "w.npy").read_bytes()
            self.assertIn(b"'shape': (500, 8)", data)
            self.assertEqual(metrics.one("tallow_run_info", command="window"), 1)
            for name, count in (("rows", 500), ("files", 1), ("results_written", 4000), ("values", 2000)):
                self.assertEqual(metrics.sum(f"tallow_{name}_total"), count, name)
            self.assertEqual(metrics.one("tallow_operation_bytes_total", operation="window"), 2000 * 8)
            self.assertEqual((stats["rows"], stats["results"], stats["files"]), (500, 4000, 1))
            self.check_stats(stats, metrics)
            self.check_tracks(trace)
            self.check_stages(trace, metrics)
            self.assertEqual(trace.sum("read and parse", "items"), 500)
            self.assertEqual({s["name"] for s in trace.spans if s["pid"] == 1},
                             {"read and parse", "run windows", "row by row", "write"})

    def test_bars(self):
        self.run_tallow("synth", "trades", "--rows", 20000, "-o", "t.csv")
        for kinds in (("--time", "1m"), ("--time", "1m", "--tick", "100")):
            shutil.rmtree(self.here / "out", ignore_errors=True)
            self.run_tallow("bars", "t.csv", *kinds, "-o", "out/", "-q", *QUICK, "--stats", "s.json", "--trace",
                            "t.json")
            bars = sum(len(p.read_text().splitlines()) - 1 for p in (self.here / "out").iterdir())
            metrics, stats, trace = self.read_all()
            self.assertEqual(metrics.one("tallow_bars_written_total"), bars)
            self.assertEqual(metrics.one("tallow_rows_total"), 20000)
            self.assertEqual((stats["bars"], stats["rows"]), (bars, 20000))
            self.check_stats(stats, metrics)
            self.check_tracks(trace)
            self.assertEqual(trace.sum("make bars", "items"), 20000)

    def test_dataset(self):
        self.synth("a.csv", 2000)
        for args in (("--preset", "jkx"), ("--window", "20", "--size", "32x32", "--stride", "4")):
            self.run_tallow("dataset", "a.csv", *args, "-o", "set.npy", "-q", *QUICK, "--stats", "s.json", "--trace",
                            "t.json")
            data = (self.here / "set.npy").read_bytes()
            shape = ast.literal_eval(re.search(rb"'shape': (\([\d, ]+\))", data)[1].decode())
            size = shape[1] * shape[2] * shape[3]
            metrics, stats, trace = self.read_all()
            for name in ("images_written", "images"):
                self.assertEqual(metrics.sum(f"tallow_{name}_total"), shape[0], name)
            self.assertEqual(metrics.one("tallow_operation_bytes_total", operation="images"), shape[0] * size)
            self.assertEqual((stats["images"], stats["rows"], stats["command"]), (shape[0], 2000, "dataset"))
            self.check_stats(stats, metrics)
            self.check_tracks(trace)
            self.check_stages(trace, metrics)
            for name in ("draw", "write"):
                self.assertEqual((trace.sum(name, "items"), trace.sum(name, "bytes")), (shape[0], shape[0] * size))

    def test_series_that_can_not_be(self):
        """What a command never does has no series, nor has a time that nobody takes."""
        self.synth("a.csv", 200)
        self.run_tallow("synth", "trades", "--rows", 500, "-o", "t.csv")
        charts, images, windows = {"charts", "candles", "pixels"}, {"images"}, {"values"}
        for args, has in ((("render", "a.csv", "-o", "a.png"), charts),
                          (("window", "a.csv", "--op", "mean", "--window", 5, "-o", "w.csv"), windows),
                          (("bars", "t.csv", "--tick", 10, "-o", "b.csv", "-q"), set()),
                          (("dataset", "a.csv", "--preset", "jkx", "-o", "s.npy", "-q"), charts | images)):
            self.run_tallow(*args, *QUICK)
            metrics = self.read_metrics()
            there = {name for name in charts | images | windows if metrics.all(f"tallow_{name}_total")}
            self.assertEqual(there, has, args)
            on_device = any(dict(key[1:])["backend"] != "cpu" for key in metrics.series
                            if key[0] == "tallow_engine_info")
            self.assertEqual(bool(metrics.all("tallow_launches_total")), on_device)
            self.assertNotIn(0, metrics.all("tallow_operation_seconds_total").values())
            self.assertGreater(metrics.one("tallow_run_duration_seconds"), 0)
            for labels in metrics.all("tallow_passed_over_devices"):
                self.assertEqual({name for name, _ in labels}, {"run", "engine", "backend", "device"})

    def test_a_run_that_fails(self):
        self.synth("a.csv")
        self.write("bad.csv", "time,open,high,low,close\n2020-01-01,x,2,1,1\n")
        for args, code in ((("a.csv", "bad.csv"), BAD_DATA), (("a.csv", "none.csv"), NO_INPUT)):
            self.run_tallow("render", *args, "-o", "out/", *QUICK, "--trace", "t.json", "--stats", "s.json", code=code)
            metrics = self.read_metrics()
            self.assertEqual((metrics.one("tallow_run_ended"), metrics.one("tallow_exit_code")), (1, code))
            self.assertEqual((metrics.one("tallow_files_total"), metrics.one("tallow_images_written_total")), (1, 1))
            self.check_tracks(self.read_trace())
        self.run_tallow("render", "a.csv", "-o", "a.png", *QUICK, "--trace", "t.json", "--host-mem", "1", code=71)
        metrics = self.read_metrics()
        self.assertEqual(metrics.one("tallow_exit_code"), 71)
        self.assertEqual(metrics.all("tallow_engine_info"), {})
        self.assertEqual(self.read_trace().spans, [])

    def test_results_are_the_same(self):
        """What is told of a run changes nothing of what it makes."""
        self.synth("a.csv", 600)
        self.run_tallow("synth", "trades", "--rows", 20000, "-o", "t.csv")
        commands = (("render", "a.csv", "--window", 100, "--stride", 20, "--size", "96x64", "-o", "{}/charts/"),
                    ("window", "a.csv", "--op", "mean,ema,median", "--window", "10,20", "-o", "{}/w.npy"),
                    ("bars", "t.csv", "--time", "1m", "--tick", 100, "-q", "-o", "{}/bars/"),
                    ("dataset", "a.csv", "--preset", "jkx", "-q", "-o", "{}/set.npy"))
        for backend in BACKENDS:
            for folder, told in (("plain", ()), ("told", (*QUICK, "--stats", "s.json", "--trace", "t.json"))):
                shutil.rmtree(self.here / folder, ignore_errors=True)
                (self.here / folder).mkdir()
                for args in commands:
                    where = ("--backend", backend) if args[0] != "bars" else ()
                    self.run_tallow(*(str(a).replace("{}", folder) for a in args), *where, *told)
            plain, told = ({str(p.relative_to(self.here / f)): p.read_bytes() for p in (self.here / f).rglob("*")
                            if p.is_file()} for f in ("plain", "told"))
            self.assertGreater(len(plain), 25 + 4)
            self.assertEqual(sorted(plain), sorted(told))
            for name, content in plain.items():
                self.assertTrue(content == told[name], f"{backend}: {name} is another")

    def test_nothing_asked_for(self):
        self.synth("a.csv")
        self.run_tallow("render", "a.csv", "-o", "a.png")
        self.run_tallow("render", "a.csv", "-o", "out/", "--dry-run", "--metrics", "m.prom", "--trace", "t.json")
        self.assertEqual(self.files(), ["a.csv", "a.png"])

    def test_helps_and_types_are_the_same(self):
        """A collector that reads the files of several runs refuses two helps of one name, and a series of two files."""
        self.synth("a.csv", 200)
        self.run_tallow("synth", "trades", "--rows", 500, "-o", "t.csv")
        self.run_tallow("render", "a.csv", "-o", "a.png", "--metrics", "render.prom")
        self.run_tallow("window", "a.csv", "--op", "mean", "--window", 5, "-o", "w.csv", "--metrics", "window.prom")
        self.run_tallow("bars", "t.csv", "--tick", 10, "-o", "b.csv", "-q", "--metrics", "bars.prom")
        self.run_tallow("dataset", "a.csv", "--preset", "jkx", "-o", "s.npy", "-q", "--metrics", "dataset")
        helps, types, series = {}, {}, set()
        for name in ("render.prom", "window.prom", "bars.prom", "dataset"):
            metrics = self.read_metrics(name)
            for known, found in ((helps, metrics.helps), (types, metrics.types)):
                self.assertTrue(all(known.setdefault(key, text) == text for key, text in found.items()))
            self.assertTrue(series.isdisjoint(metrics.series))
            series |= set(metrics.series)
            self.assertEqual({dict(key[1:])["run"] for key in metrics.series}, {name.removesuffix(".prom")})


class Underway(Told):
    def test_whole_and_rising(self):
        """A reader that looks all the time sees whole files; no counter falls, and the run ends once."""
        self.synth("a.csv", 12000)
        child = self.begin("render", "a.csv", "-o", "out/", "--window", 100, "--stride", 2, "--size", "256x128",
                           "--backend", "cpu", "--threads", 1, "--metrics", "m.prom", "--metrics-interval", "20ms")
        seen, path = [], self.here / "m.prom"
        self.wait_until(path.exists, child)
        while child.poll() is None:
            data = path.read_bytes()
            if not seen or data != seen[-1]:
                seen.append(data)
        self.end(child, 0)
        seen.append(path.read_bytes())
        told = [Metrics(data) for data in seen]
        self.assertGreater(len(told), 3)
        self.assertLess(told[0].one("tallow_images_written_total"), told[-1].one("tallow_images_written_total"))
        for before, after in zip(told, told[1:]):
            for key, value in before.series.items():
                if before.types[key[0]] == "counter":
                    self.assertGreaterEqual(after.series[key], value, key)
        for metrics in told[:-2]:
            self.assertEqual(metrics.one("tallow_run_ended"), 0)
            self.assertEqual(metrics.all("tallow_exit_code"), {})
        self.assertEqual(told[-1].one("tallow_exit_code"), 0)
        self.assertEqual([name for name in self.files() if name.endswith(".part")], [])

    def test_left_over(self):
        """What a run has left that was killed goes when the next begins; that of one that lives stays."""
        self.synth("a.csv")
        for name in ("m.prom.AbCd12.part", "other.prom.AbCd12.part"):
            self.write(name, "half")
        self.run_tallow("render", "a.csv", "-o", "a.png", "--metrics", "m.prom")
        self.assertEqual(self.files(), ["a.csv", "a.png", "m.prom", "other.prom.AbCd12.part"])

    def test_trace_of_a_killed_run(self):
        """Without its last bracket it is what the format allows."""
        self.synth("a.csv", 20000)
        child = self.begin("render", "a.csv", "-o", "out/", "--window", 100, "--stride", 2, "--trace", "t.json",
                           "--backend", "cpu")
        self.wait_until(lambda: self.here.joinpath("t.json").exists() and
                        b'"deliver"' in self.here.joinpath("t.json").read_bytes(), child)
        child.kill()
        child.wait()
        text = (self.here / "t.json").read_text()
        self.assertGreater(len(Trace(text[: text.rindex("\n{")].rstrip(",") + "]").spans), 0)

    def test_overlap(self):
        """While one piece is encoded and delivered another one is drawn."""
        self.synth("a.csv", 6000)
        for backend in BACKENDS:
            stride, size = (5, "320x200") if backend == "cpu" else (40, "96x64")
            self.run_tallow("render", "a.csv", "-o", "out/", "--window", 100, "--stride", stride, "--size", size,
                            "--backend", backend, "--threads", 2, "--trace", "t.json")
            trace = self.read_trace()
            self.check_tracks(trace)
            self.assertEqual(trace.processes[1], "tallow render")
            self.assertRegex(trace.processes[2], f"^engine 0: {backend}, .")
            names = {s["name"] for s in trace.spans}
            wanted = {"read and parse", "push", "prepare", "compute", "encode", "deliver", "write"}
            if backend != "cpu":
                wanted |= {"upload", "download"}
            self.assertLessEqual(wanted, names)
            encoders = [s for s in trace.spans if trace.threads[s["pid"], s["tid"]].startswith("encoder ")]
            self.assertEqual({s["name"] for s in encoders}, {"encode", "deliver"})
            self.assertTrue(any(overlap(one, other) for one in trace.named("compute") for other in encoders), backend)

    def test_several_engines(self):
        self.need_software_cuda()
        self.synth("a.csv", 1000)
        self.run_tallow("render", "a.csv", "-o", "out/", "--window", 20, "--stride", 1, "--size", "64x48", "--backend",
                        "cuda", "--device", "all", *QUICK, "--trace", "t.json", env={"SOFTCUDA": "devices=3"})
        metrics, trace = self.read_metrics(), self.read_trace()
        self.assertEqual(len(metrics.all("tallow_engine_info")), 3)
        self.assertEqual(metrics.sum("tallow_charts_total"), 981)
        self.check_tracks(trace)
        self.assertEqual(set(trace.processes), {1, 2, 3, 4})
        self.assertEqual(trace.sum("deliver", "items"), 981)


class Names(Told):
    def test_hostile(self):
        """Whatever files are called."""
        hostile = 'we"ird\\ \nname\t{},é€'.encode() + b"\xff\x7f"
        self.synth("a.csv")
        os.rename(self.here / "a.csv", os.path.join(os.fsencode(self.here), hostile + b".csv"))
        env = {**os.environ, "XDG_CACHE_HOME": str(self.cache)}
        args = [b"render", hostile + b".csv", b"-o", b"a.png", b"--metrics", hostile + b".prom", b"--trace", b"t.json",
                b"--stats", b"s.json"]
        subprocess.run([os.fsencode(BIN), *args], cwd=self.here, env=env, check=True, capture_output=True)
        with open(os.path.join(os.fsencode(self.here), hostile + b".prom"), "rb") as file:
            metrics = Metrics(file.read())
        runs = {dict(key[1:])["run"] for key in metrics.series}
        self.assertEqual(runs, {'we"ird\\ \nname\N{REPLACEMENT CHARACTER}{},é€' + 2 * "\N{REPLACEMENT CHARACTER}"})
        files = {s["args"]["file"] for s in self.read_trace().spans if "file" in s["args"]}
        self.assertEqual(files, {'we"ird\\ \nname\t{},é€\N{REPLACEMENT CHARACTER}\x7f.csv'})

    def test_reader_is_strict(self):
        """What the reader of this test refuses."""
        head = "# HELP a_total A.\n# TYPE a_total counter\n"
        Metrics((head + 'a_total{b="\\"\\\\\\n"} 1\n').encode())
        for text in (head, head + "a_total 1", head + 'a_total{b="} 1\n', head + 'a_total{b="c",b="d"} 1\n',
                     head + "a_total 1\na_total 1\n", head + 'a_total{b="\\t"} 1\n', head + "a_total 1 1\n",
                     head + "a_total x\n", head + "b_total 1\n", "a_total 1\n" + head, head + "\na_total 1\n",
                     head.replace("counter", "gauge") + "a_total 1\n"):
            with self.assertRaises(ValueError, msg=text):
                Metrics(text.encode())


class Refused(Told):
    COMMANDS = {
        "render": ("render", "a.csv", "-o", "a.png"),
        "window": ("window", "a.csv", "--op", "mean", "--window", "5", "-o", "w.csv"),
        "bars": ("bars", "t.csv", "--tick", "10", "-o", "b.csv"),
        "dataset": ("dataset", "a.csv", "--preset", "jkx", "-o", "set.npy"),
    }

    def setUp(self):
        super().setUp()
        self.synth("a.csv", 100)
        self.run_tallow("synth", "trades", "--rows", 500, "-o", "t.csv")
        self.before = self.files()

    def refused(self, code, *args, says):
        errors = self.fails(code, *args, says=says)
        self.assertEqual(errors.count("\n"), 1, errors)
        self.assertEqual(self.files(), self.before)

    def test_files(self):
        """What can't be written is found before anything is read or made."""
        self.here.joinpath("folder").mkdir()
        for args in self.COMMANDS.values():
            for option in ("--stats", "--metrics", "--trace"):
                self.refused(CANT_CREATE, *args, option, "missing/m.prom",
                             says=f"{option} missing/m.prom: there is no folder missing\n")
                self.refused(CANT_CREATE, *args, option, "/none/m", says=f"{option} /none/m: there is no folder /none")
                self.refused(CANT_CREATE, *args, option, "folder", says=f"{option} folder: can't write: Is a directory")
                self.refused(USAGE, *args, option, "-", says=f"{option} needs the name of a file, not -")
            self.refused(CANT_CREATE, *args, "--metrics", "/dev/full",
                         says="--metrics /dev/full: a device, pipe or socket has this name: it must be a regular file")
        os.mkfifo(self.here / "pipe")
        self.refused(CANT_CREATE, *self.COMMANDS["render"], "--metrics", "pipe", says="--metrics pipe: a device")

    def test_a_full_disk(self):
        """The run is worth more than its trace; who asks for statistics wants them."""
        for args in self.COMMANDS.values():
            _, errors = self.run_tallow(*args, "--trace", "/dev/full")
            self.assertIn("warning: --trace /dev/full: can't write: No space left on device: the trace ends here\n",
                          errors)
            self.assertTrue((self.here / args[-1]).exists())
            self.fails(IO_ERROR, *args, "--stats", "/dev/full", says="--stats /dev/full: can't write: No space left")

    def test_a_name_that_no_collector_reads(self):
        for options, n in (((), 1), (("--quiet",), 0)):
            _, errors = self.run_tallow(*self.COMMANDS["render"], "--metrics", "m.txt", *options)
            self.assertEqual(errors.count("--metrics m.txt: the textfile collector of node_exporter reads only"), n)
            self.assertTrue(self.read_metrics("m.txt").one("tallow_run_ended"))

    def test_in_the_folder_of_the_output(self):
        """They may lie in a folder that the run makes, and which goes with them if there is nothing to write."""
        for option in ("--stats", "--metrics", "--trace"):
            for args in (("render", "a.csv"), ("window", "a.csv", "--op", "mean", "--window", "5"),
                         ("bars", "t.csv", "-q", "--tick", "10")):
                self.run_tallow(*args, "-o", "deep/out/", option, "deep/out/told")
                self.assertTrue((self.here / "deep/out/told").read_text().endswith("\n"))
                shutil.rmtree(self.here / "deep")
                self.refused(CANT_CREATE, *args, "-o", "deep/out/", option, "deep/other/told", says="deep/other/told")
                self.assertFalse((self.here / "deep").exists())

    def test_interval(self):
        for name, args in self.COMMANDS.items():
            self.refused(USAGE, *args, "--metrics-interval", "1s", says=f"needs --metrics; try 'tallow {name} --help'")
        self.refused(USAGE, *self.COMMANDS["render"], *QUICK[:2], "--metrics-interval", "1ms",
                     says="--metrics-interval")

    def test_places(self):
        """It must not replace what is read or made."""
        for args in self.COMMANDS.values():
            out = args[-1]
            for option in ("--stats", "--metrics", "--trace"):
                for name in (out, f"./{out}"):
                    self.refused(USAGE, *args, option, name, says=name)
                self.refused(USAGE, *args, option, f"./{args[1]}", says=f"would replace the FILE {args[1]}")
            for one, other in (("stats", "metrics"), ("metrics", "trace"), ("stats", "trace")):
                self.refused(USAGE, *args, f"--{one}", "x", f"--{other}", "./x",
                             says=f"--{one} and --{other} name the same file")
        os.mkdir(self.here / "links")
        os.symlink("../x", self.here / "links/one")
        os.symlink("links/one", self.here / "two")
        self.before = self.files()
        for link in ("links/one", "two"):
            self.refused(USAGE, *self.COMMANDS["render"], "--trace", link, "--stats", "x",
                         says="--stats and --trace name the same file")
        for args, name in ((("render", "a.csv", "-o", "out/"), "out/a.png"),
                           (("window", "a.csv", "--op", "mean", "--window", "5", "-o", "out/"), "out/a.csv"),
                           (("bars", "t.csv", "--tick", "10", "-o", "out/"), "out/tick-10.csv"),
                           (("dataset", "a.csv", "--preset", "jkx", "-o", "set.npy"), "set.manifest.jsonl")):
            self.here.joinpath("out").mkdir(exist_ok=True)
            for option in ("--stats", "--metrics", "--trace"):
                self.run_tallow(*args, option, name, code=USAGE)
                made = [n for n in self.files() if n.startswith("out/") and not n.endswith("tick-10.csv")]
                self.assertEqual(made, [])
                self.here.joinpath(name).unlink(missing_ok=True)
        self.refused(USAGE, "bars", "t.csv", "--tick", "10", "-o", "b.csv", "--checkpoint", "c", "--metrics", "./c",
                     says="--metrics and --checkpoint name the same file")

    def test_metrics_that_fail_later(self):
        """One warning, and the run goes on; where it can be written again it is."""
        self.here.joinpath("there").mkdir()
        child = self.begin("render", "-", "-o", "a.png", "--metrics", "there/m.prom", "--metrics-interval", "10ms",
                           stdin=subprocess.PIPE)
        self.wait_until((self.here / "there/m.prom").exists, child)
        self.here.joinpath("there").rename(self.here / "gone")
        line = child.stderr.readline().decode()
        self.assertRegex(line, r"^tallow: warning: --metrics there/m\.prom: can't write: No such file .*: the metrics there may be")
        self.here.joinpath("there").mkdir()
        self.wait_until((self.here / "there/m.prom").exists, child)
        self.here.joinpath("there").rename(self.here / "gone too")
        time.sleep(0.05)
        child.stdin.write((self.here / "a.csv").read_bytes())
        child.stdin.close()
        child.stdin = None
        self.assertEqual(self.end(child, 0), "")
        self.assertTrue((self.here / "a.png").exists())

    def test_trace_that_fails_later(self):
        self.synth("a.csv", 3000)

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

        done = self.start(("render", "a.csv", "-o", "out/", "--window", 50, "--stride", 5, "--size", "64x48", "--trace",
                           "t.json", "--manifest", "off"), stderr=subprocess.PIPE, preexec_fn=limit)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.charts_in("out")), 591)
        self.assertEqual(done.stderr.decode(), "tallow: warning: --trace t.json: can't write: File too large: the "
                                               "trace ends here\n")

    def test_a_trace_through_a_pipe(self):
        read, write = os.pipe()
        chunks = []

        def collect():
            with os.fdopen(read, "rb") as file:
                chunks.append(file.read())

        thread = threading.Thread(target=collect)
        thread.start()
        try:
            self.run_tallow(*self.COMMANDS["render"], "--trace", f"/dev/fd/{write}", pass_fds=(write,))
        finally:
            os.close(write)
            thread.join()
        self.assertTrue(Trace(chunks[0].decode()).named("write"))


class Stopped(Told):
    def check_end(self, code):
        metrics, trace = self.read_metrics(), self.read_trace()
        self.assertEqual((metrics.one("tallow_run_ended"), metrics.one("tallow_exit_code")), (1, code))
        self.assertEqual(json.loads((self.here / "s.json").read_text())["exit_code"], code)
        self.check_tracks(trace)
        left = [name for name in self.files() if name.endswith(".part") and "/manifest.jsonl." not in name]
        self.assertEqual(left, [])
        return metrics, trace

    ALL = ("--metrics", "m.prom", "--metrics-interval", "20ms", "--trace", "t.json", "--stats", "s.json")

    def test_render_at_work(self):
        self.synth("a.csv", 30000)
        for number in (signal.SIGTERM, signal.SIGINT):
            child = self.begin("render", "a.csv", "-o", "out/", "--window", 100, "--stride", 1, "--backend", "cpu",
                               *self.ALL)
            self.wait_until(lambda: (self.here / "out").exists() and len(os.listdir(self.here / "out")) > 20, child)
            child.send_signal(number)
            self.end(child, STOPPED)
            metrics, trace = self.check_end(STOPPED)
            n = len(self.charts_in("out"))
            self.assertEqual(metrics.one("tallow_images_written_total"), n)
            self.assertEqual(trace.sum("write", "items"), n)
            shutil.rmtree(self.here / "out")

    def test_waiting_for_input(self):
        """Tidily where there is something to go on from, else at once; the same is told as without these files."""
        self.synth("a.csv", 300)
        self.run_tallow("synth", "trades", "--rows", 3000, "-o", "t.csv")
        for name, args, code in (
                ("a.csv", ("render", "-", "-o", "out/", "--window", "20"), STOPPED),
                ("a.csv", ("dataset", "-", "-o", "set.npy", "--preset", "jkx"), STOPPED),
                ("a.csv", ("window", "-", "--op", "mean", "--window", "20", "-o", "w.csv"), None),
                ("t.csv", ("bars", "-", "--tick", "10", "-o", "b.csv"), None),
                ("t.csv", ("bars", "-", "--tick", "10", "-o", "c.csv", "--checkpoint", "c"), STOPPED)):
            for number, at_once in ((signal.SIGTERM, TERMINATED), (signal.SIGINT, INTERRUPTED)):
                child = self.begin(*args, *self.ALL, stdin=subprocess.PIPE)
                child.stdin.write((self.here / name).read_bytes())
                child.stdin.flush()
                self.wait_until(lambda: self.is_at_work(child), child)
                child.send_signal(number)
                self.end(child, code or at_once)
                metrics, _ = self.check_end(code or at_once)
                self.assertEqual(metrics.one("tallow_run_info", command=args[0]), 1)
                for path in (*self.here.glob("[mstwbc].*[!v]"), *self.here.glob("c"), *self.here.glob("[cwb].csv")):
                    path.unlink()

    def begin_stuck_at_its_end(self, *args):
        """It has told its end, and waits for a reader of --stats. The child, and what reads them."""
        fifo = self.here / "s.fifo"
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDWR)
        self.addCleanup(os.close, reader)
        filled = os.write(reader, b"x" * fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096))
        child = self.begin(*args, "--stats", "s.fifo", "--metrics", "m.prom")
        files = Path(f"/proc/{child.pid}/fd")
        self.wait_until(lambda: any(self.is_at(entry, fifo) for entry in files.iterdir()), child)
        fifo.unlink()
        return child, lambda: (os.read(reader, filled), os.read(reader, 1 << 20))

    @staticmethod
    def is_at(entry, path):
        try:
            return os.readlink(entry) == str(path.resolve())
        except FileNotFoundError:
            return False

    def test_behind_the_end(self):
        """A signal that comes when the end was told changes neither it nor the exit code, if the rest is quick."""
        self.synth("a.csv", 300)
        self.run_tallow("synth", "trades", "--rows", 3000, "-o", "t.csv")
        for args in (("render", "a.csv", "-o", "a.png"),
                     ("dataset", "a.csv", "--preset", "jkx", "-o", "set.npy", "-q"),
                     ("window", "a.csv", "--op", "mean", "--window", "20", "-o", "w.csv"),
                     ("bars", "t.csv", "--tick", "10", "-o", "b.csv", "-q"),
                     ("bars", "t.csv", "--tick", "10", "-o", "c.csv", "-q", "--checkpoint", "c")):
            child, read = self.begin_stuck_at_its_end(*args)
            child.send_signal(signal.SIGINT)
            wait_until_taken(child, signal.SIGINT)
            read()
            self.end(child, 0)
            self.assertEqual(self.read_metrics().one("tallow_exit_code"), 0)
        child, _ = self.begin_stuck_at_its_end("window", "a.csv", "--op", "mean", "--window", "20", "-o", "w.csv")
        child.send_signal(signal.SIGINT)
        self.end(child, INTERRUPTED)

    def test_at_the_beginning(self):
        """As soon as there is a file of these, it is ended as ever."""
        self.synth("a.csv", 2000)
        self.run_tallow("synth", "trades", "--rows", 2000, "-o", "t.csv")
        for args in (("render", "a.csv", "-o", "out/"),
                     ("dataset", "a.csv", "--preset", "jkx", "-o", "out/s.npy", "-q"),
                     ("window", "a.csv", "--op", "mean", "--window", "20", "-o", "out/w.csv"),
                     ("bars", "t.csv", "--tick", "10", "-o", "out/b.csv", "-q")):
            for turn in range(12):
                self.here.joinpath("out").mkdir()
                child = self.begin(*args, "--backend", "cpu", "--stats", "out/s.json", "--metrics", "out/m.prom")
                while not os.listdir(self.here / "out") and child.poll() is None:
                    pass
                time.sleep(turn * 5e-5)
                child.send_signal(signal.SIGTERM)
                child.stderr.read()
                child.wait(timeout=TIMEOUT)
                out = self.here / "out"
                left = [path.name for path in (*out.glob("s.json.*"), *out.glob("m.prom.*"))]
                self.assertEqual(left, [], (args[0], turn, child.returncode))
                if out.joinpath("m.prom").exists():
                    metrics = self.read_metrics("out/m.prom")
                    self.assertEqual(metrics.one("tallow_run_ended"), 1, (args[0], turn))
                shutil.rmtree(out, ignore_errors=True)

    def is_at_work(self, child):
        """Whether it has opened an engine and read what there is."""
        path = self.here / "m.prom"
        return child.poll() is None and path.exists() and bool(self.read_metrics().all("tallow_engine_info"))


if __name__ == "__main__":
    if not BIN or not os.access(BIN, os.X_OK):
        raise SystemExit("TALLOW_BIN must name the tallow executable")
    result = unittest.main(exit=False).result
    for note in dict.fromkeys(test_cli.notes):
        print(note)
    raise SystemExit(not result.wasSuccessful())
