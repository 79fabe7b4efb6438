"""README.md: its commands run as written, its C code is that of the examples, what it links to exists, and its tables
are those of the program."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

SOURCE = Path(os.environ["TALLOW_SOURCE"])
WORK = Path(os.environ["TALLOW_WORK"])
BIN = Path(os.environ["TALLOW_BIN"])
README = (SOURCE / "README.md").read_text()


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL).group(1)


def blocks(language, text):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def imports(python, package):
    return subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False).returncode == 0


def first_column(table_of):
    return set(re.findall(r"^\| `?([\w-]+)`? \|", table_of, re.MULTILINE))


class Readme(unittest.TestCase):
    def test_commands_run(self):
        shutil.rmtree(WORK, ignore_errors=True)
        (WORK / "run").mkdir(parents=True)
        titles = ("Command line", "Watching a run", "Rolling windows", "Bars", "Training sets")
        commands = "\n".join(blocks("sh", "".join(map(section, titles))))
        commands = re.sub("^tools/demo && .*", "", commands, flags=re.MULTILINE)  # it has been built, and is on the path
        self.assertGreater(len(commands.splitlines()), 8)
        env = {**os.environ, "PATH": f"{BIN.parent}:{os.environ['PATH']}"}
        script = ["bash", "-euxo", "pipefail", "-c", commands]
        done = subprocess.run(script, cwd=WORK / "run", env=env, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        named = set(re.findall(r"[\w/-]+\.png", commands)) | {"charts/gaps.png", "charts/jumps.png"}
        named |= {"windows/gaps_000000.png", "windows/gaps_000018.png", "windows/jumps_000198.png"}
        for name in named:
            self.assertTrue((WORK / "run" / name).read_bytes().startswith(b"\x89PNG"), name)
        self.check_metrics((WORK / "run" / "nightly.prom").read_text())
        self.run_python(blocks("python", section("Training sets")))

    def check_metrics(self, found):
        """The series that are shown and those of the table are there, but for what differs from run to run."""
        found = re.sub(r'(backend|device)="[^"]*"', r'\1=""', found)
        shown, text = blocks("text", section("Watching a run"))[0], section("Watching a run")
        for line in re.sub(r'(backend|device)="[^"]*"', r'\1=""', shown).splitlines():
            self.assertIn("\n" + line.rsplit(" ", 1)[0] + " ", found)
        for name in re.findall(r"`(tallow_\w+(?:\.\.\.\w+)?)", text):
            self.assertRegex(found, rf"(?m)^{name.replace('...', '[a-z_]+')}")

    def run_python(self, code):
        arrays, bare, png, handed = code
        self.assertEqual(len(arrays.splitlines()), 5)
        python = os.environ.get("TALLOW_GOLDEN_PYTHON", sys.executable)
        if not imports(python, "numpy"):
            print("SKIPPED: the lines of Python, for NumPy can't be imported")
            return
        lines = [
            arrays,
            "assert images.shape == (19976, 1, 64, 60) and x.shape == (256, 1, 64, 60) and 0 < y.sum() < 256",
            bare,
            "assert charts.shape == (400, 1, 96, 96) and {76, 150} <= set(np.unique(charts))",
            handed,
            "assert (np.from_dlpack(Handed(np.arange(3.0).__dlpack__())) == np.arange(3.0)).all()",
        ]
        if imports(python, "PIL"):
            lines += [png, "assert image.shape == (32, 15) and set(np.unique(image)) == {0, 255}"]
        else:
            print("SKIPPED: the lines on PNG files, for Pillow can't be imported")
        subprocess.run([python, "-c", "\n".join(lines)], cwd=WORK / "run", check=True)

    def test_c_is_that_of_the_examples(self):
        found = blocks("c", section("In C"))
        self.assertEqual(len(found), 2)
        for code, example in zip(found, ("render_to_memory.c", "stream_windows.c")):
            self.assertIn(code, (SOURCE / "tools/examples" / example).read_text())
        found = blocks("c", section("Rolling windows"))
        self.assertEqual(len(found), 2)
        for code, example in zip(found, ("roll_batch.c", "roll_rows.c")):
            self.assertIn(code, (SOURCE / "tools/examples" / example).read_text())
        found = blocks("c", section("Training sets"))
        self.assertEqual(len(found), 2)
        for code in found:
            self.assertIn(code, (SOURCE / "tools/examples/draw_images.c").read_text())

    def test_links(self):
        links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
        self.assertGreater(len(links), 4)
        for link in links:
            if link.startswith("#"):
                titles = re.findall(r"^## (.*)", README, re.MULTILINE)
                self.assertIn(link[1:], [title.lower().replace(" ", "-") for title in titles])
            else:
                self.assertTrue((SOURCE / link).exists(), link)

    def test_folders(self):
        for name in re.findall(r"`((?:host|kernels)/\w+)`", section("Where things are")):
            self.assertTrue((SOURCE / name).is_dir(), name)
        for folder, text in re.findall(r"^\| `(host/\w+)` \| (.*) \|$", section("Where things are"), re.MULTILINE):
            for name in re.findall(r"\(`(\w+)`(?:, `(\w+)`)?\)", text):
                for part in filter(None, name):
                    self.assertTrue(list((SOURCE / folder).glob(f"{part}.[ch]")), f"{folder}/{part}")

    def test_options(self):
        text = subprocess.run([BIN, "render", "--help"], capture_output=True, text=True, check=True).stdout
        for option in re.findall(r"--[a-z][a-z-]+", section("Command line") + section("Memory")):
            if option not in ("--rows", "--interval", "--start", "--shape", "--seed", "--check", "--json", "--op",
                              "--column", "--keep", "--fail-on-slow"):
                self.assertRegex(text, rf"{option}\b", option)

    def test_options_of_windows(self):
        text = subprocess.run([BIN, "window", "--help"], capture_output=True, text=True, check=True).stdout
        for option in re.findall(r"--[a-z][a-z-]+", section("Rolling windows")):
            self.assertRegex(text, rf"{option}\b", option)

    def test_options_of_training_sets(self):
        text = subprocess.run([BIN, "dataset", "--help"], capture_output=True, text=True, check=True).stdout
        for option in re.findall(r"--[a-z][a-z-]+", section("Training sets")):
            if option not in ("--rows", "--theme", "--labels", "--mav", "--print-spec"):
                self.assertRegex(text, rf"{option}\b", option)

    def test_options_of_watching(self):
        for command in ("render", "window", "bars", "dataset"):
            text = subprocess.run([BIN, command, "--help"], capture_output=True, text=True, check=True).stdout
            for option in re.findall(r"--(?:metrics|trace|stats)[a-z-]*", section("Watching a run")):
                self.assertRegex(text, rf"{option}\b", option)

    def test_options_of_bench(self):
        text = subprocess.run([BIN, "bench", "--help"], capture_output=True, text=True, check=True).stdout
        options = re.findall(r"--[a-z][a-z-]+", section("Benchmarks"))
        self.assertGreater(len(options), 3)
        for option in options:
            if option != "--peers":  # of bench/peers
                self.assertRegex(text, rf"{option}\b", option)

    def test_tables_of_speed(self):
        script = SOURCE / "bench/readme-tables"
        done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_operations(self):
        text = subprocess.run([BIN, "window", "--list", "--json"], capture_output=True, text=True, check=True).stdout
        said = []
        for op in json.loads(text):
            names = [parameter["name"] for parameter in op["parameters"]]
            self.assertLessEqual({"min_periods", "nan"}, set(names), op["name"])
            own = ", ".join(f"`{name}`" for name in names if name not in ("min_periods", "nan"))
            said.append(f"| `{op['name']}` | {op['summary']} | {own} | {op['lookback']} |")
        found = re.findall(r"^\| `.*$", section("Rolling windows"), re.MULTILINE)
        self.assertEqual(found[: len(said)], said)

    def test_policies(self):
        header = (SOURCE / "include/tallow/csv.h").read_text()
        rows = re.findall(r"^ \*   ([A-Z_]+) .*? (\w+) +(\w+(?:, \w+)+)$", header, re.MULTILINE)
        self.assertEqual(len(rows), 8)
        names = {"FIELD": "bad-field"}
        said = [(names.get(n, n.lower().replace("_", "-")), default, set(all_.split(", "))) for n, default, all_ in rows]
        found = re.findall(r"^\| .* \| `--([a-z-]+)` \| `(\w+)` \| (.*) \|$", README, re.MULTILINE)
        self.assertEqual([(n, d, {d, *re.findall(r"`(\w+)`", others)}) for n, d, others in found], said)

    def test_exit_codes(self):
        text = subprocess.run([BIN, "--help"], capture_output=True, text=True, check=True).stdout
        codes = set(re.findall(r"^  (\d+) ", text.split("Exit codes:")[1], re.MULTILINE))
        rows = first_column(section("Command line")) - {"exit"}
        self.assertEqual({row for row in rows if row.isdigit()}, codes)

    def test_environment(self):
        read = set()
        for path in (SOURCE / "host").rglob("*.c"):
            read |= set(re.findall(r'getenv\("(\w+)"\)', path.read_text()))
        self.assertEqual(set(re.findall(r"^\| `([A-Z_]+)` \|", section("Backends"), re.MULTILINE)), read - {"HOME"})

    def test_build_options_and_presets(self):
        cmake = (SOURCE / "CMakeLists.txt").read_text()
        names = r"TALLOW_\w+|BUILD_SHARED_LIBS"
        there = set(re.findall(rf"^(?:option|set|cmake_dependent_option)\(({names}) ", cmake, re.MULTILINE))
        text = section("Build, install, link")
        self.assertEqual(set(re.findall(rf"`({names})`", text)), there)
        presets = re.findall(r'^      "name": "(\w+)",$', (SOURCE / "CMakePresets.json").read_text(), re.MULTILINE)
        for preset in set(presets) - {"base"}:
            self.assertIn(f"`{preset}`", text)


if __name__ == "__main__":
    unittest.main()
