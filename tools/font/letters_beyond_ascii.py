"""Letters for the larger sizes that ASCII lacks and that are not a letter with a mark; Greek."""

import letters
from pen import Pen
from signs import middle_of, thin


def ae_capital(face):
    pen, width = Pen(), face.wide(1200)
    at = face.wide(560)
    pen.slant(0, 0, at - face.stem // 2, face.cap, face.stem)
    low = face.cap * 28 // 100
    start = min(x for x, y in pen.ink if y == low)
    pen.box(start, low, at + 1, low + face.bar)
    letter = letters.capital_e(face)
    pen.add(letter, at)
    pen.box(at - face.stem // 2, face.cap - face.bar, at + 1, face.cap)
    pen.keep(0, 0, width + face.cap, face.cap)
    return pen


def ae_small(face):
    pen, width = letters.small_a(face), letters.small_width(face)
    pen.add(letters.small_e(face), width - face.stem)
    return pen


def oe_capital(face):
    pen, width = Pen(), face.wide(800)
    face.ring(pen, 0, 0, width, face.cap)
    at = width - face.stem - width // 6
    pen.keep(0, 0, at + 1, face.cap)
    pen.box(width // 2, 0, at + 1, face.bar)
    pen.box(width // 2, face.cap - face.bar, at + 1, face.cap)
    pen.add(letters.capital_e(face), at)
    return pen


def oe_small(face):
    pen, width = letters.small_o(face), face.wide(660)
    pen.add(letters.small_e(face), width - face.stem)
    return pen


def struck(pen_of, height_of):
    """With a stroke from the lower left to the upper right."""

    def draw(face):
        pen, height = Pen(), height_of(face)
        reach = max(face.stem // 2, 1)
        pen.add(pen_of(face), reach)
        right = pen.extent()[2] + reach
        line = thin(face)
        pen.slant(0, -reach, right - line - (line == 1), height + reach, line + (line == 1))
        return pen

    return draw


def thorn_capital(face):
    pen, width = Pen(), face.wide(720)
    height = face.cap * 58 // 100
    low = (face.cap - height) // 2
    letters.right_bowl(face, pen, 0, low, width, low + height)
    pen.box(0, 0, face.stem, face.cap)
    return pen


def thorn_small(face):
    pen = letters.small_p(face)
    pen.box(0, 0, face.stem, face.cap)
    return pen


def eth_capital(face):
    pen, left = Pen(), face.cap // 8
    pen.add(letters.capital_d(face), left)
    row = middle_of(face.cap, face.bar)
    pen.box(0, row, left + face.wide(800) // 2, row + face.bar)
    return pen


def eth_small(face):
    pen, width = letters.small_o(face), face.wide(660)
    low = face.x - face.x // 3
    pen.slant(width - face.stem, low - 1, width // 2 - face.stem, face.cap, face.stem)
    row = face.x + (face.cap - face.x) // 3
    pen.rise(width // 4, row, width - face.stem // 2, row + face.cap // 8, thin(face))
    return pen


def sharp_s(face):
    pen, width = Pen(), face.wide(640)
    pen.ring(0, -face.cap, width - face.stem // 2, face.cap, face.stem, face.bar, (width, width))
    pen.keep(0, 0, width // 2, face.cap)
    pen.box(0, 0, face.stem, face.cap - width // 3)
    upper, lower = Pen(), Pen()
    at = face.cap * 48 // 100
    letters.bowl(face, upper, 0, at, width - face.stem // 2, face.cap)
    upper.keep(width // 2, at, width, face.cap)
    letters.bowl(face, lower, 0, 0, width, at + face.bar)
    lower.keep(width // 2, 0, width, at + face.bar)
    pen.add(upper)
    pen.add(lower)
    pen.box(face.stem + thin(face), 0, width // 2, face.bar)
    pen.cut(face.stem, 0, face.stem + thin(face), face.cap // 3)
    return pen


def d_stroke(face):
    pen = letters.small_d(face)
    right = letters.small_width(face)
    row = face.x + (face.cap - face.x - thin(face)) // 2
    pen.box(right // 2, row, right + face.stem, row + thin(face))
    return pen


def h_bar_capital(face):
    pen, reach = Pen(), face.stem // 2 + 1
    pen.add(letters.capital_h(face), reach)
    row = face.cap - face.cap // 5 - thin(face)
    pen.box(0, row, pen.extent()[2] + reach, row + thin(face))
    return pen


def h_bar_small(face):
    pen, reach = Pen(), face.stem
    pen.add(letters.small_h(face), reach)
    row = face.x + (face.cap - face.x - thin(face)) // 2
    pen.box(0, row, reach + letters.small_width(face) // 2 + 1, row + thin(face))
    return pen


def l_stroke(pen_of, percent):
    def draw(face):
        pen, reach = Pen(), face.stem
        pen.add(pen_of(face), reach)
        row = face.cap * percent // 100
        lift = face.cap // 6
        pen.rise(0, row - lift // 2, 2 * reach + face.stem, row + lift - lift // 2, face.bar + (face.bar == 1))
        return pen

    return draw


def eng_capital(face):
    pen, width = letters.capital_n(face), face.wide(780)
    tail(face, pen, width)
    return pen


def eng_small(face):
    pen, width = letters.small_n(face), letters.small_width(face)
    tail(face, pen, width)
    return pen


def tail(face, pen, width):
    pen.add(letters.dotless_j(face), width - face.stem)
    pen.cut(width, -face.descent, width + face.cap, face.cap)
    pen.keep(0, -face.descent, width, face.cap)


def t_bar(pen_of, percent):
    def draw(face):
        pen = pen_of(face)
        left, _, right, _ = pen.extent()
        row = face.cap * percent // 100
        inset = (right - left) // 6 if percent > 40 else 0
        pen.box(inset, row, right - inset, row + thin(face))
        return pen

    return draw


def long_s(face):
    pen = letters.small_f(face)
    left = (face.wide(400) - face.stem) // 2
    pen.cut(0, 0, left, face.cap)
    pen.cut(left + face.stem, face.x - face.bar, face.cap, face.x)
    moved = Pen()
    moved.add(pen, -left)
    return moved


def ij_capital(face):
    pen = letters.capital_i(face)
    pen.add(letters.capital_j(face), pen.extent()[2] + face.stem - 1)
    return pen


def ij_small(face):
    pen = letters.small_i(face)
    pen.add(letters.small_j(face), 3 * face.stem + (face.stem > 2))
    return pen


def florin(face):
    pen = Pen()
    width = face.digit
    lean = face.cap // 5
    low = -face.descent
    left = (width - lean - face.stem) // 2
    pen.slant(left, low + face.bar, left + lean, face.cap - face.bar, face.stem)
    pen.box(left + lean + 1, face.cap - face.bar, width, face.cap)
    pen.box(0, low, left + face.stem - 1, low + face.bar)
    row = face.x - face.bar
    pen.box(left - face.stem // 2, row - 1, width - 1, row - 1 + face.bar)
    return pen


def micro(face):
    pen = letters.small_u(face)
    pen.box(0, -face.descent, face.stem, face.x)
    return pen


def alpha(face):
    pen, width = letters.bowl_of_small(face), letters.small_width(face)
    pen.box(width - face.stem, 0, width, face.x)
    right = Pen()
    radii = (3 * face.stem, 3 * face.bar)
    right.ring(width - face.stem, 0, width + 3 * face.stem, face.x, face.stem, face.bar, radii, "bl")
    right.keep(0, 0, width + face.stem - face.stem // 2, face.x)
    pen.add(right)
    pen.cut(width, face.bar, width + face.cap, face.x)
    pen.cut(width - face.stem, 0, width - face.stem + 1, 1)
    return pen


def beta(face):
    pen, width = Pen(), letters.small_width(face)
    at = face.cap * 50 // 100
    letters.bowl(face, pen, 0, 0, width, at + face.bar)
    letters.bowl(face, pen, 0, at, width - 1, face.cap)
    pen.box(0, -face.descent, face.stem, face.cap - face.stem - 1)
    return pen


def gamma(face):
    pen, width = letters.small_v(face), face.wide(640)
    at = (width - face.stem) // 2
    pen.box(at, -face.descent, at + face.stem, 1)
    return pen


def delta(face):
    pen, width = letters.small_o(face), face.wide(660)
    top = Pen()
    top.slant(width - 2 * face.stem, face.x - face.bar - 1, face.stem, face.cap - face.bar + 1, face.stem)
    top.box(face.stem, face.cap - face.bar, width - 1, face.cap)
    pen.add(top)
    return pen


def theta(face):
    pen, width = Pen(), face.wide(660)
    face.ring(pen, 0, 0, width, face.cap)
    row = middle_of(face.cap, face.bar)
    pen.box(0, row, width, row + face.bar)
    return pen


def lambda_(face):
    pen, width = Pen(), face.wide(660)
    pen.slant(width - face.stem, 0, face.stem, face.cap, face.stem)
    at = face.cap * 55 // 100
    left = min(x for x, y in pen.ink if y == at)
    pen.slant(0, 0, left, at + 1, face.stem)
    pen.box(0, face.cap - face.bar, 2 * face.stem, face.cap)
    return pen


def pi(face):
    pen, width = Pen(), face.wide(760)
    pen.box(0, face.x - face.bar, width, face.x)
    inset = face.stem // 2 + 1
    pen.box(inset, 0, inset + face.stem, face.x)
    pen.box(width - inset - face.stem, 0, width - inset, face.x)
    return pen


def rho(face):
    pen = letters.bowl_of_small(face)
    pen.box(0, -face.descent, face.stem, face.x // 2)
    return pen


def sigma(face):
    pen, width = letters.small_o(face), face.wide(660)
    pen.box(width // 2, face.x - face.bar, width + face.stem, face.x)
    return pen


def tau(face):
    pen, width = Pen(), face.wide(560)
    at = (width - face.stem) // 2
    pen.ring(at, 0, at + 5 * face.stem, face.x + face.bar, face.stem, face.bar, (3 * face.stem, 3 * face.bar), "bl")
    pen.keep(0, 0, width, face.x)
    pen.box(0, face.x - face.bar, width, face.x)
    return pen


def delta_capital(face):
    pen, width = Pen(), face.wide(860)
    pen.slant(0, 0, (width - face.stem) // 2, face.cap, face.stem)
    pen.add(pen.mirrored(width))
    pen.box(0, 0, width, face.bar)
    return pen


def sigma_capital(face):
    pen, width = Pen(), face.wide(700)
    half, at = face.cap // 2, width // 2 - face.stem // 2
    pen.slant(0, face.bar - 1, at, half, face.stem)
    pen.slant(at, half, 0, face.cap - face.bar + 1, face.stem)
    pen.box(0, 0, width, face.bar)
    pen.box(0, face.cap - face.bar, width, face.cap)
    return pen


def omega_capital(face):
    pen, width = Pen(), face.wide(900)
    face.ring(pen, 0, 0, width, face.cap)
    pen.cut(0, 0, width, face.cap // 5)
    foot = width // 2 - face.stem // 2
    pen.box(0, 0, foot, face.bar)
    pen.box(width - foot, 0, width, face.bar)
    pen.box(foot - face.stem, 0, foot, face.cap // 5)
    pen.box(width - foot, 0, width - foot + face.stem, face.cap // 5)
    pen.box(foot - face.stem - 1, face.cap // 5, foot - 1, face.cap // 5 + face.bar)
    pen.box(width - foot + 1, face.cap // 5, width - foot + face.stem + 1, face.cap // 5 + face.bar)
    return pen


LETTERS = {
    "\u00b5": micro, "\u00c6": ae_capital, "\u00d0": eth_capital,
    "\u00d8": struck(letters.capital_o, lambda f: f.cap), "\u00f8": struck(letters.small_o, lambda f: f.x),
    "\u00de": thorn_capital, "\u00df": sharp_s, "\u00e6": ae_small, "\u00f0": eth_small, "\u00fe": thorn_small,
    "\u0110": eth_capital, "\u0111": d_stroke, "\u0126": h_bar_capital, "\u0127": h_bar_small,
    "\u0131": letters.dotless_i, "\u0132": ij_capital, "\u0133": ij_small, "\u0138": letters.dotless_k,
    "\u0141": l_stroke(letters.capital_l, 46), "\u0142": l_stroke(letters.small_l, 46), "\u014a": eng_capital,
    "\u014b": eng_small, "\u0152": oe_capital, "\u0153": oe_small, "\u0166": t_bar(letters.capital_t, 44),
    "\u0167": t_bar(letters.small_t, 32), "\u017f": long_s, "\u0192": florin, "\u0237": letters.dotless_j,
    "\u0394": delta_capital, "\u03a3": sigma_capital, "\u03a9": omega_capital, "\u03b1": alpha, "\u03b2": beta,
    "\u03b3": gamma, "\u03b4": delta, "\u03b8": theta, "\u03bb": lambda_, "\u03c0": pi, "\u03c1": rho,
    "\u03c3": sigma, "\u03c4": tau,
}
