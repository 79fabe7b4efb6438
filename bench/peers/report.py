"""What a run says: the table, and JSON in the format of google-benchmark as 'tallow bench --json' writes it."""

import math
import statistics

import cases
import estimates
import libraries

TIME_UNITS = ((1e-6, "ns", 1e9), (1e-3, "us", 1e6), (1.0, "ms", 1e3), (math.inf, "s", 1.0))
LABEL = 28  # letters
BESIDE = ("baseline", "speedup")  # what facts that are found anew begin with

# ---- the table ----


def digits(value):
    """Three that count."""
    if value < 99.95:
        return f"{value:.2f}" if value < 9.995 else f"{value:.1f}"
    return f"{float(f'{value:.3g}'):,.0f}"


def time_text(seconds):
    limit, unit, factor = next(entry for entry in TIME_UNITS if seconds < entry[0] * 0.9995)
    return f"{digits(seconds * factor)} {unit}"


def rate_text(rate):
    for limit, unit in ((1e3, ""), (1e6, "k "), (1e9, "M ")):
        if rate < limit * 0.9995:
            return f"{digits(rate / limit * 1e3)} {unit}"
    return f"{digits(rate * 1e-9)} G "


def spread_text(interval):
    spread = 50 * (interval.high - interval.low) / interval.value
    return f"{spread:.1f}%" if spread < 1000 else "?"


def times_as_fast(row, baseline):
    """How many times as fast as a peer Tallow is; None where that says nothing."""
    if not row.peer or row.same is False or not row.is_measured or not baseline.is_measured:
        return None
    return estimates.ratio_of_turns(row.repetitions, baseline.repetitions)


def times_text(interval):
    if not interval.is_known:
        return f"{digits(interval.value)} (not sure)"
    return f"{digits(interval.value)} ({digits(interval.low)} to {digits(interval.high)})"


def label_of(row):
    """Without the helpers of a peer where all of them are too long."""
    return row.label if len(row.label) <= LABEL else row.label.split(",")[0]


def line_of(row, baseline):
    label = f"  {label_of(row):{LABEL}} {row.threads:>3}"
    if not row.is_measured:
        return f"{label} failed: {row.failed}"
    time = estimates.time_of(row.repetitions)
    mark = "!" if any(r.spoiled for r in row.repetitions) else " "
    best = min(r.seconds for r in row.repetitions)
    line = f"{label} {time_text(time.value):>9} {spread_text(time):>6}{mark} {time_text(best):>9}"
    line += f" {rate_text(row.items / time.value) + row.item + '/s':>18}"
    if not row.peer:
        return line
    times = times_as_fast(row, baseline)
    return f"{line}  {'none' if times is None else times_text(times):24} {row.said}".rstrip()


HEADER = (
    f"\n{'case, by whom':{LABEL + 2}} {'thr':>3} {'time':>9} {'+-':>6}  {'best':>9} {'rate':>18}  "
    f"{'tallow, times as fast':24} output"
)


def print_machine(file, context):
    print(f"tallow   {context['library_version']}, commit {context['commit']}, {context['compiler']}", file=file)
    governor, load = context["governor"] or "not known", "".join(f", load {x:.2f}" for x in context["load_avg"][:1])
    cpu = f"cpu      {context['cpu']}, {context['num_cpus']} CPUs, tier {context['tier']}, governor {governor}{load}"
    print(cpu, file=file)
    for device in context["devices"]:
        print(f"{device['backend']:9}{device['name']}, {device['driver']}", file=file)


def print_case(file, case, rows):
    print(f"{case.name}   {case.items:,} {case.item if case.items > 1 else case.item.rstrip('s')} a call", file=file)
    for row in rows:
        print(line_of(row, rows[0]), file=file)
    file.flush()


def settings_of(results, kind):
    """Of each peer its settings, and what was called by them."""
    lines = {}
    for case, rows in results:
        for row in rows:
            if row.settings and case.kind == kind:
                lines.setdefault(f"  {row.label}: {row.settings}", {})[row.by] = None
    return [f"{line}; {', '.join(calls)}" for line, calls in lines.items()]


def print_legend(file, results, plan, missing):
    clock = ", of processor time" if plan.by_processor else ""
    print(f"\ntime     the median of a call{clock}, peers' for the items of Tallow's call", file=file)
    print("+-       half of its 95% interval", file=file)
    print("times    the median of ratios round by round, with its 95% interval; none where outputs differ", file=file)
    print("output   of the peer beside Tallow's of the same input", file=file)
    if any(r.spoiled for _, rows in results for row in rows for r in row.repetitions):
        print("!        this machine was busy: some turns were left out, and others taken in their place", file=file)
    for name, reason in missing.items():
        print(f"left out {name}: {reason}", file=file)
    print("\nTallow writes into memory that it was given, and wrote before; peers make what they give.", file=file)
    for kind in dict.fromkeys(case.kind for case, _ in results):
        print(f"\n{cases.summary_of(kind)}", file=file)
        for line in settings_of(results, kind):
            print(line, file=file)


