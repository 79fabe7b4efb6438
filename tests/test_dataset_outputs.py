"""What "tallow dataset" leaves on disk, as other programs read it: arrays, shards, labels and the manifest.

The standard library reads all of it. NumPy, pandas, Pillow and webdataset read it too where they can be imported:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy pandas pillow webdataset
    TALLOW_GOLDEN_PYTHON=/tmp/golden/bin/python ctest -R dataset_outputs

Environment: TALLOW_BIN, the executable; TALLOW_GOLDEN_PYTHON and TALLOW_GOLDEN_INSTALL as in golden_python.py.
"""

import ast
import io
import json
import math
import random
import struct
import subprocess
import sys
import tarfile
import unittest
from datetime import datetime, timedelta
from pathlib import Path

TIMES = datetime(2020, 1, 1)
HORIZONS = (1, 5, 40)
# Quotes, slashes, dots, commas, other letters, signs that mean something elsewhere.
SYMBOLS = ('a"b', "x/y", "..", "com,ma", "\u00e9\u4e2d\U0001f4c8", "back\\slash", "<&>$(x)", "in ner")


# ---- candles ----


def make_rows(n, seed, kind="walk"):
    """Rows of (time, open, high, low, close, volume), numbers as text."""
    rng = random.Random(seed)
    price, rows = 100.0, []
    for i in range(n):
        opened = price
        price = max(5.0, price + rng.uniform(-2, 2))
        if kind == "flat" and 60 <= i < 130:
            opened = price = 50.0
            high = low = price
        else:
            high, low = max(opened, price) + rng.uniform(0, 1), min(opened, price) - rng.uniform(0, 1)
        numbers = [f"{x:.4f}" for x in (opened, high, low, price)] + [str(rng.randrange(0, 5000))]
        if kind == "gaps" and rng.random() < 0.05:
            numbers[rng.randrange(5)] = ""
        rows.append([(TIMES + timedelta(minutes=i)).strftime("%Y-%m-%dT%H:%M:%SZ"), *numbers])
    return rows


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def csv_of(rows, symbol=None):
    head = "time,open,high,low,close,volume"
    if symbol is None:
        return "\n".join([head, *(",".join(row) for row in rows)]) + "\n"
    return "".join(",".join([*row, quoted(symbol)]) + "\n" for row in rows)


def number(text):
    return float(text) if text else math.nan


def label_of(close, row, horizon):
    if row + horizon >= len(close) or math.isnan(close[row]) or math.isnan(close[row + horizon]):
        return math.nan
    return close[row + horizon] / close[row] - 1


# ---- arrays ----


class Array:
    """A .npy file: type, shape and numbers as bytes."""

    def __init__(self, data):
        if data[:8] != b"\x93NUMPY\x01\x00":
            raise ValueError("no .npy of version 1.0")
        (length,) = struct.unpack("<H", data[8:10])
        header = ast.literal_eval(data[10 : 10 + length].decode("latin1"))
        if header["fortran_order"] or (10 + length) % 64 or data[9 + length] != 10:
            raise ValueError("not a plain header")
        self.type, self.shape, self.data = header["descr"], header["shape"], data[10 + length :]
        self.size = {"|u1": 1, "<f4": 4, "<f8": 8}[self.type]
        for side in self.shape[1:]:
            self.size *= side
        if len(self.data) != self.size * self.shape[0]:
            raise ValueError("not as long as its shape says")

    def __getitem__(self, i):
        return self.data[i * self.size : (i + 1) * self.size]


def doubles(data):
    return struct.unpack(f"<{len(data) // 8}d", data)


def same(a, b):
    """The same double, bit by bit, all NaN being one."""
    return struct.pack("<d", a) == struct.pack("<d", b) or (math.isnan(a) and math.isnan(b))


# ---- other programs ----


