"""The manners of the command line: help, manual and completions from one table, progress and colours on a terminal
only, events and summaries for programs, words as people write them, and surroundings that lack something.

Environment: as for test_cli.py.
"""

import errno
import fcntl
import gzip
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import time
import unittest
from pathlib import Path

import test_cli
from test_cli import BACKENDS, BAD_DATA, BIN, HEADER, IO_ERROR, NO_INPUT, USAGE, Case, Png

COMMANDS = ("render", "window", "bars", "dataset", "bench", "tune", "merge", "devices", "synth", "completion", "help")
CODES = (0, 1, 64, 65, 66, 69, 70, 71, 73, 74, 75, 130, 143)
GROUPS = ("What is drawn", "Input", "Bad rows", "Runs", "Work and memory", "Messages")
WINDOW_GROUPS = ("What is computed", "Input", "Work and memory", "Messages")
POLICIES = {
    "bad-field": "error skip",
    "missing-price": "gap error skip",
    "negative-price": "keep error",
    "high-below-low": "error skip swap",
    "outside": "widen error skip clamp",
    "negative-volume": "error gap skip",
    "out-of-order": "error sort skip",
    "duplicate": "error first last keep",
}
ROWS = "".join(f"2020-01-{day:02},10,12,9,11,100\n" for day in range(1, 29))
OUTSIDE = HEADER + ROWS + "2020-02-01,13,12,9,11,100\n2020-02-02,10,12,9,8,100\n"
LINE = re.compile(rb"\d charts?")  # of the progress
TIMEOUT = 600


class Terminal:
    """Runs the command with standard error on a terminal; keeps what it was sent, and what that looks like."""

    def __init__(self, case, args, env=None, columns=80, **options):
        self.master, slave = pty.openpty()
        attributes = termios.tcgetattr(slave)
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        full = {**os.environ, "XDG_CACHE_HOME": str(case.cache), "TERM": "xterm"}
        full.pop("NO_COLOR", None)
        full.update(env or {})
        full = {name: value for name, value in full.items() if value is not None}
        self.process = subprocess.Popen([BIN, *map(str, args)], cwd=case.here, env=full, stderr=slave, **options)
        os.close(slave)
        self.sent = b""

    def _read(self, seconds):
        """Reads what is there. Returns whether more may come."""
        if not select.select([self.master], [], [], seconds)[0]:
            raise TimeoutError(self.sent)
        try:
            got = os.read(self.master, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        self.sent += got
        return bool(got)

    def wait_for(self, pattern):
        while not re.search(pattern, self.sent):
            if not self._read(TIMEOUT):
                raise EOFError(self.sent)

    def finish(self):
        """Returns the exit code and what is on the screen at the end."""
        while self._read(TIMEOUT):
            pass
        os.close(self.master)
        self.process.wait(TIMEOUT)
        return self.process.returncode, self.screen()

    def screen(self):
        lines, column = [""], 0
        for token in re.findall(r"\r|\n|\x1b\[K|\x1b\[[0-9;]*m|[^\r\n\x1b]", self.sent.decode()):
            if token == "\r":
                column = 0
            elif token == "\n":  # there is no carriage return from the terminal
                lines.append("")
                column = 0
            elif token == "\x1b[K":
                lines[-1] = lines[-1][:column]
            elif token[0] != "\x1b":
                lines[-1] = lines[-1][:column].ljust(column) + token + lines[-1][column + 1 :]
                column += 1
        return [line.rstrip() for line in lines if line.rstrip()]

    def drawn(self):
        """The texts between carriage returns and line ends, without control sequences."""
        plain = re.sub(rb"\x1b\[[0-9;]*[mK]", b"", self.sent).decode()
        return [part for part in re.split(r"[\r\n]", plain) if part.strip()]


class Manners(Case):
    def options_of(self, command):
        text = self.run_tallow(command, "--help")[0].decode()
        return re.findall(r"(?m)^  (?:-\w,|   ) --([a-z-]+)", text)

    def terminal(self, *args, **options):
        return Terminal(self, args, **options)

    def wait_for_input(self, *args, until=LINE, before=HEADER + ROWS, **options):
        """Draws standard input, which ends once the terminal shows what is waited for."""
        t = self.terminal("render", "-", "-o", "a.png", "--size", "64x64", *args, stdin=subprocess.PIPE, **options)
        t.process.stdin.write(before.encode())
        t.process.stdin.flush()
        if until:
            t.wait_for(until)
        t.process.stdin.close()
        return t


class ProgressLine(Manners):
    def test_comes_and_goes(self):
        t = self.wait_for_input()
        code, screen = t.finish()
        self.assertEqual((code, screen), (0, []))
        self.assertRegex(t.sent, rb"\r *\d+ charts?.*\x1b\[K")
        self.assertTrue(t.sent.endswith(b"\r\x1b[K"), t.sent[-40:])
        Png((self.here / "a.png").read_bytes())

    def test_messages_stand_apart(self):
        """Neither a message nor the line has a part of the other."""
        t = self.wait_for_input("--verbose", before=OUTSIDE)
        code, screen = t.finish()
        self.assertEqual(code, 0)
        self.assertGreaterEqual(len(screen), 3)
        for line in screen:
            self.assertTrue(line.startswith("tallow: "), screen)
        self.assertTrue(any("warning: standard input: 2 rows have an open or close" in line for line in screen), screen)

    def test_width(self):
        for columns, env, most in ((80, {}, 79), (24, {}, 23), (12, {}, 11), (1, {}, 0), (0, {"COLUMNS": "15"}, 14),
                                   (0, {"COLUMNS": "x"}, 79)):
            t = self.wait_for_input(columns=columns, env=env, until=rb"\r" if most else None)
            code, screen = t.finish()
            self.assertEqual((code, screen), (0, []), columns)
            self.assertLessEqual(max((len(part) for part in t.drawn()), default=0), most)

    def test_follows_the_width(self):
        t = self.terminal("render", "-", "-o", "a.png", stdin=subprocess.PIPE)
        t.wait_for(LINE)
        fcntl.ioctl(t.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 6, 0, 0))
        before = len(t.sent)
        t.wait_for(rb"(?s)^.{%d}.*\r\x1b\[K" % before)
        t.process.stdin.write((HEADER + ROWS).encode())
        t.process.stdin.close()
        self.assertEqual(t.finish(), (0, []))

    def test_stopped_terminal(self):
        """The run goes on, and ends, where the line can't be shown any more."""
        t = self.terminal("render", "-", "-o", "a.png", stdin=subprocess.PIPE)
        t.wait_for(LINE)
        os.write(t.master, b"\x13")  # as Ctrl-S does
        time.sleep(0.2)
        t.process.stdin.write((HEADER + ROWS).encode())
        t.process.stdin.close()
        self.assertEqual(t.process.wait(TIMEOUT), 0)
        Png((self.here / "a.png").read_bytes())

    def test_not_wanted(self):
        for args, env in (((), {"TERM": "dumb"}), ((), {"TERM": None}), (("--progress", "off"), {}), (("--quiet",), {}),
                          (("--progress-fd", "2"), {})):
            t = self.wait_for_input(*args, env=env, until=b"event" if "2" in args else None)
            code, _ = t.finish()
            self.assertEqual(code, 0)
            self.assertNotIn(b"\r", t.sent, (args, env))

    def test_asked_for_on_a_dumb_terminal(self):
        t = self.wait_for_input("--progress", "on", env={"TERM": "dumb"})
        self.assertEqual(t.finish(), (0, []))
        self.assertNotIn(b"\x1b", t.sent)

    def test_not_on_a_terminal(self):
        self.synth("a.csv")
        _, errors = self.run_tallow("render", "a.csv", "-o", "a.png")
        self.assertEqual(errors, "")
        _, errors = self.run_tallow("render", "a.csv", "-o", "a.png", "--progress", "on")
        self.assertRegex(errors, r"\A(tallow: .*chart.*\n)*tallow: 100%  1 chart(  .*)?\n\Z")
        self.assertNotIn("\r", errors)

    def test_excluded(self):
        self.fails(USAGE, "render", "a.csv", "-o", "a.png", "-q", "--progress", "on", says="--quiet and --progress on")


