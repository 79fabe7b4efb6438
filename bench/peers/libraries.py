"""The peers, and the environment that they run in: a virtual environment of its own, filled by pip."""

import os
import pathlib
import re
import subprocess
import sys

# By name: what is installed for it, itself first, and how many threads it can use.
PEERS = {
    "mplfinance": (["mplfinance", "matplotlib", "pandas", "numpy", "six"], 1),
    "pillow": (["pillow", "numpy"], 1),
    "numpy": (["numpy"], 1),
    "bottleneck": (["bottleneck", "numpy"], 1),
    "ta-lib": (["TA-Lib", "numpy"], 1),
    "polars": (["polars", "numpy"], None),
    "duckdb": (["duckdb", "numpy"], None),
    "pandas": (["pandas", "numpy"], 1),
    "pandas-pyarrow": (["pandas", "pyarrow", "numpy"], None),
}
REMOVE = "remove it, so that it is made anew"
HELPERS = ("numpy", "pandas", "six")
# Where the newest is not wanted, as pip takes it. By name.
WANTED = {"TA-Lib": "TA-Lib>=0.6", "mplfinance": "mplfinance>=0.12.10b0"}

TELL_VERSIONS = """
import importlib.metadata, sys
for name in sys.argv[1:]:
    try:
        print(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        pass
"""


class NoEnvironment(Exception):
    pass


def usual_folder():
    cache = os.environ.get("XDG_CACHE_HOME", "")
    base = pathlib.Path(cache) if os.path.isabs(cache) else pathlib.Path.home() / ".cache"
    return base / "tallow" / "peers"


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def reason_of(text):
    """What pip says last of what went wrong."""
    errors = [line for line in text.splitlines() if line.startswith("ERROR:")]
    return (errors[-1][len("ERROR:") :] if errors else last_line(text)).strip()


class Environment:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder).absolute()
        self.python = self.folder / "bin" / "python"
        self.versions = {}  # of libraries, by name
        self.missing = {}  # by name: pip's reason

    def make(self):
        """Makes the folder where there is none; raises NoEnvironment."""
        if (self.folder / "pyvenv.cfg").exists() and self.python.exists():
            return
        if self.folder.exists() and any(self.folder.iterdir()):
            if (self.folder / "pyvenv.cfg").exists():
                raise NoEnvironment(f"{self.folder} is half a virtual environment: {REMOVE}")
            raise NoEnvironment(f"{self.folder} is not empty and no virtual environment: --venv names another")
        done = subprocess.run([sys.executable, "-m", "venv", self.folder], capture_output=True, text=True)
        if done.returncode != 0:
            said = last_line(done.stderr + done.stdout)
            raise NoEnvironment(f"'{sys.executable} -m venv {self.folder}' fails: {said}")

    def look(self, names):
        done = subprocess.run([self.python, "-c", TELL_VERSIONS, *names], capture_output=True, text=True)
        if done.returncode != 0:
            raise NoEnvironment(f"{self.python} does not run: {last_line(done.stderr)}; remove {self.folder}")
        self.versions |= dict(line.split(" ", 1) for line in done.stdout.splitlines())

    def install(self, names, say):
        """One by one, so that one that can't be had leaves the others."""
        self.look(names)
        for name in names:
            if name in self.versions or name in self.missing:
                continue
            say(f"installing {name} into {self.folder}")
            pip = [self.python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet"]
            nowhere_else = {**os.environ, "PIP_REQUIRE_VIRTUALENV": "1"}
            done = subprocess.run([*pip, WANTED.get(name, name)], capture_output=True, text=True, env=nowhere_else)
            if re.search(r"No module named '?pip\b", done.stderr):
                raise NoEnvironment(f"{self.folder} is half a virtual environment, without pip: {REMOVE}")
            if done.returncode != 0:
                self.missing[name] = reason_of(done.stderr)
            self.look([name])

    def why_not(self, peer):
        """Why a peer can't run; None: it can."""
        reasons = [f"{name}: {self.missing[name]}" for name in PEERS[peer][0] if name in self.missing]
        return "; ".join(reasons) or None

    def version_of(self, peer):
        """Of a peer, for people, with what does its work."""
        names = [name for name in PEERS[peer][0] if name not in HELPERS or peer.startswith(name)]
        return ", ".join(f"{name} {self.versions[name]}" for name in names if name in self.versions)


def threads_of(peer, threads):
    most = PEERS[peer][1]
    return threads if most is None else min(threads, most)


def limits_of(threads):
    """Variables of a peer's process, so that it takes so many threads and no more."""
    names = ["POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS"]
    return {name: str(threads) for name in names}
