#!/usr/bin/env python3
"""Times one chart of 1,000 candles, CSV to PNG, by mplfinance and by Tallow, taking turns in one run.

Needs a Python with mplfinance; says how to get one where it is missing. Needs the programs of a release build:

    cmake --preset release && cmake --build --preset release
    PYTHON bench/compare_mplfinance.py --build build/release
"""

import argparse
import io
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

WIDTH, HEIGHT, DPI = 1920, 1080, 100
STAGES = ("read", "render", "encode")

HOW_TO_INSTALL = """{python} lacks what is needed ({error}). Make an environment outside of the source tree:

    python3 -m venv /tmp/mplfinance-env
    /tmp/mplfinance-env/bin/pip install mplfinance six
    /tmp/mplfinance-env/bin/python {script}"""


def import_peers():
    try:
        import matplotlib

        matplotlib.use("Agg")
        import mplfinance
        import pandas
    except ImportError as error:
        sys.exit(HOW_TO_INSTALL.format(error=error, python=sys.executable, script=sys.argv[0]))
    return matplotlib, mplfinance, pandas


def draw_by_mplfinance(peers, path):
    """Seconds by stage for one chart with volume."""
    matplotlib, mplfinance, pandas = peers
    start = time.perf_counter()
    frame = pandas.read_csv(path, index_col=0, parse_dates=True)
    read = time.perf_counter()
    figure, _ = mplfinance.plot(
        frame,
        type="candle",
        volume=True,
        style="nightclouds",
        figsize=(WIDTH / DPI, HEIGHT / DPI),
        returnfig=True,
        warn_too_much_data=sys.maxsize,
    )
    figure.set_dpi(DPI)
    figure.canvas.draw()
    rendered = time.perf_counter()
    matplotlib.image.imsave(io.BytesIO(), figure.canvas.buffer_rgba(), format="png")
    encoded = time.perf_counter()
    matplotlib.pyplot.close(figure)
    return dict(zip(STAGES, (read - start, rendered - read, encoded - rendered)))


def draw_by_tallow(build, path, seconds):
    """Seconds by stage for one chart, the median of a run of bench_render on the file."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        program = build / "bench" / "bench_render"
        options = ["--csv", path, "--seconds", str(seconds), "--json", out.name]
        subprocess.run([program, *options], check=True, stdout=subprocess.DEVNULL)
        with open(out.name, encoding="utf-8") as file:
            result = json.load(file)["benchmarks"][0]
    return {stage: result["real_time"] * 1e-6 * result["share"][stage] for stage in STAGES}


def draw_by_command(build, path, image):
    """Seconds for one process of the command line."""
    options = ["render", path, "-o", image, "--backend", "cpu", "--threads", "1", "--size", f"{WIDTH}x{HEIGHT}"]
    start = time.perf_counter()
    subprocess.run([build / "tools" / "tallow", *options], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(arguments, peers):
    """The samples of each side, by round."""
    peer, tallow, command = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        path, image = os.path.join(folder, "candles.csv"), os.path.join(folder, "chart.png")
        synth = ["synth", "candles", "--rows", str(arguments.candles), "--seed", "1", "--format", "csv"]
        with open(path, "wb") as file:
            subprocess.run([arguments.build / "tools" / "tallow", *synth], check=True, stdout=file)
        draw_by_mplfinance(peers, path)  # first uses of fonts and caches
        draw_by_command(arguments.build, path, image)
        for _ in range(arguments.rounds):
            peer.append(draw_by_mplfinance(peers, path))
            tallow.append(draw_by_tallow(arguments.build, path, arguments.seconds))
            command.append(draw_by_command(arguments.build, path, image))
    return peer, tallow, command


def print_line(name, peer, tallow):
    print(f"{name:24} {peer * 1e3:12.2f} {tallow * 1e3:12.3f} {peer / tallow:10.1f}")


def report(arguments, peers, peer, tallow, command):
    matplotlib, mplfinance, pandas = peers
    print(f"{arguments.candles} candles with volume, {WIDTH} x {HEIGHT}, one thread; medians of {arguments.rounds}")
    print(f"mplfinance {mplfinance.__version__}, matplotlib {matplotlib.__version__}, pandas {pandas.__version__}")
    print("mplfinance also draws axes and text, anti-aliased, in RGBA; Tallow draws neither here, in 4 colours.\n")
    print(f"{'ms a chart':24} {'mplfinance':>12} {'tallow':>12} {'ratio':>10}")
    for stage in STAGES:
        print_line(stage, *(statistics.median(sample[stage] for sample in side) for side in (peer, tallow)))
    whole = statistics.median(sum(sample.values()) for sample in peer)
    print_line("file to PNG", whole, statistics.median(sum(sample.values()) for sample in tallow))
    print_line("one process of `tallow`", whole, statistics.median(command))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"), help="build folder")
    parser.add_argument("--candles", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3, help="for each run of bench_render")
    arguments = parser.parse_args()
    for program in ("bench/bench_render", "tools/tallow"):
        if not (arguments.build / program).exists():
            sys.exit(f"{arguments.build / program} is missing: build Tallow, or name the folder with --build")
    peers = import_peers()
    report(arguments, peers, *measure(arguments, peers))


if __name__ == "__main__":
    main()