class Colour(Manners):
    def message(self, env=None, args=("render", "a.csv", "-o", "a.png", "--thme", "light"), code=USAGE):
        t = self.terminal(*args, env=env)
        got, screen = t.finish()
        self.assertEqual(got, code)
        return t.sent, screen

    def test_errors(self):
        for env in ({}, {"NO_COLOR": ""}):
            sent, screen = self.message(env)
            self.assertTrue(sent.startswith(b"tallow: \x1b[1;31merror:\x1b[0m render has no option --thme"), sent)
            self.assertEqual(sent.count(b"\x1b"), 2)
            self.assertEqual(len(screen), 1)
        for env in ({"NO_COLOR": "1"}, {"NO_COLOR": "0"}, {"TERM": "dumb"}, {"TERM": None}):
            sent, _ = self.message(env)
            self.assertTrue(sent.startswith(b"tallow: error: render has no option --thme"), sent)
            self.assertNotIn(b"\x1b", sent)
        self.assertIn(b"tallow: render has no", self.start(("render", "--thme"), stderr=subprocess.PIPE).stderr)

    def test_warnings(self):
        self.write("a.csv", OUTSIDE)
        sent, _ = self.message(args=("render", "a.csv", "-o", "a.png", "--progress", "off"), code=0)
        self.assertTrue(sent.startswith(b"tallow: \x1b[1;33mwarning:\x1b[0m a.csv: "), sent)

    def test_hostile_words(self):
        sent, screen = self.message({"NO_COLOR": "1"}, ("render", "--\x1b[31m\x9b\u009b2J\n\r\x07é"))
        self.assertEqual(re.findall(rb"[\x00-\x09\x0b-\x1f\x7f]", sent), [])
        self.assertIn("--?[31m", screen[0])
        self.assertNotIn("\x9b", screen[0])


class Events(Manners):
    KEYS = ["event", "charts", "found", "failed", "elsewhere", "files", "files_total", "bytes"]

    def run_with_events(self, *args, code=0):
        reader, writer = os.pipe()
        with os.fdopen(reader) as lines:
            with os.fdopen(writer, "wb", buffering=0):
                self.run_tallow("render", *args, "--progress-fd", writer, code=code, pass_fds=(writer,))
            return [json.loads(line) for line in lines]

    def test_events(self):
        names = ["a.csv", "b.csv"]
        for name in names:
            self.synth(name, 50)
        events = self.run_with_events(*names, "-o", "out", "--window", "10")
        for event in events[:-1]:
            self.assertEqual(list(event), [*self.KEYS, "fraction", "rate", "seconds_left"])
            self.assertEqual((event["event"], event["files_total"]), ("progress", 2))
        first, last = events[0], events[-1]
        self.assertEqual((first["charts"], first["files"], first["fraction"], first["rate"]), (0, 0, 0, None))
        self.assertEqual(list(last), ["event", "code", *self.KEYS[1:], "seconds"])
        self.assertEqual({**last, "seconds": 0, "bytes": 0},
                         {"event": "end", "code": 0, "charts": 10, "found": 0, "failed": 0, "elsewhere": 0, "files": 2,
                          "files_total": 2, "bytes": 0, "seconds": 0})

    def check_fractions(self, *args, charts):
        """No event counts what is only read; the fraction never goes back, and is 1 for nothing but all of it."""
        between = 0
        for width in (300, 1200, 2400, 4800, 9600, 16000):  # until it takes long enough for an event in the middle
            shutil.rmtree(self.here / "out", ignore_errors=True)
            events = self.run_with_events("a.csv", *args, "-o", "out", "--window", "20", "--size", f"{width}x400",
                                          "--backend", "cpu", "--threads", "1")
            self.assertEqual((events[-1]["charts"], events[-1]["files"]), (charts, 1))
            fractions = [event["fraction"] for event in events[:-1]]
            self.assertEqual(fractions, sorted(fractions))
            for event in events[:-1]:
                if event["charts"] < charts:
                    self.assertLess(event["fraction"], 1)
                    self.assertLess(abs(event["fraction"] - event["charts"] / charts), 0.1, event)
                    between += 0 < event["charts"]
            if between:
                break
        self.assertGreater(between, 0)

    def test_fraction(self):
        """Of a file whose rows are read far ahead of their charts."""
        self.synth("a.csv", 40000)
        self.check_fractions(charts=2000)

    def test_fraction_newest_first(self):
        """Of a file that is read whole before its first row is given, in several pushes."""
        header, *rows = self.synth("a.csv", 180000).splitlines()
        self.write("a.csv", "\n".join([header, *reversed(rows)]) + "\n")
        self.check_fractions(charts=9000)

    def test_stopped(self):
        """The file whose charts were not all drawn is none of those that are done."""
        self.synth("a.csv", 400000)
        self.synth("b.csv", 20)
        reader, writer = os.pipe()
        words = [BIN, "render", "b.csv", "a.csv", "-o", "out", "--window", "20", "--size", "2000x1000",
                 "--progress-fd", str(writer)]
        env = {**os.environ, "XDG_CACHE_HOME": str(self.cache)}
        with subprocess.Popen(words, cwd=self.here, env=env, stderr=subprocess.DEVNULL, pass_fds=(writer,)) as child:
            os.close(writer)
            with os.fdopen(reader) as lines:
                for line in lines:
                    event = json.loads(line)
                    if event["event"] == "progress" and event["charts"] > 1:
                        child.send_signal(signal.SIGINT)
                        break
                *_, last = lines
        last = json.loads(last)
        self.assertEqual((last["event"], last["files"], last["files_total"]), ("end", 1, 2))
        self.assertLess(last["charts"], 20001)

    def test_of_a_part(self):
        """Files that belong to other parts are done, too: the work that is left is this part's."""
        names = [f"{i}.csv" for i in range(5)]
        for name in names:
            self.synth(name, 20)
        last = self.run_with_events(*names, "-o", "out", "--shard", "2/2")[-1]
        self.assertEqual([last[key] for key in ("charts", "elsewhere", "files", "files_total")], [2, 3, 5, 5])

    def test_of_a_failure(self):
        self.write("a.csv", HEADER + "2020-01-01,1,x,1,1,1\n")
        last = self.run_with_events("a.csv", "-o", "a.png", code=BAD_DATA)[-1]
        self.assertEqual((last["event"], last["code"], last["charts"]), ("end", BAD_DATA, 0))

    def test_nobody_reads(self):
        """A reader that has gone, or that does not read although the pipe is full, harms nothing."""
        self.synth("a.csv")
        for gone in (True, False):
            reader, writer = os.pipe()
            if gone:
                os.close(reader)
            else:
                os.set_blocking(writer, False)
                with self.assertRaises(BlockingIOError):
                    while True:
                        os.write(writer, bytes(4096))
                os.set_blocking(writer, True)
            _, errors = self.run_tallow("render", "a.csv", "-o", "a.png", "--progress-fd", writer, pass_fds=(writer,))
            self.assertEqual(errors, "")
            Png((self.here / "a.png").read_bytes())
            (self.here / "a.png").unlink()
            os.close(writer)
            if not gone:
                os.close(reader)

    def test_full_disk(self):
        self.synth("a.csv")
        with open("/dev/full", "wb") as full:
            _, errors = self.run_tallow("render", "a.csv", "-o", "a.png", "--progress-fd", full.fileno(),
                                        pass_fds=(full.fileno(),))
        self.assertEqual(errors, "")

    def test_wrong_descriptors(self):
        says = "--progress-fd must be the number of a descriptor that is open for writing, such as 3 with"
        for value in ("199", "x", "-1", "", "99999999999"):
            self.fails(USAGE, "render", "a.csv", "-o", "a.png", f"--progress-fd={value}", says=says)
        with open(os.devnull, "rb") as null:
            self.fails(USAGE, "render", "a.csv", "-o", "a.png", "--progress-fd", null.fileno(), says=says,
                       pass_fds=(null.fileno(),))
        for args in (("-o", "-"), ("-o", "x/", "--json"), ("-o", "x/", "--dry-run")):
            says = f"--progress-fd 1 is standard output, which {'--output -' if '-' in args else args[-1]} needs"
            self.fails(USAGE, "render", "a.csv", *args, "--progress-fd", "1", says=says)


