"""The five sizes: every character's ink, bearings and advance, from the drawings and the strokes."""

import pathlib

import currencies
import letters
import letters_beyond_ascii
import marks
import signs
from art import Art
from pen import Pen

HERE = pathlib.Path(__file__).parent

ASCII_LETTERS = {**letters.DIGITS, **letters.CAPITALS, **letters.SMALL}
LATIN = [chr(c) for c in (*range(0x21, 0x7F), *range(0xA1, 0x180), 0x192, *range(0x218, 0x21C), 0x237) if c != 0xAD]
GREEK = list("\u0394\u03a3\u03a9\u03b1\u03b2\u03b3\u03b4\u03b8\u03bb\u03c0\u03c1\u03c3\u03c4")
SPACINGS = {  # a mark alone, as a character of its own
    "\u00a8": marks.DIERESIS, "\u00af": marks.MACRON, "\u00b4": marks.ACUTE, "\u00b8": marks.CEDILLA,
    "\u02c6": marks.CIRCUMFLEX, "\u02c7": marks.CARON, "\u02d8": marks.BREVE, "\u02d9": marks.DOT,
    "\u02da": marks.RING, "\u02db": marks.OGONEK, "\u02dc": marks.TILDE, "\u02dd": marks.DOUBLE_ACUTE,
}
SAME = {  # drawn as another
    "\u03bc": "\u00b5", "\u2010": "-", "\u2011": "-", "\u2012": "\u2013", "\u2015": "\u2014", "\u2027": "\u00b7",
    "\u2044": "/", "\u2126": "\u03a9", "\u2206": "\u0394", "\u2211": "\u03a3", "\u2215": "/", "\u2219": "\u00b7",
    "\u22c5": "\u00b7",
}
UPSIDE_DOWN = {"\u00a1": "!", "\u00bf": "?"}
WITH_DOT = {"\u013f": "L", "\u0140": "l"}
EMPTY = ["\u00ad", *map(chr, range(0x200B, 0x2010)), "\u2060", "\ufeff"]  # unseen, and of no width
TABULAR = "0123456789+\u2212=<>\u00b1\u00d7\u00f7\u2260\u2248"  # of the digits' advance
TIGHT_LEFT = "AVWXYTJvwxyzftj/\\"  # sides that slope or are open stand closer
TIGHT_RIGHT = "AVWXYTKLFPRkrvwxyzft/\\"


class Glyph:
    def __init__(self, ink, advance):
        self.ink = ink  # of (column from the pen, row from the baseline upwards)
        self.advance = advance


