"""Those who do the work of a case take turns, round by round: Tallow and its peers, each a process of its own."""

import contextlib
import dataclasses
import json
import os
import pathlib
import resource
import subprocess
import time

import estimates
import libraries

LONG, LONG_ROUNDS = 2.0, estimates.REPETITIONS_MIN  # seconds of a call; one that takes longer has so many turns alone
EXTRA = 0.5  # of the rounds, again, for turns that were spoiled
WORKER = pathlib.Path(__file__).with_name("worker.py")


class Failure(Exception):
    """Tallow itself could not."""


@dataclasses.dataclass
class Row:
    """A line of the table."""

    name: str
    label: str
    threads: int
    items: int  # of a call; a peer's times are scaled to as many
    item: str
    peer: str = None  # its name and version; None: Tallow
    by: str = ""  # what is called
    settings: str = ""
    cold: float = 0.0
    same: bool = None  # whether the output is Tallow's; None: that can't be checked
    said: str = ""  # of the output
    failed: str = None
    facts: dict = dataclasses.field(default_factory=dict)  # as tallow bench tells them
    repetitions: list = dataclasses.field(default_factory=list)

    def add(self, turn, samples, processor, spoiled):
        """A turn by its samples, seconds of a call each."""
        seconds = sorted(samples)
        middle = (seconds[(len(seconds) - 1) // 2] + seconds[len(seconds) // 2]) / 2
        self.repetitions.append(estimates.Repetition(turn, middle, processor, len(seconds), spoiled))

    @property
    def is_measured(self):
        return self.failed is None and bool(self.repetitions)


@dataclasses.dataclass
class Plan:
    tallow: str
    seconds: float  # of a turn
    rounds: int
    threads: int
    backends: str
    clock: str
    rows: int = None

    @property
    def by_processor(self):
        return self.clock == "processor"


def run_bench(plan, name, seconds, rows):
    """What 'tallow bench' says of a case, as JSON."""
    command = [plan.tallow, "bench", name, "--backend", plan.backends, "--clock", plan.clock, "--json", "-"]
    command += ["--threads", str(plan.threads), "--time", f"{max(1, round(seconds * 1e3))}ms"]
    command += ["--rows", str(rows)] if rows else []
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"tallow bench {name}: {libraries.last_line(done.stderr)}")
    return json.loads(done.stdout)


class TallowBench:
    """A case of 'tallow bench', a line on each backend that was asked for. Each turn is a run of its own."""

    def __init__(self, plan, case):
        self.plan, self.case, self.rows = plan, case, []

    def take_turn(self, turn):
        found = {}
        for entry in run_bench(self.plan, self.case.name, self.plan.seconds, self.plan.rows)["benchmarks"]:
            found.setdefault(entry["run_name"], []).append(entry)
        for name, entries in found.items():
            self.add_turn(turn, self.row_of(name, entries[0]), entries)

    def row_of(self, name, entry):
        for row in self.rows:
            if row.name == name:
                return row
        items = entry["items_per_second"] * entry["real_time"] * 1e-9
        if abs(items - self.case.items) > 1e-6 * self.case.items:
            raise Failure(
                f"a call of {self.case.name} has {items:.0f} {self.case.item}, where bench/peers/{self.case.kind}.py "
                f"says {self.case.items}: bring that up to date"
            )
        row = Row(name, "tallow", entry["threads"], self.case.items, self.case.item)
        self.rows.append(row)
        return row

    @staticmethod
    def add_turn(turn, row, entries):
        """The median of the run's batches; spoiled where most of them were."""
        batches = [entry for entry in entries if entry["run_type"] == "iteration"]
        median = next(entry for entry in entries if entry.get("aggregate_name") == "median")
        if not row.facts:
            row.cold = median["cold"] * 1e-9
            row.label = f"tallow, {median['backend']}"
        row.facts = median
        spoiled = [entry["spoiled"] for entry in batches if entry.get("spoiled")]
        bits = spoiled[0] & ~estimates.SLOW if 2 * len(spoiled) > len(batches) else 0
        seconds, processor = median["real_time"] * 1e-9, median["cpu_time"] * 1e-9
        row.add(turn, [seconds], processor, bits)
        row.repetitions[-1].calls = sum(entry["iterations"] for entry in batches)

    def close(self):
        pass


class Command:
    """A process of tallow, from its start to its end."""

    def __init__(self, plan, case, folder):
        self.plan, self.case, self.folder = plan, case, folder
        rows = f"/rows:{plan.rows}" if plan.rows else ""  # as in names of tallow bench
        name = f"{case.name}{rows}/cpu/threads:{plan.threads}"
        self.row = Row(name, f"tallow {case.command[0]}", plan.threads, case.items, case.item)
        self.row.facts = {"backend": "cpu", "stage": "whole"}
        self.row.by, self.row.settings = f"tallow {case.command[0]}", "a process, start included"
        self.rows = [self.row]
        self.row.cold = self.run()[0]

    def run(self):
        """Seconds that pass, and of processor time."""
        options = ["--threads", str(self.plan.threads)] if self.case.command[0] == "render" else []
        command = [self.plan.tallow, *self.case.command, *options]
        before, start = children_time(), time.perf_counter()
        done = subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        taken = time.perf_counter() - start
        if done.returncode != 0:
            raise Failure(f"tallow {self.case.command[0]}: {libraries.last_line(done.stderr)}")
        return taken, children_time() - before

    def take_turn(self, turn):
        samples, end = [], time.perf_counter() + self.plan.seconds
        while not samples or time.perf_counter() < end:
            samples.append(self.run())
        processor = sum(sample[1] for sample in samples) / len(samples)
        self.row.add(turn, [sample[1 if self.plan.by_processor else 0] for sample in samples], processor, 0)

    def close(self):
        pass


def children_time():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class PeerProcess:
    """The process of a peer, which serves one case after the other."""

    def __init__(self, peer, environment, plan, scratch):
        self.peer, self.version = peer, environment.version_of(peer)
        self.threads = libraries.threads_of(peer, plan.threads)
        own = os.path.join(scratch, peer)
        os.makedirs(own)
        self.log = open(own + ".log", "w+")
        variables = {**os.environ, **libraries.limits_of(self.threads), "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            [environment.python, WORKER, os.path.abspath(plan.tallow), own, str(self.threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=variables,
        )

    def ask(self, **task):
        """The answer, which has 'failed' where there is no other."""
        try:
            self.process.stdin.write(json.dumps(task) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            return json.loads(line)
        code = self.process.wait()
        self.log.seek(0)
        return {"failed": f"its process ended with {code}: {libraries.last_line(self.log.read())}"}

    def close(self):
        with contextlib.suppress(BrokenPipeError):  # of a process that ended by itself
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()


class Peer:
    """A peer at work on a case."""

    def __init__(self, process, plan, case, folder):
        self.process, self.plan, self.case = process, plan, case
        name = f"{case.name}/{process.peer}"
        self.row = Row(name, process.version, process.threads, case.items, case.item, peer=process.version)
        self.rows = [self.row]
        self.scale = 1.0
        parameters = {"kind": case.kind, "name": case.peers[process.peer], "parameters": case.parameters}
        answer = self.ask(do="open", folder=folder, **parameters)
        if self.row.failed is None:
            self.scale = case.items / answer["items"]
            self.row.by, self.row.settings = answer["by"], answer["settings"]
            self.row.cold = answer["cold"] * self.scale

    def ask(self, **task):
        answer = self.process.ask(**task)
        if "failed" in answer:
            self.row.failed = answer["failed"]
        return answer

    def take_turn(self, turn):
        if self.row.failed is not None or (self.is_long and turn >= LONG_ROUNDS):
            return
        answer = self.ask(do="turn", seconds=self.plan.seconds)
        if self.row.failed is None:
            wall, processor = zip(*answer["samples"])
            each = processor if self.plan.by_processor else wall
            cost = self.scale * sum(processor) / len(processor)
            self.row.add(turn, [self.scale * seconds for seconds in each], cost, answer["spoiled"])

    @property
    def is_long(self):
        return bool(self.row.repetitions) and self.row.repetitions[-1].seconds / self.scale > LONG

    def close(self):
        """Looks at the output, and forgets the case."""
        if self.row.failed is None:
            answer = self.ask(do="check")
            self.row.same, self.row.said = answer.get("same"), answer.get("said", "")
        self.process.ask(do="close")


def lacks_good_turns(rows, rounds):
    """Whether a line has spoiled turns in place of good ones."""
    lacks = False
    for row in rows:
        spoiled = estimates.mark_slow(row.repetitions)
        lacks = lacks or (spoiled > 0 and len(row.repetitions) - spoiled < rounds)
    return lacks


def measure(plan, case, folder, processes):
    """The lines of a case, Tallow's first."""
    ours = Command(plan, case, folder) if case.command else TallowBench(plan, case)
    all_of_them = [ours, *(Peer(process, plan, case, folder) for process in processes)]
    rows = []
    for turn in range(plan.rounds + round(EXTRA * plan.rounds)):
        if turn >= plan.rounds and not lacks_good_turns(rows, plan.rounds):
            break
        for i in range(len(all_of_them)):
            all_of_them[(turn + i) % len(all_of_them)].take_turn(turn)
        rows = [row for one in all_of_them for row in one.rows]
    lacks_good_turns(rows, plan.rounds)
    for one in all_of_them:
        one.close()
    for row in rows:
        if row.peer:
            row.name = f"{rows[0].name}/{row.name.rsplit('/', 1)[1]}"
    return rows
