"""Runs the same work through Tallow and through mplfinance, polars, pandas, DuckDB, bottleneck, TA-Lib and others.

Tallow is measured by 'tallow bench', peers by calls of their libraries on the same inputs, and all take turns.
Outputs are compared; where they differ no ratio is printed, and the exit code is 1. Libraries are installed by pip
into a virtual environment, which is made where there is none; what can't be installed is named and left out.
"""

import argparse
import contextlib
import functools
import json
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tempfile

import cases
import libraries
import report
import turns

DIFFERENT, USAGE, NO_INPUT, UNAVAILABLE, FAULT, CANT_CREATE, IO_ERROR, INTERRUPTED = 1, 64, 66, 69, 70, 73, 74, 130
SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = SOURCE / "build" / "release"


def fail(code, text):
    print(f"bench/peers: {text}", file=sys.stderr)
    sys.exit(code)


def say(text):
    print(text, file=sys.stderr, flush=True)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        fail(USAGE, f"{message}; try --help")


def positive(text):
    number = float(text)
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def natural(text):
    number = int(text)
    if not 0 < number <= 10**9:
        raise argparse.ArgumentTypeError(f"{text} is no whole number above 0")
    return number


def read_arguments(given):
    parser = Parser(prog="bench/peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("patterns", nargs="*", metavar="PATTERN", help="cases, as for 'tallow bench'; without one, some of each kind")
    add("--list", action="store_true", help="list the cases and who takes part, and measure nothing")
    add("--peers", metavar="NAME,...", help="only these of " + ", ".join(libraries.PEERS))
    add("--build", type=pathlib.Path, default=BUILD, help="build folder of Tallow (default: build/release)")
    add("--venv", type=pathlib.Path, default=libraries.usual_folder(), metavar="FOLDER",
        help="virtual environment (default: tallow/peers in $XDG_CACHE_HOME or ~/.cache)")  # fmt: skip
    add("--rounds", type=natural, default=7, metavar="N", help="turns of each line (default: 7)")
    add("--time", type=positive, default=1.0, metavar="S", help="seconds for each line; a turn is one call at least")
    add("--rows", type=natural, metavar="N", help="as of 'tallow bench'")
    add("--threads", type=natural, default=1, metavar="N",
        help="of Tallow, and of peers that know several (default: 1)")  # fmt: skip
    add("--backend", default="cpu", metavar="NAME,...",
        help="Tallow's; peers are compared with the CPU, or with one that is named alone (default: cpu)")  # fmt: skip
    add("--clock", choices=("wall", "processor"), default="wall",
        help="processor: for a busy machine, by one thread (default: wall)")  # fmt: skip
    add("-o", "--output", metavar="FILE",
        help="also write the run as JSON; -: to standard output, in place of the table")  # fmt: skip
    arguments = parser.parse_args(given)
    if arguments.clock == "processor" and arguments.threads != 1:
        parser.error("--clock processor is for one thread: leave out --threads")
    return arguments


def choose_peers(arguments):
    if arguments.peers is None:
        return list(libraries.PEERS)
    names = [name for name in arguments.peers.split(",") if name]
    if not names:
        fail(USAGE, f"--peers names none: it takes {', '.join(libraries.PEERS)}")
    for name in names:
        if name not in libraries.PEERS:
            fail(USAGE, f"there is no peer '{name}': --peers takes {', '.join(libraries.PEERS)}")
    return names


def choose_cases(arguments, peers):
    known = cases.list_all(arguments.rows)
    for pattern in arguments.patterns:
        if not cases.choose(known, [pattern]):
            fail(USAGE, f"no case is called '{pattern}': --list names all")
    chosen = cases.choose(known, arguments.patterns) if arguments.patterns or not arguments.list else known
    for case in chosen:
        case.peers = {name: kind for name, kind in case.peers.items() if name in peers}
    chosen = [case for case in chosen if case.peers]
    if not chosen:
        fail(USAGE, f"{', '.join(peers)} can do nothing of what was asked for: --list tells who takes part in what")
    return chosen


def print_list(chosen):
    for case in chosen:
        print(f"{case.name:42} {'usual' if case.usual else '':6} {', '.join(case.peers)}")


def find_programs(build):
    programs = [build / "tools" / "tallow", build / "bench" / "write_inputs"]
    for program in programs:
        if not os.access(program, os.X_OK):
            how = "'cmake --preset release && cmake --build --preset release' makes them"
            fail(NO_INPUT, f"{program} is missing: build Tallow, or name its folder by --build; {how}")
    return [str(program.resolve()) for program in programs]


def prepare(arguments, peers, chosen):
    """The environment with what the cases need, and the peers of them that are there."""
    wanted = [peer for peer in peers if any(peer in case.peers for case in chosen)]
    environment = libraries.Environment(arguments.venv)
    try:
        environment.make()
        environment.install(dict.fromkeys(name for peer in wanted for name in libraries.PEERS[peer][0]), say)
    except libraries.NoEnvironment as error:
        fail(UNAVAILABLE, str(error))
    missing = {peer: reason for peer in wanted if (reason := environment.why_not(peer))}
    there = [peer for peer in wanted if peer not in missing]
    for peer, reason in missing.items():
        say(f"{peer} is left out, for pip can't install {reason}")
    if not there:
        fail(UNAVAILABLE, "no peer is left")
    return environment, there, missing


class Inputs:
    """Folders of input files, by what is in them, made when they are first asked for."""

    def __init__(self, program, scratch):
        self.program, self.scratch = program, scratch

    def folder_of(self, case):
        folder = os.path.join(self.scratch, case.folder)
        if not os.path.isdir(folder):
            os.makedirs(folder)
            done = subprocess.run([self.program, folder, *map(str, case.inputs)], capture_output=True, text=True)
            if done.returncode != 0:
                raise turns.Failure(done.stderr.strip())
        return folder


def measure(plan, chosen, environment, peers, inputs, scratch, show):
    """Pairs of a case and its lines."""
    processes = {peer: turns.PeerProcess(peer, environment, plan, scratch) for peer in peers}
    results = []
    try:
        for case in chosen:
            able = [processes[peer] for peer in case.peers if peer in processes]
            rows = turns.measure(plan, case, inputs.folder_of(case), able)
            results.append((case, rows))
            show(case, rows)
    finally:
        for process in processes.values():
            process.close()
    return results


def is_special(path):
    """Whether something is there that is no file that could be replaced: a pipe, a device."""
    try:
        kind = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(kind)


class Output:
    """A file that is made first, so that nothing is measured in vain, and appears once it is complete.

    Links stay, for the file that they name is replaced. What is no file is written in place.
    """

    def __init__(self, path):
        self.path, self.temporary = path, None
        self.target = path if is_special(path) else os.path.realpath(path)

    def __enter__(self):
        if not os.path.basename(self.path) or os.path.isdir(self.path):
            fail(CANT_CREATE, f"{self.path or 'an empty name'} is no name of a file: -o takes one")
        in_place = is_special(self.path)
        try:
            self.file = open(self.target if in_place else f"{self.target}.{os.getpid()}", "w")
        except OSError as error:
            fail(CANT_CREATE, f"{self.path} can't be made: {error.strerror}")
        self.temporary = None if in_place else self.file.name
        return self.file

    def __exit__(self, kind, *_):
        try:
            self.file.close()
            if self.temporary and kind is None:
                os.replace(self.temporary, self.target)
                self.temporary = None
        except OSError as error:
            if kind is None:
                fail_to_write(self.path, error)
        finally:
            if self.temporary:
                os.unlink(self.temporary)


def fail_to_write(path, error):
    """Who read it and has gone, did not ask to be told."""
    if isinstance(error, BrokenPipeError):
        raise error
    fail(IO_ERROR, f"{'standard output' if path == '-' else path} can't be written: {error.strerror}")


def write_run(path, output, run):
    try:
        output.write(json.dumps(run, indent=1) + "\n")
        output.flush()
    except OSError as error:
        fail_to_write(path, error)


def open_output(path):
    return contextlib.nullcontext(sys.stdout) if path in (None, "-") else Output(path)


def exit_code(results):
    peers = [row for _, rows in results for row in rows if row.peer]
    for row in peers:
        if row.failed is not None:
            say(f"{row.name} failed: {row.failed}")
        elif row.same is False:
            say(f"{row.name} has another output: {row.said}")
    return DIFFERENT if any(row.failed is not None or row.same is False for row in peers) else 0


def run(arguments, chosen, peers, scratch, output):
    tallow, writer = find_programs(arguments.build)
    environment, there, missing = prepare(arguments, peers, chosen)
    seconds = arguments.time / arguments.rounds
    plan = turns.Plan(tallow, seconds, arguments.rounds, arguments.threads, arguments.backend, arguments.clock,
                      arguments.rows)  # fmt: skip
    context = turns.run_bench(plan, "window/mean/20", 0.001, 1000)["context"]
    with open(os.devnull, "w") if arguments.output == "-" else contextlib.nullcontext(sys.stdout) as table:
        report.print_machine(table, context)
        print(report.HEADER, file=table, flush=True)
        show = functools.partial(report.print_case, table)
        results = measure(plan, chosen, environment, there, Inputs(writer, scratch), scratch, show)
        report.print_legend(table, results, plan, missing)
    if arguments.output:
        write_run(arguments.output, output, report.to_json(context, results, environment, there, missing))
    return exit_code(results)


def stop(*_):
    """As Ctrl-C does, so that inputs do not stay behind."""
    raise KeyboardInterrupt


def main():
    try:
        code = list_or_measure()
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # who read the output has gone; what is left of it must not be tried again at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return IO_ERROR


def list_or_measure():
    signal.signal(signal.SIGTERM, stop)
    arguments = read_arguments(sys.argv[1:])
    peers = choose_peers(arguments)
    chosen = choose_cases(arguments, peers)
    if arguments.list:
        print_list(chosen)
        return 0
    in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(prefix=f"tallow-peers-{os.getpid()}-", dir=in_memory) as scratch,
        open_output(arguments.output) as output,
    ):
        try:
            return run(arguments, chosen, peers, scratch, output)
        except turns.Failure as error:
            fail(FAULT, str(error))
        except KeyboardInterrupt:
            fail(INTERRUPTED, "stopped")


if __name__ == "__main__":
    sys.exit(main())
