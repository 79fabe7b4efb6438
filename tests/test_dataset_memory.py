"""The memory of tallow dataset does not grow with the number of images, in an array and in tar shards: as many files as
it takes are compared with few, of which all that is in flight at one time is full.

Environment: as for test_cli.py. --images N: 100,000 unless told; in an array they take 480 bytes each on disk.
"""

import os
import subprocess
import sys
import unittest

from test_cli import BIN, Case

ROWS, WINDOW = 2000, 5  # of a file, and of an image
MEMORY_MAX = 150_000_000
FLAT = 4_000_000

FEW = 40_000
TAR_MAX = 200_000  # there they take 2 KB each

images, notes = 100_000, []


class Memory(Case):
    def peak(self, n_files, output):
        """Bytes that a run had at most."""
        command = [BIN, "dataset", *["a.csv"] * n_files, "--preset", "jkx", "--window", str(WINDOW), "--threads", "2",
                   "--backend", "cpu"]
        process = subprocess.Popen([*command, "--quiet", "-o", output], cwd=self.here)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        for path in self.here.glob("set*"):
            path.unlink()
        return usage.ru_maxrss * 1024

    def check(self, output, n_images):
        self.synth("a.csv", ROWS)
        few, many = (self.peak(n // (ROWS - WINDOW + 1), output) for n in (FEW, n_images))
        notes.append(f"{output}: {n_images} images take at most {many / 1e6:.1f} MB, {FEW} take {few / 1e6:.1f} MB")
        self.assertLess(many, MEMORY_MAX)
        self.assertLess(many, few + FLAT)

    def test_array(self):
        self.check("set.npy", images)

    def test_tar_shards(self):
        self.check("set.tar", min(images, TAR_MAX))


if __name__ == "__main__":
    if "--images" in sys.argv:
        at = sys.argv.index("--images")
        images = int(sys.argv[at + 1])
        del sys.argv[at : at + 2]
    program = unittest.main(verbosity=2, exit=False)
    print("\n".join(notes))
    sys.exit(not program.result.wasSuccessful())