def check_numpy(folder):
    import numpy as np

    images = np.load(folder / "set.npy", mmap_mode="r")
    assert isinstance(images, np.memmap) and images.dtype == np.uint8 and images.shape[1:] == (1, 64, 60)
    assert set(np.unique(images)) == {0, 255}
    bare = np.fromfile(folder / "bare.dat", np.uint8).reshape(images.shape)
    assert np.array_equal(images, bare)
    floats = np.load(folder / "floats.npy", mmap_mode="r")
    assert floats.dtype == np.float32 and floats.shape == (len(images), 64, 60, 3)
    assert np.array_equal(floats, (images.transpose(0, 2, 3, 1) / np.float32(255)).repeat(3, axis=3))
    labels = np.load(folder / "set.labels.npy")
    assert labels.shape == (len(images), len(HORIZONS)) and labels.dtype == np.float64
    shard = tarfile.open(folder / "arrays-000001.tar")
    for member in shard.getmembers():
        if member.name.endswith(".npy"):
            image = np.load(io.BytesIO(shard.extractfile(member).read()))
            assert np.array_equal(image, images[int(member.name[:12])])
    return f"NumPy {np.__version__}: {len(images)} images"


def check_pandas(folder):
    import warnings

    import pandas as pd

    warnings.simplefilter("ignore")  # newer versions always read every digit and say so
    found = 0
    lines = [json.loads(line) for line in (folder / "set.manifest.jsonl").read_text().splitlines()[1:-1]]
    labels = doubles(Array((folder / "set.labels.npy").read_bytes()).data)
    closes = {}
    for source in {line["source"] for line in lines}:
        blanks = {"keep_default_na": False, "na_values": {"close": ""}}
        frame = pd.read_csv(folder / source, float_precision="round_trip", **blanks)
        for symbol, part in frame.groupby("symbol", sort=False):
            close = part["close"].reset_index(drop=True)
            closes[source, symbol] = [(close.shift(-h) / close - 1).to_list() for h in HORIZONS]
    for line in lines:
        if line["image"] is None:
            continue
        for k in range(len(HORIZONS)):
            expected = closes[line["source"], line["symbol"]][k][line["row"]]
            assert same(labels[line["image"] * len(HORIZONS) + k], expected), (line, expected)
            found += 1
    return f"pandas {pd.__version__}: {found} labels"


def shards_in(folder, stem):
    return sorted(folder.glob(f"{stem}-*.tar"))


def check_pillow(folder):
    import PIL
    from PIL import Image

    arrays = {"set": Array((folder / "set.npy").read_bytes()), "colors": Array((folder / "colors.npy").read_bytes())}
    found = 0
    for stem, mode in (("set", "L"), ("colors", "RGB")):
        for shard in map(tarfile.open, shards_in(folder, stem)):
            for member in shard.getmembers():
                if not member.name.endswith(".png"):
                    continue
                image = Image.open(io.BytesIO(shard.extractfile(member).read()))
                assert image.convert(mode).tobytes() == arrays[stem][int(member.name[:12])], member.name
                found += 1
    return f"Pillow {PIL.__version__}: {found} PNG files"


def check_webdataset(folder):
    import webdataset

    images, n = Array((folder / "set.npy").read_bytes()), 0
    urls = [str(path) for path in shards_in(folder, "set")]
    for sample in webdataset.WebDataset(urls, shardshuffle=False, empty_check=False).decode("l8"):
        n = int(sample["__key__"])
        assert sample["png"].tobytes() == images[n], sample["__key__"]
        first = sample["json"]["labels"][str(HORIZONS[0])]
        assert sample.get("cls") == (None if first is None else int(first > 0)), sample["__key__"]
    assert n == images.shape[0] - 1
    return f"webdataset {webdataset.__version__}: {n + 1} samples"


CHECKS = {"numpy": check_numpy, "pandas": check_pandas, "PIL": check_pillow, "webdataset": check_webdataset}


def check_with_others(folder):
    for package, check in CHECKS.items():
        try:
            __import__(package)
        except ImportError:
            print(f"SKIPPED: {package} can't be imported")
            continue
        print(check(folder))


if __name__ == "__main__" and len(sys.argv) == 3 and sys.argv[1] == "--check":
    check_with_others(Path(sys.argv[2]))
    sys.exit(0)

# ---- tests ----

from golden_python import golden_python, imports  # noqa: E402  the other interpreter needs none of these
from test_cli import BAD_DATA, BIN, NO_INPUT, USAGE, Case, Png  # noqa: E402


