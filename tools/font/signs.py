"""Punctuation and signs for the larger sizes."""

import letters
from pen import Pen


def thin(face):
    return (face.cap + 4) // 12


def centre_row(face):
    """The lower edge of a level stroke between the feet and the tops of capitals."""
    return middle_of(face.cap, face.bar)


def middle_of(height, thickness):
    return (height - thickness) // 2


def column(face, bottom, top):
    pen = Pen()
    pen.box(0, bottom, face.stem, top)
    return pen


def exclamation(face):
    pen = column(face, face.stem + face.cap // 7, face.cap)
    pen.box(0, 0, face.stem, face.stem)
    return pen


def question(face):
    pen, width = Pen(), face.wide(640)
    top = face.cap - width + 1
    face.ring(pen, 0, top, width, face.cap)
    half = top + width // 2
    pen.keep(0, half, width, face.cap)
    pen.cut(0, half, width // 2, half + width // 2 - face.bar - 1)
    at = (width - face.stem) // 2
    low = face.stem + face.cap // 7
    pen.slant(at, low + face.cap // 12, width - face.stem, half + 1, face.stem)
    pen.box(at, low, at + face.stem, low + face.cap // 8 + 1)
    pen.box(at, 0, at + face.stem, face.stem)
    return pen


def apostrophe(face):
    return column(face, face.cap - face.cap // 3, face.cap)


def twice(pen, apart):
    both = Pen()
    both.add(pen)
    both.add(pen, apart)
    return both


def quotation(face):
    return twice(apostrophe(face), 2 * face.stem + (face.cap > 20))


def number_sign(face):
    pen, width = Pen(), face.wide(800)
    lean = face.cap // 8
    line = face.stem - (face.cap != 16)
    right = width - line - face.cap // 8
    for left in (face.cap // 8, right - lean):
        pen.slant(left, 0, left + lean, face.cap, line)
    for at in (face.cap * 28 // 100, face.cap * 62 // 100):
        pen.box(0, at, width, at + line)
    return pen


def small_ring(face, width, height):
    pen = Pen()
    pen.ring(0, 0, width, height, max(face.stem - 1, 1), max(face.bar - 1, 1))
    return pen


def percent(face):
    pen, ring, line = Pen(), Pen(), 2
    ring.ring(0, 0, (face.cap + 5) // 3, face.cap * 44 // 100, line, line)
    right, top = ring.extent()[2:]
    reach = face.cap // 2
    pen.slant(right - face.cap // 12, 0, right - face.cap // 12 + reach, face.cap, face.stem)
    pen.add(ring, 0, face.cap - top)
    pen.add(ring, right - face.cap // 12 + reach + line - face.cap // 12)
    return pen


def per_mille(face):
    pen, line = Pen(), thin(face)
    ring = small_ring(face, face.cap * 30 // 100 + 1, face.cap * 42 // 100)
    right, top = ring.extent()[2:]
    reach = face.cap * 45 // 100
    pen.slant(right - face.cap // 12, 0, right - face.cap // 12 + reach, face.cap, line)
    pen.add(ring, 0, face.cap - top)
    low = right + reach - face.cap // 6
    pen.add(ring, low)
    pen.add(ring, low + right + 1 - (face.cap > 20) * 2)
    return pen


def ampersand(face):
    pen, width = Pen(), face.wide(840)
    top_width = width - face.stem - face.cap // 6
    at = face.cap * 46 // 100
    left = face.cap // 12
    upper, lower = Pen(), Pen()
    letters.bowl(face, upper, left, at, left + (width - face.stem) * 62 // 100 + 1, face.cap)
    letters.bowl(face, lower, 0, 0, top_width, at + face.bar + face.cap // 24)
    lower.cut(top_width // 2 + face.stem, face.cap // 4, width, face.cap)
    pen.add(upper)
    pen.add(lower)
    pen.slant(width - face.stem, 0, left + face.stem - 1, face.cap * 60 // 100, face.stem)
    pen.slant(top_width - face.stem, face.bar, width - face.stem, face.cap * 46 // 100, face.stem)
    return pen


def parenthesis(face):
    pen = Pen()
    reach = face.cap // 6 + face.stem
    low = -face.descent
    pen.ring(0, low, 2 * reach, face.cap, face.stem, face.bar, (2 * reach, (face.cap - low) * 3 // 4))
    pen.keep(0, low, reach, face.cap)
    return pen


def parenthesis_right(face):
    return flipped(parenthesis(face))


def flipped(pen):
    return pen.mirrored(pen.extent()[2])


def bracket(face):
    pen, width = Pen(), 2 * face.stem + (face.cap > 14)
    pen.box(0, -face.descent, face.stem, face.cap)
    pen.box(0, -face.descent, width, face.bar - face.descent)
    pen.box(0, face.cap - face.bar, width, face.cap)
    return pen


def bracket_right(face):
    return flipped(bracket(face))


def brace(face):
    pen, low = Pen(), -face.descent
    nose, reach = face.stem // 2 + 1, 2 * face.stem
    half = middle_of(face.cap - low, face.bar) + low
    body = Pen()
    body.ring(nose, low, nose + 5 * face.stem, face.cap, face.stem, face.bar, (3 * face.stem, 3 * face.bar), "tl bl")
    body.keep(0, low, nose + reach, face.cap)
    pen.add(body)
    pen.box(0, half, nose + face.stem, half + face.bar)
    pen.cut(nose, half - 1, nose + 1, half)
    pen.cut(nose, half + face.bar, nose + 1, half + face.bar + 1)
    return pen


def brace_right(face):
    return flipped(brace(face))


def vertical(face):
    pen = Pen()
    pen.box(0, -face.descent, 2, face.cap + face.cap // 8)
    return pen


def broken_bar(face):
    pen = vertical(face)
    at = (face.cap - face.descent) // 2
    pen.cut(0, at - face.cap // 8, face.stem, at + face.cap // 8 + 1)
    return pen


def asterisk(face):
    pen, width = Pen(), face.wide(500)
    rows = width - (width + 1) % 2
    low = face.cap - rows
    line = face.stem
    at = (width - line) // 2
    pen.box(at, low, at + line, face.cap)
    pen.rise(0, low + rows // 4, width, low + rows - rows // 4 - thin(face), thin(face))
    pen.add(pen.mirrored(width))
    pen.keep(0, low, width, face.cap)
    return pen


def sign_width(face):
    return face.digit


def sign_low(face):
    """The lowest row of a square sign that stands in the middle of digits."""
    return middle_of(face.cap, sign_width(face))


def plus(face):
    pen, width = minus(face), sign_width(face)
    at = (width - face.stem) // 2
    row = centre_row(face)
    reach = (width - face.bar) // 2
    pen.box(at, row - reach, at + face.stem, row + face.bar + reach)
    return pen


def minus(face):
    pen = Pen()
    pen.box(0, centre_row(face), sign_width(face), centre_row(face) + face.bar)
    return pen


def equal(face):
    pen, row = Pen(), centre_row(face)
    apart = face.cap // 8 + face.bar // 2 + (face.bar == 1)
    for at in (row - apart, row + apart):
        pen.box(0, at, sign_width(face), at + face.bar)
    return pen


def not_equal(face):
    pen = equal(face)
    low = sign_low(face)
    pen.slant(1, low, sign_width(face) - face.stem - 1, low + sign_width(face), face.stem)
    return pen


def plus_minus(face):
    pen = Pen()
    pen.add(plus(face), 0, face.bar + 1)
    pen.box(0, 0, sign_width(face), face.bar)
    top = pen.extent()[3]
    pen.cut(0, face.bar, sign_width(face), face.bar + 1)
    pen.keep(0, 0, sign_width(face), top)
    return pen


def times(face):
    pen, width = Pen(), sign_width(face)
    low, side = sign_low(face) + 1, width - 2
    pen.slant(1, low, width - face.stem - 1, low + side, face.stem)
    pen.add(pen.mirrored(width))
    return pen


def divide(face):
    pen, width = minus(face), sign_width(face)
    at, row = (width - face.stem) // 2, centre_row(face)
    gap = face.cap // 12 + 1
    pen.box(at, row + face.bar + gap, at + face.stem, row + face.bar + gap + face.stem)
    pen.box(at, row - gap - face.stem, at + face.stem, row - gap)
    return pen


def greater(face):
    pen, width, row = Pen(), sign_width(face), centre_row(face)
    reach = face.cap // 4
    pen.rise(0, row + reach, width, row, face.bar)
    pen.rise(0, row - reach, width, row, face.bar)
    return thickened(pen, face)


def thickened(pen, face):
    """Level strokes of one pixel are too light for a slope."""
    if face.bar < face.stem:
        pen.add(pen, 1)
        pen.keep(0, -face.cap, sign_width(face), face.cap * 2)
    return pen


def less(face):
    return greater(face).mirrored(sign_width(face))


def or_equal(pen_of):
    def draw(face):
        pen = Pen()
        pen.add(pen_of(face), 0, face.cap // 8)
        low = pen.extent()[1] - face.bar - face.cap // 10
        pen.box(0, low, sign_width(face), low + face.bar)
        return pen

    return draw


def simple_wave(face, width):
    """Two level strokes, joined by a step; the ends are turned."""
    pen = Pen()
    bar, stem = face.bar, face.stem
    half = width // 2
    pen.box(stem - 1, bar, half, 2 * bar)
    pen.box(0, 0, stem, bar + (bar > 1))
    pen.box(half, 0, width - stem + 1, bar)
    pen.box(width - stem, bar - (bar > 1), width, 2 * bar)
    pen.box(half - 1, bar - (bar > 1), half + 1, bar + (bar > 1))
    return pen


def tilde(face):
    pen = Pen()
    pen.add(simple_wave(face, face.digit), 0, centre_row(face) - face.bar // 2)
    return pen


def approximately(face):
    pen, row = Pen(), centre_row(face)
    one = simple_wave(face, sign_width(face))
    pen.add(one, 0, row + face.bar)
    pen.add(one, 0, row - 2 * face.bar - (face.cap > 14))
    return pen


def infinity(face):
    pen, width = Pen(), face.cap * 2 // 3
    low, height = face.cap // 4, face.cap // 2
    pen.ring(0, low, width, low + height, face.stem, face.bar, (width, height))
    pen.add(pen, width - face.stem)
    return pen


def dot_size(face):
    return face.stem + (face.cap >= 16)


def full_stop(face):
    pen, side = Pen(), dot_size(face)
    pen.box(0, 0, side, side)
    return pen


def comma(face):
    pen, side = Pen(), dot_size(face)
    tail = side // 2
    drop = face.descent - 1 - (face.cap > 20)
    pen.box(tail, 0, tail + side, side)
    pen.slant(0, -drop, tail + side - face.stem + (side - face.stem) // 2, 1, max(side - 1, 1))
    pen.cut(0, 0, tail, side)
    return pen


def colon(face):
    pen = full_stop(face)
    pen.add(full_stop(face), 0, face.x - dot_size(face))
    return pen


def semicolon(face):
    pen = comma(face)
    pen.add(full_stop(face), dot_size(face) // 2, face.x - dot_size(face))
    return pen


def middle_dot(face):
    pen = Pen()
    pen.add(full_stop(face), 0, middle_of(face.cap, dot_size(face)))
    return pen


def bullet(face):
    pen, side = Pen(), face.cap * 2 // 5 + face.cap * 2 // 5 % 2
    low = middle_of(face.cap, side)
    pen.disc(0, low, side, low + side)
    return pen


def ellipsis(face):
    pen = Pen()
    for i in range(3):
        pen.add(full_stop(face), i * (2 * dot_size(face) + face.cap // 10))
    return pen


def dash(width_of):
    def draw(face):
        pen = Pen()
        row = face.x // 2 - face.bar // 2
        pen.box(0, row, width_of(face), row + face.bar)
        return pen

    return draw


def underscore(face):
    pen = Pen()
    pen.box(0, -face.descent, face.wide(700), face.bar - face.descent)
    return pen


def slash(face):
    pen = Pen()
    pen.slant(0, -face.bar, face.cap // 3, face.cap + face.bar, 2)
    return pen


def backslash(face):
    return flipped(slash(face))


def caret(face):
    pen, width = Pen(), face.wide(600)
    half = (width - face.stem) // 2
    low = face.cap - half - face.bar
    pen.slant(0, low, half, face.cap, face.stem)
    pen.add(pen.mirrored(width))
    return pen


def at_sign(face):
    pen, width = Pen(), face.wide(1080)
    line = max(face.stem - 1, 1)
    low = -face.descent + 1
    pen.ring(0, low, width, face.cap, line, line)
    inner_left, inner_right = face.cap * 26 // 100, width - face.cap * 24 // 100
    bottom, top = face.cap * 18 // 100, face.cap * 74 // 100
    pen.cut(inner_right, low + face.cap // 6, width, bottom + 1)
    inner = Pen()
    inner.ring(inner_left, bottom, inner_right, top, line, line)
    inner.box(inner_right - line, bottom, inner_right, top)
    pen.add(inner)
    pen.box(inner_right, bottom, width - line, bottom + line)
    return pen


def grave(face):
    pen = Pen()
    height = face.cap // 6
    pen.slant(face.stem // 2 + face.cap // 12, face.cap - height - 1, 0, face.cap, face.stem)
    return pen


# Signs made of smaller letters.


def raised(char):
    def draw(face):
        pen, small = Pen(), face.lesser(char)
        pen.add(small, 0, face.cap - small.extent()[3])
        return pen

    return draw


def raised_minus(face):
    pen = Pen()
    height = face.lesser("0").extent()[3]
    row = face.cap - (height + thin(face)) // 2
    pen.box(0, row, face.digit * 2 // 3, row + thin(face))
    return pen


def raised_plus(face):
    pen = raised_minus(face)
    _, bottom, right, top = pen.extent()
    at = (right - thin(face)) // 2
    reach = (right - thin(face)) // 2
    pen.box(at, bottom - reach, at + thin(face), top + reach)
    return pen


def ordinal(char):
    def draw(face):
        pen = raised(char)(face)
        left, bottom, right, _ = pen.extent()
        low = bottom - 1 - 2 * thin(face)
        pen.box(left, low, right, low + thin(face))
        return pen

    return draw


def fraction(over, under):
    def draw(face):
        pen = raised(over)(face)
        width = pen.extent()[2]
        bottom_pen = face.lesser(under)
        start = width - 1
        pen_slash = Pen()
        pen_slash.slant(start, 0, start + face.cap // 3, face.cap, max(face.stem - 1, 1))
        right = start + face.cap // 3 + thin(face) - (0 if under == "2" else 1)
        pen.add(pen_slash)
        pen.add(bottom_pen, right)
        return pen

    return draw


def trade_mark(face):
    pen = raised("T")(face)
    pen.add(raised("M")(face), pen.extent()[2] + thin(face))
    return pen


def numero(face):
    pen = letters.capital_n(face)
    right = pen.extent()[2] + face.stem
    small = raised("o")(face)
    _, bottom, end, _ = small.extent()
    pen.add(small, right)
    pen.box(right, bottom - 2 * thin(face) - 1, right + end, bottom - thin(face) - 1)
    return pen


def in_circle(char):
    def draw(face):
        pen, small = Pen(), face.lesser(char)
        line = thin(face)
        left, _, right, top = small.extent()
        side = face.cap + face.cap // 8
        side += (side - (right - left)) % 2
        low = middle_of(face.cap, side)
        pen.ring(0, low, side, low + side, line, line)
        pen.add(small, (side - right) // 2, middle_of(face.cap, top))
        return pen

    return draw


def degree(face):
    pen = Pen()
    side = face.cap * 2 // 5 + 1
    pen.add(small_ring(face, side, side), 0, face.cap - side)
    return pen


def section(face):
    """Three bowls, one upon the other; the upper is open on the right, the lower on the left."""
    pen, width = Pen(), face.wide(520)
    low = 1 - face.descent
    height = (face.cap - low + 2 * face.bar) // 3
    step = height - face.bar
    upper, lower = Pen(), Pen()
    letters.bowl(face, upper, 0, low + 2 * step, width, low + 2 * step + height)
    upper.cut(width // 2, low + 2 * step, width, low + 2 * step + height // 2)
    letters.bowl(face, lower, 0, low, width, low + height)
    lower.cut(0, low + height - height // 2, width // 2, low + height)
    letters.bowl(face, pen, 0, low + step, width, low + step + height)
    pen.add(upper)
    pen.add(lower)
    return pen


def pilcrow(face):
    pen, width, line = Pen(), face.wide(640), thin(face)
    at, low = face.cap * 42 // 100, 1 - face.descent
    inner = width - 2 * line - face.cap // 12
    pen.disc(0, at, face.cap - at, face.cap)
    pen.box((face.cap - at) // 2, at, inner, face.cap)
    for left in (inner, width - line):
        pen.box(left, low, left + line, face.cap)
    pen.box(inner, face.cap - thin(face), width, face.cap)
    return pen


def logical_not(face):
    pen = minus(face)
    row = centre_row(face)
    pen.box(sign_width(face) - face.stem, row - face.cap // 5, sign_width(face), row)
    return pen


def guillemet(face):
    pen = Pen()
    reach = face.x // 3
    row = face.x // 2
    pen.slant(reach - 1, row - reach, 0, row + 1, face.stem)
    pen.slant(0, row, reach - 1, row + reach + 1, face.stem)
    return pen


def guillemets(face):
    return twice(guillemet(face), face.x // 3 + face.stem)


def quote_right(face):
    pen = Pen()
    pen.add(comma(face), 0, face.cap - dot_size(face))
    return pen


def quote_left(face):
    pen = quote_right(face)
    _, bottom, right, top = pen.extent()
    return pen.turned(right, top - bottom, bottom)


def low_quote(face):
    return comma(face)


def pair(pen_of):
    def draw(face):
        pen = pen_of(face)
        return twice(pen, pen.extent()[2] + face.stem - 1)

    return draw


def prime(face):
    pen = Pen()
    height = face.cap // 3
    pen.slant(0, face.cap - height, height // 2, face.cap, face.stem)
    return pen


def dagger(face):
    pen, width = Pen(), face.wide(500)
    at, row = (width - face.stem) // 2, face.cap * 62 // 100
    pen.box(at, -face.descent, at + face.stem, face.cap)
    pen.box(0, row, width, row + face.bar)
    return pen


def double_dagger(face):
    pen = dagger(face)
    row = face.cap - face.descent - face.cap * 62 // 100
    pen.box(0, row - face.bar, face.wide(500), row)
    return pen


# Arrows and shapes.


def arrow_right(face):
    pen, width, row = Pen(), face.wide(900), centre_row(face)
    head = face.cap // 4 + 1
    pen.box(0, row, width, row + face.bar)
    line = face.stem
    upper = Pen()
    upper.slant(width - line, row + face.bar // 2, width - line - head, row + face.bar + head, line)
    upper.slant(width - line - head, row - head, width - line, row + (face.bar + 1) // 2, line)
    pen.add(upper)
    return pen


def arrow_left(face):
    return flipped(arrow_right(face))


def arrow_up(face):
    head = face.cap // 4 + 1
    width = 2 * head + face.stem
    pen, at = Pen(), head
    pen.box(at, 0, at + face.stem, face.cap)
    pen.slant(0, face.cap - face.bar - head - (face.stem > face.bar), at, face.cap, face.stem)
    pen.add(pen.mirrored(width))
    return pen


def arrow_down(face):
    pen = arrow_up(face)
    return pen.turned(pen.extent()[2], face.cap)


def triangle_up(face):
    pen, side = Pen(), face.wide(800)
    rows = side - 1
    for y in range(rows):
        inset = y * (side // 2) // rows
        pen.box(inset, y, side - inset, y + 1)
    return pen


def triangle_down(face):
    pen = triangle_up(face)
    _, _, right, top = pen.extent()
    return pen.turned(right, top)


def circle(face):
    pen, side = Pen(), face.wide(700)
    low = middle_of(face.cap, side)
    pen.disc(0, low, side, low + side)
    return pen


def square(face):
    pen, side = Pen(), face.wide(640)
    low = middle_of(face.cap, side)
    pen.box(0, low, side, low + side)
    return pen


SIGNS = {
    "!": exclamation, '"': quotation, "#": number_sign, "%": percent, "&": ampersand, "'": apostrophe,
    "(": parenthesis, ")": parenthesis_right, "*": asterisk, "+": plus, ",": comma, "-": dash(lambda f: f.cap // 3),
    ".": full_stop, "/": slash, ":": colon, ";": semicolon, "<": less, "=": equal, ">": greater, "?": question,
    "@": at_sign, "[": bracket, "\\": backslash, "]": bracket_right, "^": caret, "_": underscore, "`": grave,
    "{": brace, "|": vertical, "}": brace_right, "~": tilde, "\u00a6": broken_bar, "\u00a7": section,
    "\u00a9": in_circle("C"), "\u00aa": ordinal("a"), "\u00ab": guillemets, "\u00ac": logical_not,
    "\u00ae": in_circle("R"), "\u00b0": degree, "\u00b1": plus_minus, "\u00b2": raised("2"), "\u00b3": raised("3"),
    "\u00b6": pilcrow, "\u00b7": middle_dot, "\u00b9": raised("1"), "\u00ba": ordinal("o"),
    "\u00bb": lambda face: flipped(guillemets(face)), "\u00bc": fraction("1", "4"), "\u00bd": fraction("1", "2"),
    "\u00be": fraction("3", "4"), "\u00d7": times, "\u00f7": divide, "\u2013": dash(lambda f: f.digit),
    "\u2014": dash(lambda f: f.cap + f.cap // 8), "\u2018": quote_left, "\u2019": quote_right, "\u201a": low_quote,
    "\u201c": pair(quote_left), "\u201d": pair(quote_right), "\u201e": pair(low_quote), "\u2020": dagger,
    "\u2021": double_dagger, "\u2022": bullet, "\u2026": ellipsis, "\u2030": per_mille, "\u2032": prime,
    "\u2033": pair(prime), "\u2039": guillemet, "\u203a": lambda face: flipped(guillemet(face)),
    "\u2070": raised("0"), "\u2074": raised("4"), "\u2075": raised("5"), "\u2076": raised("6"), "\u2077": raised("7"),
    "\u2078": raised("8"), "\u2079": raised("9"), "\u207a": raised_plus, "\u207b": raised_minus, "\u2116": numero,
    "\u2122": trade_mark, "\u2190": arrow_left, "\u2191": arrow_up, "\u2192": arrow_right, "\u2193": arrow_down,
    "\u2212": minus, "\u221e": infinity, "\u2248": approximately, "\u2260": not_equal, "\u2264": or_equal(less),
    "\u2265": or_equal(greater), "\u25a0": square, "\u25b2": triangle_up, "\u25bc": triangle_down, "\u25cf": circle,
}
