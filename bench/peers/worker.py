"""A process for one peer, inside the virtual environment: it does what it is told by lines of JSON.

open: makes ready for a case and calls it once. turn: calls it for some seconds. check: whether its output is
Tallow's. close: forgets the case. Each is answered by a line; "failed" says that a peer could not.
"""

import importlib
import json
import os
import resource
import subprocess
import sys
import time

import estimates

SAMPLES_MOST = 25  # of a turn
WAITED_FROM = 1.02  # times processor time
STOLEN_FROM = 0.02  # of the time of all CPUs
UNAVOIDED = 2  # switches of a thread that say nothing, and more of them by the time that passes
SWITCH_EVERY = 0.01


class Surroundings:
    """What a peer may ask for."""

    def __init__(self, folder, scratch, tallow, threads):
        self.folder, self.scratch, self.tallow, self.threads = folder, scratch, tallow, threads

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_tallow(self, *arguments):
        done = subprocess.run([self.tallow, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"tallow {arguments[0]}: {done.stderr.strip()}")
        return done.stdout


class Moment:
    def __init__(self):
        self.wall, self.processor = time.perf_counter(), time.process_time()
        self.switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        self.stolen = stolen_time()


def stolen_time():
    """Seconds that other machines on this hardware took, of all CPUs."""
    try:
        with open("/proc/stat") as file:
            return int(file.readline().split()[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


def judge(before, after, threads):
    """Bits of estimates: what disturbed a turn."""
    wall, spoiled = after.wall - before.wall, 0
    if threads == 1 and wall > WAITED_FROM * (after.processor - before.processor):
        spoiled |= estimates.WAITED
    if after.stolen - before.stolen > STOLEN_FROM * wall * os.cpu_count():
        spoiled |= estimates.STOLEN
    if after.switches - before.switches > UNAVOIDED * threads + wall / SWITCH_EVERY:
        spoiled |= estimates.SWITCHED
    return spoiled


def take_turn(call, seconds, threads):
    samples, before = [], Moment()
    while not samples or (time.perf_counter() - before.wall < seconds and len(samples) < SAMPLES_MOST):
        wall, processor = time.perf_counter(), time.process_time()
        call()
        samples.append([time.perf_counter() - wall, time.process_time() - processor])
    return {"samples": samples, "spoiled": judge(before, Moment(), threads)}


class Worker:
    def __init__(self, tallow, scratch, threads):
        self.tallow, self.scratch, self.threads = tallow, scratch, threads
        self.peer = None

    def open(self, kind, name, folder, parameters):
        surroundings = Surroundings(folder, self.scratch, self.tallow, self.threads)
        self.peer = getattr(importlib.import_module(kind), name)(surroundings, **parameters)
        start = time.perf_counter()
        self.peer.call()
        cold, peer = time.perf_counter() - start, self.peer
        return {"cold": cold, "by": peer.by, "settings": peer.settings, "items": peer.items}

    def turn(self, seconds):
        return take_turn(self.peer.call, seconds, self.threads)

    def check(self):
        same, said = self.peer.check()
        return {"same": None if same is None else bool(same), "said": said}

    def close(self):
        self.peer = None
        return {}

    def answer(self, task):
        try:
            return getattr(self, task.pop("do"))(**task)
        except Exception as error:  # whatever a library raises is what there is to tell
            return {"failed": f"{type(error).__name__}: {error}"[:400]}


def main():
    """What libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    for line in sys.stdin:
        print(json.dumps(worker.answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
