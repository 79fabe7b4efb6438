"""tallow bench report: one page that holds together, loads nothing, and says only what the runs say; and show.

Runs are made up. A page is parsed by html.parser, and looked at as a tree.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
BIN = os.environ.get("TALLOW_BIN", "")
USAGE, BAD_DATA, NO_INPUT, CANT_CREATE = 64, 65, 66, 73
VOID = {"meta", "br", "link", "img", "hr", "input"}
LOADING = ("src", "href", "srcset", "xlink:href", "data", "action", "poster", "background", "style")
HOSTILE = "a</code><script>alert(1)</script><img src=x onerror='y'>\"&amp;'\u202e"
STEPS = (1, -0.8, 0.3, -0.2, 0.9, -1, 0.1, -0.4, 0.5, -0.6, 0.8, -0.3, 0.2, -0.9, 0.6, -0.1)


class Page(HTMLParser):
    """A tree of [name, attributes, children], where text is a string; what is not closed in order is a fault."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.root = ["", {}, []]
        self.open, self.faults = [self.root], []
        self.feed(text)
        self.close()
        if len(self.open) > 1:
            self.faults.append(f"not closed: {[e[0] for e in self.open]}")

    def handle_starttag(self, tag, attrs):
        if len(attrs) != len(dict(attrs)):
            self.faults.append(f"{tag} has an attribute twice")
        element = [tag, dict(attrs), []]
        self.open[-1][2].append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.open[-1][2].append([tag, dict(attrs), []])

    def handle_endtag(self, tag):
        if len(self.open) < 2 or self.open[-1][0] != tag:
            self.faults.append(f"</{tag}> at {self.getpos()} within <{self.open[-1][0]}>")
        else:
            self.open.pop()

    def handle_data(self, data):
        self.open[-1][2].append(data)

    def all(self, tag=None, root=None, **wanted):
        """Elements of a name, and of attributes (class_: one of its classes), in order."""
        for child in (root or self.root)[2]:
            if isinstance(child, str):
                continue
            classes = (child[1].get("class") or "").split()
            fits = all(v in classes if k == "class_" else child[1].get(k) == v for k, v in wanted.items())
            if fits and tag in (None, child[0]):
                yield child
            yield from self.all(tag, child, **wanted)

    def text(self, root=None):
        """Without what is only seen beneath a pointer."""
        parts = []
        for child in (root or self.root)[2]:
            if isinstance(child, str):
                parts.append(child)
            elif child[0] not in ("title", "style"):
                parts.append(self.text(child))
        return re.sub(r"\s+", " ", " ".join(parts)).strip()

    def section(self, ident):
        (found,) = self.all("section", id=ident)
        return found

    def titles(self, root=None):
        return [" ".join(t[2]) for t in self.all("title", root)]


