"""Descriptions of charts: tallow render --spec and --print-spec. Each key beside its option, which of them wins, what
is printed, every refusal with its place, and resumed runs.

Environment: as for test_cli.py.
"""

import json
import os
import random
import subprocess

import test_cli
from test_cli import BAD_DATA, NO_INPUT, USAGE, Case, Png

# Every key with the words of its option; of the first two values of a key another picture comes out.
SETTINGS = {
    "size": [("640x400", "640x400"), ("300x301", "300x301")],
    "theme": [("light", "light"), ("Classic", "Classic")],
    "axis": [("time", "time"), ("index", "index")],
    "scale": [("log", "log"), ("linear", "linear")],
    "last": [(7, "7"), (30, "30")],
    "from": [("2020-01-01T00:20:00Z", "2020-01-01T00:20:00Z"), ("1577837400", "1577837400")],
    "to": [("2020-01-01 00:20", "2020-01-01 00:20"), ("2020-01-01T00:50", "2020-01-01T00:50")],
    "window": [(25, "25"), (30, "30")],
    "stride": [(5, "5"), (10, "10")],
    "volume": [(False, "off"), (True, "on")],
    "grid": [(False, "off"), (True, "on"), ("off", "off"), ("yes", "on")],
    "labels": [(False, "off"), (True, "on")],
    "last-price": [(False, "off"), (True, "on")],
    "title": [("{symbol}, {n}", "{symbol}, {n}"), ("Größe {{}}", "Größe {{}}")],
    "price-name": [("USD", "USD"), ("€", "€")],
    "volume-name": [("Lots", "Lots"), ("Shares", "Shares")],
    "time-name": [("UTC", "UTC"), ("Date", "Date")],
    "timezone": [("Asia/Kolkata", "Asia/Kolkata"), ("UTC", "UTC")],
    "mav": [([5, 20], "5,20"), ([7], "7")],
    "lines": [(["open", "5"], "open,5"), (["high"], "high")],
    "line-colors": [(["#FF0000", "auto"], "ff0000,AUTO"), (["00ff00"], "#00FF00")],
    "margins": [({"left": 3, "bottom": 40}, "left=3,bottom=40"), ({"right": 0}, "right=0"),
                ({"top": 9, "right": None, "left": 1}, "left=1,top=9")],
    "png": [("libpng", "libpng"), ("fast", "FAST")],
}
DEFAULTS = {"size": "1280x720", "theme": "modern", "axis": "index", "scale": "linear", "last": None, "from": None,
            "to": None, "window": None, "stride": None, "volume": True, "grid": True,
            "labels": True, "last-price": True, "title": None, "price-name": None, "volume-name": None,
            "time-name": None, "timezone": "UTC", "mav": None, "lines": None, "line-colors": None,
            "margins": {"left": None, "top": None, "right": None, "bottom": None}, "png": "fast"}


