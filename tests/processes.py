"""What other processes are doing, for tests that must not depend on how busy the machine is."""

import os
import re
import signal
import time
from pathlib import Path

# A shell ignores it for what it starts in the background, and so would every child.
signal.signal(signal.SIGINT, signal.default_int_handler)


def used(child):
    """Seconds of processor time that a child has had."""
    words = Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def wait_until_taken(child, number):
    """Until a signal that was sent is not pending any more, so that the next of its kind is another."""
    while child.poll() is None:
        pending = re.search(r"ShdPnd:\s*(\w+)", Path(f"/proc/{child.pid}/status").read_text())[1]
        if not int(pending, 16) >> (number - 1) & 1:
            return
        time.sleep(0.001)


def seen(pid):
    """States of a process's threads, and how often they have waited so far. None: a thread has ended meanwhile."""
    states, waits = set(), 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            status = (thread / "status").read_text()
        except OSError:
            return None
        states.add(re.search(r"State:\s*(\S)", status)[1])
        waits += sum(map(int, re.findall(r"voluntary_ctxt_switches:\s*(\d+)", status)))
    return states, waits


def wait_until_idle(child, timeout=120):
    """Until all threads of a child (of subprocess.Popen) sleep, and go on sleeping: it waits for what others do. One
    that the machine has no time for is not taken for idle. It may also have ended."""
    deadline = time.monotonic() + timeout
    before, times = None, 0
    while times < 5:
        if child.poll() is not None:
            return
        assert time.monotonic() < deadline, f"process {child.pid} is never idle"
        now = seen(child.pid)
        times = times + 1 if now and now == before and now[0] <= {"S"} else 0
        before = now
        time.sleep(0.01)