class Summary(Manners):
    def summary(self, *args, code=0, **options):
        out, errors = self.run_tallow("render", *args, "--json", code=code, **options)
        return json.loads(out), errors

    def test_members(self):
        self.synth("a.csv", 100)
        self.synth("b.csv", 100)
        got, errors = self.summary("a.csv", "b.csv", "-o", "out", "--window", "10")
        self.assertEqual(errors, "")
        self.assertGreaterEqual(got.pop("seconds"), 0)
        self.assertEqual(got, {"code": 0, "charts": 20, "found": 0, "failed": 0, "elsewhere": 0, "files": 2,
                               "files_read": 2, "rows": 200, "skipped": 0, "defects": {name: 0 for name in POLICIES},
                               "bad_files": [], "bad_files_left_out": 0})

    def test_defects(self):
        self.write("a.csv", OUTSIDE)
        self.write("b\n\".csv", HEADER + ROWS + "2020-03-01,,1,1,1,1\n2020-03-02,1,1,1,1,1\n2020-03-03,1,1,1,1,-1\n")
        got, errors = self.summary("a.csv", "b\n\".csv", "-o", "out", "--negative-volume", "skip")
        self.assertEqual(errors.count("\n"), 3)
        self.assertIn("a.csv: 2 rows have an open or close outside low to high, the first at line 30", errors)
        self.assertEqual((got["rows"], got["skipped"]), (61, 1))
        self.assertEqual({name: n for name, n in got["defects"].items() if n},
                         {"missing-price": 1, "outside": 2, "negative-volume": 1})
        self.assertEqual(got["bad_files"], [
            {"file": "a.csv", "rows": 30, "skipped": 0, "outside": {"rows": 2, "first_line": 30}},
            {"file": "b\n\".csv", "rows": 31, "skipped": 1, "missing-price": {"rows": 1, "first_line": 30},
             "negative-volume": {"rows": 1, "first_line": 32}},
        ])

    def test_bounded(self):
        for i in range(1003):
            self.write(f"{i}.csv", HEADER + "2020-01-01,,1,1,1,1\n2020-01-02,1,1,1,1,1\n")
        got, _ = self.summary(*(f"{i}.csv" for i in range(1003)), "-o", "out", "--size", "16x16", "--backend", "cpu")
        self.assertEqual((len(got["bad_files"]), got["bad_files_left_out"], got["charts"]), (1000, 3, 1003))
        self.assertEqual(got["defects"]["missing-price"], 1003)

    def test_of_a_failure(self):
        self.synth("a.csv")
        got, errors = self.summary("missing.csv", "a.csv", "-o", "out", code=NO_INPUT)
        self.assertIn("missing.csv", errors)
        self.assertEqual((got["code"], got["charts"], got["files"], got["files_read"]), (NO_INPUT, 1, 2, 1))
        self.assertEqual(got["bad_files"], [{"file": "missing.csv", "error": errors.strip()[len("tallow: ") :]}])

    def test_refused(self):
        """A file that is refused is told of, in the words that people get, with what is known of it."""
        self.write("a.csv", HEADER + ROWS + "2020-02-01,10,12,9,x,100\n")
        self.write("b.csv", HEADER + ROWS)
        for args in (("-o", "out"), ("-o", "windows", "--window", "10")):
            got, errors = self.summary("a.csv", "b.csv", *args, code=BAD_DATA)
            (bad,) = got["bad_files"]
            self.assertEqual((bad["file"], bad["row"], bad["column"]), ("a.csv", 30, 5))
            self.assertEqual(errors, f"tallow: {bad['error']}\n")
            self.assertIn("--bad-field skip", bad["error"])
            manifest = (self.here / args[1] / "manifest.jsonl").read_text().splitlines()
            reasons = [json.loads(line).get("reason") for line in manifest]
            self.assertEqual([reason for reason in reasons if reason], [bad["error"]])
            self.assertEqual((got["files"], got["files_read"]), (2, 1))
        self.assertEqual(bad["bad-field"], {"rows": 1, "first_line": 30})
        self.assertEqual((bad["rows"], got["defects"]["bad-field"]), (29, 1))

    def test_refused_for_its_candles(self):
        self.synth("a.csv", 5)
        got, _ = self.summary("a.csv", "-o", "out", "--window", "10", code=BAD_DATA)
        self.assertEqual([(bad["file"], bad["rows"]) for bad in got["bad_files"]], [("a.csv", 5)])
        self.assertIn("--window 10 needs", got["bad_files"][0]["error"])
        self.assertNotIn("row", got["bad_files"][0])

    def test_excluded(self):
        self.fails(USAGE, "render", "a.csv", "-o", "-", "--json", says="--json and --output - exclude each other")
        self.fails(USAGE, "render", "a.csv", "-o", "x/", "--json", "--dry-run", says="--json and --dry-run exclude")

    def test_cannot_be_written(self):
        self.synth("a.csv")
        for command in ("exec >/dev/full", "exec >&-"):
            script = f'{command}; exec "$0" render a.csv -o a.png --json'
            done = subprocess.run(["sh", "-c", script, BIN], cwd=self.here, capture_output=True, check=False)
            self.assertEqual(done.returncode, IO_ERROR, done.stderr)
            self.assertRegex(done.stderr, rb"\Atallow: standard output: can't write: .*\n\Z")