class Specs(Case):
    def setUp(self):
        super().setUp()
        self.synth("a.csv", 60, "--seed", 4)

    def spec(self, value, name="chart.json"):
        """Writes a description: JSON of the value, or this text, or these bytes."""
        text = value if isinstance(value, (bytes, str)) else json.dumps(value)
        (self.here / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    def printed(self, *args, **options):
        out, errors = self.run_tallow("render", *args, "--print-spec", **options)
        self.assertEqual(errors, "")
        return json.loads(out)

    def pictures(self, *args, folder="out"):
        """Names and bytes of what is drawn."""
        for path in (self.here / folder).glob("*"):
            path.unlink()
        _, errors = self.run_tallow("render", "a.csv", "-o", f"{folder}/", *args)
        self.assertRegex(errors, r"\A(tallow: warning: left out for want of room at .*\n)?\Z")
        return {p.name: p.read_bytes() for p in (self.here / folder).iterdir()}


class Keys(Specs):
    def test_each_is_its_option(self):
        """Pictures and manifest are those of the option, and of another value others."""
        for key, values in SETTINGS.items():
            with_it = {"stride": {"window": 20}, "line-colors": {"mav": [3, 4]}}.get(key, {})
            typed = {"stride": ["--window", 20], "line-colors": ["--mav", "3,4"]}.get(key, [])
            seen = []
            for value, text in values[:3]:
                self.spec({**with_it, key: value})
                seen.append(self.pictures("--spec", "chart.json"))
                self.assertEqual(seen[-1], self.pictures(*typed, f"--{key}={text}"), (key, value))
            self.assertNotEqual(seen[0], seen[1], key)

    def test_all_at_once(self):
        """Nothing is lost where several are given, in any order, with blanks and escapes."""
        text = ('\ufeff\r\n{"margins" :{"top":5,\t"left":8} ,\n"th\\u0065me":"\\u006cight","volume":false,'
                '"last":null,"window":20,"size":"200x100"}\n')
        self.spec(text)
        expected = "--margins top=5,left=8 --theme light --volume off --window 20 --size 200x100".split()
        self.assertEqual(self.pictures("--spec", "chart.json"), self.pictures(*expected))

    def test_nothing_is_the_default(self):
        default = self.pictures()
        for spec in ({}, dict.fromkeys(SETTINGS), {"margins": {}}, {"margins": {"left": None}}):
            self.spec(spec)
            self.assertEqual(self.pictures("--spec", "chart.json"), default)

    def test_what_is_typed_wins(self):
        for key, values in SETTINGS.items():
            if key in ("window", "stride", "line-colors"):
                continue
            (value, _), (_, text) = values[:2]
            self.spec({key: value})
            for args in (("--spec", "chart.json", f"--{key}", text), (f"--{key}", text, "--spec=chart.json")):
                self.assertEqual(self.pictures(*args), self.pictures(f"--{key}", text), key)
        self.spec({"window": 20, "stride": 5, "theme": "light"})
        self.assertEqual(self.pictures("--spec", "chart.json", "--stride", 10, "--window", 30),
                         self.pictures("--theme", "light", "--stride", 10, "--window", 30))

    def test_what_is_typed_does_not_hide_a_fault(self):
        self.spec({"theme": "ligth"})
        self.fails(BAD_DATA, "render", "a.csv", "-o", "a.png", "--theme", "light", "--spec", "chart.json",
                   says='chart.json:1:11: theme must be')

    def test_standard_input(self):
        spec = json.dumps({"size": "64x48"}).encode()
        self.run_tallow("render", "a.csv", "-o", "a.png", "--spec", "-", input=spec)
        png = Png((self.here / "a.png").read_bytes())
        self.assertEqual((png.width, png.height), (64, 48))
        self.fails(USAGE, "render", "-", "-o", "a.png", "--spec", "-", input=spec,
                   says="--spec - and the FILE - can't both be standard input")
        self.fails(BAD_DATA, "render", "a.csv", "-o", "a.png", "--spec", "-", input=b'{\n "grid": 2}',
                   says="standard input:2:10: grid must be true or false, not 2")

    def test_pipe(self):
        os.mkfifo(self.here / "pipe")
        writer = subprocess.Popen(["sh", "-c", 'printf \'{"size": "64x48"}\' > pipe'], cwd=self.here)
        png = self.render("a.csv", "--spec", "pipe")
        self.assertEqual(writer.wait(), 0)
        self.assertEqual(png.width, 320)  # which was typed


class Printed(Specs):
    def test_defaults(self):
        self.assertEqual(self.printed(), DEFAULTS)
        self.assertEqual(list(self.printed()), list(SETTINGS))
        self.assertEqual(list(SETTINGS), [name for name in self.parameters() if name in SETTINGS])

    def parameters(self):
        """The settings of the manifest, which are all that decide a picture."""
        self.pictures()
        text = (self.here / "out/manifest.jsonl").read_text().splitlines()[0]
        parameters = json.loads(text)["parameters"]
        rest = "by columns header delimiter decimal day-first adjusted expansion".split()
        self.assertEqual([name for name in parameters if name not in (*SETTINGS, *rest)][:1], ["bad-field"])
        return list(parameters)

    def test_form(self):
        out, _ = self.run_tallow("render", "--print-spec", "--margins", "right=64")
        lines = out.decode().splitlines()
        self.assertEqual((lines[0], lines[1], lines[-1]), ("{", '  "size": "1280x720",', "}"))
        self.assertIn('  "margins": {"left": null, "top": null, "right": 64, "bottom": null},', lines)

    def test_round_trip(self):
        """What is printed gives the same pictures, and is printed the same."""
        picks = random.Random(6)
        for turn in range(25):
            keys = picks.sample(list(SETTINGS), picks.randrange(1, 8))
            if "window" in keys:
                keys = [key for key in keys if key != "last"]
            elif "stride" in keys:
                keys.remove("stride")
            if "line-colors" in keys and not {"mav", "lines"} & set(keys):
                keys.remove("line-colors")
            if {"line-colors", "lines"} <= set(keys):  # of which one value has two and one one
                keys.append("mav")
                keys = sorted(set(keys))
            described = {key: picks.choice(SETTINGS[key])[0] for key in keys if picks.random() < 0.5}
            typed = [f"--{key}={picks.choice(SETTINGS[key])[1]}" for key in keys if key not in described]
            self.spec(described)
            args = ("--spec", "chart.json", *typed)
            out, _ = self.run_tallow("render", *args, "--print-spec")
            self.spec(out, "again.json")
            self.assertEqual(self.run_tallow("render", "--spec", "again.json", "--print-spec")[0], out)
            if turn < 12 and not {"from", "to", "last"} & set(keys):
                self.assertEqual(self.pictures(*args), self.pictures("--spec", "again.json"), args)

    def test_empty_texts(self):
        """One that is typed wins over the description, one in it is nothing; both leave no trace."""
        names = ("title", "price-name", "volume-name", "time-name")
        self.spec({name: "x" for name in names})
        empty = [f"--{name}=" for name in names]
        self.assertEqual(self.printed("--spec", "chart.json", *empty), self.printed())
        self.assertEqual(self.pictures("--spec", "chart.json", *empty), self.pictures())
        shown = self.printed("--spec", "chart.json", "--title", "")
        self.assertEqual([shown[name] for name in names], [None, "x", "x", "x"])
        self.spec({name: "" for name in names}, "empty.json")
        self.assertEqual(self.printed("--spec", "empty.json"), self.printed())
        self.assertEqual(self.pictures("--spec", "empty.json"), self.pictures())
        self.assertEqual(self.printed("--spec", "empty.json", "--title", "y")["title"], "y")

    def test_beside_files(self):
        """All of a command that draws may stay; nothing is drawn."""
        before = self.files()
        printed = self.printed("a.csv", "none.csv", "-o", "out/", "--backend", "cpu", "-s", "64x64")
        self.assertEqual(printed["size"], "64x64")
        self.assertEqual(self.files(), before)

    def test_wrong_use(self):
        for args, says in ((("--stride", 5), "--stride needs --window"),
                           (("--last", 5, "--window", 6), "--last and --window exclude each other"),
                           (("--margins", "left=900,right=900"), "the margins leave"),
                           (("--theme", "x"), "--theme must be"),
                           (("--print-spec",), "--print-spec is there twice")):
            self.fails(USAGE, "render", "--print-spec", *args, says=(says, "try 'tallow render --help'"))
        self.fails(USAGE, "render", "--print-spec=x", says="--print-spec takes no value")


class Margins(Specs):
    def test_on_the_command_line(self):
        for text, says in (("", "--margins must be SIDE=N, of left, top, right and bottom, not ''"),
                           ("5", "--margins must be SIDE=N"), ("left", "not 'left'"), ("lft=5", "not 'lft=5'"),
                           ("left=5,", "--margins must be"), (",left=5", "--margins must be"),
                           ("left=-1", "left of --margins must be a whole number from 0 to 16384, not '-1'"),
                           ("left=16385", "not '16385'"), ("top=", "top of --margins must be"),
                           ("left=1,left=2", "--margins has left twice: give it once"),
                           ("left=" + "1" * 300, "--margins must be"),
                           ("left=640,right=640", "leave 0 x")):
            self.fails(USAGE, "render", "a.csv", "-o", "a.png", f"--margins={text}", says=says)

    def test_where_the_plot_is(self):
        png = self.render("a.csv", "--margins", "left=10,top=20,right=30,bottom=40", "--labels", "off", size="200x150")
        ink = [(x, y) for y, row in enumerate(png.rows) for x, index in enumerate(row) if index]
        self.assertEqual((min(x for x, _ in ink), min(y for _, y in ink)), (10, 20))
        self.assertEqual((max(x for x, _ in ink), max(y for _, y in ink)), (169, 109))


class Refused(Specs):
    """One line, with the place and what to do."""

    def check(self, spec, *says, code=BAD_DATA):
        self.spec(spec)
        errors = self.fails(code, "render", "a.csv", "-o", "a.png", "--spec", "chart.json", says=says)
        self.assertEqual(errors.count("\n"), 1, errors)
        self.assertNotIn("a.png", self.files())
        return errors

    def test_keys(self):
        self.check('{"thme": "light"}', "chart.json:1:2: there is no key 'thme'; did you mean theme?\n")
        self.check('{\n  "grid": true,\n\t"öl": 1, "Sice": 2}',
                   "chart.json:3:2: there is no key 'öl'; 'tallow render --print-spec' shows all")
        self.check('{\n  "grid": true,\n\t"last": 1, "Sice": 2}',
                   "chart.json:3:13: there is no key 'Sice'; did you mean size?")
        self.check('{"theme": "l\u0131ght", "x": 1}', "chart.json:1:11: theme must be")
        self.check('{"theme":  "light", "ä": 1}', "chart.json:1:21: there is no key 'ä'")
        for also, key in (("width", "size"), ("log", "scale"), ("style", "theme"), ("tail", "last")):
            self.check({also: 1}, f"there is no key '{also}'; did you mean {key}?")
        for option in ("backend", "output", "threads", "spec", "print-spec", "bad-field", "columns", "help"):
            self.check({option: 1}, f"'{option}' is not for a description: give --{option} on the command line")
        self.check({"margins": {"lft": 1}}, "chart.json:1:14: margins has no key 'lft'; did you mean left?")
        self.check({"margins": {"zzz": 1}}, "margins has no key 'zzz'\n")
        self.check('{"grid": true,\n "grid": false}', 'chart.json:2:2: "grid" is there twice: give it once')
        self.check('{"margins": {"top": 1, "top": 1}}', 'chart.json:1:24: "top" is there twice')
        self.check('{"grid": true, "gr\\u0069d": 1}', "chart.json:1:16:", "is there twice")

    def test_types(self):
        numbers = "a whole number, 1 or more and below 2^63"
        themes = "classic, modern, tradingview or light"
        times = "a time, such as 2022-01-31 or 2022-01-31T09:30:00Z"
        size = "WIDTHxHEIGHT, such as 1280x720, each side 16 to 16384"
        rows_of = "a whole number from 1 to 1048576"
        rows = (
            ("size", size, ("800", "8.5", "true", "[800, 600]", "{}"), ", in double quotes"),
            ("size", size, ('"800"', '""', '"8x8"', '"800x600 "', '"16385x16"'), ""),
            ("theme", themes, ("1", "false", "[]", '{"a": "}"}'), ", in double quotes"),
            ("theme", themes, ('"qqqqq"', '""'), ""),
            ("axis", "index or time", ("0",), ", in double quotes"),
            ("scale", "linear or log", ("0",), ", in double quotes"),
            ("png", "fast, small or libpng", ("6",), ", in double quotes"),
            ("grid", "true or false", ("1", '"maybe"', '"of"', "[true]", "{}"), ""),
            ("volume", "true or false", ("0",), ""),
            ("last", numbers, ('"5"',), ", without quotes"),
            ("last", numbers, ("0", "-1", "-0", "1.5", "5.0", "1e3", "99999999999999999999"), ""),
            ("last", numbers, ("true", "[5]", "{}"), ""),
            ("window", "a whole number from 1 to 1099511627776", ("1099511627777", "[[]]"), ""),
            ("from", times, ("2022", "true", "[]"), ", in double quotes"),
            ("labels", "true or false", ("0", '"none"'), ""),
            ("last-price", "true or false", ("[false]",), ""),
            ("title", "text", ("5", "true", "[]", "{}"), ", in double quotes"),
            ("price-name", "text", ("1.5",), ", in double quotes"),
            ("timezone", "text", ("0",), ", in double quotes"),
            ("mav", f"a list of at most 16, each {rows_of}", ("5", '"5,10"', "true", "{}", str([*range(1, 18)])), ""),
            ("lines", "a list of at most 16, each text", ('"vwap"', "7", "{}"), ""),
            ("line-colors", "a list of at most 16, each a colour, such as FF9F1C or auto", ('"FF0000"', "0"), ""),
            ("margins", "an object of left, top, right and bottom", ("5", '"left=5"', "[1, 2]", "true"), ""),
        )
        for key, expected, values, how in rows:
            for value in values:
                items = f"a list of {value.count(',') + (value != '[]')}"
                shown = {"{": "an object", "[": items}.get(value[0], value)
                self.check(f'{{"{key}":\n {value}}}', f"chart.json:2:2: {key} must be {expected}{how}, not {shown}\n")

    def test_values(self):
        self.check('{"theme": "ligth"}', 'light, not "ligth"; did you mean light?\n')
        self.check({"theme": "x" * 500}, "not \"" + "x" * 75 + "...\n")
        self.check({"from": "yesterday"}, "chart.json:1:10: from: 'yesterday' is not a time")
        self.check({"to": "2022"}, "to must be a time, not a year alone: write YYYY-01-01, not '2022'")
        self.check({"margins": {"left": 1, "top": -1}},
                   "chart.json:1:32: top of margins must be a whole number from 0 to 16384, not -1")
        self.check({"margins": {"left": "1"}},
                   'left of margins must be a whole number from 0 to 16384, without quotes, not "1"')
        self.check({"margins": {"left": [1]}}, "not a list of 1")
        self.check({"mav": [10, 0]}, f"chart.json:1:14: rows of mav must be a whole number from 1 to 1048576, not 0\n")
        self.check({"mav": [10, "5"]}, "rows of mav must be a whole number from 1 to 1048576, without quotes")
        self.check({"mav": [10, 5, 10]}, "chart.json:1:9: mav has 10 twice: give it once\n")
        self.check({"lines": ["open", ""]}, "chart.json:1:20: column of lines must not be empty\n")
        self.check({"lines": ["a,b"]}, "chart.json:1:12: column of lines must have no comma\n")
        self.check({"lines": ["close", "close"]}, "chart.json:1:11: lines has close twice: give it once\n")
        self.check({"line-colors": ["#12345"]},
                   'chart.json:1:18: color of line-colors must be a colour, such as FF9F1C or auto, not "#12345"\n')
        self.check({"mav": [5], "line-colors": ["FF0000", "00FF00"]},
                   "chart.json:1:29: line-colors has more colours than there are lines, 2 for 1 of --mav and --lines\n")
        self.check({"title": "{symbl}"}, "chart.json:1:11: title: there is no part {symbl}; did you mean {symbol}?\n")
        self.check({"time-name": "x" * 1024}, "chart.json:1:15: time-name has 1024 bytes: 1023 at most\n")
        self.check({"timezone": "Europe/Berln"},
                   "chart.json:1:14: timezone: there is no zone 'Europe/Berln'; did you mean Europe/Berlin?\n")
        self.check({"margins": {"left": 9000}}, "chart.json:1:13: the margins leave")

    def test_together(self):
        self.check({"from": "2020-01-02", "to": "2020-01-01"},
                   "chart.json:1:30: --from 2020-01-02 must lie before --to 2020-01-01")
        self.check({"last": 5, "window": 6}, "chart.json:1:23: --last and --window exclude each other")
        self.check({"stride": 6}, "chart.json:1:12: --stride needs --window")
        self.spec({"window": 6})
        self.fails(USAGE, "render", "a.csv", "-o", "x/", "--spec", "chart.json", "--last", 5,
                   says="chart.json:1:12: --last and --window exclude each other: use --from")

    def test_no_json(self):
        early = "it ends too early: a quote, ] or } is missing"
        words = "text and keys stand in double quotes; words without are true, false and null"
        control = "text must not hold the end of a line or another control character: write \\n"
        rows = (
            (b"", "chart.json is empty: a description is an object, at least {}"),
            (b" \r\n\t", "chart.json is empty"),
            (b"\xef\xbb\xbf", "chart.json is empty"),
            (b"{", f"chart.json:1:2: {early}"),
            (b'{"size": ', f"chart.json:1:10: {early}"),
            (b'{"size": "8', f"chart.json:1:12: {early}"),
            (b'{"margins": {"left": 1}', f"chart.json:1:24: {early}"),
            (b"5", 'chart.json:1:1: a description is an object, such as {"size": "800x600"}'),
            (b' ["size"]', "chart.json:1:2: a description is an object"),
            (b'"size"', "chart.json:1:1: a description is an object"),
            (b"null", "chart.json:1:1: a description is an object"),
            (b'{"grid": true,}', "chart.json:1:15: '}' is no JSON here: there must be no comma ahead of it"),
            (b'{"size": [1,\n]}', "chart.json:2:1: ']' is no JSON here: there must be no comma ahead of it"),
            (b'{"grid": true\n "last": 2}',
             "chart.json:2:2: '\"last\"' is no JSON here: a comma is missing ahead of it"),
            (b'{"size": [1 2]}', "chart.json:1:13: '2' is no JSON here: a comma is missing ahead of it"),
            (b'{"last" 2}', "chart.json:1:9: '2' is no JSON here: a colon is missing ahead of it"),
            (b'{last: 2}', f"chart.json:1:2: 'last' is no JSON here: {words}"),
            (b'{"theme": light}', f"chart.json:1:11: 'light' is no JSON here: {words}"),
            (b'{"grid": True}', f"chart.json:1:10: 'True' is no JSON here: {words}"),
            (b'{"last": NaN}', f"chart.json:1:10: 'NaN' is no JSON here: {words}"),
            (b'{"last": ' + b"a" * 60 + b"}", f"'{'a' * 40}...' is no JSON here: {words}"),
            (b"{'last': 2}", "chart.json:1:2: ''last'' is no JSON here: text stands in double quotes"),
            (b'// c\n{}', "chart.json:1:1: '//' is no JSON here: JSON has no comments"),
            (b'{"last": 2 /* c */}', "chart.json:1:12: '/*' is no JSON here: JSON has no comments"),
            (b'{"last": 2} # c', "chart.json:1:13: nothing may follow the object"),
            (b'{\n# c\n"last": 2}', "chart.json:2:1: '#' is no JSON here: JSON has no comments"),
            (b"{} {}", "chart.json:1:4: nothing may follow the object"),
            (b"{}}", "chart.json:1:3: nothing may follow the object"),
            (b"}", "chart.json:1:1: '}' is no JSON here"),
            (b'{"last": 01}', "chart.json:1:10: '01' is no JSON here"),
            (b'{"last": +1}', "chart.json:1:10: '+1' is no JSON here"),
            (b'{"last": .5}', "chart.json:1:10: '.5' is no JSON here"),
            (b'{"last": 1e999}', "chart.json:1:10: this number is too large"),
            (b'{"theme": "a\nb"}', f"chart.json:1:13: {control}"),
            (b'{"th\x1beme": "a"}', f"chart.json:1:5: {control}"),
            (b'{"theme": "\\q"}', "this is no escape of JSON"),
            (b'{"theme": "\\ud800"}', "this is no escape of JSON"),
            (b'{"theme": "\\u0000"}', "chart.json:1:11: text must not hold \\u0000"),
            (b'{"th\\u0000eme": 1}', "chart.json:1:2: text must not hold \\u0000"),
            (b'{"theme": "\xff"}', "chart.json:1:12: this byte is not UTF-8, in which a description must be"),
            (b'{"theme": "\xc3\xa4\xed\xa0\x80"}', "chart.json:1:13: this byte is not UTF-8"),
            (b'\xff{', "chart.json:1:1: this byte is not UTF-8"),
            ('{"grid": true}'.encode("utf-16-le"),
             "chart.json:1:2: this byte is zero: a description is text in UTF-8"),
            (b'{"grid": true}\n\0', "chart.json:2:1: this byte is zero"),
            (b"[" * 100000, "it is nested too deeply: a description is one object of settings"),
            (b'{"margins":' * 5000, "it is nested too deeply"),
            (b'{"grid": true}' + b" " * (1 << 20),
             "chart.json is longer than 1 MiB: that is no description of a chart"),
        )
        for data, says in rows:
            self.check(data, f"tallow: {says}" if says.startswith("chart.json") else says)

    def test_almost_too_much(self):
        """Deep or long, but JSON: it is the key that is wrong."""
        self.check(b'{"size": ' + b"[" * 2000 + b"]" * 2000 + b"}", "size must be", "not a list of 1")
        self.spec(b'{"grid": false}' + b" " * ((1 << 20) - 15))
        self.assertIs(self.printed("--spec", "chart.json")["grid"], False)
        self.check('{"size": "' + "\\u00e4" * 170000 + '"}', "size must be")

    def test_files(self):
        for name, says in (("none.json", "--spec none.json: can't read it: No such file"),
                           (".", "--spec .: can't read it: Is a directory")):
            self.fails(NO_INPUT, "render", "a.csv", "-o", "a.png", "--spec", name, says=says)
        self.fails(BAD_DATA, "render", "a.csv", "-o", "a.png", "--spec", "/dev/zero", says="longer than 1 MiB")
        self.fails(BAD_DATA, "render", "a.csv", "-o", "a.png", "--spec", "/dev/null", says="/dev/null is empty")
        self.fails(USAGE, "render", "a.csv", "-o", "a.png", "--spec", says="--spec needs a value: --spec JSON")
        self.fails(USAGE, "render", "a.csv", "-o", "a.png", "--spec=", says="--spec must not be empty")

    def test_it_is_not_written_over(self):
        (self.here / "out").mkdir()
        rows = {("-o", "chart.png"): "--output and --spec name the same file, chart.png",
                ("-o", "a.png", "--stats", "chart.png"): "--stats and --spec name the same file, chart.png",
                ("-o", "a.png", "--alloc-log", "chart.png"): "--alloc-log and --spec name the same file",
                ("-o", "out/"): "--spec out/a.png has the name of a chart of the run",
                ("-o", "./"): "--spec manifest.jsonl has the name of a manifest of the run"}
        for more, says in rows.items():
            name = next((part for part in ("out/a.png", "manifest.jsonl") if part in says), "chart.png")
            self.spec({}, name)
            self.fails(USAGE, "render", "a.csv", *more, "--spec", name, says=says)
            self.assertEqual((self.here / name).read_bytes(), b"{}")

    def test_hostile(self):
        """Whatever becomes of a description, it ends with a code of its own and one line at most."""
        picks = random.Random(7)
        whole = json.dumps({"size": "64x64", "theme": "light", "margins": {"left": 4, "top": None}, "last": 12,
                            "from": "2020-01-01", "grid": False, "title": "{n}", "mav": [5, 6], "lines": ["7"],
                            "line-colors": ["#FF0000"], "timezone": "Asia/Tokyo"}).encode()
        pieces = rb'{ } [ ] " , : \ \u null 1 - e9 /* 0x'.split() + [b"\xc3", b"\n", b"\0"]
        for _ in range(250):
            data = bytearray(whole)
            for _ in range(picks.randrange(1, 4)):
                at = picks.randrange(len(data))
                other = picks.choice((picks.choice(pieces), bytes([picks.randrange(256)])))
                data[at : at + picks.randrange(3)] = other
            done = self.start(("render", "--print-spec", "--spec", "-"), input=bytes(data), capture_output=True)
            self.assertIn(done.returncode, (0, BAD_DATA), data)
            self.assertEqual(done.stderr.count(b"\n"), int(done.returncode != 0), (data, done.stderr))


class Resumed(Specs):
    ARGS = ("a.csv", "-o", "out/")

    def resume(self, *args):
        out, _ = self.run_tallow("render", *self.ARGS, *args, "--resume", "--json")
        return json.loads(out)["charts"]

    def test_like_options(self):
        """A description is no other run than the same in options, and a changed one is."""
        self.spec({"size": "64x64", "window": 20, "margins": {"left": 2}})
        self.run_tallow("render", *self.ARGS, "--spec", "chart.json")
        manifest = (self.here / "out/manifest.jsonl").read_bytes()
        self.assertEqual(self.resume("--spec", "chart.json"), 0)
        self.assertEqual(self.resume("--size", "64x64", "--window", 20, "--margins", "left=2"), 0)
        other = {"margins": {"left": 2, "top": None}, "window": 20, "stride": 20, "size": "64x64", "grid": True}
        self.spec(other, "other.json")
        self.assertEqual(self.resume("--spec", "other.json"), 0)
        self.assertEqual(self.resume("--size", "64x64", "--spec", "other.json"), 0)
        self.assertEqual((self.here / "out/manifest.jsonl").read_bytes(), manifest)
        (self.here / "out/a_000001.png").unlink()
        self.assertEqual(self.resume("--spec", "other.json"), 1)
        for change, says in (({"grid": False}, 'grid is "off", and was "on" there'),
                             ({"margins": {"left": 3}}, "left is 3, and was 2 there"),
                             ({"margins": None}, "left is null, and was 2 there"),
                             ({"stride": 5}, "stride is 5, and was 20 there"),
                             ({"theme": "light"}, 'theme is "light", and was "modern" there')):
            self.spec({"size": "64x64", "window": 20, "margins": {"left": 2}, **change})
            self.fails(USAGE, "render", *self.ARGS, "--spec", "chart.json", "--resume",
                       says=("is of a run with other parameters", says))
        parameters = json.loads(manifest.splitlines()[0])["parameters"]
        self.assertEqual(parameters["margins"], {"left": 2, "top": None, "right": None, "bottom": None})
        self.assertFalse({"spec", "print-spec"} & set(parameters))


if __name__ == "__main__":
    test_cli.main()