# ---- JSON ----


def entry_of(row, index, ending, kind, seconds, processor, calls):
    scale = 1.0 if ending == "cv" else 1e9
    entry = {
        "name": row.name + (f"_{ending}" if ending else ""),
        "family_index": index,
        "per_family_instance_index": 0,
        "run_name": row.name,
        "run_type": kind,
        "repetitions": len(row.repetitions),
        "threads": row.threads,
        "iterations": calls,
        "real_time": seconds * scale,
        "cpu_time": processor * scale,
        "time_unit": "ns",
    }
    if ending:
        entry |= {"aggregate_name": ending, "aggregate_unit": "percentage" if ending == "cv" else "time"}
    return entry


def facts_of_tallow(row, baseline, seconds, found):
    """What tallow bench has told last, but for what is found here."""
    facts = {name: fact for name, fact in row.facts.items() if name not in found and not name.startswith(BESIDE)}
    facts.pop("high", None)
    for name in ("bytes_per_second", "share_of_copy"):
        if name in row.facts:
            facts[name] = row.facts[name] * row.facts["real_time"] * 1e-9 / seconds
    hashes = row.facts.get("output_hash"), baseline.facts.get("output_hash")
    if row is not baseline and hashes[0] and hashes[0] == hashes[1]:
        speedup = estimates.ratio_of_turns(baseline.repetitions, row.repetitions)
        if speedup:
            facts |= {"baseline": baseline.name, "baseline_tier": row.facts.get("baseline_tier", "")}
            facts |= interval_members("speedup", speedup)
    return facts


def interval_members(name, interval):
    members = {name: interval.value, f"{name}_low": interval.low}
    return members | ({f"{name}_high": interval.high} if interval.is_known else {})


def facts_of_peer(row, baseline):
    facts = {"peer": row.peer, "peer_settings": f"{row.by}; {row.settings}", "baseline": baseline.name}
    facts |= {"same_output": row.same, "output_said": row.said}
    times = times_as_fast(row, baseline)
    return facts | (interval_members("times_as_fast", times) if times else {})


def median_entry(row, baseline, index, values):
    time = estimates.time_of(row.repetitions)
    entry = entry_of(row, index, "median", "aggregate", *values, len(row.repetitions))
    entry["low"] = time.low * 1e9
    if time.is_known:
        entry["high"] = time.high * 1e9
    entry["best"] = min(r.seconds for r in row.repetitions) * 1e9
    entry["cold"] = row.cold * 1e9
    entry["spoiled_repetitions"] = sum(r.spoiled != 0 for r in row.repetitions)
    entry |= {"item": row.item, "items_per_second": row.items / time.value}
    return entry | (facts_of_peer(row, baseline) if row.peer else facts_of_tallow(row, baseline, time.value, entry))


def entries_of(row, baseline, index):
    if not row.is_measured:
        failure = {"error_occurred": True, "error_message": row.failed or "not measured", "peer": row.peer}
        return [entry_of(row, index, "", "iteration", 0.0, 0.0, 0) | failure]
    entries = []
    for i, r in enumerate(row.repetitions):
        entry = entry_of(row, index, "", "iteration", r.seconds, r.processor, r.calls) | {"repetition_index": i}
        entry |= {"spoiled": r.spoiled} if r.spoiled else {}
        entries.append(entry | {"items_per_second": row.items / r.seconds})
    good = estimates.good_ones(row.repetitions)
    columns = [[r.seconds for r in good], [r.processor for r in good]]
    means, medians = [[f(column) for column in columns] for f in (statistics.fmean, statistics.median)]
    deviations = [statistics.stdev(column) if len(column) > 1 else 0.0 for column in columns]
    shares = [d / m if m > 0 else 0.0 for d, m in zip(deviations, means)]
    n = len(row.repetitions)
    return [
        *entries,
        entry_of(row, index, "mean", "aggregate", *means, n),
        median_entry(row, baseline, index, medians),
        entry_of(row, index, "stddev", "aggregate", *deviations, n),
        entry_of(row, index, "cv", "aggregate", *shares, n),
    ]


def to_json(context, results, environment, peers, missing):
    versions = {peer: environment.version_of(peer) for peer in peers}
    context = context | {"executable": "bench/peers", "peers": versions, "peers_missing": missing}
    benchmarks, index = [], 0
    for _, rows in results:
        for row in rows:
            benchmarks += entries_of(row, rows[0], index)
            index += 1
    return {"context": context, "benchmarks": benchmarks}