class Warnings(Manners):
    def test_by_default(self):
        self.write("a.csv", OUTSIDE)
        _, errors = self.run_tallow("render", "a.csv", "-o", "a.png")
        self.assertEqual(errors, "tallow: warning: a.csv: 2 rows have an open or close outside low to high, the first "
                                 "at line 30: their high and low were widened; --outside error refuses them\n")
        self.write("a.csv", HEADER + ROWS + "2020-02-01,13,12,9,11,100\n")
        _, errors = self.run_tallow("render", "a.csv", "-o", "a.png")
        self.assertIn(" 1 row has an open", errors)
        self.write("a.csv", HEADER + ROWS + "2020-02-01,,12,9,11,100\n2020-02-02,10,,9,11,100\n")
        for args in (("-o", "out/"), ("-o", "windows/", "--window", "5")):
            _, errors = self.run_tallow("render", "a.csv", *args)
            self.assertEqual(errors, "tallow: warning: a.csv: 2 rows lack a price, the first at line 30: they are "
                                     "gaps; --missing-price error refuses them\n")

    def test_asked_for(self):
        """What was changed or left out is told, asked for or not."""
        self.write("a.csv", OUTSIDE)
        for policy, says in (("widen", "high and low were widened"), ("skip", "left out"), ("clamp", "open and close")):
            for more in ((), ("-v",)):
                _, errors = self.run_tallow("render", "a.csv", "-o", "a.png", "--outside", policy, *more)
                (line,) = (line for line in errors.splitlines() if "2 rows" in line)
                self.assertIn(says, line)
                self.assertIn("tallow: warning: a.csv: ", line)
                self.assertNotIn("refuses", line)
            _, errors = self.run_tallow("render", "a.csv", "-o", "a.png", "--outside", policy, "--quiet")
            self.assertEqual(errors, "", policy)
        _, errors = self.run_tallow("render", "a.csv", "-o", "a.png", "--quiet")
        self.assertEqual(errors, "")
        self.fails(BAD_DATA, "render", "a.csv", "-o", "a.png", "--outside", "error", says="a.csv:30")

    def test_each_policy(self):
        rows = {
            "bad-field": "2020-02-01,x,12,9,11,100\n",
            "missing-price": "2020-02-01,,12,9,11,100\n",
            "negative-price": "2020-02-01,-1,12,-2,11,100\n",
            "high-below-low": "2020-02-01,10,9,12,11,100\n",
            "outside": "2020-02-01,13,12,9,11,100\n",
            "negative-volume": "2020-02-01,10,12,9,11,-1\n",
            "out-of-order": "2020-01-05T12:00,10,12,9,11,100\n",
            "duplicate": "2020-01-28,10,12,9,11,100\n",
        }
        for name, row in rows.items():
            self.write("a.csv", HEADER + ROWS + row)
            for i, policy in enumerate(POLICIES[name].split()):
                default = self.start(("render", "a.csv", "-o", "default.png"), stderr=subprocess.PIPE)
                code = BAD_DATA if policy == "error" else 0
                out, errors = self.run_tallow("render", "a.csv", "-o", "a.png", f"--{name}", policy, "-v", code=code)
                if i == 0:
                    self.assertEqual(default.returncode, code, name)
                if code == 0:
                    kind = "" if policy == "keep" else "warning: "
                    self.assertRegex(errors, rf"tallow: {kind}a\.csv: 1 row .*, the first at line 30: ", (name, policy))
                    _, errors = self.run_tallow("render", "a.csv", "-o", "a.png", f"--{name}", policy)
                    self.assertEqual(errors.count("warning"), policy != "keep", (name, policy))
                else:
                    self.assertRegex(errors, rf"[,:] or use --{name} \w+", (name, policy))
                    self.assertNotIn("policy", errors)


class Advice(Manners):
    """The library speaks of policies and members; people are told of options, whatever the library's words are."""

    def refused(self, text, *args, name="a.csv"):
        self.write(name, text)
        errors = self.fails(BAD_DATA, "render", name, "-o", "out/", "-q", *args)
        for word in ("polic", "choose day", "say by", "(close=", "the decimal", "in the options", " day-first"):
            self.assertNotIn(word, errors.replace(name, ""))
        return errors

    def test_times(self):
        for day in ("31.12.2020", "31/12/2020", "31-12-2020"):
            self.assertIn("use --day-first if the day", self.refused(HEADER + f"{day},1,1,1,1,1\n"))
        says = "leave out --day-first if the month"
        self.assertIn(says, self.refused(HEADER + "12/31/2020,1,1,1,1,1\n", "--day-first"))

    def test_numbers(self):
        text = (HEADER + "2020-01-01,1X5,1X5,1X5,1X5,1\n").replace(",", ";").replace("X", ",")
        self.assertIn("or use --decimal comma if it is one", self.refused(text))

    def test_columns(self):
        errors = self.refused("time,open,high,low,Last-One\n2020-01-01,1,1,1,1\n")
        self.assertIn("say which they are: --columns close=Last,volume=7\n", errors)
        errors = self.refused("2020-01-01,1\n", "--header", "no")
        self.assertIn("say which they are: --columns close=5,volume=7\n", errors)

    def test_nothing_left(self):
        errors = self.refused(HEADER + "2020-01-01,x,1,1,1,1\n", "--bad-field", "skip")
        self.assertIn("correct them or choose otherwise with the options for bad rows", errors)

    def test_expansion(self):
        with gzip.open(self.here / "a.csv", "wb") as packed:
            packed.write(b"\n" * (66 << 20))
        errors = self.fails(BAD_DATA, "render", "a.csv", "-o", "a.png", "--expansion", "2")
        self.assertIn("allow more by --expansion or unpack it", errors)

    def test_names_are_left_alone(self):
        name = "set the policy outside to skip, choose day-first.csv"
        errors = self.refused(HEADER + "31.12.2020,1,1,1,1,1\n", name=name)
        self.assertIn(f"{name}:2: ", errors)
        self.assertIn("use --day-first if", errors)


