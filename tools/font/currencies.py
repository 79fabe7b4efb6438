"""Signs of currencies for the larger sizes."""

import letters
from pen import Pen
from signs import middle_of, thin


def dollar(face):
    pen, at = Pen(), (face.digit - face.stem) // 2
    letters.snake(face, pen, face.digit, face.cap)
    reach = face.cap // 8
    pen.box(at, -reach, at + face.stem, 1)
    pen.box(at, face.cap - 1, at + face.stem, face.cap + reach)
    return pen


def ticks(face, pen, columns, line):
    """Short strokes above and below what is drawn."""
    _, bottom, _, top = pen.extent()
    reach = face.cap // 8
    for x in columns:
        pen.box(x, bottom - reach, x + line, bottom + 1)
        pen.box(x, top - 1, x + line, top + reach)
    return pen


def cent(face):
    pen, width = Pen(), face.digit
    face.ring(pen, 0, 0, width, face.x)
    letters.open_right(face, pen, width, 0, face.x)
    ticks(face, pen, [(width - face.stem) // 2], face.stem)
    both = Pen()
    both.add(pen, 0, (face.cap - face.x) // 2)
    return both


def pound(face, bars=1):
    pen, width = Pen(), face.digit
    left = face.cap // 8
    face.ring(pen, left, 0, width, 2 * face.cap)
    pen.ink = {(x, face.cap - 1 - y) for x, y in pen.ink}
    pen.keep(0, 0, width, face.cap)
    pen.cut(left + face.stem, 0, width, face.cap - (width - left) * 6 // 10)
    apart = face.bar + thin(face) + (face.cap > 14)
    for i in range(bars):
        row = middle_of(face.cap, face.bar) + i * apart - (bars - 1) * apart // 2
        pen.box(0, row, width - face.stem, row + face.bar)
    pen.box(0, 0, width, face.bar)
    return pen


def lira_old(face):
    return pound(face, 2)


def yen(face):
    pen, width = Pen(), face.digit
    at, low = (width - face.stem) // 2, face.cap * 46 // 100
    pen.slant(at, low, 0, face.cap, face.stem)
    pen.add(pen.mirrored(width))
    pen.box(at, 0, at + face.stem, low + 1)
    for row in (low - thin(face), low - 3 * thin(face) - 1 - (face.cap == 16)):
        pen.box(0, row, width, row + thin(face))
    return pen


def generic(face):
    pen, width = Pen(), face.digit
    low = middle_of(face.cap, width)
    pen.ring(1, low + 1, width - 1, low + width - 1, face.stem, face.bar)
    for x, y in ((0, 0), (1, 1), (2, 2)):
        pen.box(x, low + y, x + face.stem, low + y + 1)
        pen.box(width - x - face.stem, low + y, width - x, low + y + 1)
        pen.box(x, low + width - 1 - y, x + face.stem, low + width - y)
        pen.box(width - x - face.stem, low + width - 1 - y, width - x, low + width - y)
    return pen


def euro(face):
    pen, width = Pen(), face.digit
    left = face.cap // 8
    face.ring(pen, left, 0, width + left // 2, face.cap)
    letters.open_right(face, pen, width + left // 2, 0, face.cap)
    row = middle_of(face.cap, thin(face))
    apart = thin(face) + (face.cap > 14)
    for at in (row - apart, row + apart):
        pen.box(0, at, width - face.stem, at + thin(face))
    return pen


def rupee(face):
    pen, width = Pen(), face.digit
    top = face.cap - face.bar
    second = face.cap - 2 * face.bar - face.cap // 6
    at = face.cap * 38 // 100
    bowl = Pen()
    right = width - face.stem
    bowl.ring(-right, at, right, face.cap, face.stem, face.bar, (right, face.cap - at))
    bowl.keep(0, at, width, face.cap)
    pen.add(bowl)
    pen.box(0, top, width, face.cap)
    pen.box(0, second, width, second + face.bar)
    pen.slant(right - face.stem, 0, face.stem // 2, at + face.bar, face.stem)
    return pen


def rouble(face):
    pen = Pen()
    left = face.cap // 6
    pen.add(letters.capital_p(face), left)
    right = pen.extent()[2]
    at = face.cap * 42 // 100
    pen.box(0, at, left + 1, at + face.bar)
    low = at - face.bar - face.cap // 8
    pen.box(0, low, right - face.stem, low + face.bar)
    return pen


def peso(face):
    pen = Pen()
    left = face.cap // 8
    pen.add(letters.capital_p(face), left)
    right = pen.extent()[2]
    at = face.cap * 42 // 100
    space = face.cap - at - face.bar * 2
    line = thin(face)
    rows = (at + face.bar + space // 3 - line // 2, at + face.bar + space * 2 // 3 + (line > 1))
    for row in rows:
        pen.box(0, row, right + left, row + line)
    return pen


def barred(pen_of):
    """With two level strokes through the middle."""

    def draw(face):
        pen, line = Pen(), thin(face)
        reach = min(face.cap // 12, (32 - pen_of(face).extent()[2]) // 2)
        pen.add(pen_of(face), reach)
        right = pen.extent()[2] + reach
        row = middle_of(face.cap, line)
        apart = line + 1
        for at in (row - apart + 1, row + apart):
            pen.box(0, at, right, at + line)
        return pen

    return draw


def kip(face):
    pen, reach = Pen(), face.cap // 12
    pen.add(letters.capital_k(face), reach)
    row = face.cap * 46 // 100
    pen.box(0, row, pen.extent()[2] + reach // 2, row + face.bar)
    return pen


def franc(face):
    pen, left = Pen(), face.cap // 6
    pen.add(letters.capital_f(face), left)
    row = face.cap // 5
    pen.box(0, row, left + face.stem + face.cap // 4, row + face.bar)
    return pen


def shekel(face):
    pen, width = Pen(), face.wide(1040)
    right = width * 58 // 100
    low = face.cap // 4
    first = Pen()
    letters.arch(face, first, 0, right + 1)
    first.ink = {(x, y + face.cap - face.x) for x, y in first.ink}
    first.cut(face.stem, 0, width, low)
    first.box(0, 0, face.stem, face.cap)
    pen.add(first)
    second = first.turned(width, face.cap)
    pen.add(second)
    return pen


def dong(face):
    pen, width = Pen(), letters.small_width(face)
    up = face.cap // 6
    ring = Pen()
    face.ring(ring, 0, 0, width, face.x - up // 2)
    ring.box(width - face.stem, 0, width, face.cap - up)
    row = face.cap - up - 2 * thin(face) - (face.cap > 20)
    ring.box(width // 2, row, width + face.cap // 8, row + thin(face))
    pen.add(ring, 0, up)
    pen.box(0, 0 - thin(face) - (face.cap > 20), width, 0)
    return pen


def tenge(face):
    pen, width = Pen(), face.wide(740)
    at = (width - face.stem) // 2
    low = face.cap - 2 * face.bar - face.cap // 8 - (face.bar == 1)
    pen.box(at, 0, at + face.stem, low + face.bar)
    pen.box(0, low, width, low + face.bar)
    pen.box(0, face.cap - face.bar, width, face.cap)
    return pen


def tugrik(face):
    pen, width = letters.capital_t(face), face.wide(800)
    low = face.cap * 28 // 100
    for row in (low, low + face.cap // 4):
        pen.rise(width // 6, row - 1, width - width // 6, row + face.cap // 8, thin(face))
    return pen


def lira(face):
    pen, width = Pen(), face.digit
    at = face.cap // 6
    bowl = Pen()
    bowl.ring(-width + 2 * at, 0, width, face.cap, face.stem, face.bar, (width + width // 2, face.cap))
    bowl.keep(at, 0, width, face.cap * 46 // 100)
    pen.add(bowl)
    pen.box(at, 0, at + face.stem, face.cap)
    line, lift = thin(face), face.cap // 4
    for row in (face.cap * 36 // 100, face.cap * 36 // 100 + 2 * line + 1):
        pen.rise(0, row, width * 3 // 4, row + lift, line)
    return pen


def hryvnia(face):
    pen, width = Pen(), face.digit
    letters.snake(face, pen, width, face.cap)
    pen = pen.mirrored(width)
    both, line = Pen(), thin(face)
    row = middle_of(face.cap, line)
    apart = line + (face.cap > 14)
    pen.cut(face.stem, row - apart, width - face.stem, row + apart + line)
    both.add(pen, 1)
    for at in (row - apart, row + apart):
        both.box(0, at, width + 2, at + line)
    if face.cap > 12:
        both.slant(width // 2 - 1, row - apart, width // 2 + 1, row + apart + line, face.stem)
    else:
        both.box(width // 2, row - apart, width // 2 + face.stem, row + apart + line)
    return both


def bitcoin(face):
    pen = letters.capital_b(face)
    width = pen.extent()[2]
    return ticks(face, pen, [face.stem + (face.cap > 14), width - 2 * face.stem - width // 6], face.stem)


def baht(face):
    pen = letters.capital_b(face)
    at = (pen.extent()[2] - thin(face)) // 2
    reach = face.cap // 8
    pen.box(at, -reach, at + thin(face), face.cap + reach)
    return pen


def pierced(pen_of):
    """With an upright stroke through the middle."""

    def draw(face):
        pen = pen_of(face)
        line = thin(face)
        at = (pen.extent()[2] - line) // 2
        reach = face.cap // 8
        pen.box(at, -reach, at + line, face.cap + reach)
        return pen

    return draw


def colon_currency(face):
    pen = letters.capital_c(face)
    width, reach, line = pen.extent()[2], face.cap // 8, thin(face)
    for left in (width // 3 - line - 1, width // 3 + line + face.cap // 12):
        pen.slant(left - 1, -reach, left + face.cap // 4, face.cap + reach, line)
    return pen


def rupees(face):
    pen, small = letters.capital_r(face), Pen()
    letters.snake(face, small, face.wide(460), face.x)
    pen.add(small, pen.extent()[2] + 1)
    return pen


def manat(face):
    pen, width = Pen(), face.wide(900)
    top = face.cap - face.cap // 12
    at = (width - face.stem) // 2
    pen.ring(0, -top, width, top, face.stem, face.bar, (width, width))
    pen.keep(0, 0, width, top)
    pen.box(at, face.cap // 8, at + face.stem, face.cap)
    return pen


def lari(face):
    pen, width = Pen(), face.wide(840)
    top = face.cap - face.cap // 8
    face.ring(pen, 0, 0, width, top)
    low = top // 2
    pen.cut(width // 2, 0, width, low)
    pen.box(0, 0, width, face.bar)
    line = thin(face)
    middle = (width - line) // 2
    for at in (middle - line - face.cap // 12, middle + line + face.cap // 12):
        pen.box(at, low, at + line, face.cap)
    return pen


CURRENCIES = {
    "$": dollar, "\u00a2": cent, "\u00a3": pound, "\u00a4": generic, "\u00a5": yen, "\u20a1": colon_currency,
    "\u20a3": franc, "\u20a4": lira_old, "\u20a6": barred(letters.capital_n), "\u20a8": rupees,
    "\u20a9": barred(letters.capital_w), "\u20aa": shekel, "\u20ab": dong, "\u20ac": euro,
    "\u20ad": kip, "\u20ae": tugrik, "\u20b1": peso,
    "\u20b2": pierced(letters.capital_g), "\u20b4": hryvnia, "\u20b5": pierced(letters.capital_c), "\u20b8": tenge,
    "\u20b9": rupee, "\u20ba": lira, "\u20bc": manat, "\u20bd": rouble, "\u20be": lari, "\u20bf": bitcoin,
    "\u0e3f": baht,
}
