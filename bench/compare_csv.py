#!/usr/bin/env python3
"""Times the reading of candle files into memory by pandas, by polars and by Tallow, taking turns in one run.

All read the same files out of the page cache: times to nanoseconds or microseconds, prices and volume to doubles, and
no other column. Peers that are not installed are left out, and it says which. Needs the programs of a release build:

    cmake --preset release && cmake --build --preset release
    PYTHON bench/compare_csv.py --build build/release
"""

import argparse
import ctypes
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

# Of the files that bench_csv writes: separator, names of the columns that are read, and how peers read the time.
FILES = {
    "iso": (",", ["Date", "Open", "High", "Low", "Close", "Volume"], "%Y-%m-%d %H:%M:%S"),
    "fraction": (",", ["timestamp", "open", "high", "low", "close", "volume"], "%Y-%m-%d %H:%M:%S.%f"),
    "binance": (",", ["open_time", "open", "high", "low", "close", "volume"], "ms"),
    "yahoo": (",", ["Date", "Open", "High", "Low", "Close", "Volume"], "%Y-%m-%d"),
    "floats": (",", ["Date", "Open", "High", "Low", "Close", "Volume"], "%Y-%m-%d"),
    "month-first": (",", ["Date", "Open", "High", "Low", "Close", "Volume"], "%m/%d/%Y %H:%M"),
    "compact": (";", ["Date", "Open", "High", "Low", "Close", "Volume"], "%Y%m%d %H%M%S"),
}

HOW_TO_INSTALL = """
Make an environment outside of the source tree for what is missing:

    python3 -m venv /tmp/csv-env
    /tmp/csv-env/bin/pip install pandas polars pyarrow
    /tmp/csv-env/bin/python {script}"""


class Tallow:
    def __init__(self, library):
        self.library = ctypes.CDLL(library)
        self.library.tlw_version.restype = ctypes.c_char_p
        self.version = "tallow " + self.library.tlw_version().decode()

    def read(self, path, *_):
        table = ctypes.c_void_p()
        status = self.library.tlw_csv_read(path.encode(), None, None, ctypes.byref(table), None)
        if status != 0:
            raise RuntimeError(f"tlw_csv_read gives {status} for {path}")
        self.library.tlw_table_close(ctypes.byref(table))


class Pandas:
    def __init__(self, engine, threads):
        import pandas

        self.pandas = pandas
        self.engine = engine
        self.version = "pandas " + pandas.__version__
        if engine == "pyarrow":
            import pyarrow

            self.version += ", pyarrow " + pyarrow.__version__
            if threads:
                pyarrow.set_cpu_count(threads)

    def read(self, path, separator, columns, form):
        times = {} if form == "ms" else {"parse_dates": [columns[0]], "date_format": form}
        frame = self.pandas.read_csv(path, sep=separator, usecols=columns, engine=self.engine, **times)
        if form == "ms":
            frame[columns[0]] = self.pandas.to_datetime(frame[columns[0]], unit="ms")
        if frame[columns[0]].dtype.kind != "M":
            raise RuntimeError(f"pandas did not read the times of {path}")


class Polars:
    def __init__(self):
        import polars

        self.polars = polars
        self.version = "polars " + polars.__version__

    def read(self, path, separator, columns, form):
        pl = self.polars
        kinds = {name: pl.Float64 for name in columns[1:]}
        kinds[columns[0]] = pl.Int64 if form == "ms" else pl.String
        alone = form == "%Y-%m-%d"  # by itself it reads days faster than by a form, and other times slower
        if alone:
            del kinds[columns[0]]
        frame = pl.read_csv(path, separator=separator, columns=columns, schema_overrides=kinds, try_parse_dates=alone)
        if form == "ms":
            frame = frame.with_columns(pl.from_epoch(columns[0], "ms"))
        elif not alone:
            frame = frame.with_columns(pl.col(columns[0]).str.to_datetime(form.replace(".%f", "%.f")))
        if not frame.schema[columns[0]].is_temporal():
            raise RuntimeError(f"polars did not read the times of {path}")


