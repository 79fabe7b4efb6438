"""What is measured: cases of each kind of work. A kind more is a module with list_cases, and its name in KINDS."""

import dataclasses
import fnmatch
import importlib

KINDS = ["charts", "images", "windows", "bars", "candle_files"]


@dataclasses.dataclass
class Case:
    """A case of 'tallow bench', or one process of tallow, and the peers that can do the same work."""

    name: str
    kind: str  # the module that has the peers
    peers: dict  # by name: the class in that module
    inputs: list  # what write_inputs is asked for
    items: int  # of a call
    item: str
    parameters: dict  # for the peers
    usual: bool = False  # measured where nothing is asked for by name
    command: list = None  # arguments of tallow in the folder of inputs; None: a case of tallow bench

    @property
    def folder(self):
        return "-".join(map(str, self.inputs))


def list_all(rows):
    """All cases; rows: of those that have rows; None: as many as tallow bench takes."""
    return [case for kind in KINDS for case in importlib.import_module(kind).list_cases(rows)]


def summary_of(kind):
    return importlib.import_module(kind).__doc__.splitlines()[0]


def threads_text(n):
    return f"{n} thread" + ("" if n == 1 else "s")


def matches(pattern, name):
    """As in 'tallow bench': by wildcards, by all of a name or by its first parts."""
    return fnmatch.fnmatchcase(name, pattern) or name.startswith(pattern.rstrip("/") + "/")


def choose(cases, patterns):
    if not patterns:
        return [case for case in cases if case.usual]
    exact = {case.name for case in cases} & set(patterns)
    loose = [pattern for pattern in patterns if pattern not in exact]
    return [case for case in cases if case.name in exact or any(matches(p, case.name) for p in loose)]
