"""Runs of tallow dataset that are stopped, killed and resumed, and runs in parts: what they leave in the end is what an
unbroken run makes.

Environment: as for test_cli.py. --kills N: how many times a run is killed, 8 unless told; --seed S: of the moments.
"""

import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import unittest

from processes import wait_until_idle
from test_cli import BAD_DATA, BIN, CANT_CREATE, IO_ERROR, STOPPED, USAGE, Case

kills, seed = 8, 1


class RunCase(Case):
    def files(self, pattern="set*"):
        """Size and hash of each, for the difference of long files takes unittest for ever."""
        return {p.name: (p.stat().st_size, hashlib.sha256(p.read_bytes()).hexdigest())
                for p in sorted(self.here.glob(pattern))}

    def dataset(self, *args, **options):
        return self.run_tallow("dataset", *args, **options)[1]

    def expect(self, *args):
        """What an unbroken run makes; its files are taken away."""
        self.dataset(*args)
        files = self.files()
        for name in files:
            (self.here / name).unlink()
        return files

    def begin(self, *args, **options):
        return subprocess.Popen([BIN, "dataset", *map(str, args)], cwd=self.here, stderr=subprocess.PIPE, **options)

    def end(self, process):
        """Exit code and what was said."""
        said = process.stderr.read().decode()
        process.stderr.close()
        return process.wait(600), said

    def stop_behind_rows(self, rows, *args):
        """Gives it so many rows of standard input, waits until it has them, and stops it. What it says."""
        process = self.begin(*args, stdin=subprocess.PIPE)
        process.stdin.write(rows.encode())
        process.stdin.flush()
        wait_until_idle(process)
        process.send_signal(signal.SIGINT)
        code, said = self.end(process)
        process.stdin.close()
        self.assertEqual(code, STOPPED, said)
        return said

    def record(self, name="set.state"):
        return json.loads((self.here / name).read_bytes().split(b"\n")[1])

    def change_record(self, name="set.state", **members):
        """Writes some members of a state anew, and its sum."""
        path = self.here / name
        first, line, _ = path.read_bytes().split(b"\n")
        text = json.dumps({**json.loads(line), **members})
        text = text[: text.index('"sum": ') + len('"sum": ')]
        total = 0xCBF29CE484222325
        for byte in text.encode():
            total = (total ^ byte) * 0x100000001B3 % 2**64
        path.write_bytes(first + b"\n" + f'{text}"{total:016x}"}}'.encode().ljust(len(line)) + b"\n")

    def kill_underway(self, *args):
        """Kills a run that waits for standard input, once it has saved what came before."""
        process = self.begin(*args, stdin=subprocess.PIPE)
        wait_until_idle(process)
        process.kill()
        self.end(process)
        process.stdin.close()


ANOTHER_START = {"boot": "00000000-0000-4000-8000-000000000000"}


class Killed(RunCase):
    def kill_until_done(self, rng, longest, args):
        for attempt in range(1000):
            process = self.begin(*args, "--resume")
            number = rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM))
            if attempt < kills:
                time.sleep(rng.random() * longest)
                process.send_signal(number)
            code, said = self.end(process)
            self.assertIn(code, (0, -number, STOPPED), said)
            if code == 0:
                return said
        return self.fail("it never ends")

    def check(self, *args):
        rng = random.Random(seed)
        before = time.monotonic()
        expected = self.expect(*args)
        longest = time.monotonic() - before
        self.kill_until_done(rng, longest, args)
        self.assertEqual(self.files(), expected)

    def test_arrays(self):
        self.synth("a.csv", 2500)
        self.synth("b.csv", 3500, "--seed", 2)
        self.check("a.csv", "b.csv", "--window", 30, "--size", "96x96", "--horizons", "1,5", "-o", "set.npy")

    def test_bare_arrays_of_floats(self):
        self.synth("a.csv", 9000)
        self.check("a.csv", "--preset", "jkx", "--type", "f32", "-o", "set.dat")

    def test_tar_shards(self):
        self.synth("a.csv", 6000)
        self.check("a.csv", "--preset", "jkx", "--horizons", 3, "--per-tar", 700, "-o", "set.tar")

    def test_parts(self):
        self.synth("a.csv", 6000)
        args = ("a.csv", "--preset", "jkx", "--horizons", 3, "-o", "set.npy")
        expected = self.expect(*args)
        rng = random.Random(seed)
        for part in (2, 3, 1):
            self.kill_until_done(rng, 0.1, (*args, "--shard", f"{part}/3"))
        self.assertEqual(self.files(), expected)


