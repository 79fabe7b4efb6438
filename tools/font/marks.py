"""Marks over and under letters: their strokes in the larger sizes, and how a letter with a mark is put together."""

import unicodedata

import letters
import signs
from pen import Pen

GRAVE, ACUTE, CIRCUMFLEX, TILDE, MACRON = "\u0300", "\u0301", "\u0302", "\u0303", "\u0304"
BREVE, DOT, DIERESIS, RING, DOUBLE_ACUTE, CARON = "\u0306", "\u0307", "\u0308", "\u030a", "\u030b", "\u030c"
TURNED_COMMA, APOSTROPHE, COMMA_BELOW, CEDILLA, OGONEK = "\u0312", "\u0315", "\u0326", "\u0327", "\u0328"

BELOW = {COMMA_BELOW, CEDILLA, OGONEK}
WITH_APOSTROPHE = "\u010f\u013d\u013e\u0165"  # d, L, l and t with a caron, as they are printed
WITH_COMMA = "\u0122\u0136\u0137\u013b\u013c\u0145\u0146\u0156\u0157"  # Latvian letters, named for a cedilla


def canonical(char):
    """The letter and the combining mark that a character stands for by Unicode, or None."""
    names = unicodedata.decomposition(char).split()
    if len(names) != 2 or names[0].startswith("<"):
        return None
    return tuple(chr(int(name, 16)) for name in names)


def parts(char):
    """The letter and the mark of which a character is drawn, or None."""
    if not canonical(char):
        return None
    base, mark = canonical(char)
    if char in WITH_APOSTROPHE:
        mark = APOSTROPHE
    elif char in WITH_COMMA:
        mark = COMMA_BELOW
    elif char == "\u0123":
        mark = TURNED_COMMA
    if base in "ij" and mark not in BELOW:
        base = {"i": "\u0131", "j": "\u0237"}[base]
    return base, mark


def place(base, mark_pens, mark, gap, below_gap):
    """A pen of both. mark_pens: of an even and of an odd width."""
    left, _, right, top = base.extent()
    pen = mark_pens[(right - left) % 2]
    mark_left, _, mark_right, _ = pen.extent()
    x = left + (right - left - (mark_right - mark_left)) // 2 - mark_left
    both = Pen()
    both.add(base)
    if mark == APOSTROPHE:
        at_top = max(x for x, y in base.ink if y == top - 1) + 1
        both.add(pen, max(at_top + 1, right - (mark_right - mark_left) if at_top + 3 < right else right), top)
    elif mark == OGONEK:
        both.add(pen, right - (mark_right - mark_left) - mark_left)
    elif mark in BELOW:
        both.add(pen, x, -below_gap if mark == COMMA_BELOW else 0)
    else:
        both.add(pen, x, top + gap)
    return both


class Strokes:
    """The marks of a size that is described by strokes."""

    def __init__(self, face, height):
        self.face = face
        self.height = height
        self.line = face.stem
        self.drawings = {
            GRAVE: self.grave, ACUTE: self.acute, CIRCUMFLEX: self.circumflex, TILDE: self.tilde,
            MACRON: self.macron, BREVE: self.breve, DOT: self.dot, DIERESIS: self.dieresis, RING: self.ring,
            DOUBLE_ACUTE: self.double_acute, CARON: self.caron, TURNED_COMMA: self.turned_comma,
            APOSTROPHE: self.apostrophe, COMMA_BELOW: self.comma_below, CEDILLA: self.cedilla, OGONEK: self.ogonek,
        }

    def pens(self, mark):
        return self.drawings[mark](0), self.drawings[mark](1)

    def acute(self, parity):
        pen, lean = Pen(), self.height // 2 + 1
        pen.slant(0, 0, lean, self.height, self.line)
        return pen

    def grave(self, parity):
        return signs.flipped(self.acute(parity))

    def double_acute(self, parity):
        pen = self.acute(parity)
        return signs.twice(pen, self.line + 2)

    def circumflex(self, parity):
        pen, line = Pen(), self.line
        reach = self.height - 1 + (self.height > 4)
        width = 2 * reach + line
        width += (width - parity) % 2
        pen.slant(0, 0, (width - line) // 2, self.height, line)
        pen.add(pen.mirrored(width))
        return pen

    def caron(self, parity):
        pen = self.circumflex(parity)
        return pen.turned(pen.extent()[2], self.height)

    def tilde(self, parity):
        face, line = self.face, signs.thin(self.face)
        width = face.cap * 6 // 10
        width += (width - parity) % 2
        pen, half = Pen(), width // 2
        pen.box(1, line, half, 2 * line)
        pen.box(0, 0, line + (line == 1), line)
        pen.box(half, 0, width - 1, line)
        pen.box(width - line - (line == 1), line, width, 2 * line)
        if line > 1:
            pen.box(half - 1, line - 1, half + 1, line + 1)
        return pen

    def macron(self, parity):
        pen, width = Pen(), self.face.cap // 2
        width += (width - parity) % 2
        pen.box(0, 0, width, self.face.bar - (self.face.bar > 2))
        return pen

    def breve(self, parity):
        pen, width = Pen(), self.face.cap * 6 // 10
        width += (width - parity) % 2
        line = max(self.line - 1, 1)
        pen.ring(0, 0, width, 2 * self.height, line + (width < 10), line, (width, 2 * self.height - 1))
        pen.keep(0, 0, width, self.height)
        return pen

    def dot(self, parity):
        pen = Pen()
        pen.box(0, 0, self.line, self.line)
        return pen

    def dieresis(self, parity):
        pen = self.dot(parity)
        apart = 2 * self.line + (self.face.cap > 14)
        return signs.twice(pen, apart + (apart + self.line - parity) % 2)

    def ring(self, parity):
        side = self.height + 1
        wide = side + (side - parity) % 2
        pen, line = Pen(), max(self.line - 1, 1)
        pen.ring(0, 0, wide, side, line, line)
        return pen

    def comma_of_rows(self, rows):
        pen = Pen()
        pen.slant(0, -rows, (rows + 1) // 2, 0, self.line)
        return pen

    def apostrophe(self, parity):
        pen = Pen()
        rows = self.face.cap // 4 + 1
        pen.slant(0, -rows, rows // 3, 0, self.line)
        return pen

    def turned_comma(self, parity):
        pen = Pen()
        pen.add(self.comma_of_rows(self.height), 0, self.height)
        return pen

    def comma_below(self, parity):
        return self.comma_of_rows(self.height - 1)

    def cedilla(self, parity):
        pen, line, rows = Pen(), signs.thin(self.face), self.height
        width = self.line + 2 + (self.face.cap > 20)
        pen.ring(-width, -rows, width, 0, self.line, line, (width, rows))
        pen.keep(0, -rows, width, 0)
        pen.cut(0, -line, width, 0)
        pen.box(width // 2 - self.line // 2, -line, width // 2 - self.line // 2 + self.line, 0)
        return pen

    def ogonek(self, parity):
        pen, line, rows = Pen(), signs.thin(self.face), self.height
        width = self.line + 2 + (self.face.cap > 20)
        pen.ring(0, -rows, 2 * width, rows, self.line, line, (width, rows), "bl")
        pen.keep(0, -rows, width, 0)
        return pen
