"""tallow tune: what it says, what it keeps, and that auto goes by that. Nothing here is about how long it takes.

The device is the software CUDA driver. As how much is measured depends on the machine, verdicts are planted in what was
kept.
"""
import contextlib
import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BIN = os.environ.get("TALLOW_BIN", "")
BACKENDS = os.environ.get("TALLOW_TEST_BACKENDS", "cpu").split(",")
USAGE = 64
NO_ROOM = 71
WORKS = ("charts", "files", "fold", "order", "scan", "bars", "images")
LABELS = ("charts", "charts as PNG files", "windows", "windows of ranks, quantiles", "recursive filters", "bars",
          "images of 20 bars")
QUICK = ("--time", "100ms", "--threads", "1")
NEVER = "measured by tallow tune: the CPU is faster for everything here"
LITTLE = (r"tallow: warning: auto estimates [1-7] of 7 kinds of work, for there was too little time to measure them: "
          r"ask for more with --time\n")
LOST = "tallow: warning: what was measured is lost, for "
TIMEOUT = 1500


def checksum(data):
    """The last line of what is kept: FNV-1a."""
    number = 0xcbf29ce484222325
    for byte in data:
        number = (number ^ byte) * 0x100000001b3 % 2 ** 64
    return f"checksum {number:016x}\n"


class Case(unittest.TestCase):
    def setUp(self):
        self.here = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.here)
        self.cache = self.here / "cache"

    def environment(self, env):
        return {**os.environ, "XDG_CACHE_HOME": str(self.cache), **(env or {})}

    def tallow(self, *args, code=0, env=None):
        done = subprocess.run([BIN, *map(str, args)], cwd=self.here, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=TIMEOUT, env=self.environment(env), check=False)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done.stdout, done.stderr

    def kept(self):
        return sorted((self.cache / "tallow").glob("*.costs*"))

    def plant_never(self):
        """Has what was kept say that a device is slower at everything."""
        [path] = self.kept()
        head, body = path.read_text().split("charts device", 1)
        lines = [line.split() for line in ("charts device" + body).splitlines()]
        for words in lines:
            if words[0] in WORKS:
                seconds = 10 ** 9 if words[1] == "device" else 10 ** 6
                head += " ".join([*words[:2], "1", *["0"] * len(words[3:])]) + f"\n1 {seconds}\n"
        path.write_text(head + checksum(head.encode()))

    def render(self, name, *args, threads=1, env=None):
        """The bytes of a chart by auto, and what was said about it."""
        if not (self.here / "in.csv").exists():
            self.tallow("synth", "candles", "--rows", 300, "-o", "in.csv")
        said = self.tallow("render", "in.csv", "-o", name, "--size", "64x64", "--threads", threads, "-v", *args,
                           env=env)[1]
        return (self.here / name).read_bytes(), said


class Without(Case):
    """A machine without a device."""

    ENV = {"LD_LIBRARY_PATH": "", "OCL_ICD_VENDORS": "/nothing"}

    def test_nothing_to_choose(self):
        out, said = self.tallow("tune", *QUICK, env=self.ENV)
        self.assertRegex(out, r"^auto uses the CPU \(\w+, 1 thread\): there is no device that it would take, and "
                         r"nothing to choose\.\n'tallow devices' says why\.\n$")
        self.assertEqual(said, "")
        self.assertFalse(self.cache.exists())

    def test_json(self):
        out, said = self.tallow("tune", "--json", "--threads", 3, env=self.ENV)
        found = json.loads(out)
        self.assertIsNone(found["device"])
        self.assertEqual((found["threads"], found["works"], found["stored"], found["path"]), (3, [], False, ""))
        self.assertEqual(said, "")


class Wrong(Case):
    def test_command_lines(self):
        duration = "--time must be a whole number with ns, us, ms, s, m, h, d or w, such as 5m, from 100ms to 1h, not"
        for args, says in ((("--time", "0s"), duration),
                           (("--time", "99ms"), duration),
                           (("--time", "61m"), duration),
                           (("--time", "soon"), duration),
                           (("--time",), "--time needs a value"),
                           (("--threads", "0"), "--threads must be a whole number from 1 to 1024, not '0'"),
                           (("--threads", "1025"), "--threads must be a whole number from 1 to 1024, not '1025'"),
                           (("charts",), "tune has no use for 'charts'"),
                           (("--backend", "cuda"), "tune has no option --backend, but render"),
                           (("--seconds", "3"), "tune has no option --seconds; did you mean --time?")):
            self.assertIn(says, self.tallow("tune", *args, code=USAGE)[1], args)
            self.assertFalse(self.cache.exists())

    def test_a_tier_that_this_cpu_lacks(self):
        said = self.tallow("tune", *QUICK, code=69, env={"TALLOW_CPU_TIER": "none"})[1]
        self.assertIn("TALLOW_CPU_TIER", said)