class Stopped(RunCase):
    """By a signal, in order."""

    def many(self, folder="folder"):
        self.synth("a.csv", 4000)
        return ("a.csv", "--preset", "jkx", "--window", 60, "-o", "set.npy")

    def test_going_on_draws_nothing_twice(self):
        args = self.many()
        expected = self.expect(*args)
        process = self.begin(*args, "-v")
        while not any(p.stat().st_size > 8 << 20 for p in self.here.glob("set.npy.partial")) and process.poll() is None:
            time.sleep(0.0005)
        process.send_signal(signal.SIGINT)
        code, said = self.end(process)
        if code == 0:
            self.skipTest("the run was over before it could be stopped")
        self.assertEqual(code, STOPPED, said)
        self.assertIn("stopped by SIGINT", said)
        self.assertIn("run the same command with --resume to go on", said)
        self.assertEqual(list(self.files()), ["set.npy.partial", "set.state"])
        out, errors = self.run_tallow("dataset", *args, "--resume", "--json")
        told = json.loads(out)
        self.assertGreater(told["found"], 0)
        self.assertEqual(told["found"] + told["images"], 3941)
        self.assertIn("going on behind image", errors)
        self.assertEqual(self.files(), expected)

    def leave_some(self, *args):
        """A run that has read a file, and waits for the next."""
        text = self.synth("b.csv", 5000, "--seed", 4)
        return self.stop_behind_rows(text, "a.csv", "-", *args)

    def test_while_it_waits_for_input(self):
        self.synth("a.csv", 3000)
        args = ("--preset", "jkx", "-o", "set.npy")
        said = self.leave_some(*args)
        self.assertIn("images are written", said)
        expected = self.expect_beside("a.csv", "b.csv", *args)
        self.dataset("a.csv", "b.csv", *args, "--resume")
        self.assertEqual(self.files(), expected)

    def expect_beside(self, *args):
        """As expect, but what is there stays."""
        left = list(self.here.glob("set*"))
        for path in left:
            path.rename(path.with_name("left " + path.name))
        files = self.expect(*args)
        for path in left:
            path.with_name("left " + path.name).rename(path)
        return files

    def test_other_parameters_are_refused(self):
        self.synth("a.csv", 3000)
        self.leave_some("--preset", "jkx", "-o", "set.npy")
        before = self.files()
        for more, says in ((("--stride", 2), "stride is 2, and was 1 there"), (("--type", "f32"), "type"),
                           (("--window", 5), "shape is [1, 32, 15], and was [1, 64, 60] there")):
            self.fails(USAGE, "dataset", "a.csv", "b.csv", "--preset", "jkx", "-o", "set.npy", "--resume", *more,
                       says=("--resume: set.state is of a run with other parameters", says))
            self.assertEqual(self.files(), before)
        self.dataset("a.csv", "--preset", "jkx", "-o", "set.npy", "--stride", 2)
        self.assertEqual(list(self.files()), ["set.manifest.jsonl", "set.npy"])

    def test_other_input_is_refused(self):
        self.synth("a.csv", 3000)
        args = ("--preset", "jkx", "-o", "set.npy")
        self.leave_some(*args)
        before = self.files()
        text = (self.here / "a.csv").read_text().splitlines(keepends=True)
        for lines in (text[:1] + text[2:], text[:-1], text[:10] + text[5:5]):
            self.write("a.csv", "".join(lines))
            self.fails(BAD_DATA, "dataset", "a.csv", "b.csv", *args, "--resume", says="give the same")
            self.assertEqual(self.files(), before)
        self.write("a.csv", "".join(text))
        expected = self.expect_beside("a.csv", "b.csv", *args)
        self.dataset("a.csv", "b.csv", *args, "--resume")
        self.assertEqual(self.files(), expected)

    def test_a_state_that_is_damaged_or_of_an_earlier_start_of_the_machine(self):
        self.synth("a.csv", 3000)
        args = ("a.csv", "b.csv", "--preset", "jkx", "-o", "set.npy")
        self.leave_some(*args[2:])
        expected = self.expect_beside(*args)
        state = (self.here / "set.state").read_bytes()
        partial = (self.here / "set.npy.partial").read_bytes()
        for damage in (lambda s: s[:-9], lambda s: s.replace(b'"images": ', b'"images": 1'), lambda s: b""):
            (self.here / "set.state").write_bytes(damage(state))
            (self.here / "set.npy.partial").write_bytes(partial)
            self.assertIn("beginning anew", self.dataset(*args, "--resume"))
            self.assertEqual(self.files(), expected)
        (self.here / "set.state").write_bytes(b"something else\n")
        self.fails(CANT_CREATE, "dataset", *args, "--resume", says="no state of a run")
        self.assertEqual((self.here / "set.state").read_bytes(), b"something else\n")

    def test_fewer_files_than_before_are_refused(self):
        self.synth("a.csv", 3000)
        self.synth("a2.csv", 2500, "--seed", 9)
        self.synth("b.csv", 5000, "--seed", 4)
        args = ("--preset", "jkx", "-o", "set.npy")
        self.stop_behind_rows("", "a.csv", "b.csv", "-", *args)
        before = self.files()
        errors = self.fails(BAD_DATA, "dataset", "a2.csv", *args, "--resume", says="give the same")
        self.assertNotIn("what was drawn is kept", errors)
        self.assertEqual(self.files(), before)
        self.fails(BAD_DATA, "dataset", "a.csv", *args, "--resume", says="give the same")
        self.assertEqual(self.files(), before)
        expected = self.expect_beside("a.csv", "b.csv", *args)
        self.assertIn("going on behind image", self.dataset("a.csv", "b.csv", *args, "--resume"))
        self.assertEqual(self.files(), expected)

    def test_another_format_or_file_is_refused(self):
        self.synth("a.csv", 3000)
        self.synth("c.csv", 3000, "--seed", 3)
        rows = self.synth("b.csv", 5000, "--seed", 4)
        self.stop_behind_rows(rows, "c.csv", "-", "--preset", "jkx", "-o", "set.dat")
        self.stop_behind_rows(rows, "a.csv", "-", "--preset", "jkx", "-o", "set.npy")
        before = self.files()
        self.fails(USAGE, "dataset", "a.csv", "b.csv", "--preset", "jkx", "-o", "set.dat", "--resume",
                   says='output is "dat", and was "npy" there')
        self.assertEqual(self.files(), before)
        partial = self.here / "set.npy.partial"
        partial.with_name("copy").write_bytes(partial.read_bytes())
        partial.with_name("copy").rename(partial)
        self.fails(BAD_DATA, "dataset", "a.csv", "b.csv", "--preset", "jkx", "-o", "set.npy", "--resume",
                   says="set.npy.partial is not the file that the run has written into")
        self.assertEqual(self.files(), before)

    def test_a_shard_that_is_gone_is_drawn_again(self):
        self.synth("a.csv", 3000)
        args = ("--preset", "jkx", "--per-tar", 700, "-o", "set.tar")
        rows = self.synth("b.csv", 5000, "--seed", 4)
        said = self.stop_behind_rows(rows, "a.csv", "-", *args)
        self.assertIn(": 2,800 images are written", said)
        (self.here / "b.csv").rename(self.here / "-")
        expected = self.expect_beside("a.csv", "./-", *args)
        (self.here / "set-000002.tar").unlink()
        said = self.dataset("a.csv", "./-", *args, "--resume")
        self.assertIn("set-000002.tar is missing", said)
        self.assertIn("beginning anew", said)
        self.assertEqual(self.files(), expected)

    def test_a_stopped_part_tells_of_its_own_shards(self):
        self.synth("a.csv", 3000)
        said = self.stop_behind_rows("", "a.csv", "-", "--preset", "jkx", "--per-tar", 700, "-o", "set.tar", "--shard",
                                     "2/2")
        self.assertIn(": 1,400 images are written", said)

    def test_shards_of_a_longer_run_are_removed(self):
        self.synth("a.csv", 3000)
        args = ("a.csv", "--preset", "jkx", "--per-tar", 500, "-o", "set.tar")
        expected = self.expect(*args, "--stride", 2)
        for more in ((), ("--shard", "1/2")):
            self.dataset(*args)
            (self.here / "set-000007.tar").write_bytes(b"behind a gap")
            self.dataset(*args, "--stride", 2, *more)
            if more:
                self.assertIn("set-000005.tar", self.files())
                self.dataset(*args, "--stride", 2, "--shard", "2/2")
            (self.here / "set-000007.tar").unlink()
            self.assertEqual(self.files(), expected)

    def test_what_is_not_on_the_disk_is_drawn_again_behind_another_start(self):
        self.synth("a.csv", 3000)
        self.synth("b.csv", 2000, "--seed", 4)
        for more in (("-o", "set.npy"), ("--per-tar", 700, "-o", "set.tar")):
            args = ("--preset", "jkx", *more)
            self.kill_underway("a.csv", "-", *args)
            self.assertGreater(self.record()["images"], 0)
            self.assertEqual(self.record()["synced"], 0)
            self.kill_underway("a.csv", "-", *args, "--resume")
            self.assertGreater(self.record()["images"], 0)
            self.assertEqual(self.record()["synced"], 0)
            self.change_record(**ANOTHER_START)
            expected = self.expect_beside("a.csv", "b.csv", *args)
            self.assertIn("beginning anew", self.dataset("a.csv", "b.csv", *args, "--resume"))
            self.assertEqual(self.files(), expected)
            for name in expected:
                (self.here / name).unlink()

    def test_what_is_on_the_disk_may_end_in_an_earlier_file(self):
        self.synth("a.csv", 3000)
        self.synth("c.csv", 3000, "--seed", 3)
        rows = self.synth("b.csv", 2000, "--seed", 4)
        args = ("--preset", "jkx", "-o", "set.npy")
        self.stop_behind_rows(rows, "a.csv", "-", *args)
        first = self.record()
        self.stop_behind_rows(rows, "a.csv", "c.csv", "-", *args)
        self.change_record(synced=first["images"], synced_inputs=first["inputs"], synced_data=first["data"],
                           **ANOTHER_START)
        expected = self.expect_beside("a.csv", "c.csv", "b.csv", *args)
        said = self.dataset("a.csv", "c.csv", "b.csv", *args, "--resume")
        self.assertIn(f"going on behind image {first['images']:,}", said)
        self.assertEqual(self.files(), expected)

    def test_a_resumed_run_that_cannot_open_its_files_keeps_the_state(self):
        self.synth("a.csv", 3000)
        args = ("--preset", "jkx", "--horizons", 5, "--backend", "cpu", "-o", "set.npy")
        self.leave_some(*args)
        before = self.files()
        for limit in range(4, 12):
            done = self.start(("dataset", "a.csv", "b.csv", *args, "--resume"), stderr=subprocess.PIPE,
                              preexec_fn=lambda n=limit: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)))
            if done.returncode == 0:
                break
            self.assertEqual(self.files(), before, done.stderr)
        self.assertGreater(limit, 5)

    def test_a_folder_that_is_missing(self):
        self.synth("a.csv", 100)
        self.fails(CANT_CREATE, "dataset", "a.csv", "--preset", "jkx", "-o", "none/set.npy",
                   says="none/set.npy: can't write: its folder is not there")

    def test_two_at_once(self):
        text = self.synth("a.csv", 3000)
        first = self.begin("a.csv", "-", "--preset", "jkx", "-o", "set.npy", stdin=subprocess.PIPE)
        wait_until_idle(first)
        self.fails(CANT_CREATE, "dataset", "a.csv", "--preset", "jkx", "-o", "set.npy", says="another command is writing")
        first.stdin.write(text.encode())
        first.stdin.close()
        code, said = self.end(first)
        self.assertEqual(code, 0, said)
        self.assertEqual(list(self.files()), ["set.manifest.jsonl", "set.npy"])

    @unittest.skipIf(os.environ.get("ASAN_OPTIONS") or os.environ.get("TSAN_OPTIONS"), "needs room of its own")
    def test_a_full_disk_keeps_what_is_there(self):
        self.synth("a.csv", 4000)
        args = ("a.csv", "--preset", "jkx", "-o", "set.npy")
        expected = self.expect(*args)
        limit = 9 << 20

        def lower():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        errors = self.fails(IO_ERROR, "dataset", *args, preexec_fn=lower, says="set.npy.partial: can't write")
        self.assertIn("run the same command with --resume to go on", errors)
        self.assertIn("going on behind image", self.dataset(*args, "--resume"))
        self.assertEqual(self.files(), expected)