class Findings(Manners):
    def found(self, *args, **options):
        _, errors = self.run_tallow("render", *args, "-o", "out/", "-v", **options)
        return [line for line in errors.splitlines() if " row, " in line or " rows, " in line]

    def test_each(self):
        self.write("a.csv", HEADER + ROWS)
        rows = [line.rsplit(",", 1)[0].replace(",", ";") for line in ROWS.splitlines()]
        with gzip.open(self.here / "b.csv", "wt") as packed:
            packed.write("\n".join(reversed(rows)) + "\n")
        says = ["tallow: a.csv: 28 rows, commas, header, volume",
                "tallow: b.csv: 28 rows, gzip, semicolons, no header, newest first, no volume"]
        self.assertEqual(self.found("a.csv", "b.csv"), says)
        self.assertEqual(self.found("a.csv", "b.csv", "--window", "5"), says)
        self.write("c.csv", (HEADER + "2020-01-01,1,1,1,1,1\n").replace(",", "\t"))
        self.assertEqual(self.found("c.csv"), ["tallow: c.csv: 1 row, tabs, header, volume"])
        text = HEADER + "".join(f"{10**9 + n},1,1,1,1,1\n" for n in range(1200))
        says = ["tallow: standard input: 1,200 rows, pipes, header, volume"]
        self.assertEqual(self.found("-", input=text.replace(",", "|").encode()), says)


