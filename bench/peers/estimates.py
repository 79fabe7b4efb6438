"""What repetitions say, and how sure that is: what ../statistics.c and ../batches.c do, in Python."""

import dataclasses
import math
import statistics

REPETITIONS_MIN = 3  # below, an interval says nothing
WAITED, SWITCHED, STOLEN, SLOW = 1, 2, 4, 8  # why a repetition does not count; bits
SLOW_FROM = 1.1  # times the lower quartile
PERSISTENCE_LEAST, PERSISTENCE_MOST = 0.3, 0.8
FREEDOM_LEAST = 3
OF_MEDIAN = math.pi / 2  # how much more a median varies than a mean
STUDENT = [math.inf, 12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281]


@dataclasses.dataclass
class Repetition:
    """A turn: seconds of a call by the clock of the run, and of processor time."""

    round: int
    seconds: float
    processor: float
    calls: int = 1
    spoiled: int = 0


@dataclasses.dataclass
class Interval:
    """The median of undisturbed repetitions, and from where to where it lies in 95 of 100 runs."""

    value: float
    low: float = 0.0
    high: float = math.inf

    @property
    def is_known(self):
        return math.isfinite(self.high)


def student(freedom):
    """Student's t for 97.5%."""
    if freedom < 1:
        return STUDENT[1]
    last = len(STUDENT) - 1
    if freedom < last:
        i = int(freedom)
        return STUDENT[i] + (freedom - i) * (STUDENT[i + 1] - STUDENT[i])
    z = 1.959964
    first, second = (z**2 + 1) / (4 * freedom), (5 * z**4 + 16 * z**2 + 3) / (96 * freedom**2)
    return z * (1 + first + second + (3 * z**6 + 19 * z**4 + 17 * z**2 - 15) / (384 * freedom**3))


def persistence(logs):
    """How much more the mean varies than that of as many values which know nothing of each other."""
    n, mean = len(logs), sum(logs) / len(logs)
    squares = sum((x - mean) ** 2 for x in logs)
    products = sum((a - mean) * (b - mean) for a, b in zip(logs, logs[1:]))
    seen = products / squares if squares > 0 else 0
    r = (seen + 1 / n) / (1 - 4 / n) if n > 8 else seen
    bounded = min(max(r, PERSISTENCE_LEAST), PERSISTENCE_MOST)
    return (1 + bounded) / (1 - bounded)


@dataclasses.dataclass
class Moments:
    """Of logarithms: the variance of their median and its degrees of freedom; how much more it is with the slow ones."""

    variance: float = 0.0
    freedom: float = 1.0
    extra: float = 0.0


def moments_of(values, slow=()):
    """Of values in the order in which they were taken, beside which slow ones are left out."""
    logs, left_out = [math.log(x) for x in values], [math.log(x) for x in slow]
    n, whole, f = len(logs), len(logs) + len(left_out), persistence(logs)
    within = [min(max(x, min(logs)), max(logs)) for x in logs + left_out]
    squares = sum((x - sum(within) / whole) ** 2 for x in within)
    freedom = min(max((n - 1) * 2 * f / (f * f + 1), FREEDOM_LEAST), n - 1)
    return Moments(OF_MEDIAN * squares * f / (n * (n - 1)), freedom)


def moments_of_times(values, slow):
    """Likewise of times, of which those below the median say what undisturbed ones vary by."""
    m = moments_of(values, slow)
    if slow:
        logs = [math.log(x) for x in values]
        whole = sorted(logs + [math.log(x) for x in slow])
        with_slow, half = statistics.median(whole), len(whole) // 2
        below = sum((with_slow - x) ** 2 for x in whole[:half]) / half
        m.variance = max(m.variance, OF_MEDIAN * below * persistence(logs) / len(whole))
        m.extra = with_slow - statistics.median(logs)
    return m


def reach_of(x, y=Moments()):
    """Of x's median less y's."""
    whole = x.variance + y.variance
    parts = x.variance**2 / x.freedom + y.variance**2 / y.freedom
    return student(whole**2 / parts if parts > 0 else math.inf) * math.sqrt(whole)


def around(value, below, above):
    return Interval(value, value * math.exp(-below), value * math.exp(above))


def estimate(values, slow=()):
    """The median of values above 0, which were taken one after the other, with its interval; slow ones were left out."""
    median = statistics.median(values)
    if len(values) < REPETITIONS_MIN:
        return Interval(median)
    m = moments_of_times(values, slow)
    reach = student(m.freedom) * math.sqrt(m.variance)
    return around(median, reach, m.extra + reach)


def mark_slow(repetitions):
    """Sets SLOW in those that are much slower than the better ones. Says how many are spoiled in any way."""
    if not repetitions:
        return 0
    limit = SLOW_FROM * sorted(r.seconds for r in repetitions)[(len(repetitions) - 1) // 4]
    for r in repetitions:
        r.spoiled = r.spoiled & ~SLOW | (SLOW if r.seconds > limit else 0)
    return sum(r.spoiled != 0 for r in repetitions)


def good_ones(repetitions):
    """Those that count, which are all where too few would be left."""
    good = [r for r in repetitions if not r.spoiled]
    return good if len(good) >= REPETITIONS_MIN else repetitions


def slow_ones(repetitions):
    """Those that good_ones() leaves out only because they are slow."""
    few = sum(r.spoiled == 0 for r in repetitions) < REPETITIONS_MIN
    return [] if few else [r for r in repetitions if r.spoiled == SLOW]


def times_of(repetitions):
    """Those of good ones, and of slow ones."""
    return [r.seconds for r in good_ones(repetitions)], [r.seconds for r in slow_ones(repetitions)]


def time_of(repetitions):
    return estimate(*times_of(repetitions))


def ratio_of_turns(a, b):
    """How many times as long as b a took: the ratio of their medians. Its interval is as wide as that of the ratios in
    the rounds in which both count, and reaches around their median; Welch's where there are too few."""
    (ours, our_slow), (theirs, their_slow) = times_of(a), times_of(b)
    ratio = statistics.median(ours) / statistics.median(theirs)
    if min(len(ours), len(theirs)) < REPETITIONS_MIN:
        return Interval(ratio)
    others = {r.round: r for r in b}
    pairs = [(r, others[r.round]) for r in a if r.round in others]
    ratios = [r.seconds / other.seconds for r, other in pairs if r.spoiled | other.spoiled == 0]
    slow = [r.seconds / other.seconds for r, other in pairs if r.spoiled | other.spoiled == SLOW]
    if len(ratios) < REPETITIONS_MIN:
        x, y = moments_of_times(ours, our_slow), moments_of_times(theirs, their_slow)
        reach = reach_of(x, y)
        return around(ratio, reach + y.extra, reach + x.extra)
    reach = reach_of(moments_of(ratios, slow))
    in_turns = math.log(statistics.median(ratios) / ratio)
    with_slow = math.log(statistics.median(ours + our_slow) / statistics.median(theirs + their_slow) / ratio)
    return around(ratio, reach + max(-in_turns, -with_slow, 0), reach + max(in_turns, with_slow, 0))