class Parts(RunCase):
    def test_bytes_do_not_depend_on_their_number(self):
        self.synth("a.csv", 5000)
        self.synth("b.csv", 30, "--seed", 2)
        for args in (("-o", "set.npy"), ("-o", "set.dat", "--type", "f32"), ("-o", "set.tar", "--per-tar", 900)):
            args = ("a.csv", "b.csv", "--preset", "jkx", "--horizons", "2,9", *args)
            expected = self.expect(*args)
            for count in (1, 2, 3, 20):
                order = random.Random(count).sample(range(1, count + 1), count)
                for part in order:
                    said = self.dataset(*args, "--shard", f"{part}/{count}")
                    if part != order[-1]:
                        self.assertIn(f"part {part} of {count} is done", said)
                self.assertIn(f"all {count} parts are done", said)
                self.assertEqual(self.files(), expected)
                for name in expected:
                    (self.here / name).unlink()

    def test_at_one_time(self):
        self.synth("a.csv", 5000)
        args = ("a.csv", "--preset", "jkx", "--horizons", "2", "-o", "set.npy")
        expected = self.expect(*args)
        for _ in range(3):
            runs = [self.begin(*args, "--shard", f"{part}/4") for part in range(1, 5)]
            for process in runs:
                code, said = self.end(process)
                self.assertEqual(code, 0, said)
            self.assertEqual(self.files(), expected)
            (self.here / "set.npy").unlink()

    def test_what_is_not_theirs_is_not_touched(self):
        self.synth("a.csv", 3000)
        args = ("a.csv", "--preset", "jkx", "-o", "set.npy")
        (self.here / "set.npy").write_bytes(b"precious")
        self.fails(CANT_CREATE, "dataset", *args, "--shard", "1/2", says="set.npy is there already")
        self.assertEqual((self.here / "set.npy").read_bytes(), b"precious")
        (self.here / "set.npy").unlink()
        self.dataset(*args, "--shard", "1/2")
        before = self.files()
        self.fails(USAGE, "dataset", *args, "--stride", 2, "--shard", "2/2", says="stride is 2, and was 1 there")
        self.fails(CANT_CREATE, "dataset", *args, "--shard", "2/3", says="set.npy is there already")
        self.assertEqual(self.files(), before)

    def test_other_inputs_are_told(self):
        self.synth("a.csv", 3000)
        self.synth("b.csv", 3000, "--seed", 2)
        args = ("--preset", "jkx", "-o", "set.npy")
        self.dataset("a.csv", *args, "--shard", "1/2")
        self.fails(BAD_DATA, "dataset", "b.csv", *args, "--shard", "2/2",
                   says="part 1 of 2 was not made of the same input as part 2")
        self.dataset("a.csv", *args, "--shard", "2/2")
        expected = self.files()
        self.dataset("a.csv", *args)
        self.assertEqual(self.files(), expected)

    def test_a_part_of_fewer_files_cuts_nothing_off(self):
        self.synth("a.csv", 3000)
        self.synth("b.csv", 9000, "--seed", 2)
        args = ("--preset", "jkx", "-o", "set.npy")
        expected = self.expect("a.csv", "b.csv", *args)
        self.dataset("a.csv", "b.csv", *args, "--shard", "2/2")
        self.fails(BAD_DATA, "dataset", "a.csv", *args, "--shard", "1/2",
                   says="part 2 of 2 was not made of the same input")
        self.assertIn("all 2 parts are done", self.dataset("a.csv", "b.csv", *args, "--shard", "1/2"))
        self.assertEqual(self.files(), expected)

    def test_a_file_that_was_longer_gets_its_length(self):
        self.synth("a.csv", 3000)
        self.synth("b.csv", 9000, "--seed", 2)
        args = ("--preset", "jkx", "-o", "set.npy")
        expected = self.expect("a.csv", *args)
        self.dataset("a.csv", "b.csv", *args, "--shard", "2/2")
        self.dataset("a.csv", *args, "--shard", "2/2")
        self.dataset("a.csv", *args, "--shard", "1/2")
        self.assertEqual(self.files(), expected)

    def test_another_format_is_refused(self):
        self.synth("a.csv", 3000)
        self.dataset("a.csv", "--preset", "jkx", "-o", "set.npy", "--shard", "1/2")
        before = self.files()
        for name, says in (("set.dat", 'output is "dat", and was "npy" there'), ("set.tar", "other parameters")):
            self.fails(USAGE, "dataset", "a.csv", "--preset", "jkx", "-o", name, "--shard", "2/2", says=says)
            self.assertEqual(self.files(), before)

    def test_a_file_that_is_gone(self):
        self.synth("a.csv", 3000)
        args = ("a.csv", "--preset", "jkx", "-o", "set.npy")
        expected = self.expect(*args)
        self.dataset(*args, "--shard", "1/2")
        (self.here / "set.npy").unlink()
        self.fails(BAD_DATA, "dataset", *args, "--shard", "2/2", says=("set.npy is gone", "remove set.state-1-of-2"))
        self.dataset(*args, "--shard", "1/2", "--resume")
        self.dataset(*args, "--shard", "2/2")
        self.assertEqual(self.files(), expected)

    def test_a_file_of_another_run(self):
        self.synth("a.csv", 3000)
        args = ("a.csv", "--preset", "jkx", "-o", "set.npy")
        self.dataset(*args, "--shard", "1/2")
        self.dataset(*args)
        before = self.files()
        self.fails(BAD_DATA, "dataset", *args, "--shard", "2/2", says="set.npy is not the file that part 1 of 2")
        self.fails(CANT_CREATE, "dataset", *args, "--shard", "1/2", "--resume", says="set.npy is there already")
        self.assertEqual(self.files(), before)

    def test_a_file_that_is_replaced_underway(self):
        text = self.synth("a.csv", 3000)
        self.dataset("a.csv", "--preset", "jkx", "-o", "set.npy", "--shard", "1/2")
        second = self.begin("-", "--preset", "jkx", "-o", "set.npy", "--shard", "2/2", stdin=subprocess.PIPE)
        wait_until_idle(second)
        (self.here / "copy").write_bytes((self.here / "set.npy").read_bytes())
        (self.here / "copy").rename(self.here / "set.npy")
        second.stdin.write(text.encode())
        second.stdin.close()
        code, said = self.end(second)
        self.assertEqual(code, BAD_DATA, said)
        self.assertIn("drawn into another file of this name", said)

    def test_a_shard_of_another_part_that_is_gone(self):
        self.synth("a.csv", 3000)
        args = ("a.csv", "--preset", "jkx", "--per-tar", 500, "-o", "set.tar")
        expected = self.expect(*args)
        self.dataset(*args, "--shard", "1/2")
        (self.here / "set-000002.tar").unlink()
        self.fails(BAD_DATA, "dataset", *args, "--shard", "2/2",
                   says="set-000002.tar is missing: draw part 1 of 2 again")
        self.dataset(*args, "--shard", "1/2", "--resume")
        self.assertEqual(self.files(), expected)

    def test_a_part_that_is_done_is_on_the_disk(self):
        self.synth("a.csv", 9000)
        for more in (("-o", "set.npy"), ("--per-tar", 700, "-o", "set.tar")):
            args = ("a.csv", "--preset", "jkx", *more)
            self.dataset(*args, "--shard", "1/2")
            state = self.record("set.state-1-of-2")
            self.assertEqual((state["synced"], state["total"]), (8981, 8981))
            self.change_record("set.state-1-of-2", **ANOTHER_START)
            before = self.files("set-*.tar")
            self.assertIn("going on behind image 8,981", self.dataset(*args, "--shard", "1/2", "--resume"))
            self.assertEqual(self.files("set-*.tar"), before)
            self.change_record("set.state-1-of-2", synced=1400, synced_inputs=0, synced_data="0" * 16,
                               **ANOTHER_START)
            self.kill_underway("-", *args[1:], "--shard", "1/2", "--resume")
            state = self.record("set.state-1-of-2")
            self.assertEqual((state["images"], state["total"]), (1400, -1))
            for path in self.here.glob("set*"):
                path.unlink()

    def test_a_part_that_is_done(self):
        self.synth("a.csv", 3000)
        args = ("a.csv", "--preset", "jkx", "-o", "set.npy", "--shard", "2/2", "--resume")
        self.dataset(*args)
        before = self.files()
        self.dataset(*args)
        self.assertEqual(self.files(), before)


if __name__ == "__main__":
    while len(sys.argv) > 2 and sys.argv[1] in ("--kills", "--seed"):
        if sys.argv[1] == "--kills":
            kills = int(sys.argv[2])
        else:
            seed = int(sys.argv[2])
        del sys.argv[1:3]
    unittest.main(verbosity=1)
