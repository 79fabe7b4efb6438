"""A pen that draws on a grid of pixels: boxes, rings with round corners and slanted strokes, all in integers."""


class Pen:
    """Ink is a set of (x, y); y counts upwards, and row 0 stands on the baseline."""

    def __init__(self):
        self.ink = set()

    def box(self, left, bottom, right, top):
        """Columns left to right - 1, rows bottom to top - 1."""
        self.ink |= {(x, y) for x in range(left, right) for y in range(bottom, top)}

    def cut(self, left, bottom, right, top):
        self.ink -= {(x, y) for x in range(left, right) for y in range(bottom, top)}

    def keep(self, left, bottom, right, top):
        self.ink = {(x, y) for x, y in self.ink if left <= x < right and bottom <= y < top}

    def add(self, other, right=0, up=0):
        self.ink |= {(x + right, y + up) for x, y in other.ink}

    def disc(self, left, bottom, right, top):
        self.ink |= round_box(left, bottom, right, top, ((right - left), (top - bottom)), "tl tr bl br")

    def ring(self, left, bottom, right, top, stem, bar, radii=None, corners="tl tr bl br"):
        """Between two boxes with round corners. radii: of the outer, in half pixels; ellipses without them."""
        radii = radii or (right - left, top - bottom)
        outer = round_box(left, bottom, right, top, radii, corners)
        inner_radii = (max(radii[0] - 2 * stem, 0), max(radii[1] - 2 * bar, 0))
        inner = round_box(left + stem, bottom + bar, right - stem, top - bar, inner_radii, corners)
        self.ink |= outer - inner

    def slant(self, left, bottom, to_left, top, width):
        """A stroke of `width` in every row, from column `left` in row `bottom` to `to_left` in row top - 1."""
        rows = max(top - 1 - bottom, 1)
        for y in range(bottom, top):
            x = left + (2 * (to_left - left) * (y - bottom) + rows) // (2 * rows)
            self.box(x, y, x + width, y + 1)

    def rise(self, left, bottom, right, to_bottom, height):
        """A stroke of `height` in every column, from row `bottom` in column `left` to `to_bottom` in right - 1."""
        columns = max(right - 1 - left, 1)
        for x in range(left, right):
            y = bottom + (2 * (to_bottom - bottom) * (x - left) + columns) // (2 * columns)
            self.box(x, y, x + 1, y + height)

    def mirrored(self, width):
        """Left and right swapped within columns 0 to width - 1."""
        pen = Pen()
        pen.ink = {(width - 1 - x, y) for x, y in self.ink}
        return pen

    def turned(self, width, height, bottom=0):
        """By half a turn within columns 0 to width - 1, rows bottom to bottom + height - 1."""
        pen = Pen()
        pen.ink = {(width - 1 - x, 2 * bottom + height - 1 - y) for x, y in self.ink}
        return pen

    def extent(self):
        """left, bottom, right, top"""
        columns = [x for x, _ in self.ink]
        rows = [y for _, y in self.ink]
        return min(columns), min(rows), max(columns) + 1, max(rows) + 1


def round_box(left, bottom, right, top, radii, corners):
    """The pixels whose centres lie within; the radii of the corners are in half pixels."""
    pixels = set()
    radius_x = min(radii[0], right - left)
    radius_y = min(radii[1], top - bottom)
    for x in range(left, right):
        for y in range(bottom, top):
            corner = ("b" if 2 * y + 1 < bottom + top else "t") + ("l" if 2 * x + 1 < left + right else "r")
            across = min(2 * (x - left) + 1, 2 * (right - x) - 1)
            along = min(2 * (y - bottom) + 1, 2 * (top - y) - 1)
            within = corner not in corners.split() or across >= radius_x or along >= radius_y
            if not within:
                from_x, from_y = radius_x - across, radius_y - along
                within = (from_x * radius_y) ** 2 + (from_y * radius_x) ** 2 <= (radius_x * radius_y) ** 2
            if within:
                pixels.add((x, y))
    return pixels