class Size:
    """Shared by both ways: what is made of other glyphs."""

    def __init__(self, name, cap, x, ascent, descent, line_height, digit_advance, gaps, sides):
        self.name, self.cap, self.x = name, cap, x
        self.ascent, self.descent, self.line_height = ascent, descent, line_height
        self.digit_advance = digit_advance
        self.small_gap, self.capital_gap, self.below_gap = gaps
        self.left, self.right, self.tight_left, self.tight_right = sides
        self.space = (cap * 42 + 50) // 100

    def glyphs(self):
        found = {}
        for char in (*LATIN, *GREEK, *SPACINGS, *self.others()):
            found[char] = self.glyph(char)
        for char, other in SAME.items():
            found[char] = found[other]
        found.update({char: Glyph(set(), advance) for char, advance in self.spaces(found).items()})
        found["\0"] = self.missing()
        return dict(sorted(found.items()))

    def spaces(self, found):
        em = self.cap * 7 // 5
        thin = (em + 3) // 6
        spaces = {" ": self.space, "\u00a0": self.space, "\u2000": em // 2, "\u2001": em, "\u2002": em // 2,
                  "\u2003": em, "\u2004": em // 3, "\u2005": em // 4, "\u2006": em // 6, "\u2007": self.digit_advance,
                  "\u2008": found["."].advance, "\u2009": thin, "\u200a": (thin + 1) // 2, "\u202f": thin,
                  "\u205f": em * 4 // 18, "\u3000": em}
        return {**spaces, **{char: 0 for char in EMPTY}}

    def missing(self):
        pen = Pen()
        width = self.cap * 6 // 10 + 1
        line = (self.cap + 4) // 12 or 1
        pen.box(0, 0, width, self.cap)
        pen.cut(line, line, width - line, self.cap - line)
        return self.with_sides(pen, "\0", width)

    def glyph(self, char):
        pen, width = self.pen(char)
        return self.with_sides(pen, self.alike(char), width)

    def pen(self, char):
        drawn = self.drawn(char)
        if drawn:
            return drawn
        if char in SPACINGS:
            return self.spacing(char)
        if char in UPSIDE_DOWN:
            return self.upside_down(char)
        if char in WITH_DOT:
            return self.with_dot(char)
        if char == "\u0149":
            return self.apostrophe_n()
        return self.composed(char)

    def alike(self, char):
        """The character whose sides a character has."""
        composed = marks.parts(char)
        return composed[0] if composed else char

    def spacing(self, char):
        mark = SPACINGS[char]
        pen = Pen()
        pen.add(self.mark(mark)[1], 0, 0 if mark in marks.BELOW else self.x + self.small_gap)
        return pen, pen.extent()[2]

    def upside_down(self, char):
        pen, width = self.pen(UPSIDE_DOWN[char])
        return pen.turned(width, self.x), width

    def with_dot(self, char):
        pen, width = self.pen(WITH_DOT[char])
        dot, _ = self.pen("\u00b7")
        at = max(x for x, y in pen.ink if y > self.cap // 3) + 1 + self.left + (self.cap > 8)
        pen.add(dot, at)
        return pen, max(width, pen.extent()[2])

    def apostrophe_n(self):
        pen, width = self.pen("\u2019")
        letter, letter_width = self.pen("n")
        both = Pen()
        both.add(pen, 0, 0)
        both.add(letter, width)
        return both, width + letter_width

    def composed(self, char):
        base, mark = marks.parts(char)
        pen, width = self.pen(base)
        gap = self.small_gap if pen.extent()[3] <= self.x else self.capital_gap
        if mark == marks.RING and pen.extent()[3] > self.x:
            gap -= 1
        both = marks.place(pen, self.mark(mark), mark, gap, self.below_gap)
        return both, width

    def with_sides(self, pen, char, width):
        left = self.tight_left if char in TIGHT_LEFT else self.left
        right = self.tight_right if char in TIGHT_RIGHT else self.right
        if char in TABULAR:
            start, _, end, _ = pen.extent()
            left = (self.digit_advance - (end - start)) // 2 - start
            width = self.digit_advance - left
            right = 0
        advance = left + width + right
        start, _, end, _ = pen.extent()
        if left + start < 0:
            advance -= left + start
            left = -start
        advance = max(advance, left + end + (0 if char in TABULAR else 1))
        return Glyph({(x + left, y) for x, y in pen.ink}, advance)


class Drawn(Size):
    """From rows of # and ."""

    def __init__(self, name, art, **measures):
        super().__init__(name, **measures)
        self.art = Art(HERE / art)

    def others(self):
        return [char for char in self.art.pens if char not in LATIN and char not in GREEK]

    def drawn(self, char):
        if char not in self.art.pens:
            return None
        pen = Pen()
        pen.add(self.art.pens[char])
        return pen, self.art.widths[char]

    def mark(self, mark):
        odd = self.art.marks[mark, ""]
        even = self.art.marks.get((mark, "/even"), odd)
        if mark in marks.BELOW or mark == marks.APOSTROPHE:
            odd, even = under(odd), under(even)
        return even, odd


def under(pen):
    moved = Pen()
    moved.add(pen, 0, -pen.extent()[3])
    return moved


class Stroked(Size):
    """From strokes."""

    def __init__(self, name, face, lesser, mark_height, art=None, **measures):
        super().__init__(name, **measures)
        self.face = face
        self.art = Art(HERE / art).pens if art else {}
        face.lesser = lesser
        self.marks = marks.Strokes(face, mark_height)
        self.drawings = {**ASCII_LETTERS, **letters_beyond_ascii.LETTERS, **signs.SIGNS, **currencies.CURRENCIES}

    def others(self):
        return [char for char in self.drawings if char not in LATIN and char not in GREEK]

    def drawn(self, char):
        if char not in self.drawings:
            return None
        pen = self.art.get(char) or self.drawings[char](self.face)
        left, _, right, _ = pen.extent()
        moved = Pen()
        moved.add(pen, -left)
        return moved, right - left

    def mark(self, mark):
        return self.marks.pens(mark)


def art_letter(size):
    def lesser(char):
        pen, _ = size.drawn(char)
        left = pen.extent()[0]
        moved = Pen()
        moved.add(pen, -left)
        return moved

    return lesser


def stroke_letter(face):
    def lesser(char):
        pen = ASCII_LETTERS[char](face)
        moved = Pen()
        moved.add(pen, -pen.extent()[0])
        return moved

    return lesser


def all_sizes():
    first = Drawn(
        "13", "drawn_7.txt", cap=7, x=5, ascent=10, descent=3, line_height=13, digit_advance=6, gaps=(1, 1, 1),
        sides=(0, 1, 0, 1))
    second = Drawn(
        "16", "drawn_9.txt", cap=9, x=7, ascent=12, descent=3, line_height=16, digit_advance=7, gaps=(1, 1, 1),
        sides=(1, 1, 0, 1))
    third = Stroked(
        "21", letters.Face(12, 9, 3, 2, 1, 8), art_letter(first), 3, "drawn_12.txt", cap=12, x=9, ascent=16,
        descent=4, line_height=21, digit_advance=10, gaps=(1, 1, 1), sides=(1, 1, 0, 1))
    fourth = Stroked(
        "28", letters.Face(16, 12, 4, 2, 2, 10), art_letter(second), 4, cap=16, x=12, ascent=21, descent=5,
        line_height=28, digit_advance=12, gaps=(2, 1, 1), sides=(1, 2, 0, 1))
    fifth = Stroked(
        "40", letters.Face(24, 17, 6, 3, 3, 15), stroke_letter(letters.Face(14, 10, 3, 2, 2, 8)), 5, cap=24, x=17,
        ascent=31, descent=7, line_height=40, digit_advance=18, gaps=(3, 2, 1), sides=(2, 2, 0, 1))
    return [first, second, third, fourth, fifth]