class Outputs(Case):
    def dataset(self, *args, **options):
        return self.run_tallow("dataset", *args, "--backend", "cpu", "--threads", "2", **options)

    def array(self, name):
        return Array((self.here / name).read_bytes())

    def manifest(self, name="set"):
        text = (self.here / f"{name}.manifest.jsonl").read_text()
        self.assertTrue(text.endswith("\n"))
        first, *lines, last = map(json.loads, text.splitlines())
        return first, lines, last

    def write_market(self):
        """Two files of symbols; the series by source and symbol, rows as they are in the files."""
        series = {}
        for source, symbols in (("one.csv", SYMBOLS[:4]), ("two.csv", SYMBOLS[4:])):
            text = "time,open,high,low,close,volume,symbol\n"
            for i, symbol in enumerate(symbols):
                kind = ("walk", "flat", "gaps")[i % 3]
                series[source, symbol] = make_rows(40 if i == 3 else 150, f"{source}{i}", kind)
                text += csv_of(series[source, symbol], symbol)
            self.write(source, text)
        return series

    def draw_market(self, out, *more, **options):
        horizons = ",".join(map(str, HORIZONS))
        return self.dataset("one.csv", "two.csv", "--by", "symbol", "--preset", "jkx", "--window", 20, "--stride", 3,
                            "--horizons", horizons, "-o", out, *more, **options)

    def test_labels(self):
        series = self.write_market()
        self.draw_market("set.npy")
        _, lines, _ = self.manifest()
        labels = self.array("set.labels.npy")
        drawn = [line for line in lines if line["image"] is not None]
        self.assertEqual((labels.type, labels.shape), ("<f8", (len(drawn), len(HORIZONS))))
        self.assertEqual(self.array("set.npy").shape, (len(drawn), 1, 64, 60))
        missing = 0
        for line in drawn:
            close = [number(row[4]) for row in series[line["source"], line["symbol"]]]
            for horizon, label in zip(HORIZONS, doubles(labels[line["image"]])):
                expected = label_of(close, line["row"], horizon)
                self.assertTrue(same(label, expected), (line, horizon, expected))
                said = line["labels"][str(horizon)]
                self.assertTrue(said is None if math.isnan(label) else same(said, label), line)
                missing += math.isnan(label)
        self.assertGreater(missing, 8)
        self.assertLess(missing, len(drawn))

    def test_manifest(self):
        """Every window has a line, and what the line says is in the file and in the image."""
        series = self.write_market()
        self.draw_market("set.npy")
        first, lines, last = self.manifest()
        self.assertEqual((first["dataset"], first["image"]), (1, {"shape": [1, 64, 60], "type": "u8"}))
        parameters = first["parameters"]
        self.assertEqual((parameters["preset"], parameters["window"], parameters["stride"]), ("jkx", 20, 3))
        self.assertEqual((parameters["horizons"], parameters["by"]), (list(HORIZONS), "symbol"))
        self.assertFalse({"output", "threads", "backend", "resume", "shard", "spec"} & set(parameters))
        self.assertEqual([line["ordinal"] for line in lines], list(range(len(lines))))
        drawn = [line for line in lines if line["image"] is not None]
        self.assertEqual([line["image"] for line in drawn], list(range(len(drawn))))
        expected = [(source, symbol, row) for (source, symbol), rows in series.items()
                    for row in range(19, len(rows), 3)]
        self.assertEqual([(line["source"], line["symbol"], line["row"]) for line in lines], expected)
        counts = {}
        for line in lines:
            rows = series[line["source"], line["symbol"]][line["row"] - 19 : line["row"] + 1]
            self.assertEqual(line["range"], {"first": rows[0][0], "last": rows[-1][0], "rows": 20})
            self.assertEqual((line["image"] is not None, line["status"]),
                             (True, "ok") if "reason" not in line else (False, "left out"))
            if "reason" in line:
                counts[line["reason"]] = counts.get(line["reason"], 0) + 1
        self.assertEqual({key: last[key] for key in ("windows", "images", "left out", "failed")},
                         {"windows": len(lines), "images": len(drawn), "left out": counts, "failed": 0})
        flat = [line for line in lines if line.get("reason") == "flat prices"]
        self.assertGreater(len(flat), 10)
        images = self.array("set.npy")
        for line in random.Random(1).sample(drawn, 10):
            rows = series[line["source"], line["symbol"]][: line["row"] + 1]
            self.write("found.csv", csv_of(rows))
            self.dataset("found.csv", "--preset", "jkx", "--window", 20, "--last", "-o", "found.dat")
            self.assertEqual((self.here / "found.dat").read_bytes(), images[line["image"]], line)

    def test_arrays(self):
        """Bare numbers are those of the array; floats are bytes by 255; colours and layouts hold the same."""
        self.write_market()
        self.draw_market("set.npy")
        self.draw_market("bare.dat")
        self.draw_market("floats.npy", "--type", "f32", "--layout", "nhwc", "--color", "rgb")
        images, floats = self.array("set.npy"), self.array("floats.npy")
        self.assertEqual((self.here / "bare.dat").read_bytes(), images.data)
        self.assertEqual((floats.type, floats.shape), ("<f4", (images.shape[0], 64, 60, 3)))
        numbers = [struct.pack("<f", byte / 255) * 3 for byte in range(256)]
        for i in range(0, images.shape[0], 7):
            self.assertEqual(floats[i], b"".join(numbers[byte] for byte in images[i]))
        self.assertEqual((self.here / "set.labels.npy").read_bytes(), (self.here / "bare.labels.npy").read_bytes())

    def members_of(self, stem):
        """Name and bytes of the members of all shards, whose form is checked."""
        found, paths = [], shards_in(self.here, stem)
        self.assertEqual([path.name for path in paths], [f"{stem}-{i:06d}.tar" for i in range(len(paths))])
        for path in paths:
            data = path.read_bytes()
            self.assertEqual((len(data) % 512, data[-1024:]), (0, bytes(1024)))
            with tarfile.open(path) as shard:
                members = shard.getmembers()
                ends = members[-1].offset_data + (members[-1].size + 511) // 512 * 512
                self.assertEqual(len(data), ends + 1024)
                for member in members:
                    self.assertTrue(member.isreg())
                    self.assertEqual((member.mode, member.uid, member.gid, member.mtime), (0o644, 0, 0, 0))
                    self.assertEqual((member.uname, member.gname), ("", ""))
                found.append([(member.name, shard.extractfile(member).read()) for member in members])
        return found

    def check_shards(self, stem, per_tar, ending, image_of):
        _, lines, _ = self.manifest(stem)
        drawn = [line for line in lines if line["image"] is not None]
        shards = self.members_of(stem)
        self.assertEqual(len(shards), -(-len(drawn) // per_tar))
        expected = []
        for line in drawn:
            first = line["labels"][str(HORIZONS[0])] if "labels" in line else None
            expected.append([ending, "json", *(["cls"] if first is not None else [])])
        for i, shard in enumerate(shards):
            part = range(i * per_tar, min(len(drawn), (i + 1) * per_tar))
            self.assertEqual([name for name, _ in shard], [f"{k:012d}.{end}" for k in part for end in expected[k]])
            for name, data in shard:
                line, kind = drawn[int(name[:12])], name.split(".")[1]
                if kind == "json":
                    said = {key: line[key] for key in ("source", "symbol", "row")}
                    said |= {"first": line["range"]["first"], "last": line["range"]["last"]}
                    said |= {"labels": line["labels"]} if "labels" in line else {}
                    self.assertEqual(json.loads(data), said)
                elif kind == "cls":
                    self.assertEqual(data, b"1" if line["labels"][str(HORIZONS[0])] > 0 else b"0")
                else:
                    image_of(int(name[:12]), data)
        return drawn

    def test_shards(self):
        self.write_market()
        self.draw_market("array.npy")
        images = self.array("array.npy")

        def check_png(i, data):
            png = Png(data)
            self.assertEqual((png.width, png.height, png.palette, png.depth), (60, 64, "000000 FFFFFF", 1))
            self.assertEqual(bytes(255 * pixel for row in png.rows for pixel in row), images[i])

        def check_npy(i, data):
            array = Array(data)
            self.assertEqual((array.type, array.shape, array.data), ("|u1", (1, 64, 60), images[i]))

        self.draw_market("set.tar", "--per-tar", 100)
        self.check_shards("set", 100, "png", check_png)
        self.draw_market("arrays.tar", "--per-tar", 64, "--member", "npy")
        drawn = self.check_shards("arrays", 64, "npy", check_npy)
        self.assertEqual(len(drawn), images.shape[0])
        self.assertEqual((self.here / "set.labels.npy").read_bytes(), (self.here / "array.labels.npy").read_bytes())

    def test_shards_of_charts(self):
        """Colours of any layout, and grey levels, come back from the palette."""
        self.write("a.csv", csv_of(make_rows(130, "charts")))
        for color, layout in (("rgb", "nchw"), ("rgb", "nhwc"), ("luma", "nchw")):
            windows, look = ("a.csv", "--window", 100, "--stride", 10), ("--color", color, "--layout", layout)
            self.dataset(*windows, "--size", "96x80", *look, "-o", "array.npy")
            self.dataset(*windows, "--size", "96x80", *look, "-o", f"{color}{layout}.tar")
            images = self.array("array.npy")
            self.assertEqual(images.shape[0], 4)

            def check_png(i, data):
                png = Png(data)
                palette = [bytes.fromhex(entry) for entry in png.palette.split()]
                self.assertGreater(len(palette), 3)
                self.assertEqual(len(set(palette)), len(palette))
                pixels = [palette[pixel] for row in png.rows for pixel in row]
                if color == "luma":
                    self.assertTrue(all(len(set(entry)) == 1 for entry in palette))
                    pixels = [pixel[:1] for pixel in pixels]
                if layout == "nchw":
                    pixels = [bytes(pixel[c] for pixel in pixels) for c in range(len(pixels[0]))]
                self.assertEqual(b"".join(pixels), images[i])

            self.check_shards(color + layout, 10000, "png", check_png)

    def test_parts(self):
        """Parts in any order make the files of a whole run."""
        self.write_market()
        for out, more in (("set.npy", ()), ("set.dat", ()), ("set.tar", ("--per-tar", 30))):
            made = {}
            for parts in (1, 3):
                folder = self.here / f"{out}{parts}"
                folder.mkdir()
                for part in random.Random(out).sample(range(1, parts + 1), parts):
                    shard = ("--shard", f"{part}/{parts}") if parts > 1 else ()
                    self.draw_market(f"{folder.name}/{out}", *more, *shard)
                made[parts] = {path.name: path.read_bytes() for path in folder.iterdir()}
            self.assertEqual(sorted(made[1]), sorted(made[3]))
            self.assertTrue(made[1] == made[3], out)
        self.fails(USAGE, "merge", "set.npy3/set.npy", says=("need no merge", "set.npy"))
        self.fails(USAGE, "merge", "set.tar3/set.tar", says="need no merge")

    def test_failed_file(self):
        """A file that can't be read, or has too few bars, is told in the manifest; the others are drawn."""
        self.write("good.csv", csv_of(make_rows(30, "good")))
        self.write("bad.csv", csv_of(make_rows(30, "bad")).replace(",10", ",x", 1))
        self.write("short.csv", csv_of(make_rows(3, "short")))
        files = ("short.csv", "bad.csv", "missing.csv", "good.csv")
        self.dataset(*files, "--preset", "jkx", "--window", 20, "-o", "set.npy", code=BAD_DATA)
        self.assertEqual(self.array("set.npy").shape, (11, 1, 64, 60))
        _, lines, last = self.manifest()
        self.assertEqual([line["status"] for line in lines], ["left out", "failed", "failed", *["ok"] * 11])
        few, bad, missing, *drawn = lines
        self.assertEqual((few["ordinal"], few["image"], few["row"], few["source"]), (0, None, 2, "short.csv"))
        self.assertEqual((bad["exit_code"], missing["exit_code"]), (BAD_DATA, NO_INPUT))
        self.assertIn("bad.csv", bad["reason"])
        self.assertEqual((bad["ordinal"], bad["row"], bad["range"], bad["image"]), (None, None, None, None))
        self.assertEqual([line["ordinal"] for line in drawn], list(range(1, 12)))
        self.assertEqual((last["windows"], last["images"], last["failed"]), (12, 11, 2))

    def test_beside_other_images(self):
        """Labels and manifests of an earlier run go with its images; files of other kinds and of the command stay."""
        self.write("a.csv", csv_of(make_rows(60, "first")))
        self.write("b.csv", csv_of(make_rows(50, "second")))
        labels, manifest = self.here / "set.labels.npy", self.here / "set.manifest.jsonl"
        jkx = ("--preset", "jkx", "--window", 20)

        def draw(source, out, *more, removes):
            _, errors = self.dataset(source, *jkx, "-o", out, *more)
            for path, what in ((labels, "labels"), (manifest, "manifest")):
                said = f"{path.name}: removed: this run makes no {what}\n" in errors
                self.assertEqual(said, what in removes, errors)

        for parts in ((), ("1/2", "2/2"), ("2/2", "1/2")):
            for path in self.here.glob("set.*"):
                path.unlink()
            draw("a.csv", "set.npy", "--horizons", 5, removes=())
            draw("a.csv", "set.npy", "--horizons", 5, removes=())  # the same again
            if parts:
                (self.here / "set.npy").unlink()
            for part in parts or (None,):
                shard = ("--shard", part) if part else ()
                draw("b.csv", "set.npy", *shard, removes=("labels",) if part in (None, "1/2") else ())
                self.assertEqual(labels.exists(), part == "2/2" and parts[0] == part)
            self.assertEqual(self.array("set.npy").shape[0], 31)
            self.assertEqual(self.manifest()[2]["images"], 31)
            draw("a.csv", "set.npy", "--manifest", "off", removes=("manifest",))
            self.assertFalse(manifest.exists())
        draw("a.csv", "set.npy", "--horizons", 5, removes=())
        self.dataset("b.csv", "--preset", "jkx", "--window", 60, "-o", "set.dat", code=BAD_DATA)  # no image
        self.assertTrue(labels.exists() and manifest.exists())
        draw("b.csv", "set.dat", "--manifest", "off", "--quiet", removes=())
        self.assertFalse(labels.exists() or manifest.exists())
        labels.mkdir()
        manifest.symlink_to("a.csv")
        draw("b.csv", "set.npy", "--manifest", "off", removes=())
        self.assertTrue(labels.is_dir() and manifest.is_symlink())
        manifest.unlink()
        manifest.write_text((self.here / "b.csv").read_text())
        draw(manifest.name, "set.npy", "--manifest", "off", removes=())
        self.assertTrue(manifest.exists())

    def test_labels_that_are_all_missing(self):
        self.write("a.csv", csv_of(make_rows(60, "first")))
        jkx = ("a.csv", "--preset", "jkx", "--window", 20, "-o", "set.npy")
        warning = "every label of --horizons 41 is NaN: no image has a close 41 bars behind its last"
        for horizons, warns in (("40", False), ("40,41", True), ("41", True)):
            _, errors = self.dataset(*jkx, "--horizons", horizons)
            self.assertEqual(warning in errors, warns, horizons)
            self.assertEqual(errors.count("every label"), warns)
        self.assertEqual(self.dataset(*jkx, "--horizons", "41", "--quiet")[1], "")

    def test_labelled(self):
        """Windows without a label are left out, and say so."""
        self.write_market()
        self.draw_market("set.npy", "--labelled")
        _, lines, last = self.manifest()
        labels = doubles(self.array("set.labels.npy").data)
        self.assertEqual(len(labels), len(HORIZONS) * last["images"])
        self.assertFalse(any(map(math.isnan, labels)))
        self.assertGreater(last["left out"]["no label"], 50)
        for line in lines:
            if line.get("reason") == "no label":
                self.assertIn(None, line["labels"].values())

    def test_other_programs(self):
        python = golden_python(Path(BIN).parents[1], *CHECKS)
        if not any(imports(python, package) for package in CHECKS):
            self.skipTest(f"{python} has none of {', '.join(CHECKS)}: see the head of {Path(__file__).name}")
        self.write_market()
        self.draw_market("set.npy")
        self.draw_market("bare.dat")
        self.draw_market("floats.npy", "--type", "f32", "--layout", "nhwc", "--color", "rgb")
        self.draw_market("set.tar", "--per-tar", 100)
        self.draw_market("arrays.tar", "--per-tar", 100, "--member", "npy")
        chart = ("one.csv", "--by", "symbol", "--window", 40, "--stride", 30, "--color", "rgb", "--layout", "nhwc")
        self.dataset(*chart, "-o", "colors.npy")
        self.dataset(*chart, "-o", "colors.tar")
        check = [python, __file__, "--check", str(self.here)]
        done = subprocess.run(check, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        print(done.stdout, end="")


if __name__ == "__main__":
    unittest.main()
