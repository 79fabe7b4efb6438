"""The kernels' PTX has no instruction whose result may differ from IEEE 754: none that is fused, approximate or flushes
denormals, and none that leaves the assembler free to fuse it. The check itself is held against kernels with them."""

import os
import re
import subprocess
import sys
from pathlib import Path

INSTRUCTION = re.compile(r"^\s*(?:@!?%\w+\s+)?([a-z]\w*(?:\.\w+)*(?:::\w+)*)[\s;]", re.MULTILINE)
ENTRY = re.compile(r"\.entry\s+(\w+)")
FOLDS = ("sum", "most", "most_row", "moments", "higher", "cross", "weighted", "ends")
SCANS = ("linear", "adjusted", "total")
CHARTS = ("merge", "scale", "axis", "columns", "paint", "lines", "text")
KERNELS = {f"tlk_chart_{stage}" for stage in CHARTS} | {"tlk_window_order"}
KERNELS |= {f"tlk_png_{stage}" for stage in ("count", "place", "write", "join")}
KERNELS |= {"tlk_scan_stretch", "tlk_scan_carry_on", "tlk_bars_join"}
KERNELS |= {f"tlk_jkx_{bars}" for bars in (5, 20, 60)} | {"tlk_image_expand"}
KERNELS |= {f"tlk_{stage}_{fold}" for stage in ("fold", "chain", "join") for fold in FOLDS}
KERNELS |= {f"tlk_scan_{stage}_{scan}" for stage in ("ends", "results") for scan in SCANS}
CONTROLS = (  # flags of nvcc, a kernel and what must be found in it
    ([], "x[0] = x[1] * x[2] + x[3];", "fma.rn.f64"),
    (["--use_fast_math"], "float y = (float)x[0]; x[0] = y / (float)x[1];", "div.approx.ftz.f32"),
    (["--use_fast_math"], "float y = (float)x[0]; x[0] = y + (float)x[1];", "add.ftz.f32"),
)


def instructions(text):
    return INSTRUCTION.findall(re.sub(r"//.*", "", text))


def faults(found):
    """The instructions that must not be there."""
    for name in found:
        operation, *parts = name.split(".")
        floating = parts and parts[-1] in ("f16", "f32", "f64", "f16x2", "f32x2")
        if operation == "fma" or {"approx", "ftz", "full"} & set(parts):
            yield name
        elif floating and operation == "mad":
            yield name
        elif floating and operation in ("add", "sub", "mul", "div", "sqrt", "rcp") and "rn" not in parts:
            yield name


def main():
    if not os.environ["TALLOW_PTX_FILE"]:
        print("SKIPPED: nvcc was not found, so there is no PTX")
        return 77
    work = Path(os.environ["TALLOW_WORK"])
    work.mkdir(parents=True, exist_ok=True)
    for i, (flags, body, expected) in enumerate(CONTROLS):
        source, ptx = work / f"control{i}.cu", work / f"control{i}.ptx"
        source.write_text(f'extern "C" __global__ void f(double *x) {{ {body} }}\n')
        nvcc = [os.environ["TALLOW_NVCC"], "-ptx", *flags, "-arch=compute_75", "-o", str(ptx), str(source)]
        subprocess.run(nvcc, check=True)
        if expected not in faults(instructions(ptx.read_text())):
            print(f"FAILED: the check does not see {expected} in {ptx}")
            return 1
    subprocess.run(["cmake", "--build", os.environ["TALLOW_BUILD"], "--target", "tallow_ptx"], check=True)
    text = Path(os.environ["TALLOW_PTX_FILE"]).read_text()
    found = instructions(text)
    bad = sorted(set(faults(found)))
    if bad:
        print("FAILED: the kernels have", ", ".join(bad))
        return 1
    missing = KERNELS - set(ENTRY.findall(text))
    if missing:
        print("FAILED: the kernels lack", ", ".join(sorted(missing)))
        return 1
    if "div.rn.f64" not in found:
        print("FAILED: no div.rn.f64, by which prices become rows: is this the PTX of the kernels?")
        return 1
    print(f"{len(found)} instructions in {len(ENTRY.findall(text))} kernels")
    return 0


if __name__ == "__main__":
    sys.exit(main())