class Case(unittest.TestCase):
    def setUp(self):
        self.here = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.here)

    def start(self, *args, env=None):
        return subprocess.run([BIN, "bench", *map(str, args)], cwd=self.here, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=1500, env={**os.environ, **(env or {})})

    def fails(self, code, *args, says, env=None):
        done = self.start(*args, env=env)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        self.assertIn(says, done.stderr)
        self.assertEqual(done.stdout, "")

    def write_run(self, name, rows, day=1, commit="c0ffee1", fingerprint="0123", **context):
        """A file of a run. rows: by name, the time in ns, and what else its median has; a string is a failure."""
        entries = []
        for row, value in rows.items():
            if isinstance(value, str):
                entries.append({"name": row, "run_name": row, "run_type": "iteration", "error_occurred": True,
                                "error_message": value})
                continue
            time, facts = value if isinstance(value, tuple) else (value, {})
            times = [time * (1 + 0.001 * s) for s in STEPS[:facts.get("n", len(STEPS))]]
            for i, number in enumerate(times):
                entries.append({"name": row, "run_name": row, "run_type": "iteration", "repetition_index": i,
                                "repetitions": len(times), "real_time": number, "cpu_time": number, "time_unit": "ns"})
            entries.append({"name": row + "_median", "run_name": row, "run_type": "aggregate",
                            "aggregate_name": "median", "real_time": time, "cpu_time": time, "time_unit": "ns",
                            **facts})
        path = self.here / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(json.dumps({"context": {
            "date": f"2026-{1 + day // 28:02}-{1 + day % 28:02}T10:00:00Z", "commit": commit,
            "fingerprint": fingerprint, "cpu": "A CPU", "num_cpus": 2, "tier": "avx2", "library_build_type": "release",
            "library_version": "0.1.0", "compiler": "gcc", "copy_bytes_per_second": 1e10, "copy_bytes_per_second_all": 2e10, "copy_threads": 2,
            "clock": "wall", **context}, "benchmarks": entries}))
        return path

    def page(self, *args, env=None, warns=""):
        done = self.start("report", *args, "-o", "report.html", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertIn(warns, done.stderr)
        if not warns:
            self.assertEqual(done.stderr, "")
        return self.check((self.here / "report.html").read_text())

    def check(self, text):
        """What holds for every page."""
        self.assertTrue(text.startswith("<!DOCTYPE html>"))
        page = Page(text)
        self.assertEqual(page.faults, [])
        self.assertNotRegex(text, r"(?i)https?:|//[a-z]|url\(|@import|javascript:")
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f]|nan|(?<![a-z])inf(?![a-z])")
        self.assertEqual(list(page.all("script")) + list(page.all("link")) + list(page.all("iframe")), [])
        (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
        self.assertIn("default-src 'none'", policy[1]["content"])
        self.assertEqual(len(list(page.all("meta", name="viewport"))), 1)
        (style,) = page.all("style")
        self.assertIn("prefers-color-scheme: dark", style[2][0])
        self.assertEqual(len(list(page.all("h1"))), 1)
        ids = [e[1]["id"] for e in page.all() if "id" in e[1]]
        self.assertEqual(len(ids), len(set(ids)))
        for element in page.all():
            for name, value in element[1].items():
                self.assertFalse(name.startswith("on"), name)
                if name in LOADING:
                    self.assertEqual((element[0], name, value[0]), ("a", "href", "#"))
                    self.assertIn(value[1:], ids)
        for picture in page.all("svg", role="img"):
            self.assertTrue(picture[1].get("aria-label") or page.titles(picture))
        self.check_places(page)
        return page

    def check_places(self, page):
        for element in page.all():
            for name in ("x", "y", "cx", "cy", "x1", "x2", "y1", "y2", "width"):
                value = element[1].get(name, "")
                if value.endswith("%"):
                    self.assertTrue(0 <= float(value[:-1]) <= 100, element)
            for pair in element[1].get("points", "").split():
                self.assertTrue(all(0 <= float(n) <= 1000 for n in pair.split(",")), element)


class Report(Case):
    def rows(self, scale=1, on=("cpu/threads:1", "cpu/threads:2", "cuda")):
        """Two cases, each on some lanes, with equal outputs."""
        rows = {}
        for case, time in (("render/1080p/1000", 97e3), ("window/mean/20", 2.7e6)):
            for k, lane in enumerate(on):
                facts = {"output_hash": "00aa", "items_per_second": 1e9 / time, "item": "rows"}
                if lane.startswith("cpu"):
                    facts["share_of_copy"] = 0.5 / (k + 1)
                    facts["bytes_per_second"] = 5e9
                if k:
                    facts.update(baseline=f"{case}/{on[0]}", speedup=2.0 * k, speedup_low=1.9 * k,
                                 speedup_high=2.1 * k)
                rows[f"{case}/{lane}"] = (time * scale / (2 * k or 1), facts)
        return rows

    def test_each_case(self):
        for day in range(1, 5):
            self.write_run(f"runs/{day}.json", self.rows(1 + day / 100), day, commit=f"c{day}")
        page = self.page("runs")
        figures = list(page.all("figure"))
        self.assertEqual([page.text(next(page.all("figcaption", f))) for f in figures],
                         ["render/1080p/1000", "window/mean/20"])
        for figure in figures:
            key = next(page.all("ul", figure, class_="key"))
            self.assertEqual([page.text(k).split()[0] for k in page.all("li", key)], ["cpu:1", "cpu:2", "cuda"])
            marks = list(page.all("circle", next(page.all("div", figure, class_="plot"))))
            self.assertEqual(len(marks), 3 * 4)
            self.assertIn("2026-01-02 10:00, commit c1, cpu:1: ", page.titles(marks[0])[0])
            self.assertEqual([len(c[1]["points"].split()) for c in page.all("polyline", figure)], [4] * 3)
            self.assertEqual([len(c[1]["points"].split()) for c in page.all("polygon", figure)], [8] * 3)
            rows = [[page.text(c) for c in page.all(None, r) if c[0] in ("td", "th")] for r in page.all("tr", figure)]
            self.assertEqual(rows[0], ["run", "cpu:1", "cpu:2", "cuda"])
            self.assertEqual([r[0][-2:] for r in rows[1:]], ["c4", "c3", "c2", "c1"])
            self.assertTrue(all(re.search(r"^[\d.]+ (µs|ms) \([\d.]+ \S+ to [\d.]+ \S+\)$", c) for r in rows[1:]
                                for c in r[1:]))
        self.assertIn("Newest run 2026-01-05 10:00, commit c4; 4 runs since 2026-01-02", page.text())
        self.assertIn("A CPU, 2 CPUs, avx2", page.text())
        self.assertIn("10.0 GB/s by one thread, 20.0 GB/s by 2", page.text())

    def test_runs_of_one_day_are_told_by_the_time(self):
        names = [self.write_run(f"{hour}.json", {"a/b/cpu/threads:1": 1000 + hour}, commit=f"c{hour}",
                                date=f"2026-11-22T{hour}:45:00Z") for hour in (10, 11, 12)]
        ends = next(self.page(*names).all("div", class_="ends"))
        self.assertEqual(["".join(t for t in s[2] if isinstance(t, str)) for s in ends[2] if s[0] == "span"],
                         ["2026-11-22 10:45c10", "2026-11-22 11:45c11", "2026-11-22 12:45c12"])
        days = [self.write_run(f"d{day}.json", {"a/b/cpu/threads:1": 1000}, day, commit=f"c{day}") for day in range(4)]
        page = self.page(*days)
        self.assertEqual(page.text(next(page.all("div", class_="ends"))), "2026-01-01 c0 2026-01-04 c3")

    def test_labels_of_changes_reach_the_end(self):
        for change in (1.08, 1.12, 1.2, 1.3, 1.6):
            names = [self.write_run(f"{i}.json", {"a/b/cpu/threads:1": 1000 * (change if i else 1)}, i + 1)
                     for i in range(2)]
            page = self.page(*names)
            axis = next(page.all("li", page.section("changes-0"), class_="axis"))
            labels = [int(label[:-1]) for label in page.text(axis).split()]
            self.assertGreater(labels[-1], 75 * (change - 1))
            self.assertEqual(labels, sorted(labels))
            self.assertTrue(4 <= len(labels) <= 7 and 0 in labels, labels)

    def test_heights_follow_times(self):
        for day, scale in ((1, 1), (2, 1.5), (3, 1.2)):
            self.write_run(f"runs/{day}.json", {"a/b/cpu/threads:1": 1000 * scale}, day)
        page = self.page("runs")
        heights = [float(c[1]["cy"][:-1]) for c in page.all("circle", next(page.all("div", class_="plot")))]
        self.assertTrue(heights[1] < heights[2] < heights[0])
        places = [float(c[1]["cx"][:-1]) for c in page.all("circle", next(page.all("div", class_="plot")))]
        self.assertEqual(places, [0, 50, 100])

    def test_order_is_that_of_dates(self):
        names = [self.write_run(n, {"a/b/cpu/threads:1": t}, day, commit=n[0]) for n, t, day in
                 (("z.json", 1000, 1), ("a.json", 3000, 3), ("m.json", 2000, 2))]
        page = self.page(*names)
        self.assertEqual([t.split()[3][0] for t in page.titles(next(page.all("div", class_="plot")))], ["z", "m", "a"])

    def test_verdicts(self):
        old = {"same/a/cpu/threads:1": 1000, "fast/a/cpu/threads:1": 1000, "slow/a/cpu/threads:1": 1000, "gone/a": 1}
        new = {"same/a/cpu/threads:1": 1001, "fast/a/cpu/threads:1": 900, "slow/a/cpu/threads:1": 1100, "come/a": 1}
        for day, rows in ((1, dict.fromkeys(old, 5)), (2, old), (3, new)):
            self.write_run(f"runs/{day}.json", rows, day, commit=f"c{day}")
        page = self.page("runs")
        section = page.section("changes-0")
        self.assertIn("commit c3 against 2026-01-03 10:00, commit c2", page.text(section))
        changes = [page.text(c) for c in page.all("li", section, class_="change") if "axis" not in c[1]["class"]]
        self.assertEqual([c.split()[1:3] for c in changes], [["SLOW", "slow/a/cpu/threads:1"],
                         ["FAST", "fast/a/cpu/threads:1"], ["SAME", "same/a/cpu/threads:1"]])
        self.assertRegex(changes[0], r"\+10\.0% \(\+[\d.]+ to \+[\d.]+\) 1\.00 µs → 1\.10 µs")
        self.assertEqual(page.text(next(page.all("ul", section, class_="counts"))), "1 SLOW 1 FAST 0 AMBIGUOUS 1 SAME")
        compared = self.start("compare", "runs/2.json", "runs/3.json").stdout
        for change in changes:
            self.assertRegex(compared, rf"(?m)^{change.split()[2]} .* {change.split()[1]}")

    def test_run_before_has_a_case_in_common(self):
        for day, case in ((1, "a/b"), (2, "other/b"), (3, "a/b")):
            self.write_run(f"runs/{day}.json", {case: 1000}, day, commit=f"c{day}")
        page = self.page("runs")
        self.assertIn("commit c3 against 2026-01-02 10:00, commit c1", page.text(page.section("changes-0")))
        page = self.page("runs/1.json", "runs/2.json")
        self.assertIn("There is no earlier run of these cases", page.text(page.section("changes-0")))

    def test_runs_are_compared_in_any_order(self):
        """The two newest that have a case are what is compared, however they came."""
        times = {1: 1000, 2: 2000, 3: 3000, 4: 3300}
        for day, time in times.items():
            self.write_run(f"runs/{day}.json", {"a/b": time, "a/c": time, f"only/{day}": 5}, day, commit=f"c{day}")
        for order in ((1, 2, 3, 4), (4, 3, 2, 1), (3, 1, 4, 2), (4, 2, 1, 3)):
            page = self.page(*(f"runs/{day}.json" for day in order))
            changes = page.section("changes-0")
            self.assertIn("commit c4 against 2026-01-04 10:00, commit c3", page.text(changes))
            rows = [page.text(row) for row in page.all("li", changes) if "+10.0%" in page.text(row)]
            self.assertEqual(["a/b" in rows[0], "a/c" in rows[1], len(rows)], [True, True, 2], order)
            self.assertNotIn("only/", page.text(changes))

    def test_speedups_only_of_equal_outputs(self):
        rows = self.rows()
        rows["render/1080p/1000/cuda"][1]["output_hash"] = "00bb"
        rows["window/mean/20/cpu/threads:2"][1].pop("output_hash")
        rows["bars/changed/cpu/threads:1"] = (10, {"output_hash": "1"})
        rows["bars/changed/cuda"] = (10, {"output_changed": True, "speedup": 7.77,
                                          "baseline": "bars/changed/cpu/threads:1"})
        self.write_run("run.json", rows)
        page = self.page("run.json")
        section = page.section("speedup-0")
        text = page.text(section)
        self.assertIn("render/1080p/1000 over cpu:1 cpu:2 2.00× (1.90 to 2.10) cuda none: other output", text)
        self.assertIn("window/mean/20 over cpu:1 cuda 4.00× (3.80 to 4.20)", text)
        self.assertIn("bars/changed over cpu:1 cuda none: its output changed", text)
        self.assertNotIn("7.77", (self.here / "report.html").read_text())
        self.assertEqual(len(list(page.all("rect", section, class_="bar"))), 2)
        self.assertEqual(len(list(page.all("rect", page.section("share-0"), class_="bar"))), 4)
        self.assertIn("50% 5.0 GB/s", page.text(page.section("share-0")))
        show = self.start("show", "run.json").stdout
        self.assertRegex(show, r"(?m)^ +cuda .* none: other output$")
        self.assertRegex(show, r"(?m)^ +cpu:2 .* none: no output to compare$")
        self.assertRegex(show, r"(?m)^ +cuda .* none: its output changed$")
        self.assertRegex(show, r"(?m)^ +cuda .* 4\.00 \(3\.80 to 4\.20\)$")
        self.assertNotIn("7.77", show)

    def test_a_speedup_over_another_baseline(self):
        rows = {"a/b/cpu/threads:1": (10, {"output_hash": "1"}),
                "a/b/cuda": (5, {"output_hash": "1", "speedup": 5.55, "baseline": "a/c/cpu/threads:1"})}
        self.write_run("run.json", rows)
        self.page("run.json")
        self.assertNotIn("5.55", (self.here / "report.html").read_text())

    def test_other_machines_are_apart(self):
        for day in range(1, 4):
            self.write_run(f"runs/a{day}.json", {"a/b/cpu/threads:1": 1000}, day)
            self.write_run(f"runs/b{day}.json", {"a/b/cpu/threads:1": 77000}, day, "dead", "4567", cpu="Another CPU")
        self.write_run("runs/c.json", {"a/b/cpu/threads:1": 55000}, 9, clock="processor")
        self.write_run("runs/d.json", {"a/b/cpu/threads:1": 33000}, 1, fingerprint="", cpu="Nobody")
        self.write_run("runs/e.json", {"a/b/cpu/threads:1": 33000}, 2, fingerprint="", cpu="Nobody")
        page = self.page("runs")
        figures = list(page.all("figure"))
        self.assertEqual([len(list(page.all("circle", next(page.all("div", f, class_="plot"))))) for f in figures],
                         [1, 3, 3, 2])
        self.assertIn("processor time", page.text(next(page.all("header"))))
        summaries = [page.text(next(page.all("summary", d))) for d in page.all("details", class_="machine")]
        self.assertRegex(" | ".join(summaries), r"^This machine, wall clock Newest .*3 runs.* \| Another CPU, wall "
                                                 r"clock .*3 runs.* \| Nobody, wall clock .*2 runs")
        self.assertIn("Other clocks and machines", page.text(page.section("machines")))
        page = self.page("runs/a1.json", "runs/c.json")
        self.assertIn("By another clock Processor time is what threads had", page.text(page.section("machines")))
        self.assertNotIn("Times of two machines", page.text())
        page = self.page("runs/a1.json", "runs/b1.json")
        self.assertIn("Other machines Times of two machines", page.text(page.section("machines")))
        page = self.page("runs")
        self.assertIn("so that they are not compared", page.text())
        for figure in figures:
            units = {re.search(r": ([\d.]+)", t).group(1).split(".")[0] for t in page.titles(figure)}
            self.assertEqual(len(units), 1)

    def test_peers(self):
        peer = {"baseline": "window/mean/20/cpu/threads:1", "peer_settings": "one thread <float64>",
                "times_as_fast": 4, "times_as_fast_low": 3.9, "times_as_fast_high": 4.1}
        rows = self.rows()
        start = "window/mean/20/cpu/threads:1/"
        rows[start + "polars"] = (11e6, {**peer, "peer": "polars 1.34", "same_output": True})
        rows[start + "pandas"] = (22e6, {**peer, "peer": "pandas 2.3", "same_output": None, "times_as_fast": 1234.5,
                                         "times_as_fast_high": 1300})
        rows[start + "talib"] = (1e6, {**peer, "peer": "TA-Lib 0.6", "same_output": False, "times_as_fast": 9.99,
                                       "output_said": "differs by 3%"})
        self.write_run("a.json", rows, 1)
        rows[start + "polars"] = (15e6, rows[start + "polars"][1])
        self.write_run("b.json", rows, 2, peers_missing={"bottleneck": "no <wheel>"})
        page = self.page("a.json", "b.json")
        section = page.section("peers-0")
        for said in ("window/mean/20 tallow, cpu:1 2.70 ms", "polars 1.34 15.0 ms Tallow is 4.00× as fast ",
                     "pandas 2.3 22.0 ms Tallow is 1,230× as fast* ", "TA-Lib 0.6 1.00 ms other output"):
            self.assertIn(said, page.text(section))
        self.assertIn("one thread <float64>; output differs by 3%", page.text(section))
        self.assertEqual(len(list(page.all("rect", section, class_="bar"))), 2)
        self.assertIn("bottleneck no <wheel>", page.text(page.section("figures-0")))
        # Peers are not what changes here, nor lines over time.
        self.assertNotIn("polars", page.text(page.section("changes-0")) + page.text(page.section("plots-0")))
        self.assertEqual(len(list(page.all("polyline"))), 6)
        self.assertIn("0 SLOW", self.start("compare", "a.json", "b.json").stdout)
        self.assertEqual(self.start("compare", "a.json", "b.json", "--fail-on-slow").returncode, 0)
        self.check_alone_against_beside_peers(rows)
        show = self.start("show", "b.json").stdout
        self.assertRegex(show, r"(?m)^ +polars 1\.34 +15\.0 ms .* tallow is 4\.00 \(3\.90 to 4\.10\)$")
        self.assertRegex(show, r"(?m)^ +pandas 2\.3 .* tallow is 1,230 \(3\.90 to 1,300\), output not compared$")
        self.assertRegex(show, r"(?m)^ +TA-Lib 0\.6 .* none: other output$")
        self.assertIn("\npolars 1.34 on window/mean/20: one thread <float64>\n", show)
        self.assertIn("\nbottleneck is missing: no <wheel>\n", show)

    def check_alone_against_beside_peers(self, rows):
        """Whatever the times: turns of other programs leave other caches."""
        slow = {name: (3 * time, facts) for name, (time, facts) in self.rows().items()}
        self.write_run("alone.json", slow, 3)
        name = "window/mean/20/cpu/threads:1"
        self.assertIn(name, rows)
        for runs in (("b.json", "alone.json"), ("alone.json", "b.json")):
            text = self.start("compare", *runs).stdout
            self.assertRegex(text, rf"(?m)^{name} .* \(not sure\) +AMBIGUOUS beside peers in one run$")
            self.assertIn("\na case that takes turns with other programs finds other caches than one that does not: ", text)
            self.assertIn(f"{len(slow) - 1} {'SLOW' if runs[0] == 'b.json' else 'FAST'}", text)
        page = self.page("b.json", "alone.json")
        self.assertIn(f"{name} beside other programs in one run", page.text(page.section("changes-0")))

    def test_failures_are_named(self):
        self.write_run("run.json", {"a/b/cpu/threads:1": 1000, "a/b/cuda": "no <memory>"})
        page = self.page("run.json")
        self.assertIn("1 line of the newest run failed: a/b/cuda no <memory>", page.text(page.section("figures-0")))
        self.assertRegex(self.start("show", "run.json").stdout, r"(?m)^a/b +cpu:1 .*\n +cuda +failed: no <memory>$")

    def test_one_run(self):
        self.write_run("runs/run.json", self.rows())
        page = self.page("--history", "runs")
        self.assertIn("There is no earlier run of these cases", page.text(page.section("changes-0")))
        self.assertEqual(list(page.all("polyline")), [])
        marks = list(page.all("circle", next(page.all("div", class_="plot"))))
        self.assertEqual([m[1]["cx"] for m in marks], ["50.00%"] * 3)

    def test_few_repetitions(self):
        for day in (1, 2):
            self.write_run(f"runs/{day}.json", {"a/b/cpu/threads:1": (1000 * day, {"n": 2, "output_hash": "1"}),
                                                "a/b/cuda": (10, {"n": 1, "output_hash": "1", "speedup": 100,
                                                                  "baseline": "a/b/cpu/threads:1"})}, day)
        page = self.page("runs")
        self.assertIn("2 AMBIGUOUS", page.text(page.section("changes-0")))
        self.assertIn("+100.0% (not sure)", page.text(page.section("changes-0")))
        self.assertIn("100× (not sure)", page.text(page.section("speedup-0")))
        self.assertEqual(list(page.all("polygon")), [])

    def test_older_figures_say_so(self):
        self.write_run("a.json", self.rows(), 1, commit="older")
        self.write_run("b.json", {k: v for k, v in self.rows().items() if k.startswith("window")}, 2)
        page = self.page("a.json", "b.json")
        text = page.text(page.section("speedup-0"))
        self.assertIn("cpu:1 cpu:2 2.00× (1.90 to 2.10) of 2026-01-02 10:00, commit older", text)
        self.assertEqual(text.count("of 2026"), 2)

    def test_nobody_is_trusted(self):
        facts = {"output_hash": HOSTILE, "item": HOSTILE, "stage": HOSTILE, "speedup": 2, "items_per_second": 3,
                 "baseline": f"{HOSTILE}/cpu/threads:1"}
        rows = {f"{HOSTILE}/{lane}": (1000, facts)
                for lane in ("cpu/threads:1", "cuda")}
        rows[HOSTILE + "/x"] = (5, {"peer": HOSTILE, "peer_settings": HOSTILE, "same_output": True,
                                    "times_as_fast": 2, "output_said": HOSTILE, "baseline": f"{HOSTILE}/cpu/threads:1"})
        rows["bad/" + HOSTILE] = HOSTILE
        device = {"backend": HOSTILE, "name": HOSTILE, "driver": HOSTILE, "clocks": HOSTILE, "ran": HOSTILE}
        for day in (1, 2):
            self.write_run(f"runs/{day}.json", rows, day, commit=HOSTILE[:40], date=HOSTILE[:20] + str(day),
                           cpu=HOSTILE, tier=HOSTILE, governor=HOSTILE, compiler=HOSTILE, library_version=HOSTILE,
                           devices=[device], peers_missing={HOSTILE: HOSTILE})
        page = self.page("runs")
        text = (self.here / "report.html").read_text()
        self.assertNotRegex(text, "(?i)<(script|img)")
        self.assertIn(HOSTILE, " ".join(t for f in page.all("figcaption") for c in page.all("code", f) for t in c[2]))

    def test_wild_numbers(self):
        wild = {"output_hash": "1", "speedup": -3, "speedup_low": 1e308, "speedup_high": -1,
                "baseline": "a/b/cpu/threads:1", "items_per_second": 1e308, "bytes_per_second": -1, "share_of_copy": 1e300, "cold": 1e308,
                "host_peak_bytes": -5, "device_peak_bytes": 1 << 62, "kernel_time": -1}
        rows = {"a/b/cpu/threads:1": (1e-3, wild), "a/b/cpu/threads:2": (9e14, wild), "a/b/opencl": (1e-300, wild),
                "a/b/cuda": (5, {**wild, "speedup": 1e308, "speedup_low": 0, "speedup_high": 1e308}),
                "a/c/cpu/threads:1": (1e-300, wild), "a/c/cpu/threads:99999999999999": (1, wild), "/": (1, {}),
                "//": (1, {}),
                "a/b/cpu/threads:1/p": (9e14, {"peer": "", "same_output": True, "times_as_fast": 1e308})}
        for day in (1, 2):
            self.write_run(f"runs/{day}.json", rows, day, num_cpus=1 << 60, mhz_per_cpu=-1, load_avg=[1e308],
                           copy_bytes_per_second=1e308, copy_threads=1e308)
        self.page("runs")
        self.assertEqual(self.start("show", "runs/1.json").returncode, 0)

    def test_times_that_no_call_takes(self):
        for number, unit in ((1.79e308, "s"), (1.79e308, "ns"), (1.01e6, "s"), (1.01e15, "ns")):
            (self.here / "run.json").write_text(json.dumps({"context": {}, "benchmarks": [
                {"name": "a/b", "real_time": number, "time_unit": unit}]}))
            says = "run.json: a/b has a real_time of more than 1000000 s"
            self.fails(BAD_DATA, "report", "run.json", "-o", "x.html", says=says)
            self.fails(BAD_DATA, "show", "run.json", says=says)
        (self.here / "run.json").write_text('{"benchmarks": [\n{"name": "a/b", "real_time": 1e999}]}')
        self.fails(BAD_DATA, "show", "run.json", says="run.json:2:")

    def test_texts_end_where_a_sign_does(self):
        for k in range(4):
            self.write_run("run.json", {"a": 1}, commit="x" * k + "\u20ac" * 99, cpu="x" * k + "\U0001f4c8" * 99)
            self.assertNotIn("\ufffd", self.page("run.json").text())

    def test_control_characters_stay_out(self):
        self.write_run("run.json", {"a\x1b[31m\x9b5m/b/cpu/threads:1": (1, {"item": "\x07"}), "b": "\x1b]0;x\x07"},
                       commit="\x1b[2J", cpu="\n\x85")
        self.page("run.json")
        for args in (("show", "run.json"), ("compare", "run.json", "run.json")):
            self.assertNotRegex(self.start(*args).stdout, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")

    def test_two_hundred_runs(self):
        folder = self.here / "runs"
        for day in range(1, 206):
            self.write_run(f"runs/run-{day:03}.json", self.rows(1 + day % 7 / 100), day, commit=f"c{day}")
        page = self.page(folder, warns="5 older files are left out, for a report shows the newest 200")
        self.assertIn("200 runs since 2026-01-07", page.text())
        for figure in page.all("figure"):
            self.assertEqual(len(list(page.all("circle", next(page.all("div", figure, class_="plot"))))), 3 * 200)
        self.assertLess((self.here / "report.html").stat().st_size, 1 << 20)
        self.fails(BAD_DATA, "report", *folder.iterdir(), "-o", "x.html", says="more than 200 runs")
        self.assertFalse((self.here / "x.html").exists())


class Input(Case):
    def test_the_history(self):
        data = {"XDG_DATA_HOME": str(self.here / "data")}
        folder = self.here / "data/tallow/bench"
        self.fails(NO_INPUT, "report", "-o", "x.html", env=data, says=f"no folder {folder}")
        folder.mkdir(parents=True)
        self.fails(NO_INPUT, "report", "-o", "x.html", env=data, says="there is no run to report: 'tallow bench --save'")
        done = self.start("window/ema/20", "--time", "1ms", "--rows", "1000", "--backend", "cpu", "--threads", "1",
                          "--save", env=data)
        self.assertEqual(done.returncode, 0, done.stderr)
        page = self.page(env=data)
        self.assertEqual(page.text(next(page.all("figcaption"))), "window/ema/20/rows:1000")
        self.assertFalse((self.here / "x.html").exists())

    def test_standard_output(self):
        self.write_run("run.json", {"a": 1})
        done = self.start("report", "run.json", "-o", "-")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.check(done.stdout)

    def test_runs_are_never_replaced(self):
        run = self.write_run("runs/run.json", {"a": 1})
        bad = self.here / "runs/bad.json"
        bad.write_text("{")
        before = run.read_text()
        os.symlink("runs/run.json", self.here / "link.html")
        os.link(run, self.here / "hard.html")
        for runs, page in (("runs/run.json", "runs/run.json"), ("runs/run.json", "./runs/../runs/run.json"),
                           ("runs/run.json", "link.html"), ("link.html", "runs/run.json"), ("runs", "hard.html"),
                           ("runs", "runs/run.json"), ("runs", "runs/bad.json")):
            done = self.start("report", runs, "-o", page)
            self.assertEqual((done.returncode, done.stdout), (USAGE, ""), done.stderr)
            self.assertIn(f"--output {page} would replace ", done.stderr)
        self.fails(USAGE, "report", "--history", "runs", "-o", "runs/run.json", says="would replace runs/run.json")
        self.assertEqual((run.read_text(), bad.read_text()), (before, "{"))

    def test_each_file_is_read_once(self):
        """So that pipes will do."""
        for day in (1, 2):
            self.write_run(f"{day}.json", {"a/b": 1000 * day}, day, commit=f"c{day}")
        script = '"$0" bench report <(cat 1.json) <(cat 2.json) -o report.html'
        done = subprocess.run(["bash", "-c", script, BIN], cwd=self.here, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=1500)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        page = self.check((self.here / "report.html").read_text())
        self.assertIn("commit c2 against 2026-01-02 10:00, commit c1", page.text(page.section("changes-0")))

    def test_what_is_no_run(self):
        self.write_run("runs/run.json", {"a": 1})
        (self.here / "runs/bad.json").write_text("{")
        (self.here / "runs/notes.txt").write_text("{")
        self.page("runs", warns="left out, for it is no run: runs/bad.json:1:")
        self.fails(BAD_DATA, "report", "runs/bad.json", "-o", "x.html", says="bad.json:1:")
        self.fails(BAD_DATA, "show", "runs/bad.json", says="bad.json:1:")
        self.fails(NO_INPUT, "report", "none.json", "-o", "x.html", says="none.json: can't open: No such")
        self.fails(NO_INPUT, "show", "none.json", says="none.json: can't open: No such")
        entries = [{"name": f"a{i}", "real_time": 1} for i in range(8193)]
        (self.here / "many.json").write_text(json.dumps({"benchmarks": entries}))
        self.fails(BAD_DATA, "show", "many.json", says="more than 8192 benchmarks")
        (self.here / "long.json").write_text('{"a": "' + "x" * (65 << 20))
        self.fails(BAD_DATA, "show", "long.json", says="more than 64 MiB")

    def test_wrong_options(self):
        self.write_run("run.json", {"a": 1})
        for args, says in ((("report", "run.json"), "name it by -o"),
                           (("report", "run.json", "-o", "x", "--time", "1s"), "--time has no place beside 'report'"),
                           (("report", "run.json", "-o", "x.html", "--history", "."), "leave one of them out"),
                           (("show",), "show takes one FILE"),
                           (("show", "run.json", "run.json"), "show takes one FILE"),
                           (("show", "run.json", "-o", "x"), "--output has no place beside 'show'"),
                           (("window/mean/20", "-o", "x"), "--output is for 'tallow bench report'"),
                           (("reprot",), "did you mean 'report'?")):
            self.fails(USAGE, *args, says=says)
        self.fails(CANT_CREATE, "report", "run.json", "-o", "no/such/x.html", says="no/such/x.html")


class ReadmeTables(Case):
    """bench/readme-tables, which has no need of the command."""

    def make(self, *args, code=0):
        done = subprocess.run([sys.executable, SOURCE / "bench/readme-tables", "--readme", "README.md", *map(str, args)],
                              cwd=self.here, capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def setUp(self):
        super().setUp()
        self.readme = self.here / "README.md"
        self.readme.write_text("# A\n\n<!-- made by bench/readme-tables -->\nold\n"
                               "<!-- end of what bench/readme-tables makes -->\n\nB\n")
        facts = {"item": "rows", "output_hash": "1", "baseline": "a|b/c/cpu/threads:1"}
        start = "a|b/c/"
        self.rows = {start + "cpu/threads:1": (1000, {"item": "rows", "output_hash": "1", "items_per_second": 12345678,
                                                      "low": 990, "high": 1010, "share_of_copy": 0.5}),
                     start + "cpu/threads:2": (500, {**facts, "items_per_second": 98765, "speedup": 2.0}),
                     start + "cuda": (1, {**facts, "items_per_second": 1.5e9, "speedup": 1234.5, "output_hash": "2"}),
                     start + "cpu/threads:1/polars": (4000, {"peer": "polars 1", "same_output": True, "times_as_fast": 4,
                                                             "baseline": facts["baseline"]}),
                     start + "cpu/threads:1/x": (4e9, {"peer": "x 2", "same_output": None, "times_as_fast": 4321,
                                                       "baseline": facts["baseline"]}),
                     start + "cpu/threads:1/y": (3000, {"peer": "y 3", "same_output": False, "times_as_fast": 3,
                                                        "baseline": facts["baseline"]})}

    def test_tables(self):
        run = self.write_run("run.json", self.rows, devices=[], load_avg=[0.5],
                             peers_missing={"TA-Lib": "no | wheel"})
        self.make(run)
        text = self.readme.read_text()
        self.assertTrue(text.startswith("# A\n\n<!--") and text.endswith("-->\n\nB\n"))
        self.assertNotIn("old", text)
        for line in ("| case | one thread | 2 threads | CUDA | 95% interval | of `memcpy` |",
                     "| `a\\|b/c` | 12.3 M rows/s | 98,800 rows/s (2.00) | 1.50 G rows/s | ± 1.0% | 0.50 |",
                     "| case | Tallow | polars 1 | x 2 | y 3 |",
                     "| `a\\|b/c` | 1.00 us | 4.00 us (4.00) | 4.00 s (4,320*) | 3.00 us |",
                     "Not installed there: TA-Lib (no \\| wheel).",
                     "A CPU, 2 CPUs, avx2; tallow 0.1.0, commit c0ffee1, gcc, 2026-01-02, load 0.5; `memcpy` reads and "
                     "writes\n10.0 GB/s by one thread and 20.0 by 2."):
            self.assertIn(f"\n{line}\n", text)

    def test_tables_of_peers(self):
        """One for cases that the same programs did; what stands there has no row in the table of speed."""
        rows, device = {}, {"backend": "opencl", "name": "a device", "driver": "1"}
        for case, peers in (("w/a", "pq"), ("w/b", "q"), ("f/c", "r"), ("w/d", "")):
            name = f"{case}/cpu/threads:1"
            rows[name] = (1000, {"item": "rows", "items_per_second": 1e6})
            for peer in peers:
                rows[f"{name}/{peer}"] = (3000, {"peer": peer, "same_output": True, "times_as_fast": 3, "baseline": name})
        self.make(self.write_run("run.json", rows, devices=[device]))
        text = self.readme.read_text()
        ratio = "3.00 us (3.00)"
        for table in (("| case | one thread | 95% interval | of `memcpy` |", "| --- | ---: | ---: | ---: |",
                       "| `w/d` | 1.00 M rows/s | not sure | |"),
                      ("| case | Tallow | p | q |", "| --- | ---: | ---: | ---: |",
                       f"| `w/a` | 1.00 us | {ratio} | {ratio} |", f"| `w/b` | 1.00 us | | {ratio} |"),
                      ("| case | Tallow | r |", "| --- | ---: | ---: |", f"| `f/c` | 1.00 us | {ratio} |")):
            self.assertIn("\n\n" + "\n".join(table) + "\n\n", text)
        self.assertNotIn("a device", text)  # which no line is of
        del rows["w/d/cpu/threads:1"]
        self.make(self.write_run("run.json", rows, devices=[]))
        self.assertNotIn("one thread |", self.readme.read_text())

    def test_busy_machines_are_refused(self):
        before = self.readme.read_text()
        wide = {name: (time, {**facts, "low": 0.85 * time, "high": 1.15 * time})
                for name, (time, facts) in self.rows.items()}
        for name, rows, load, says in (("load.json", self.rows, 1.1, "the load was 1.1 on 2 CPUs, most 1"),
                                       ("wide.json", wide, 0.1, "unsure by ± 15.0% and more, most 10%")):
            run = self.write_run(name, rows, devices=[], load_avg=[load])
            error = self.make(run, code=1)
            self.assertIn(f"{name} is of a busy machine", error)
            self.assertIn(says, error)
            self.assertEqual(self.readme.read_text(), before)
            self.make("--force", run)
            self.make("--check", run)
            self.readme.write_text(before)

    def test_check(self):
        run = self.write_run("run.json", self.rows, devices=[])
        before = self.readme.read_text()
        self.assertIn("run bench/readme-tables", self.make("--check", run, code=1))
        self.assertEqual(self.readme.read_text(), before)
        self.make(run)
        self.make("--check", run)
        made = self.readme.read_text()
        self.make(run)
        self.assertEqual(self.readme.read_text(), made)
        self.readme.write_text(made.replace("12.3 M", "12.4 M"))
        self.make("--check", run, code=1)

    def test_wrong_use(self):
        run = self.write_run("run.json", self.rows, devices=[])
        (self.here / "old.json").write_text('{"context": {}, "benchmarks": []}')
        self.assertIn("old.json is no run", self.make("old.json", code=1))
        self.readme.write_text("# A\n")
        self.assertIn("must have the lines", self.make(run, code=1))


if __name__ == "__main__":
    if not BIN:
        sys.exit("TALLOW_BIN must name the command line")
    unittest.main()
