"""Drawings written as rows of # and . in text files: a Pen for each character, and for each mark."""

from pen import Pen


class Art:
    def __init__(self, path):
        self.pens = {}  # character: Pen, in cells that begin at column 0
        self.widths = {}  # character: width of its cell
        self.marks = {}  # (mark, "" or "/even"): Pen, its lowest row 0 or, below letters, its highest row -1
        for number, block in blocks(path):
            self.read(path, number, block)

    def read(self, path, number, block):
        top, names = block[0][1:].split(" : ", 1)
        names = [character(name) for name in names.split()]
        rows = [line.split() for line in block[1:]]
        for row, cells in enumerate(rows):
            if len(cells) != len(names):
                raise ValueError(f"{path}:{number + 1 + row}: {len(cells)} columns for {len(names)} characters")
        for column, name in enumerate(names):
            cells = [cells[column] for cells in rows]
            if len({len(cell) for cell in cells}) > 1 or set("".join(cells)) > set("#."):
                raise ValueError(f"{path}:{number}: the rows of {name} differ in width, or hold more than # and .")
            self.keep(name, top.strip(), cells)

    def keep(self, name, top, cells):
        height = len(cells) if top == "marks" else int(top)
        pen = Pen()
        pen.ink = {(x, height - 1 - y) for y, cell in enumerate(cells) for x, dot in enumerate(cell) if dot == "#"}
        if top == "marks":
            self.marks[name.partition("/")[0], "/even" if "/" in name[1:] else ""] = pen
            return
        if name in self.pens:
            raise ValueError(f"{name} is drawn twice")
        self.pens[name] = pen
        self.widths[name] = len(cells[0])


def blocks(path):
    block, start = [], 0
    for number, line in enumerate([*path.read_text(encoding="ascii").splitlines(), ""], 1):
        if line.startswith("# ") and not block:
            continue
        if line.startswith("= "):
            start = number
        if line:
            block.append(line)
        elif block:
            yield start, block
            block = []


def character(name):
    if not name.startswith("U+"):
        return name
    code, _, variant = name[2:].partition("/")
    return chr(int(code, 16)) + ("/" + variant if variant else "")
