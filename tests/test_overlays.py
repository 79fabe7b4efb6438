"""Text and lines on the command line: what is asked for wrongly, what the font lacks, titles of their own, time zones,
averages and columns of files in every way in which charts are made, and what a later run takes for done.

Environment: as for test_cli.py.
"""

import csv
import io
import json
import shutil
import unittest
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import test_cli
from test_cli import BAD_DATA, NO_MEMORY, TEXT, USAGE, Case

LEVELS = 4  # shades of a line
FIRST_LINE = 5
BOX = "is drawn as a box"


class Overlays(Case):
    def setUp(self):
        super().setUp()
        self.synth("a.csv", 60, "--seed", 4)

    def rows(self, name="a.csv"):
        return list(csv.DictReader(io.StringIO((self.here / name).read_text())))

    def put(self, name, rows):
        out = io.StringIO()
        writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return self.write(name, out.getvalue())

    def with_column(self, name, column, values, source="a.csv"):
        rows = self.rows(source)
        for row, value in zip(rows, values):
            row[column] = value
        return self.put(name, rows)

    def averages(self, n, source="a.csv", op="mean"):
        """To the last bit, by the other command; nothing where there is none."""
        out, _ = self.run_tallow("window", source, "--op", op, "--window", n, env={"TALLOW_CPU_TIER": "baseline"})
        values = [row.split(",")[1] for row in out.decode().splitlines()[1:]]
        return ["" if value == "nan" else value for value in values]

    def picture(self, *args, code=0):
        """Its bytes and what was said."""
        (self.here / "x.png").unlink(missing_ok=True)
        _, errors = self.run_tallow("render", *args, "-o", "x.png", "--size", "640x400", code=code)
        return (self.here / "x.png").read_bytes(), errors

    def drawn(self, *args):
        picture, errors = self.picture(*args)
        self.assertEqual(errors, "")
        return picture

    def charts_of(self, *args, code=0):
        self.clear()
        _, errors = self.run_tallow("render", *args, "-o", "out/", "--size", "640x400", code=code)
        return {p.name: p.read_bytes() for p in sorted((self.here / "out").glob("*.png"))}, errors

    def clear(self):
        for path in (self.here / "out").glob("*"):
            path.unlink()

    def same(self, a, b, why=""):
        self.assertTrue(a == b, why)

    def refused(self, *args, says, code=USAGE):
        errors = self.fails(code, "render", "a.csv", "-o", "a.png", *args, says=says)
        self.assertEqual(errors.count("\n"), 1, errors)
        self.assertFalse((self.here / "a.png").exists())


