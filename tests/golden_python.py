"""The interpreter with the packages that tests compare with.

TALLOW_GOLDEN_PYTHON names it; else it is the one that runs the test, if it has them; else, where
TALLOW_GOLDEN_INSTALL is 1, one in the folder golden_python of the build, into which pip installs them once. Tests
without one say so and are skipped.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

# What tests were seen to pass with.
PACKAGES = ("numpy==2.4.6", "pandas==3.1.1", "pillow==13.0.0", "webdataset==1.0.2")
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:")
SECONDS = 150  # for the installation; a machine without a network fails sooner


def imports(python, package):
    return subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False).returncode == 0


def install(folder):
    """Whether the folder is an environment with all packages. A second one waits for the first."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "installed", "a+", encoding="utf-8") as installed:
        fcntl.flock(installed, fcntl.LOCK_EX)
        installed.seek(0)
        tried = installed.read().splitlines()
        if tried[: len(PACKAGES)] == list(PACKAGES):
            return tried[-1] == "all"
        python = folder / "venv/bin/python"
        commands = ([sys.executable, "-m", "venv", "--clear", folder / "venv"], [python, *PIP, *PACKAGES])
        reason = None
        try:
            for command in commands:
                subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS)
        except (subprocess.SubprocessError, OSError) as error:
            reason = getattr(error, "stderr", None) or error
            print(f"pip can't install packages: {reason}")
        installed.truncate(0)
        installed.write("\n".join((*PACKAGES, "none" if reason else "all")))
        return reason is None


def golden_python(build, *packages):
    """An interpreter, which may lack some of the packages where there is none with all of them."""
    named = os.environ.get("TALLOW_GOLDEN_PYTHON")
    if named:
        return named
    folder = Path(build) / "golden_python"
    lacks = not all(imports(sys.executable, package) for package in packages)
    if lacks and os.environ.get("TALLOW_GOLDEN_INSTALL") == "1" and install(folder):
        return str(folder / "venv/bin/python")
    return sys.executable