class Table(Manners):
    """Help, manual and completions name everything."""

    def test_groups(self):
        for command, groups in (("window", WINDOW_GROUPS), ("render", GROUPS)):
            text = self.run_tallow("help", command)[0].decode()
            at = [text.index(f"\n{title}:\n") for title in groups]
            self.assertEqual(at, sorted(at))
            self.assertNotIn("\nOptions:\n", text)
        for command in COMMANDS[2:]:
            self.assertIn("\nOptions:\n", self.run_tallow("help", command)[0].decode())
        for name, choices in POLICIES.items():
            self.assertRegex(text, rf"(?m)^      --{name} [\w ,.'-]+ {choices}$")

    def test_help_is_whole(self):
        """Each text ends with a sentence, and no line is too wide."""
        for command in COMMANDS:
            text = self.run_tallow("help", command)[0].decode()
            options = text[text.index("\n\n", text.index("Usage:")) :]
            for entry in re.split(r"\n(?=  (?:-\w,|   ) --)", options)[1:]:
                entry = entry.split("\n\n")[0].rstrip()
                policy = re.match(r" +--([a-z-]+)", entry)
                if not policy or policy.group(1) not in POLICIES:
                    self.assertTrue(entry.endswith("."), entry)
            for line in text.split("Usage:")[1].splitlines():
                self.assertLessEqual(len(line), 80)

    def test_manual(self):
        text = self.run_tallow("help", "--man")[0].decode()
        plain = text.replace("\\-", "-").replace("\\&", "")
        for command in COMMANDS:
            self.assertIn(f".Ss tallow {command}\n", text)
            section = plain[plain.index(f".Ss tallow {command}\n") :].split("\n.Ss ")[0].split("\n.Sh ")[0]
            for option in self.options_of(command):
                self.assertRegex(section, rf"(?m)^\.It (?:Fl \w , )?Fl Fl {option}(?: |$)", command)
        codes = plain[plain.index(".Sh EXIT STATUS") :]
        for code in CODES:
            self.assertRegex(codes, rf"(?m)^\.It {code}\n\w")
        for name in ("NO_COLOR", "COLUMNS", "XDG_CACHE_HOME", "TALLOW_CPU_TIER", "TALLOW_CUDA_IMAGE"):
            self.assertIn(f".It Ev {name}\n", text)
        for example in ("tallow render aapl.csv -o aapl.png", "tallow merge parts", "tallow devices --check"):
            self.assertIn(f"\n{example}\n", plain)
        self.assertIsNone(re.search(r"(?m)^'|^\.(?![A-Z])", text))
        self.assertEqual([line for line in text.splitlines() if len(line) > 100 and not line.startswith("tallow")], [])

    def test_manual_by_others(self):
        page = self.write("tallow.1", self.run_tallow("help", "--man")[0].decode())
        found = 0
        if shutil.which("mandoc"):
            done = subprocess.run(["mandoc", "-Tlint", page], capture_output=True, text=True, check=False)
            bad = [line for line in done.stdout.splitlines() if "operating system explicitly" not in line]
            self.assertEqual(bad, [])
            found += 1
        if shutil.which("groff"):
            words = ["groff", "-ww", "-mdoc", "-Tutf8", page]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0)
            if "can't" not in done.stderr and "cannot" not in done.stderr:  # a groff without its macros
                self.assertEqual(done.stderr, "")
            found += 1
        if not found:
            test_cli.notes.append("SKIPPED: the manual in the eyes of mandoc or groff, for neither is installed")

    def test_manual_is_of_all(self):
        self.fails(USAGE, "help", "--man", "render", says="--man prints the manual of all commands: leave out 'render'")

    def test_completions_name_everything(self):
        for shell in ("bash", "zsh", "fish"):
            text = self.run_tallow("completion", shell)[0].decode()
            for command in COMMANDS:
                for option in self.options_of(command):
                    found = {
                        "bash": rf"(?m)^  {command}:\*\)\n    options='[^']*--{option}:",
                        "zsh": rf"(?ms)^    {command}\)\n.*?--{option}[=\[}}].*?;;",
                        "fish": rf"(?m)__tallow_command {command}' -l {option}( |$)",
                    }[shell]
                    self.assertRegex(text, found)
            for name in ("tradingview", "semicolon", "opencl", "clamp", "trending", "trades", "fish"):
                self.assertIn(name, text)
            self.assertEqual(re.findall(r"[^\x20-\x7e\n]", text), [])

    def test_shells_read_it(self):
        for shell, check in (("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["-n"])):
            if not shutil.which(shell):
                test_cli.notes.append(f"SKIPPED: the completion in the eyes of {shell}, which is not installed")
                continue
            script = self.write(f"completion.{shell}", self.run_tallow("completion", shell)[0].decode())
            done = subprocess.run([shell, *check, script], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), shell)

    def test_wrong_shells(self):
        says = ("the shell must be bash, zsh or fish, not 'bsh'", "did you mean bash?")
        self.fails(USAGE, "completion", "bsh", says=says)
        self.fails(USAGE, "completion", says="bash|zsh|fish is missing")


class BashCompletion(Manners):
    def setUp(self):
        super().setUp()
        self.script = self.write("completion.bash", self.run_tallow("completion", "bash")[0].decode())

    def complete(self, *words):
        """What bash is given for the last of the words, and what it may do by itself."""
        test = f"""source {self.script}
            compopt() {{ echo "compopt $*"; }}
            COMP_WORDS=(tallow "$@") COMP_CWORD=$#
            _tallow
            printf '%s\\n' "${{COMPREPLY[@]}}" """
        done = subprocess.run(["bash", "-uc", test.replace("source", "set +u; source"), "bash", *words],
                              capture_output=True, text=True, check=True, cwd=self.here)
        self.assertEqual(done.stderr, "")
        lines = [line for line in done.stdout.splitlines() if line]
        self.other = [line[8:] for line in lines if line.startswith("compopt ")]
        return [line for line in lines if not line.startswith("compopt ")]

    def test_commands(self):
        self.assertEqual(self.complete(""), list(COMMANDS))
        self.assertEqual(self.complete("re"), ["render"])
        self.assertEqual(self.complete("--"), ["--help", "--version"])
        self.assertEqual(self.complete("help", "d"), ["dataset", "devices"])

    def test_options(self):
        for command in COMMANDS:
            self.assertEqual(self.complete(command, "-"), [f"--{name}" for name in self.options_of_table(command)])
        self.assertEqual(self.complete("render", "a.csv", "--th"), ["--theme", "--threads"])
        self.assertEqual(self.complete("render", "--theme", "light", "--th"), ["--threads"])
        self.assertEqual(self.complete("render", "-t", "light", "--th"), ["--threads"])
        self.assertEqual(self.complete("render", "--", "--th"), [])
        self.assertEqual(self.complete("nothing", "--"), [])

    def options_of_table(self, command):
        """In the order of the completion, which is that of the table; the set is that of --help."""
        text = self.script.read_text()
        names = re.findall(r"--([a-z-]+):", re.search(rf"  {command}:\*\)\n    options='([^']*)'", text).group(1))
        self.assertEqual(sorted(names), sorted(self.options_of(command)))
        return names

    def test_choices(self):
        self.assertEqual(self.complete("render", "--theme", ""), ["classic", "modern", "tradingview", "light"])
        self.assertEqual(self.complete("render", "-t", "l"), ["light"])
        self.assertEqual(self.complete("render", "--theme", "=", "l"), ["light"])
        self.assertEqual(self.complete("render", "--theme", "="), ["classic", "modern", "tradingview", "light"])
        self.assertEqual(self.complete("render", "--theme=l"), ["--theme=light"])
        self.assertEqual(self.complete("render", "--outside", "c"), ["clamp"])
        self.assertEqual(self.complete("synth", "t"), ["trades"])
        self.assertEqual(self.complete("synth", "--shape", "ga"), ["gaps"])
        self.assertEqual(self.complete("completion", ""), ["bash", "zsh", "fish"])
        self.assertEqual(self.complete("window", "--op", "me"), ["mean", "median"])
        self.assertEqual(self.complete("window", "--op", "mean,std,cumm"), ["mean,std,cummin", "mean,std,cummax"])
        self.assertEqual(self.complete("window", "--op=mean,ku"), ["--op=mean,kurtosis"])
        self.assertEqual(self.complete("render", "--theme", "modern,l"), [])
        for option, choices in POLICIES.items():
            self.assertEqual(self.complete("render", f"--{option}", ""), choices.split())

    def test_files(self):
        """Names of files are left to bash, which knows how to quote them; where none fit it offers none."""
        for words in (("render", ""), ("render", "-o", ""), ("render", "--stats", "x"), ("render", "--", "-x"),
                      ("synth", "candles", "-o", "")):
            self.assertEqual((self.complete(*words), self.other), ([], []), words)
        for words in (("render", "--last", ""), ("render", "--from", "2"), ("devices", ""), ("synth", "--rows", "")):
            self.assertEqual((self.complete(*words), self.other), ([], ["+o bashdefault +o default"]), words)
        self.complete("merge", "")
        self.assertEqual(self.other, ["+o bashdefault +o default", "-o dirnames"])


class FishCompletion(Manners):
    def setUp(self):
        super().setUp()
        if not shutil.which("fish"):
            test_cli.notes.append("SKIPPED: completion by fish, which is not installed")
            self.skipTest("no fish")
        self.script = self.write("tallow.fish", self.run_tallow("completion", "fish")[0].decode())

    def complete(self, line):
        done = subprocess.run(["fish", "--no-config", "-c", f"source {self.script}; complete -C '{line}'"],
                              capture_output=True, text=True, check=True, cwd=self.here,
                              env={**os.environ, "HOME": str(self.here)})
        return [word.split("\t")[0] for word in done.stdout.splitlines()]

    def test_completions(self):
        self.assertEqual(sorted(self.complete("tallow ")), sorted(COMMANDS))
        self.assertEqual(sorted(self.complete("tallow render --th")), ["--theme", "--threads"])
        self.assertEqual(sorted(self.complete("tallow render --theme ")), ["classic", "light", "modern", "tradingview"])
        self.assertEqual(self.complete("tallow render --theme=li"), ["--theme=light"])
        self.assertEqual(sorted(self.complete("tallow synth ")), ["candles", "trades"])
        self.assertEqual(sorted(self.complete("tallow help de")), ["devices"])
        self.write("aapl.csv", "")
        self.assertIn("aapl.csv", self.complete("tallow render aa"))
        self.assertEqual(self.complete("tallow render --last aa"), [])
        self.assertEqual(self.complete("tallow devices aa"), [])
        self.assertEqual(sorted(self.complete("tallow window --op cumm")), ["cummax", "cummin"])
        self.assertEqual(sorted(self.complete("tallow window --op mean,cumm")), ["mean,cummax", "mean,cummin"])


class ZshCompletion(Manners):
    def setUp(self):
        super().setUp()
        if not shutil.which("zsh"):
            test_cli.notes.append("SKIPPED: completion by zsh, which is not installed")
            self.skipTest("no zsh")
        self.write("functions/_tallow", self.run_tallow("completion", "zsh")[0].decode())

    def complete(self, line):
        """Types a line into a zsh on a terminal of its own, once it edits lines, and asks for all that fits."""
        typed = self.write("typed", rf"""
            zmodload zsh/zpty
            zpty z zsh -f -i
            zpty -w z 'PS1=; fpath=({self.here}/functions $fpath)'
            zpty -w z 'autoload -Uz compinit; compinit -u -d {self.here}/dump; stty -echo rows 100 columns 200'
            zpty -w z 'compadd() {{ local -a found; builtin compadd -A found "$@"; print -rl -- "<"$^found">"
              builtin compadd "$@" }}'
            zpty -w z 'zle-line-init() {{ print re""ady }}; zle -N zle-line-init'
            zpty -r z before '*ready*'
            zpty -w -n z $'{line}\t'
            zpty -w z $'\x15print do""ne'
            zpty -r z after '*done*'
            print -r -- "$after"
        """)
        done = subprocess.run(["zsh", "-f", typed], capture_output=True, text=True, check=True, cwd=self.here,
                              timeout=TIMEOUT, env={**os.environ, "TERM": "dumb"})
        return sorted(set(re.findall(r"<([^<>\s]+)>", done.stdout)))

    def test_completions(self):
        self.write("aapl.csv", "")
        self.assertEqual(self.complete("tallow "), sorted(COMMANDS))
        self.assertEqual(self.complete("tallow render --th"), ["--theme", "--threads"])
        self.assertEqual(self.complete("tallow render -t "), ["classic", "light", "modern", "tradingview"])
        self.assertEqual(self.complete("tallow render --theme=li"), ["light"])
        self.assertEqual(self.complete("tallow synth t"), ["trades"])
        self.assertEqual(self.complete("tallow help de"), ["devices"])
        self.assertEqual(self.complete("tallow render aa"), ["aapl.csv"])
        self.assertEqual(self.complete("tallow window --op me"), ["mean", "median"])
        self.assertEqual(self.complete("tallow window --op sum,me"), ["mean", "median"])


class Words(Manners):
    """What people type, right and wrong."""

    def check(self, *args, says, never=()):
        errors = self.fails(USAGE, *args, says=says)
        self.assertEqual(errors.count("\n"), 1, errors)
        for part in never:
            self.assertNotIn(part, errors)
        return errors

    def test_bytes(self):
        self.synth("a.csv")
        values = {
            "67108864": 1 << 26, "67108864B": 1 << 26, "65536KiB": 1 << 26, "65536k": 1 << 26, "64M": 1 << 26,
            "64m": 1 << 26, "64MiB": 1 << 26, "64mib": 1 << 26, "64 MiB": 1 << 26, "64MB": 64000000,
            "64mb": 64000000, "64000kB": 64000000, "64000KB": 64000000, "1.5GiB": 3 << 29, "1.5g": 3 << 29,
            "1.5GB": 1500000000, "0.0625GiB": 1 << 26, "0.000064TB": 64000000, "1T": 1 << 40, "1TiB": 1 << 40,
            "100.1MB": 100100000, "70000.000976KiB": 71680000, "16777215TiB": 16777215 << 40,
        }
        for value, size in values.items():
            args = ("--backend", "cpu", "--host-mem", value, "--stats", "s.json")
            self.run_tallow("render", "a.csv", "-o", "a.png", *args)
            stats = json.loads((self.here / "s.json").read_text())
            self.assertEqual(stats["engines"][0]["host_budget"], size, value)
        bad = ("", "M", ".5M", "5.M", "1,5GiB", "1.5", "1.5B", "1.1234567GiB", "5PB", "5 MiB ", "5  MiB", "-5M", "+5M",
               "1e3", "16777216TiB", "18446744073709551616", "5MiBs", "Mi")
        for value in bad:
            for option in ("--pool", "--host-mem"):
                says = (f"{option} must be a number of bytes", "512MiB, 1.5GiB or 800MB", f"not '{value}'")
                self.check("render", "a.csv", "-o", "a.png", f"{option}={value}", says=says)

    def test_same_words(self):
        self.synth("a.csv", 50)
        expected = self.render("a.csv", "--volume", "off", "--grid", "off").rows
        for word in ("no", "false", "0", "OFF", "No"):
            self.assertEqual(self.render("a.csv", "--volume", word, "--grid", word).rows, expected)
        for word in ("yes", "true", "1", "ON"):
            self.assertEqual(self.render("a.csv", "--volume", word).rows, self.render("a.csv").rows)
        text = (self.here / "a.csv").read_text()
        for sign, name in ((",", "comma"), (";", "semicolon"), ("\t", "tab"), ("\\t", "tab"), ("|", "pipe")):
            self.write("b.csv", text.replace(",", "\t" if name == "tab" else sign))
            for word in (sign, name):
                self.assertEqual(self.render("b.csv", "--delimiter", word).rows, self.render("a.csv").rows, sign)
        self.write("b.csv", text.replace(",", ";").replace(".", ","))
        for word in (",", "comma"):
            self.assertEqual(self.render("b.csv", "--decimal", word).rows, self.render("a.csv").rows)

    def test_nearest_options(self):
        rows = {"--thme": "--theme", "--THEME": "--theme", "--back": "--backend", "--out": "--output", "--dst": None,
                "--width": "--size", "--sep": "--delimiter", "--jobs": "--threads",
                "--symbol": "--by", "--timeout": "--deadline", "--device-mem": "--pool", "--since": "--from",
                "--until": "--to", "--outisde": "--outside", "--resum": "--resume", "--dryrun": "--dry-run"}
        for wrong, meant in rows.items():
            says = (f"render has no option {wrong}", f"did you mean {meant}? try" if meant else "; try")
            self.check("render", "a.csv", "-o", "a.png", f"{wrong}=5", says=says, never=() if meant else ("did you",))

    def test_every_option_and_choice_is_found_again(self):
        """One letter less still leads to the name, wherever that is not a name itself."""
        for command in COMMANDS:
            names = self.options_of(command)
            for name in names:
                wrong = name[:-1]
                if len(wrong) > 2 and wrong not in names:
                    errors = self.check(command, f"--{wrong}", says=f"{command} has no option --{wrong}")
                    self.assertIn("did you mean --", errors)
        for option, choices in {"theme": "classic modern tradingview light", **POLICIES}.items():
            for choice in choices.split():
                says = (f"--{option} must be ", f"not '{choice[:-1]}'", f"did you mean {choice}?")
                self.check("render", "a.csv", "-o", "a.png", f"--{option}", choice[:-1], says=says)

    def test_options_of_other_commands(self):
        self.check("render", "a.csv", "--seed", "4", says="render has no option --seed, but window and synth have; try")
        self.check("devices", "--theme", "x", says="devices has no option --theme, but render has; try")
        self.check("merge", "x", "--json", says="merge has no option --json, but render and window and dataset and bench "
                   "and tune and devices have; try")
        self.check("render", "a.csv", "--start", "1", says="but synth has; did you mean --from?")
        self.check("render", "a.csv", "-i", "1m", says="render has no option -i, but synth has; try")
        self.check("render", "--version", says="--version stands alone: 'tallow --version'")

    def test_one_dash(self):
        self.check("render", "a.csv", "-output", "a.png", says="-output needs two dashes: --output")
        self.check("render", "a.csv", "-last", "5", says="-last needs two dashes: --last")
        self.check("render", "a.csv", "-lsat", "5", says="did you mean --last?")
        self.check("render", "a.csv", "-O", "a.png", says="render has no option -O; did you mean -o?")
        self.synth("a.csv")
        self.run_tallow("render", "a.csv", "-oa.png", "-s64x64")

    def test_missing_parts(self):
        says = ("FILE... is missing", "'tallow render aapl.csv -o aapl.png'")
        self.check("render", says=says)
        self.check("render", "-o", "a.png", says=says)
        says = ("--output OUT is missing", "a PNG file, a folder, or - for standard output, such as -o chart.png")
        self.check("render", "a.csv", says=says, never=("did you mean",))
        self.check("render", "a.csv", "b.png", says=(*says, "did you mean -o b.png?"))
        self.check("merge", says=("FOLDER is missing", "'tallow merge parts'"))

    def test_commands(self):
        for word, meant in (("rendre", "render"), ("draw", "render"), ("plot", "render"), ("man", "help"),
                            ("gpus", "devices"), ("generate", "synth"), ("version", "--version"), ("merg", "merge")):
            self.check(word, says=f"there is no command '{word}'; did you mean '{meant}'? try 'tallow --help'")
        self.write("help.csv", "")
        self.write("rendr", "")
        for name in ("aapl.csv", "help.csv", "./x", "data/aapl.csv.gz"):
            says = (f"there is no command '{name}'; if that is a file to draw: 'tallow render {name} -o chart.png'",)
            self.check(name, "-o", "a.png", says=says, never=("did you mean",))
        self.check("rendr", says="did you mean 'render'?")
        self.check("-v", says="a command comes first, such as render, not '-v'")

    def test_files_that_are_missing(self):
        """No other name is suggested for a file."""
        self.write("aapl.csv", HEADER + ROWS)
        errors = self.fails(NO_INPUT, "render", "appl.csv", "-o", "a.png", says=("appl.csv", "No such file"))
        self.assertNotIn("did you mean", errors)
        self.assertNotIn("aapl.csv", errors)

    def test_columns(self):
        """What the reader refuses of its options is said once, as an error of use, and not about a file."""
        self.write("a.csv", HEADER + ROWS)
        self.write("b.csv", HEADER + ROWS)
        for args, says in ((("--columns", "clse=4"), ("--columns", "'clse'", "close")),
                           (("--columns", "close"), ("--columns", "ROLE=COLUMN")),
                           (("--columns", "close=4,close=5"), ("close is given twice",)),
                           (("--decimal", ",", "--delimiter", ","), ("--decimal comma and --delimiter comma",))):
            errors = self.check("render", "a.csv", "b.csv", "-o", "out", *args, says=(*says, "tallow render --help"))
            self.assertNotIn("/dev/null", errors)
            self.assertNotIn("a.csv", errors)
        self.assertEqual(self.files(), ["a.csv", "b.csv"])


class Surroundings(Manners):
    """Folders and streams that are missing, closed or of no use."""

    def test_cache_folder(self):
        self.synth("a.csv")
        self.write("file", "")
        (self.here / "locked").mkdir(mode=0o500)
        folders = {
            "missing": self.here / "no" / "such" / "folder",
            "relative": "relative/cache",
            "a file": self.here / "file",
            "below a file": self.here / "file" / "cache",
            "not to be made": "/proc/tallow-cache",
            "locked": self.here / "locked",
            "empty": "",
        }
        before = self.files()
        for backend in BACKENDS:
            expected = None
            for name, folder in folders.items():
                env = {"XDG_CACHE_HOME": str(folder), "HOME": str(self.here / "home")}
                out, errors = self.run_tallow("render", "a.csv", "-o", "-", "--backend", backend, env=env)
                self.assertEqual(errors, "", (backend, name))
                expected = expected or out
                self.assertEqual(out, expected)
                if backend == "opencl" and name in ("a file", "not to be made"):
                    _, errors = self.run_tallow("render", "a.csv", "-o", "a.png", "-v", "--backend", backend, env=env)
                    self.assertIn(f"compiled kernels could not be kept in {folder}/tallow", errors)
                    (self.here / "a.png").unlink()
        self.assertFalse((self.here / "relative").exists())
        self.assertEqual([name for name in self.files() if not name.startswith(("home/", "no/", "locked/"))], before)

    def test_no_home(self):
        self.synth("a.csv")
        for backend in BACKENDS:
            for home in (None, "", "relative"):
                env = {key: value for key, value in os.environ.items() if key not in ("HOME", "XDG_CACHE_HOME")}
                if home is not None:
                    env["HOME"] = home
                done = subprocess.run([BIN, "render", "a.csv", "-o", "a.png", "--backend", backend], cwd=self.here,
                                      env=env, capture_output=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, b""), (backend, home))
        self.assertEqual(self.files(), ["a.csv", "a.png"])

    def test_closed_streams(self):
        self.synth("a.csv")
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            script = f'exec {closed}; exec "$0" render a.csv -o a.png --progress on'
            done = subprocess.run(["sh", "-c", script, BIN], cwd=self.here, capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, (closed, done.stderr))
            Png((self.here / "a.png").read_bytes())
            (self.here / "a.png").unlink()
        for words in (("render", "-", "-o", "a.png", "<&-"), ("render", "a.csv", "-o", "-", ">&-"), ("help", ">&-"),
                      ("help", "--man", ">&-"), ("completion", "bash", ">&-"), ("devices", ">&-")):
            script = f'exec {words[-1]}; exec "$0" {" ".join(words[:-1])}'
            done = subprocess.run(["sh", "-c", script, BIN], cwd=self.here, capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stderr.count(b"\n")), (IO_ERROR, 1), (words, done.stderr))
        self.assertEqual(self.files(), ["a.csv"])


if __name__ == "__main__":
    test_cli.main()