class With(Case):
    """A machine with the software CUDA driver."""

    def setUp(self):
        super().setUp()
        devices = json.loads(self.tallow("devices", "--json")[0])
        if "cuda" not in BACKENDS or not any(d["backend"] == "cuda" and d["usable"] for d in devices):
            self.skipTest("no software CUDA driver")

    def test_table(self):
        out, said = self.tallow("tune", *QUICK)
        self.assertRegex(said, f"^({LITTLE})?$")
        self.assertEqual(bool(said), "too little time to tell" in out)
        self.assertRegex(out, r"^cuda 0, Software CUDA device, beside the CPU with 1 thread; measured in \d+\.\d s\n")
        lines = out.splitlines()
        for label in LABELS:
            self.assertEqual(sum(line[:28].rstrip() == label for line in lines), 1, label)
        [path] = self.kept()
        self.assertTrue(out.endswith(f"\nkept in {path};\nthat is what --backend auto goes by from now on\n"))
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)

    def test_progress_on_a_terminal(self):
        """A line that is gone at the end; elsewhere there is none, as test_table says."""
        leader, terminal = pty.openpty()
        self.addCleanup(os.close, leader)
        done = subprocess.run([BIN, "tune", "--time", "1s", "--threads", "1"], cwd=self.here, timeout=TIMEOUT,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=terminal, check=True,
                              env=self.environment({"TERM": "xterm"}))
        os.close(terminal)
        said = b""
        with contextlib.suppress(OSError):  # EIO at the end
            while part := os.read(leader, 1 << 16):
                said += part
        self.assertRegex(said, rb"^(\r *\d+%  measuring\x1b\[K)+\r\x1b\[K")
        self.assertNotIn(b"measuring", done.stdout)

    def test_json(self):
        found = json.loads(self.tallow("tune", "--json", *QUICK)[0])
        self.assertEqual(found["device"]["backend"], "cuda")
        self.assertEqual(found["device"]["index"], 0)
        self.assertTrue(found["stored"])
        self.assertEqual([found["path"]], [str(path) for path in self.kept()])
        self.assertEqual(tuple(work["work"] for work in found["works"]), WORKS)
        for work in found["works"]:
            self.assertIn(work["device_wins"], ("never", "always", "between", "too little time"))
            self.assertIn(work["unit"], ("pixels", "results", "ticks", "bytes"))
            units = [point["units"] for point in work["points"]]
            self.assertEqual(units, sorted(set(units)))
            self.assertTrue(all(p["cpu_seconds"] > 0 and p["device_seconds"] > 0 for p in work["points"]))
            if work["device_wins"] != "between":
                self.assertIsNone(work["from"])

    def test_auto_goes_by_it(self):
        before, said = self.render("before.png")
        self.assertNotIn(NEVER, said)
        self.tallow("tune", *QUICK)
        self.plant_never()
        after, said = self.render("after.png")
        self.assertIn(NEVER, said)
        self.assertEqual(before, after)
        # Of another number of threads it says nothing; and who names the device gets it.
        self.assertNotIn(NEVER, self.render("other.png", threads=2)[1])
        named, said = self.render("named.png", "--backend", "cuda")
        self.assertIn("using cuda", said)
        self.assertEqual(before, named)
        # Measured anew though auto passes over the device.
        self.assertIn("Software CUDA device", self.tallow("tune", *QUICK)[0])

    def test_a_folder_that_cannot_be_written(self):
        way = self.here / "way"
        way.write_text("in the way")
        env = {"XDG_CACHE_HOME": str(way)}
        out, said = self.tallow("tune", *QUICK, env=env)
        self.assertIn("Software CUDA device", out)
        self.assertNotIn("kept in", out)
        self.assertIn(f"{LOST}{way}/tallow/", said)
        self.assertIn(" can't be written: auto goes on by an estimate\n", said)
        self.assertFalse(json.loads(self.tallow("tune", "--json", *QUICK, env=env)[0])["stored"])

    def test_no_folder(self):
        out, said = self.tallow("tune", *QUICK, env={"XDG_CACHE_HOME": "", "HOME": ""})
        self.assertNotIn("kept in", out)
        self.assertTrue(said.endswith(f"{LOST}there is no folder to keep it in: set XDG_CACHE_HOME or HOME to one\n"))

    def test_too_little_time(self):
        """A device whose calls take a share of the time each tells nothing, and auto goes on by the estimate."""
        slow = {"SOFTCUDA": "launch_time=20000,pretend=1"}
        self.tallow("tune", *QUICK)  # what is compiled and tested is kept
        out, said = self.tallow("tune", *QUICK, env=slow)
        self.assertEqual(out.count("too little time to tell"), 7)
        self.assertRegex(said, f"{LITTLE}$")
        self.assertIn("using cuda", self.render("chart.png")[1])

    def test_a_device_that_fails_its_self_test(self):
        out, said = self.tallow("tune", *QUICK, env={"SOFTCUDA": "skip=tlk_chart_scale"})
        self.assertRegex(out, r"nothing to choose\.\ncuda device 0: .+\n$")
        self.assertEqual((said, self.kept()), ("", []))

    def test_a_device_without_memory(self):
        self.assertIn("budget", self.tallow("tune", *QUICK, code=NO_ROOM, env={"SOFTCUDA": "memory=1000"})[1])
        self.assertEqual(self.kept(), [])

    def test_a_damaged_file(self):
        self.tallow("tune", *QUICK)
        self.plant_never()
        [path] = self.kept()
        whole = path.read_bytes()
        expected = self.render("whole.png")
        self.assertIn(NEVER, expected[1])
        for damaged in (b"", whole[:-1], whole + b"\n", whole.replace(b"threads 1", b"threads 2"), b"\0" * 5000,
                        b"x" * 100000, whole.replace(b"charts cpu", b"charts cpU")):
            path.write_bytes(damaged)
            pixels, said = self.render("damaged.png")
            self.assertNotIn(NEVER, said)
            self.assertEqual(pixels, expected[0])
        self.tallow("tune", *QUICK)
        self.assertEqual(self.kept(), [path])
        self.plant_never()
        self.assertIn(NEVER, self.render("again.png")[1])

    def test_several_at_once(self):
        command = [BIN, "tune", *QUICK]
        env = self.environment(None)
        running = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                   for _ in range(3)]
        for process in running:
            said = process.communicate(timeout=TIMEOUT)[1]
            self.assertEqual(process.returncode, 0)
            self.assertRegex(said.decode(), f"^({LITTLE})?$")
        [path] = self.kept()
        text = path.read_text()
        end = text.index("checksum ")
        self.assertEqual(text[end:], checksum(text[:end].encode()))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