# Name, threads (None: as many as it takes), how to make it.
READERS = {
    "tallow": (1, lambda library, threads: Tallow(library)),
    "pandas c": (1, lambda library, threads: Pandas("c", threads)),
    "pandas pyarrow": (1, lambda library, threads: Pandas("pyarrow", threads)),
    "pandas pyarrow, all": (None, lambda library, threads: Pandas("pyarrow", threads)),
    "polars": (1, lambda library, threads: Polars()),
    "polars, all": (None, lambda library, threads: Polars()),
}


def work(name, library):
    """A process for each reader: reads the files that it is told and says how long that took."""
    threads, make = READERS[name]
    try:
        reader = make(library, threads)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    print(json.dumps({"version": reader.version}), flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        wall, cpu = time.perf_counter(), time.process_time()
        reader.read(*task)
        print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]), flush=True)


class Worker:
    def __init__(self, name, library):
        threads = READERS[name][0]
        limits = {"POLARS_MAX_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)} if threads else {}
        command = [sys.executable, os.path.abspath(__file__), "--worker", name, "--library", library]
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **limits}
        )
        self.hello = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} failed: see above")
        return json.loads(line)

    def read(self, task):
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def start(library):
    workers = []
    missing = False
    for name in READERS:
        worker = Worker(name, library)
        if "missing" in worker.hello:
            print(f"{name}: skipped: {worker.hello['missing']}")
            worker.close()
            missing = True
        else:
            workers.append(worker)
    if missing:
        print(HOW_TO_INSTALL.format(script=sys.argv[0]) + "\n")
    return workers


def report(workers, name, size, samples):
    ours = samples["tallow"]
    for worker in workers:
        theirs = samples[worker.name]
        wall, cpu = (min(sample[i] for sample in theirs) for i in (0, 1))
        ratio, cpu_ratio = (statistics.median(b[i] / a[i] for a, b in zip(ours, theirs)) for i in (0, 1))
        print(
            f"{name:12} {worker.name:20} {wall * 1e3:9.1f} {size / wall * 1e-6:8.0f} {cpu * 1e3:9.1f}"
            f" {size / cpu * 1e-6:8.0f} {ratio:9.1f} {cpu_ratio:9.1f}"
        )
        name = ""


def measure(workers, folder, rounds, wanted):
    names = ("wall ms", "MB/s", "CPU ms", "MB/s", "/tallow", "CPU")
    print("\n" + f"{'file':12} {'reader':20} " + "{:>9} {:>8} {:>9} {:>8} {:>9} {:>9}".format(*names))
    for name, (separator, columns, form) in FILES.items():
        if wanted and name not in wanted:
            continue
        path = os.path.join(folder, name + ".csv")
        task = (path, separator, columns, form)
        samples = {worker.name: [] for worker in workers}
        for turn in range(rounds + 1):
            for i in range(len(workers)):
                worker = workers[(turn + i) % len(workers)]
                seconds = worker.read(task)
                if turn > 0:  # the first one fills caches
                    samples[worker.name].append(seconds)
        report(workers, name, os.path.getsize(path), samples)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"), help="build folder")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--files", nargs="*", choices=FILES, help="only these")
    parser.add_argument("--worker", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--library", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker, arguments.library)
        return
    program, library = arguments.build / "bench" / "bench_csv", arguments.build / "libtallow.so"
    for needed in (program, library):
        if not needed.exists():
            sys.exit(f"{needed} is missing: build Tallow, or name the folder with --build")
    workers = start(str(library.resolve()))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "--write", folder], check=True)
        print("; ".join(sorted({worker.hello["version"] for worker in workers})))
        print(f"Best of {arguments.rounds} rounds; one thread, or all. Ratios are medians of those within a round.")
        measure(workers, folder, arguments.rounds, arguments.files)
    for worker in workers:
        worker.close()


if __name__ == "__main__":
    main()