class Wrong(Overlays):
    def test_switches(self):
        for name in ("labels", "last-price"):
            self.refused(f"--{name}", "of", says=f"--{name} must be on or off, not 'of'; did you mean off?")
        self.refused("--no-labels", says="did you mean --labels?")
        for other, name in (("tz", "timezone"), ("sma", "mav"), ("overlay", "lines"), ("ylabel", "price-name"),
                            ("xlabel", "time-name"), ("mavcolors", "line-colors"), ("titel", "title")):
            self.refused(f"--{other}", "x", says=f"did you mean --{name}?")

    def test_titles(self):
        for title, says in (("{symbl}", "--title: there is no part {symbl}; did you mean {symbol}?"),
                            ("a {frist} b", "there is no part {frist}; did you mean {first}?"),
                            ("{}", "there is no part {}: there are {symbol}, {first}, {last} and {n}, and {{ and }}"),
                            ("{zebra}", "there is no part {zebra}: there are {symbol}, {first}, {last} and {n}"),
                            ("{" + "x" * 500 + "}", "there is no part {xxx"),
                            ("{n", "--title: there is a { without its }: write {{ for the sign itself"),
                            ("{{{n", "there is a { without its }"), ("n}", "there is a } without its {: write }}"),
                            ("{n}}", "there is a } without its {"), ("{a{n}", "there is a { without its }"),
                            ("x" * 1024, "--title has 1024 bytes: 1023 at most")):
            self.refused("--title", title, says=says)
        for name in ("price-name", "volume-name", "time-name"):
            self.refused(f"--{name}", "ü" * 512, says=f"--{name} has 1024 bytes: 1023 at most")

    def test_zones(self):
        for name, meant in (("Europe/Berln", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"),
                            ("Berlin", "Europe/Berlin"), ("berln", "Europe/Berlin"),
                            ("America/New-York", "America/New_York"), ("New York", "America/New_York"),
                            ("US/New_York", "America/New_York"), ("utc", "UTC"),
                            ("Amerika/New_York", "America/New_York"), ("EST5", "EST5EDT"), ("Asia/Tokio", "Asia/Tokyo"), ("edt", "America/New_York"),
                            ("PST", "America/Los_Angeles"), ("BST", "Europe/London"), ("CEST", "Europe/Berlin"),
                            ("UTC+2", "Etc/GMT-2"), ("gmt-11", "Etc/GMT+11"), ("+05", "Etc/GMT-5"),
                            ("-03:00", "Etc/GMT+3"), ("UTC+0200", "Etc/GMT-2"), ("+1", "Etc/GMT-1"),
                            ("UTC+00:00", "UTC"), ("UTC+05:30", "Asia/Kolkata")):
            self.refused("--timezone", name, says=f"--timezone: there is no zone '{name}'; did you mean {meant}? try ")
        self.refused("--timezone", "../../etc/passwd", says="'../../etc/passwd' is not the name of a time zone: write")
        for name in ("XQZ", "Asia/Pekin", "UTC+15", "UTC+2:15", "+2x", "UTC+123"):  # no better a guess than any
            self.assertNotIn("did you mean", self.fails(USAGE, "render", "a.csv", "-o", "a.png", f"--timezone={name}"))
        self.refused("--timezone", "Qqqqqqq/Zzzzzzz", says="there is no time zone 'Qqqqqqq/Zzzzzzz' in /")
        self.refused("--timezone=", says="--timezone must not be empty")
        self.write("zones/Bad", "no zone")
        self.write("zones/Good.txt", "no zone")
        self.fails(BAD_DATA, "render", "a.csv", "-o", "a.png", "--timezone", "Bad",
                   env={"TZDIR": str(self.here / "zones")}, says="zones/Bad: is cut off")
        self.fails(USAGE, "render", "a.csv", "-o", "a.png", "--timezone", "Bda",
                   env={"TZDIR": str(self.here / "zones")}, says="there is no zone 'Bda'; did you mean Bad?")
        self.fails(USAGE, "render", "a.csv", "-o", "a.png", "--timezone", "Europe/Berlin",
                   env={"TZDIR": str(self.here / "none")}, says="and install tzdata if it lacks")

    def test_averages(self):
        number = "rows of --mav must be a whole number from 1 to 1048576, not"
        for text, says in (("", f"{number} ''"), ("0", f"{number} '0'"), ("x", f"{number} 'x'"),
                           ("10,", f"{number} ''"), ("10,,20", f"{number} ''"), ("5 ", f"{number} '5 '"),
                           ("-5", f"{number} '-5'"), ("1048577", f"{number} '1048577'"), ("1.5", f"{number} '1.5'"),
                           ("5,6,5", "--mav has 5 twice: give it once"),
                           (",".join(map(str, range(1, 18))), "--mav must be at most 16 between commas, each")):
            self.refused(f"--mav={text}", says=says)

    def test_columns(self):
        for text, says in (("", "column of --lines must not be empty"), ("a,,b", "column of --lines must not be empty"),
                           ("0", "--lines: columns are numbered from 1 to 1048576"),
                           ("close,close", "--lines has close twice: give it once")):
            self.refused(f"--lines={text}", says=says)
        found = "(found: time, open, high, low, close, volume)"
        for text, says in (("cloze", f"a.csv:1: there is no column 'cloze' {found}: did you mean 'close'?"),
                           ("vwap", f"a.csv:1: there is no column 'vwap' {found}: name one of the header, or give a"),
                           ("7", "a.csv:1: there is no column 7, only 6 (time, open"),
                           ("close,7", "there is no column 7"),
                           ("time", "a.csv:2: line time '2020-01-01T00:00:00Z' is not a number: write it as")):
            self.refused("--lines", text, says=says, code=BAD_DATA)
            self.fails(BAD_DATA, "render", "a.csv", "-o", "out/", "--window", 20, "--lines", text, says=says)
        self.write("bare.csv", (self.here / "a.csv").read_text().split("\n", 1)[1])
        self.fails(BAD_DATA, "render", "bare.csv", "-o", "a.png", "--lines", "vwap",
                   says="bare.csv:1: there is no column 'vwap' (found: 2020-01-01T00:00:00Z, ")

    def test_colors(self):
        for text in ("FF00", "#FF00000", "red", "", "0xFF00", "##FF000", "FF000G", "FF9F1C,", "FF9F1C,,FF9F1C"):
            self.refused("--mav", "5,6,7", f"--line-colors={text}",
                         says="color of --line-colors must be a colour, such as FF9F1C or auto, not '")
        self.refused("--line-colors", "FF9F1C", says="--line-colors has more colours than there are lines, 1 for 0 of")
        self.refused("--mav", 5, "--lines", "open", "--line-colors", "auto,auto,auto", says="3 for 2 of --mav")

    def test_one_file_of_several(self):
        """A column that one file lacks is the failure of that file."""
        self.with_column("b.csv", "vwap", range(60))
        charts, errors = self.charts_of("a.csv", "b.csv", "--lines", "vwap", code=BAD_DATA)
        self.assertEqual(list(charts), ["b.png"])
        self.assertEqual(errors.count("there is no column"), 1)


class Texts(Overlays):
    def test_labels(self):
        png = self.render("a.csv")
        none = self.render("a.csv", "--labels", "off")
        self.assertGreater(png.count(TEXT), 100)
        self.assertEqual(none.count(TEXT), 0)
        words = ("--title", "A", "--price-name", "B", "--volume-name", "C", "--time-name", "D")
        self.assertEqual(self.render("a.csv", "--labels", "off", *words).file, none.file)
        self.assertEqual(self.render("a.csv", "--labels", "off", "--timezone", "Asia/Tokyo").file, none.file)
        self.assertEqual(self.render("a.csv", size="64x64").count(TEXT), 0)
        self.assertNotEqual(self.render("a.csv", "--last-price", "off").file, png.file)

    def test_each_has_its_place(self):
        base = self.render("a.csv", size="640x480")
        seen = {base.file}
        for option in ("--title", "--price-name", "--volume-name", "--time-name"):
            png = self.render("a.csv", option, "Wort", size="640x480")
            self.assertNotIn(png.file, seen, option)
            seen.add(png.file)
        self.assertEqual(len(seen), 5)

    def test_without_volume(self):
        self.put("plain.csv", [{k: v for k, v in row.items() if k != "volume"} for row in self.rows()])
        self.same(self.drawn("plain.csv", "--volume-name", "Lots"), self.drawn("a.csv", "--volume", "off"))

    def test_what_the_font_lacks(self):
        lacks = "has a character that the font lacks, U+"
        for option, text, sign in (("--title", "a 中国", "4E2D"), ("--price-name", "\U0001F4C8", "1F4C8"),
                                   ("--volume-name", "\t", "0009"), ("--time-name", "\udcff", "FFFD")):
            _, errors = self.picture("a.csv", option, text)
            self.assertEqual(errors, f"tallow: warning: {option} {lacks}{sign}: it {BOX}\n")
            for off in (("--quiet",), ("--labels", "off")):
                self.assertEqual(self.picture("a.csv", option, text, *off)[1], "")
        self.assertEqual(self.run_tallow("render", "a.csv", "-o", "x.png", "--title", "中", "--dry-run")[1], "")
        for text in ("Größe Łódź œuvre", "10 € £ ¥ ₿", "{symbol}", "it's 5 %"):
            self.drawn("a.csv", "--title", text)

    def test_said_once(self):
        """However many charts, files, symbols, texts and lines have such a character."""
        symbols = [dict(row, name=name) for name in ("中", "国") for row in self.rows()]
        self.put("b.csv", symbols)
        self.with_column("c.csv", "中", range(60))
        for args in (("a.csv", "--window", 10, "--title", "中 {n}"), ("a.csv", "--title", "中", "--time-name", "国"),
                     ("b.csv", "--by", "name", "--title", "{symbol}"), ("c.csv", "--lines", "中"),
                     ("c.csv", "--lines", "7"), ("c.csv", "--lines", "7", "--window", 10)):
            _, errors = self.charts_of(*args)
            self.assertEqual((errors.count("\n"), errors.count(BOX)), (1, 1), errors)
        self.assertIn("the name of a line has", self.charts_of("c.csv", "--lines", "7")[1])


class Room(Overlays):
    """Texts that were asked for and have no room."""

    def said(self, size, *args, code=0):
        return self.run_tallow("render", "a.csv", "-o", "x.png", "--size", size, *args, code=code)[1]

    def test_each(self):
        left_out = "tallow: warning: left out for want of room at "
        for size, args, says in (
                ("64x64", ("--title", "x"), "64x64: --title; --size 160x160 has it"),
                ("64x64", ("--title", "{n}"), "64x64: --title; --size 160x160 has it"),
                ("200x150", ("--price-name", "x", "--volume-name", "y", "--time-name", "z"),
                 "200x150: --volume-name and --time-name; --size 350x262 has it"),
                ("64x64", ("--title", "t", "--price-name", "x", "--mav", "5"),
                 "64x64: --title, --price-name and some names of --mav; --size 160x160 has it"),
                ("64x64", ("--lines", "open"), "64x64: some names of --lines; --size 160x160 has it"),
                ("300x200", ("--mav", "5,10,15,20,25", "--lines", "open,2"),
                 "300x200: some names of --mav and --lines; --size 375x200 has it"),
                ("640x400", ("--title", "x", "--margins", "top=3"), "640x400: --title; without --margins there is"),
                ("16x1200", ("--title", "x"), "16x1200: --title; a larger --size may have it")):
            self.assertEqual(self.said(size, *args), left_out + says + "\n")
            self.assertEqual(self.said(size, *args, "--quiet"), "")
            advice = says.split("; ")[1].split()
            if advice[0] == "--size":
                self.assertEqual(self.said(advice[1], *args), "")

    def test_what_was_not_asked_for(self):
        for args in ((), ("--mav", "5"), ("--title", "x", "--volume-name", "y")):
            self.assertEqual(self.said("1280x720", *args), "")
        self.assertEqual(self.said("64x64"), "")
        self.assertEqual(self.said("64x64", "--labels", "off", "--title", "x", "--mav", "5"), "")
        self.assertEqual(self.said("64x64", "--volume", "off", "--volume-name", "x"), "")
        self.assertEqual(self.said("64x64", "--title", "x", "--dry-run"), "")

    def test_said_once(self):
        for args in (("--window", 10, "--title", "{n}"), ("--window", 10, "--time-name", "x", "--mav", "5")):
            self.clear()
            _, errors = self.run_tallow("render", "a.csv", "-o", "out/", "--size", "64x64", *args)
            self.assertEqual(errors.count("\n"), 1, errors)

    def test_spec(self):
        self.write("chart.json", '{"title": "x", "size": "64x64"}')
        self.assertIn(" 64x64: --title; ", self.run_tallow("render", "a.csv", "-o", "x.png", "--spec", "chart.json")[1])


class Titles(Overlays):
    def test_signs_themselves(self):
        self.assertNotEqual(self.drawn("a.csv", "--title", "{{n}}"), self.drawn("a.csv", "--title", "{n}"))
        self.assertNotEqual(self.drawn("a.csv", "--title", "{{"), self.drawn("a.csv", "--title", "}}"))

    def test_one_chart(self):
        title = "{symbol}/{n}: {first}..{last}"
        for args, text in (((), "a/60: 2020-01-01 00:00..2020-01-01 00:59"),
                           (("--last", 1), "a/1: 2020-01-01 00:59..2020-01-01 00:59"),
                           (("--timezone", "Asia/Kolkata", "--last", 2),
                            "a/2: 2020-01-01 06:28..2020-01-01 06:29")):
            self.same(self.drawn("a.csv", "--title", title, *args), self.drawn("a.csv", "--title", text, *args))
        self.synth("days.csv", 40, "--interval", "1d")
        self.same(self.drawn("days.csv", "--title", title),
                         self.drawn("days.csv", "--title", "days/40: 2020-01-01..2020-02-09"))
        self.synth("seconds.csv", 40, "--interval", "1s")
        self.same(self.drawn("seconds.csv", "--title", title),
                         self.drawn("seconds.csv", "--title", "seconds/40: 2020-01-01 00:00:00..2020-01-01 00:00:39"))
        text = (self.here / "a.csv").read_bytes()
        out, _ = self.run_tallow("render", "-", "-o", "-", "--size", "640x400", "--title", "{symbol}", input=text)
        self.assertEqual(out, self.drawn("a.csv", "--title", "stdin"))

    def test_too_long_together(self):
        """Cut, and no sign is cut in two: that would be one that the font lacks."""
        title = "ü" * 500 + "{n}" * 7
        self.assertEqual(len(title.encode()), 1021)
        self.synth("b.csv", 100000)
        self.drawn("b.csv", "--title", title)
        self.drawn("a.csv", "--title", "{n}" + "ü" * 510)
        self.drawn("b.csv", "--title", "{n}" + "ü" * 510)

    def test_windows(self):
        self.synth("b.csv", 5000, "--seed", 5)
        for args in (("--threads", 2), ("--host-mem", "8MiB"), ("--by", "7"), ()):
            source = "b.csv"
            if "--by" in args:
                source = self.put("c.csv", [dict(row, name="b") for row in self.rows("b.csv")])
            charts, errors = self.charts_of(source, "--window", 50, "--stride", 40, *args,
                                         "--title", "{symbol}, {n} from {first}")
            self.assertEqual((errors, len(charts)), ("", 124))
            rows = self.rows("b.csv")
            for i in (0, 1, 57, 123):
                first, last = (rows[i * 40 + k]["time"] for k in (0, 49))
                end = (datetime.fromisoformat(last[:-1]) + timedelta(seconds=1)).isoformat()
                title = f"b, 50 from {first[:10]} {first[11:16]}"
                name = f"c_b_{i:06d}.png" if "--by" in args else f"b_{i:06d}.png"
                self.same(charts[name], self.drawn("b.csv", "--from", first, "--to", end, "--title", title))

    def test_symbols(self):
        names = ("A", "B/C", "Größe")
        rows = [dict(row, name=name) for row in self.rows() for name in names]
        self.put("b.csv", rows)
        charts, errors = self.charts_of("b.csv", "--by", "name", "--title", "{symbol}: {n}")
        self.assertEqual((errors, len(charts)), ("", 3))
        for name in names:
            self.same(charts[f"b_{name.replace('/', '_')}.png"], self.drawn("a.csv", "--title", f"{name}: 60"))

    def test_manifest(self):
        self.charts_of("a.csv", "--window", 20, "--title", "{symbol} {first}", "--mav", 5, "--line-colors", "ff0000")
        lines = [json.loads(line) for line in (self.here / "out/manifest.jsonl").read_text().splitlines()]
        parameters = lines[0]["parameters"]
        self.assertEqual((parameters["title"], parameters["mav"], parameters["line-colors"], parameters["timezone"]),
                         ("{symbol} {first}", [5], ["#FF0000"], "UTC"))
        self.assertEqual([line["window"] for line in lines[1:-1]], [0, 1, 2])


class Zones(Overlays):
    def shifted(self, zone, source, **options):
        """The rows at the times of day that clocks in the zone show, as if those were UTC."""
        rows = self.rows(source)
        for row in rows:
            time = datetime.fromisoformat(row["time"][:-1]).replace(tzinfo=timezone.utc)
            row["time"] = time.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self.put("shifted.csv", rows)

    def test_times_of_day(self):
        for interval in ("1m", "7m", "1h", "6h", "1d"):
            self.synth("b.csv", 60, "--interval", interval, "--start", "2024-01-01T10:00:00Z")
            for zone in ("America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "UTC"):
                self.shifted(zone, "b.csv")
                title = ("--title", "{first} to {last}")
                self.same(self.drawn("b.csv", "--timezone", zone, *title), self.drawn("shifted.csv", *title),
                                 (interval, zone))
        self.assertFalse(self.drawn("a.csv", "--timezone", "Asia/Kolkata") == self.drawn("a.csv"))

    def test_daylight_saving(self):
        """In spring an hour is missing; the candles keep their room."""
        self.synth("b.csv", 72, "--interval", "1h", "--start", "2024-03-09T00:00:00Z")
        self.shifted("America/New_York", "b.csv")
        self.same(self.drawn("b.csv", "--timezone", "America/New_York"), self.drawn("shifted.csv"))

    def test_windows(self):
        self.shifted("Asia/Tokyo", "a.csv")
        charts, _ = self.charts_of("a.csv", "--window", 20, "--timezone", "Asia/Tokyo")
        shifted, _ = self.charts_of("shifted.csv", "--window", 20)
        self.same(list(charts.values()), list(shifted.values()))


class Lines(Overlays):
    def test_average_is_its_column(self):
        """The numbers are those of tallow window, to the pixel; a name that is a number is that of the header."""
        for n in (1, 5, 20, 60):
            self.with_column("b.csv", f"MA {n}", self.averages(n))
            expected = self.drawn("a.csv", "--mav", n)
            for lines in (f"MA {n}", "7"):
                self.same(self.drawn("b.csv", "--lines", lines), expected, (n, lines))
        self.same(self.drawn("a.csv", "--mav", 61, "--labels", "off"), self.drawn(
            "a.csv", "--labels", "off", "--mav", 62))  # no candle has such an average

    def test_names_and_places(self):
        rows = [dict(row, **{"My Line": row["open"]}) for row in self.rows()]
        self.put("b.csv", rows)
        named = self.drawn("b.csv", "--lines", "My Line")
        self.same(self.drawn("b.csv", "--lines", "7"), named)
        self.assertNotEqual(self.drawn("b.csv", "--lines", "my_line"), named)  # as it was asked for
        self.same(self.drawn("b.csv", "--lines", "my_line", "--labels", "off"),
                         self.drawn("b.csv", "--lines", "7", "--labels", "off"))
        self.same(self.drawn("b.csv", "--lines", "2", "--labels", "off"),
                         self.drawn("b.csv", "--lines", "7", "--labels", "off"))
        self.write("bare.csv", (self.here / "b.csv").read_text().split("\n", 1)[1])
        self.assertNotEqual(self.drawn("bare.csv", "--lines", "7"), named)  # its name is 7
        self.same(self.drawn("bare.csv", "--lines", "7", "--labels", "off"),
                         self.drawn("b.csv", "--lines", "7", "--labels", "off"))

    def test_order_and_colors(self):
        png = self.render("a.csv", "--mav", "5,6", "--lines", "open", "--line-colors", "auto,#FF9F1C,00ff00")
        palette = png.palette.split()
        full = [palette[FIRST_LINE + i * LEVELS + LEVELS - 1] for i in range(3)]
        self.assertEqual(full, ["2D8CFF", "FF9F1C", "00FF00"])
        self.assertEqual(len(palette), FIRST_LINE + 3 * LEVELS)
        for i in range(3):
            self.assertGreater(png.count(FIRST_LINE + i * LEVELS + LEVELS - 1), 20)
        self.assertEqual(self.render("a.csv", "--mav", "5", "--line-colors", "AUTO").file,
                         self.render("a.csv", "--mav", "5").file)

    def test_most_of_them(self):
        values = {f"c{i}": row for i, row in enumerate(["open"] * 16)}
        self.put("b.csv", [dict(row, **{name: row[source] for name, source in values.items()}) for row in self.rows()])
        mav = ",".join(str(n) for n in range(2, 18))
        png = self.render("b.csv", "--mav", mav, "--lines", ",".join(values), size="2560x720")
        self.assertEqual(len(png.palette.split()), FIRST_LINE + 32 * LEVELS)

    def test_history(self):
        """Averages look back beyond what is drawn; with nothing to look back on they begin later."""
        self.synth("b.csv", 300)
        rows = self.rows("b.csv")
        self.with_column("c.csv", "MA 50", self.averages(50, "b.csv"), source="b.csv")
        last = self.drawn("b.csv", "--mav", 50, "--last", 60)
        self.same(last, self.drawn("c.csv", "--lines", "MA 50", "--last", 60))
        self.same(last, self.drawn("b.csv", "--mav", 50, "--from", rows[240]["time"]))
        self.put("d.csv", rows[240:])
        self.assertNotEqual(last, self.drawn("d.csv", "--mav", 50))

    def windows(self, source, expected_source, *args, window=40, stride=15, expect=()):
        charts, errors = self.charts_of(source, "--window", window, "--stride", stride, *args)
        self.assertEqual(errors, "")
        rows = self.rows(expected_source)
        self.assertEqual(len(charts), (len(rows) - window) // stride + 1)
        for i, (_, chart) in enumerate(sorted(charts.items())):
            first = rows[i * stride]["time"]
            last = datetime.fromisoformat(rows[i * stride + window - 1]["time"][:-1])
            end = (last + timedelta(seconds=1)).isoformat()
            self.same(chart, self.drawn(expected_source, "--from", first, "--to", end, *(expect or args)), i)

    def test_windows(self):
        """Each window is what the same range of the whole file is, its averages too; also with gaps between them."""
        self.synth("b.csv", 260, "--seed", 7)
        self.with_column("c.csv", "vwap", [float(row["open"]) + 1 for row in self.rows("b.csv")], source="b.csv")
        self.windows("c.csv", "c.csv", "--mav", "7,33", "--lines", "vwap,low")
        self.windows("c.csv", "c.csv", "--mav", "7,33", "--lines", "7", window=20, stride=55)
        self.windows("c.csv", "c.csv", "--mav", "90", window=20, stride=20)
        self.run_tallow("render", "c.csv", "-o", "from/", "--window", 40, "--mav", 33, "--from",
                        self.rows("c.csv")[100]["time"], "--size", "640x400")
        self.assertEqual((self.here / "from/c_000000.png").read_bytes(),
                         self.drawn("c.csv", "--mav", 33, "--from", self.rows("c.csv")[100]["time"],
                                    "--to", self.rows("c.csv")[140]["time"]))

    def test_windows_in_little_memory(self):
        """Rows come in several pushes: what is kept of one for the next keeps its lines, until all charts are drawn."""
        self.synth("b.csv", 60000, "--seed", 8)
        args = ("b.csv", "--window", 200, "--stride", 190, "--mav", "20,500", "--lines", "open,low")
        for more in ((), ("--title", "{first}", "--threads", 2)):
            plain, _ = self.charts_of(*args, *more)
            self.assertEqual(len(plain), 315)
            small, _ = self.charts_of(*args, *more, "--host-mem", "6MiB")
            self.same(plain, small, more)
        self.clear()
        errors = self.fails(NO_MEMORY, "render", *args, *more, "-o", "out/", "--host-mem", "100KiB", "--size",
                            "640x400", says="--host-mem 100KiB is too small a budget: set it to ")
        enough = errors.split("set it to ")[1].split()[0]
        self.same(self.charts_of(*args, *more, "--host-mem", enough)[0], plain)

    def test_tables_in_little_memory(self):
        self.synth("b.csv", 50000, "--seed", 8)
        args = ("b.csv", "--mav", "5,6,7,8,9,10,1000", "--lines", "open,low")
        expected = self.drawn(*args)
        errors = self.fails(NO_MEMORY, "render", *args, "-o", "x.png", "--host-mem", "4MiB", "--size", "640x400",
                            says="--host-mem 4MiB is too small a budget: set it to ")
        enough = errors.split("set it to ")[1].split()[0]
        self.same(self.drawn(*args, "--host-mem", enough), expected)

    def test_symbols(self):
        """Each symbol has averages of its own rows alone."""
        self.synth("b.csv", 60, "--seed", 9)
        rows = [dict(row, name=name) for pair in zip(self.rows("a.csv"), self.rows("b.csv"))
                for name, row in zip("AB", pair)]
        self.put("c.csv", rows)
        for more in ((), ("--window", 20), ("--last", 30)):
            charts, errors = self.charts_of("c.csv", "--by", "name", "--mav", "3,11", "--lines", "open", *more)
            self.assertEqual(errors, "")
            for name, source in (("A", "a"), ("B", "b")):
                own, _ = self.charts_of(f"{source}.csv", "--mav", "3,11", "--lines", "open", *more)
                self.assertEqual({k.replace(f"c_{name}", source): v for k, v in charts.items() if f"c_{name}" in k},
                                 own, (name, more))

    def test_several_files(self):
        """Names by numbers are those of each file's own header."""
        self.with_column("b.csv", "first", range(480, 540))
        self.with_column("c.csv", "second", range(480, 540))
        charts, _ = self.charts_of("b.csv", "c.csv", "--lines", "7", "--threads", 2)
        self.same(charts["b.png"], self.drawn("b.csv", "--lines", "first"))
        self.same(charts["c.png"], self.drawn("c.csv", "--lines", "second"))
        self.assertNotEqual(charts["b.png"], charts["c.png"])
        windows, _ = self.charts_of("b.csv", "c.csv", "--lines", "7", "--window", 30)
        only, _ = self.charts_of("c.csv", "--lines", "second", "--window", 30)
        self.assertEqual({k: v for k, v in windows.items() if k[0] == "c"}, only)

    def test_ways_of_reading(self):
        """Columns stay with their rows: newest first, unsorted, repeated times, other signs, packed."""
        values = [f"{float(row['open']) + i % 7:.3f}" for i, row in enumerate(self.rows())]
        self.with_column("b.csv", "l", values)
        rows = self.rows("b.csv")
        expected = self.drawn("b.csv", "--lines", "l", "--mav", "4")
        self.put("back.csv", rows[::-1])
        self.same(self.drawn("back.csv", "--lines", "l", "--mav", "4"), expected)
        back, _ = self.charts_of("back.csv", "--window", 20, "--lines", "l", "--mav", "4")
        forth, _ = self.charts_of("b.csv", "--window", 20, "--lines", "l", "--mav", "4")
        self.same(list(back.values()), list(forth.values()))
        self.put("mixed.csv", rows[30:] + rows[:30])
        self.same(self.picture("mixed.csv", "--lines", "l", "--mav", "4", "--out-of-order", "sort", "--quiet")[0],
                  expected)
        wrong = [dict(row, l="1") for row in rows]
        self.put("twice.csv", [row for pair in zip(wrong, rows) for row in pair])
        for args in (("--duplicate", "last"), ("--duplicate", "last", "--out-of-order", "sort")):
            picture, _ = self.picture("twice.csv", "--lines", "l", "--mav", "4", *args)
            self.same(picture, expected)
        text = (self.here / "b.csv").read_text().replace(",", ";").replace(".", ",")
        self.write("comma.csv", text)
        self.same(self.drawn("comma.csv", "--lines", "l", "--mav", "4", "--decimal", "comma"), expected)

    def test_gaps(self):
        """What is no number is a gap; a word is refused, or its row is left out."""
        rows = [dict(row, l="" if 20 <= i < 30 else row["open"]) for i, row in enumerate(self.rows())]
        self.put("b.csv", rows)
        expected = self.drawn("b.csv", "--lines", "l")
        self.assertNotEqual(expected, self.drawn("b.csv", "--lines", "open", "--labels", "on"))
        for word in ("null", "n/a", "NaN", "inf"):
            self.put("c.csv", [dict(row, l=row["l"] or word) for row in rows])
            self.same(self.drawn("c.csv", "--lines", "l"), expected, word)
        rows[5]["l"] = "5,,"
        self.put("c.csv", rows)
        self.fails(BAD_DATA, "render", "c.csv", "-o", "a.png", "--lines", "l",
                   says="c.csv:7: line l '5,,' is not a number: write it as 1234.5")
        picture, errors = self.picture("c.csv", "--lines", "l", "--bad-field", "skip")
        self.put("d.csv", rows[:5] + rows[6:])
        self.assertEqual((picture, errors.count("\n")), (self.drawn("d.csv", "--lines", "l"), 1))

    def test_gaps_of_candles(self):
        """An average is a gap as long as a candle without a price is in it."""
        rows = self.rows()
        for row in rows[20:23]:
            row.update(open="", high="", low="", close="")
        self.put("b.csv", rows)
        self.with_column("c.csv", "MA 5", self.averages(5, "b.csv"), source="b.csv")
        picture, _ = self.picture("b.csv", "--mav", 5, "--quiet")
        self.same(picture, self.picture("c.csv", "--lines", "MA 5", "--quiet")[0])

    def test_adjusted(self):
        rows = [dict(row, **{"Adj Close": float(row["close"]) / 2, "l": row["close"]}) for row in self.rows()]
        self.put("b.csv", rows)
        halves = [dict(row, **{k: float(row[k]) / 2 for k in ("open", "high", "low", "close")}) for row in self.rows()]
        self.put("c.csv", halves)
        self.same(self.drawn("b.csv", "--adjusted", "--mav", 5), self.drawn("c.csv", "--mav", 5))
        self.put("d.csv", [dict(row, l=whole["close"]) for row, whole in zip(halves, self.rows())])
        self.same(self.drawn("b.csv", "--adjusted", "--lines", "l"), self.drawn("d.csv", "--lines", "l"))

    def test_log_scale(self):
        self.assertNotEqual(self.drawn("a.csv", "--mav", 5, "--scale", "log"), self.drawn("a.csv", "--mav", 5))
        charts, _ = self.charts_of("a.csv", "--window", 20, "--mav", 5, "--scale", "log")
        self.assertEqual(len(charts), 3)

    def test_dry_run(self):
        out, errors = self.run_tallow("render", "a.csv", "-o", "out/", "--window", 20, "--mav", 5, "--dry-run")
        self.assertEqual((out.decode().split(), errors), ([f"out/a_{i:06d}.png" for i in range(3)], ""))


class Resumed(Overlays):
    def charts(self, *args):
        out, _ = self.run_tallow("render", "b.csv", "-o", "run/", "--window", 10, "--size", "200x150", *args,
                                 "--resume", "--json")
        return json.loads(out)["charts"]

    def test_changed_lines(self):
        """A number in a column that is drawn, or one that an average looks back on, is another chart."""
        values = [100 + i for i in range(60)]
        self.with_column("b.csv", "l", values)
        args = ("--lines", "l", "--mav", "15")
        self.assertEqual(self.charts(*args), 6)
        self.assertEqual(self.charts(*args), 0)
        values[25] = 5
        self.with_column("b.csv", "l", values)
        self.assertEqual(self.charts(*args), 1)
        rows = self.rows("b.csv")
        rows[9]["close"] = rows[9]["high"]
        rows[8]["close"] = rows[8]["low"]
        self.put("b.csv", rows)
        self.assertEqual(self.charts(*args), 3)
        self.fails(USAGE, "render", "b.csv", "-o", "run/", "--window", 10, "--size", "200x150", "--lines", "l",
                   "--mav", "16", "--resume", says="mav is [16], and was [15] there")
        self.fails(USAGE, "render", "b.csv", "-o", "run/", "--window", 10, "--size", "200x150", *args, "--timezone",
                   "Asia/Tokyo", "--resume", says='timezone is "Asia/Tokyo", and was "UTC" there')

    def test_time_zones(self):
        """Charts of other time zone data are not taken for done."""
        zones = self.here / "zones"
        (zones / "America").mkdir(parents=True)
        shutil.copy("/usr/share/zoneinfo/America/New_York", zones / "America/New_York")
        args = ("render", "a.csv", "-o", "run/", "--window", 20, "--size", "200x150", "--timezone", "America/New_York")

        def libraries(version, *more):
            if version:
                self.write("zones/tzdata.zi", version)
            self.run_tallow(*args, *more, env={"TZDIR": str(zones)})
            return json.loads((self.here / "run/manifest.jsonl").read_text().splitlines()[0])["libraries"]

        self.assertEqual(libraries(None)["tzdata"], "unknown")
        self.assertEqual(libraries("")["tzdata"], "unknown")
        self.assertEqual(libraries("# version 2024a\nR A 1916\n", "--quiet")["tzdata"], "2024a")
        libraries("# version 2024a\nR B\n", "--resume")
        self.write("zones/tzdata.zi", "# version 2025b\n")
        self.fails(USAGE, *args, "--resume", env={"TZDIR": str(zones)}, says='tzdata is "2025b", and was "2024a" there')
        self.charts_of("a.csv", "--window", 20)
        text = (self.here / "out/manifest.jsonl").read_text()
        self.assertNotIn("tzdata", json.loads(text.splitlines()[0])["libraries"])

    def test_parts(self):
        """Parts of a run with titles and averages make the same files as one."""
        self.synth("b.csv", 200)
        args = ("render", "b.csv", "--window", 20, "--size", "200x150", "--mav", "9", "--title", "{n} {first}")
        self.run_tallow(*args, "-o", "whole/")
        for i in (1, 2, 3):
            self.run_tallow(*args, "-o", "parts/", "--shard", f"{i}/3")
        self.run_tallow("merge", "parts")
        for path in (self.here / "whole").iterdir():
            self.assertEqual((self.here / "parts" / path.name).read_bytes(), path.read_bytes(), path.name)


if __name__ == "__main__":
    test_cli.main()
