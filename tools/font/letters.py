"""Letters and digits of the larger sizes, described by strokes: capitals, small letters, digits, Greek."""

from pen import Pen


class Face:
    """The measures of one size, in pixels."""

    def __init__(self, cap, x, descent, stem, bar, digit):
        self.cap = cap  # height of capitals and digits
        self.x = x  # height of small letters
        self.descent = descent  # of small letters, below the baseline
        self.stem = stem  # width of upright strokes
        self.bar = bar  # height of level strokes
        self.digit = digit  # width of the ink of digits

    def wide(self, thousandths):
        """A part of the capitals' height, as even or odd as a stem, so that a stem can stand in its middle."""
        width = (thousandths * self.cap + 500) // 1000
        return width + (width - self.stem) % 2

    def ring(self, pen, left, bottom, right, top, corners="tl tr bl br"):
        """A bowl. Its corners are a little squarer than an ellipse."""
        width, height = right - left, top - bottom
        radius_y = min(height, width + width // 5)
        pen.ring(left, bottom, right, top, self.stem, self.bar, (width, radius_y), corners)


def middle(face, pen_height):
    """The lower edge of a bar in the middle."""
    return (pen_height - face.bar + 1) // 2


# Capitals.


def capital_a(face):
    pen, width = Pen(), face.wide(860)
    half = (width - face.stem) // 2
    pen.slant(0, 0, half, face.cap, face.stem)
    pen.add(pen.mirrored(width))
    low = face.cap * 28 // 100
    inside = [x for x, y in pen.ink if y == low]
    pen.box(min(inside), low, max(inside) + 1, low + face.bar)
    return pen


def capital_b(face):
    pen, width, at = Pen(), face.wide(720), middle(face, face.cap)
    right_bowl(face, pen, 0, 0, width, at + face.bar)
    right_bowl(face, pen, 0, at, width - 1, face.cap)
    return pen


def right_bowl(face, pen, left, bottom, right, top):
    """An upright left side, a round right side."""
    width, height = right - left, top - bottom
    radius_x = min(height + height // 4, width + width // 3)
    pen.ring(left, bottom, right, top, face.stem, face.bar, (radius_x, height), "tr br")


def capital_c(face):
    pen, width = Pen(), face.wide(800)
    face.ring(pen, 0, 0, width, face.cap)
    open_right(face, pen, width, 0, face.cap)
    return pen


def open_right(face, pen, width, bottom, top):
    height = top - bottom
    pen.cut(width // 2, bottom + height * 34 // 100, width, top - height * 34 // 100)


def capital_d(face):
    pen, width = Pen(), face.wide(800)
    pen.ring(0, 0, width, face.cap, face.stem, face.bar, (width, face.cap * 9 // 10), "tr br")
    return pen


def capital_e(face):
    pen, width = capital_f(face), face.wide(640)
    pen.box(0, 0, width, face.bar)
    return pen


def capital_f(face):
    pen, width, at = Pen(), face.wide(640), middle(face, face.cap)
    pen.box(0, 0, face.stem, face.cap)
    pen.box(0, face.cap - face.bar, width, face.cap)
    pen.box(0, at, width - 1, at + face.bar)
    return pen


def capital_g(face):
    pen, width = Pen(), face.wide(860)
    face.ring(pen, 0, 0, width, face.cap)
    at = face.cap * 44 // 100
    pen.cut(width // 2, at, width, face.cap - face.cap * 32 // 100)
    pen.box(width // 2, at - face.bar + 1, width, at + 1)
    pen.box(width - face.stem, face.cap // 4, width, at + 1)
    return pen


def capital_h(face):
    pen, width, at = Pen(), face.wide(780), middle(face, face.cap)
    pen.box(0, 0, face.stem, face.cap)
    pen.box(width - face.stem, 0, width, face.cap)
    pen.box(0, at, width, at + face.bar)
    return pen


def capital_i(face):
    pen, serif = Pen(), (face.stem + 1) // 2 + (face.stem > 2)
    width = face.stem + 2 * serif
    pen.box(serif, 0, serif + face.stem, face.cap)
    pen.box(0, 0, width, face.bar)
    pen.box(0, face.cap - face.bar, width, face.cap)
    return pen


def capital_j(face):
    pen, width = Pen(), face.wide(500)
    hook(face, pen, width, face.cap)
    return pen


def hook(face, pen, width, top):
    face.ring(pen, 0, 0, width, top)
    low = (width + width // 5) // 2
    pen.cut(0, low, width, top)
    pen.box(width - face.stem, low, width, top)
    pen.cut(0, low - face.stem + 1, width // 2, top)


def capital_k(face):
    pen, width = Pen(), face.wide(780)
    at = middle(face, face.cap)
    thick = face.stem + (face.stem > 2)
    pen.slant(face.stem, at - face.bar // 2, width - thick, face.cap, thick)
    pen.slant(width - thick, 0, face.stem + face.cap // 6, at + face.bar + 1, thick)
    pen.box(0, 0, face.stem, face.cap)
    return pen


def capital_l(face):
    pen, width = Pen(), face.wide(600)
    pen.box(0, 0, face.stem, face.cap)
    pen.box(0, 0, width, face.bar)
    return pen


def capital_m(face):
    pen, width = Pen(), face.wide(960)
    half = (width - face.stem) // 2
    low = face.cap // 4
    pen.slant(half, low, 0, face.cap, face.stem)
    pen.box(0, 0, face.stem, face.cap)
    pen.add(pen.mirrored(width))
    return pen


def capital_n(face):
    pen, width = Pen(), face.wide(780)
    pen.slant(width - face.stem, 0, 0, face.cap, face.stem)
    pen.box(0, 0, face.stem, face.cap)
    pen.box(width - face.stem, 0, width, face.cap)
    return pen


def capital_o(face):
    pen, width = Pen(), face.wide(920)
    face.ring(pen, 0, 0, width, face.cap)
    return pen


def capital_p(face):
    pen, width, at = Pen(), face.wide(720), face.cap * 42 // 100
    right_bowl(face, pen, 0, at, width, face.cap)
    pen.box(0, 0, face.stem, face.cap)
    return pen


def capital_q(face):
    pen, width = capital_o(face), face.wide(920)
    thick = face.stem + 1
    pen.slant(width - face.stem, -face.bar // 2 - face.stem // 3, width // 2, face.cap * 3 // 10, thick)
    return pen


def capital_r(face):
    pen, width, at = capital_p(face), face.wide(760), face.cap * 42 // 100
    pen.slant(width - face.stem, 0, width * 40 // 100, at + 1, face.stem)
    return pen


def capital_s(face):
    pen, width = Pen(), face.wide(720)
    snake(face, pen, width, face.cap)
    return pen


def snake(face, pen, width, top):
    at = middle(face, top)
    upper, lower = Pen(), Pen()
    bowl(face, upper, 0, at, width, top)
    upper.cut(width // 2, at, width, top - (top - at) // 2 + (top < 14))
    bowl(face, lower, 0, 0, width, at + face.bar)
    lower.cut(0, (at + face.bar) // 2 - (top < 14), width // 2, at + face.bar)
    pen.add(upper)
    pen.add(lower)


def bowl(face, pen, left, bottom, right, top):
    """Wider than high: corners as round as its height allows."""
    height, width = top - bottom, right - left
    pen.ring(left, bottom, right, top, face.stem, face.bar, (min(width, height + height // 5), height))


def capital_t(face):
    pen, width = Pen(), face.wide(800)
    at = (width - face.stem) // 2
    pen.box(at, 0, at + face.stem, face.cap)
    pen.box(0, face.cap - face.bar, width, face.cap)
    return pen


def capital_u(face):
    pen, width = Pen(), face.wide(780)
    cup(face, pen, width, face.cap)
    return pen


def cup(face, pen, width, top):
    radius = (width, width + width // 5)
    pen.ring(0, 0, width, top + face.bar, face.stem, face.bar, radius, "bl br")
    pen.cut(0, top, width, top + face.bar)


def capital_v(face):
    pen, width = Pen(), face.wide(860)
    pen.slant((width - face.stem) // 2, 0, 0, face.cap, face.stem)
    pen.add(pen.mirrored(width))
    return pen


def capital_w(face):
    pen, width = Pen(), face.wide(1220)
    two_peaks(face, pen, width, face.cap)
    return pen


def two_peaks(face, pen, width, top):
    half = (width - face.stem) // 2
    foot = half // 2
    pen.slant(foot, 0, 0, top, face.stem)
    pen.slant(foot, 0, half, top, face.stem)
    pen.add(pen.mirrored(width))


def capital_x(face):
    pen, width = Pen(), face.wide(820)
    thick = face.stem + (face.stem > 2)
    pen.slant(0, 0, width - thick, face.cap, thick)
    pen.add(pen.mirrored(width))
    return pen


def capital_y(face):
    pen, width = Pen(), face.wide(840)
    at, low = (width - face.stem) // 2, face.cap * 42 // 100
    pen.slant(at, low, 0, face.cap, face.stem)
    pen.add(pen.mirrored(width))
    pen.box(at, 0, at + face.stem, low + 1)
    return pen


def capital_z(face):
    pen, width = Pen(), face.wide(740)
    zigzag(face, pen, width, face.cap)
    return pen


def zigzag(face, pen, width, top):
    thick = face.stem + (face.stem > 2)
    pen.slant(0, face.bar - 1, width - thick, top - face.bar + 1, thick)
    pen.box(0, 0, width, face.bar)
    pen.box(0, top - face.bar, width, top)


# Small letters.


def small_width(face):
    return face.wide(640)


def small_a(face):
    pen, width = Pen(), small_width(face)
    arch, at = Pen(), middle(face, face.x) + face.bar - (face.x > 11)
    face.ring(arch, 0, -face.x, width, face.x)
    arch.keep(0, 0, width, face.x)
    arch.cut(0, 0, width // 2, face.x - face.bar - (face.x + 3) // 9)
    pen.add(arch)
    lower = Pen()
    lower.ring(0, 0, width, at, face.stem, face.bar, (min(width, at + at // 4), at), "tl bl")
    pen.add(lower)
    pen.box(width - face.stem, 0, width, face.x // 2)
    return pen


def small_b(face):
    pen = bowl_of_small(face)
    pen.box(0, 0, face.stem, face.cap)
    return pen


def bowl_of_small(face):
    pen = Pen()
    face.ring(pen, 0, 0, small_width(face), face.x)
    return pen


def small_c(face):
    pen, width = Pen(), face.wide(600)
    face.ring(pen, 0, 0, width, face.x)
    open_right(face, pen, width, 0, face.x)
    return pen


def small_d(face):
    return small_b(face).mirrored(small_width(face))


def small_e(face):
    pen, width = bowl_of_small(face), small_width(face)
    at = middle(face, face.x)
    pen.cut(width // 2, face.bar + face.x // 8, width, at)
    pen.box(face.stem, at, width, at + face.bar)
    return pen


def small_f(face):
    pen, width = Pen(), face.wide(400)
    at = (width - face.stem) // 2
    radii = (4 * face.stem, 4 * face.bar)
    pen.ring(at, -face.cap, at + 5 * face.stem, face.cap, face.stem, face.bar, radii, "tl")
    pen.keep(0, 0, width, face.cap)
    pen.box(0, face.x - face.bar, width, face.x)
    return pen


def small_g(face):
    pen, width = small_d(face), small_width(face)
    pen.keep(0, 0, width, face.x)
    tail = Pen()
    bottom = -face.descent
    face.ring(tail, 0, bottom, width, bottom + width)
    tail.keep(0, bottom, width, 0)
    tail.cut(0, bottom + face.bar + (face.descent > 4), width // 2, 1)
    pen.add(tail)
    pen.box(width - face.stem, min(0, bottom + width // 2), width, face.x)
    return pen


def small_h(face):
    pen = small_n(face)
    pen.box(0, 0, face.stem, face.cap)
    return pen


def dotless_i(face):
    pen = Pen()
    pen.box(0, 0, face.stem, face.x)
    return pen


def dot_bottom(face):
    return face.cap - face.stem


def small_i(face):
    pen = dotless_i(face)
    pen.box(0, dot_bottom(face), face.stem, face.cap)
    return pen


def dotless_j(face):
    pen = Pen()
    left = -face.stem
    bottom = -face.descent
    radii = (4 * face.stem, 4 * face.bar)
    pen.ring(3 * left, bottom, face.stem, face.x + face.bar, face.stem, face.bar, radii, "br")
    pen.keep(left, bottom, face.stem, face.x)
    return pen


def small_j(face):
    pen = dotless_j(face)
    pen.box(0, dot_bottom(face), face.stem, face.cap)
    return pen


def small_k(face):
    pen = dotless_k(face)
    pen.box(0, 0, face.stem, face.cap)
    return pen


def dotless_k(face):
    pen, width = Pen(), face.wide(620)
    at = face.x * 38 // 100
    thick = face.stem + (face.stem > 2)
    pen.slant(face.stem, at - face.bar // 2, width - thick, face.x, thick)
    pen.slant(width - thick, 0, face.stem + face.x // 6, at + face.bar + 1, thick)
    pen.box(0, 0, face.stem, face.x)
    return pen


def small_l(face):
    pen = Pen()
    pen.ring(0, 0, 4 * face.stem, face.cap + face.bar, face.stem, face.bar, (3 * face.stem, 3 * face.bar), "bl")
    pen.keep(0, 0, face.stem * 2, face.cap)
    return pen


def small_m(face):
    half = (face.wide(1000) - face.stem) // 2
    pen = Pen()
    arch(face, pen, 0, half + face.stem)
    arch(face, pen, half, 2 * half + face.stem)
    return pen


def arch(face, pen, left, right):
    """A stem and a shoulder."""
    width = right - left
    shoulder = Pen()
    shoulder.ring(left, -face.x, right, face.x, face.stem, face.bar, (width, width + width // 5), "tl tr")
    shoulder.keep(left, 0, right, face.x)
    pen.add(shoulder)
    pen.box(left, 0, left + face.stem, face.x)


def small_n(face):
    pen = Pen()
    arch(face, pen, 0, small_width(face))
    return pen


def small_o(face):
    pen = Pen()
    face.ring(pen, 0, 0, face.wide(660), face.x)
    return pen


def small_p(face):
    pen = bowl_of_small(face)
    pen.box(0, -face.descent, face.stem, face.x)
    return pen


def small_q(face):
    return small_p(face).mirrored(small_width(face))


def small_r(face):
    pen = small_n(face)
    pen.keep(0, 0, face.stem + face.stem + (face.x + 2) // 6, face.x)
    low = face.x - face.bar - (face.bar + 1) // 2
    pen.cut(face.stem, 0, small_width(face), low)
    return pen


def small_s(face):
    pen, width = Pen(), face.wide(580)
    snake(face, pen, width, face.x)
    return pen


def small_t(face):
    pen, width = Pen(), face.wide(400)
    at = (width - face.stem) // 2
    top = face.x + (face.cap - face.x + 1) // 2 + 1
    pen.ring(at, 0, at + 5 * face.stem, top + face.bar, face.stem, face.bar, (3 * face.stem, 3 * face.bar), "bl")
    pen.keep(0, 0, width, top)
    pen.box(0, face.x - face.bar, width, face.x)
    return pen


def small_u(face):
    return small_n(face).turned(small_width(face), face.x)


def small_v(face):
    pen, width = Pen(), face.wide(640)
    pen.slant((width - face.stem) // 2, 0, 0, face.x, face.stem)
    pen.add(pen.mirrored(width))
    return pen


def small_w(face):
    pen, width = Pen(), face.wide(940)
    two_peaks(face, pen, width, face.x)
    return pen


def small_x(face):
    pen, width = Pen(), face.wide(640)
    thick = face.stem + (face.stem > 2)
    pen.slant(0, 0, width - thick, face.x, thick)
    pen.add(pen.mirrored(width))
    return pen


def small_y(face):
    pen, width = small_v(face), face.wide(640)
    half = (width - face.stem) // 2
    per_row = half / (face.x - 1)
    reach = half - int(per_row * face.descent + 0.5)
    pen.slant(reach, -face.descent, half, 1, face.stem)
    pen.box(max(reach - face.stem, 0), -face.descent, reach + face.stem, -face.descent + face.bar)
    return pen


def small_z(face):
    pen, width = Pen(), face.wide(580)
    zigzag(face, pen, width, face.x)
    return pen


# Digits.


def zero(face):
    pen = Pen()
    face.ring(pen, 0, 0, face.digit, face.cap)
    return pen


def one(face):
    pen, at = Pen(), (face.digit - face.stem) // 2
    pen.box(at, 0, at + face.stem, face.cap)
    reach = face.stem + face.cap // 12
    pen.rise(at - reach, face.cap - face.bar - reach, at + face.stem, face.cap - face.bar, face.bar)
    pen.keep(0, 0, face.digit, face.cap)
    pen.box(at - reach, 0, at + face.stem + reach, face.bar)
    return pen


def two(face):
    pen, width = Pen(), face.digit
    top = Pen()
    face.ring(top, 0, face.cap - width, width, face.cap)
    at = face.cap - width // 2
    top.keep(0, at, width, face.cap)
    top.cut(0, at, width // 2, at + max(width // 2 - face.bar - face.stem, 0))
    pen.add(top)
    pen.slant(0, face.bar - 1, width - face.stem, at, face.stem)
    pen.box(0, 0, width, face.bar)
    return pen


def three(face):
    pen, width, at = Pen(), face.digit, middle(face, face.cap)
    bowl(face, pen, 0, 0, width, at + face.bar)
    upper = Pen()
    bowl(face, upper, 0, at, width, face.cap)
    pen.add(upper)
    reach = face.cap // 4
    pen.cut(0, reach, width // 2 - face.stem // 2, face.cap - reach)
    return pen


def four(face):
    pen, width = Pen(), face.digit
    low = face.cap * 26 // 100
    right = width - face.stem - max(face.cap // 12, 1)
    pen.slant(0, low, right, face.cap, face.stem)
    pen.box(0, low, width, low + face.bar)
    pen.box(right, 0, right + face.stem, face.cap)
    return pen


def five(face):
    pen, width = Pen(), face.digit
    top = face.cap * 62 // 100
    bowl(face, pen, 0, 0, width, top)
    pen.cut(0, top // 3, width // 2, top - face.bar)
    pen.box(0, top - face.bar, width // 2, top)
    pen.box(0, top - face.bar, face.stem, face.cap)
    pen.box(0, face.cap - face.bar, width - 1, face.cap)
    return pen


def six(face):
    pen, width = Pen(), face.digit
    top = face.cap * 60 // 100
    face.ring(pen, 0, 0, width, face.cap)
    pen.cut(width // 2, top // 2, width, face.cap - face.cap // 5)
    pen.cut(face.stem, top // 2, width, face.cap - face.bar - face.cap // 7)
    lower = Pen()
    bowl(face, lower, 0, 0, width, top)
    pen.add(lower)
    return pen


def seven(face):
    pen, width = Pen(), face.digit
    pen.slant(face.stem, 0, width - face.stem, face.cap, face.stem)
    pen.box(0, face.cap - face.bar, width, face.cap)
    return pen


def eight(face):
    pen, width, at = Pen(), face.digit, middle(face, face.cap)
    less = 0 if face.cap < 14 else 1
    bowl(face, pen, 0, 0, width, at + face.bar)
    bowl(face, pen, less, at, width - less, face.cap)
    return pen


def nine(face):
    return six(face).turned(face.digit, face.cap)


DIGITS = {
    "0": zero, "1": one, "2": two, "3": three, "4": four, "5": five, "6": six, "7": seven, "8": eight, "9": nine,
}

CAPITALS = {
    "A": capital_a, "B": capital_b, "C": capital_c, "D": capital_d, "E": capital_e, "F": capital_f, "G": capital_g,
    "H": capital_h, "I": capital_i, "J": capital_j, "K": capital_k, "L": capital_l, "M": capital_m, "N": capital_n,
    "O": capital_o, "P": capital_p, "Q": capital_q, "R": capital_r, "S": capital_s, "T": capital_t, "U": capital_u,
    "V": capital_v, "W": capital_w, "X": capital_x, "Y": capital_y, "Z": capital_z,
}

SMALL = {
    "a": small_a, "b": small_b, "c": small_c, "d": small_d, "e": small_e, "f": small_f, "g": small_g, "h": small_h,
    "i": small_i, "j": small_j, "k": small_k, "l": small_l, "m": small_m, "n": small_n, "o": small_o, "p": small_p,
    "q": small_q, "r": small_r, "s": small_s, "t": small_t, "u": small_u, "v": small_v, "w": small_w, "x": small_x,
    "y": small_y, "z": small_z,
}
