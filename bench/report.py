"""Turns results into a comparison, a table for the terminal, and one HTML page
that needs nothing else (the plots are inline SVG)."""

import html
import math

COLOURS = ("#0b6e99", "#d9730d", "#6940a5", "#0f7b6c")
MB = 1e6

# Figures compared beside the curves: title, path in the results, scale, unit, and
# whether less or more is better.
BARS = (
    ("Build", ("build", "seconds"), 1, "s", "less"),
    ("Pages of the index", ("build", "index_bytes"), MB, "MB", "less"),
    ("Image (cache)", ("build", "image_bytes"), MB, "MB", "less"),
    ("WAL of the build", ("build", "wal_bytes"), MB, "MB", "less"),
    ("COPY into the indexed table", ("copy", "rows_per_second"), 1, "rows/s", "more"),
    ("WAL of that COPY", ("copy", "wal_bytes"), MB, "MB", "less"),
    ("Single-row inserts", ("insert", "rows_per_second"), 1, "rows/s", "more"),
    ("VACUUM after deleting 10 %", ("vacuum", "seconds"), 1, "s", "less"),
)


def at(results, path):
    for name in path:
        results = (results or {}).get(name)
    return results


def latency_at(curve, recall, what="server_us"):
    """Microseconds at a recall: log(latency) interpolated linearly between
    the two neighbouring points of the curve; None outside of it."""
    points = sorted((p["recall"], p[what]) for p in curve)
    for (r0, t0), (r1, t1) in zip(points, points[1:]):
        if r0 <= recall <= r1:
            share = (recall - r0) / (r1 - r0) if r1 > r0 else 0
            return math.exp(math.log(t0) * (1 - share) + math.log(t1) * share)
    return None


def compare(sides, recalls):
    """Latencies at given recalls, and for each barq side how many times as
    good as pgvector it is (build 3.0: a third of the time)."""
    out = {"latency_us": {str(r): {name: latency_at(s.get("curve", []), r)
                                   for name, s in sides.items()} for r in recalls},
           "times_as_good_as_pgvector": {}}
    peer = sides.get("pgvector")
    for name, side in sides.items():
        if peer is None or side is peer:
            continue
        ratios = {}
        for r, by_side in out["latency_us"].items():
            if by_side[name] and by_side["pgvector"]:
                ratios[f"query at recall {r}"] = by_side["pgvector"] / by_side[name]
        for title, path, _, _, better in BARS:
            ours, theirs = at(side, path), at(peer, path)
            if ours and theirs:
                ratios[title] = theirs / ours if better == "less" else ours / theirs
        out["times_as_good_as_pgvector"][name] = ratios
    return out


def rows_of(results):
    """(title, unit, {side: value}, {side: times as good}) for each figure."""
    sides, compared = results["sides"], results["compared"]
    ratios = compared["times_as_good_as_pgvector"]

    def row(title, unit, values):
        return title, unit, values, {n: r[title] for n, r in ratios.items() if title in r}

    for r, values in compared["latency_us"].items():
        yield row(f"query at recall {r}", "us", values)
    for title, path, scale, unit, _ in BARS:
        values = {n: at(s, path) for n, s in sides.items()}
        yield row(title, unit, {n: v / scale if v is not None else None for n, v in values.items()})


def summary(results):
    """The comparison as text."""
    names = list(results["sides"])
    lines = ["", f"{'':30}" + "".join(f"{n:>14}" for n in names) + "   times as good as pgvector"]
    for title, unit, values, ratios in rows_of(results):
        cells = "".join(f"{figure(values[n]):>14}" for n in names)
        told = ", ".join(figure(r) if len(ratios) == 1 else f"{n} {figure(r)}" for n, r in ratios.items())
        lines.append(f"{title + ', ' + unit:30}{cells}   {told}".rstrip())
    return "\n".join(lines) + "\n"


def figure(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


# ---------------------------------------------------------------- the page

def write(results, path):
    sides = results["sides"]
    colours = dict(zip(sides, (COLOURS * len(sides))))
    data, machine, server = results["data"], results["machine"], results["server"]
    versions = ", ".join(f"{n} {s.get('version', '?')}" for n, s in sides.items())
    sets = ", ".join(machine["instruction_sets"]) or "baseline"
    load = " → ".join(f"{machine[k][0]:.1f}" for k in ("load_before", "load_after") if k in machine)
    settings = ", ".join(f"{k} = {v}" for k, v in server["settings"].items())
    options = results["options"]
    structure = f"lists = {options['lists']}" if options["method"] == "ivf" else \
        f"m = {options['m']}, ef_construction = {options['ef_construction']}"
    page = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'>",
        f"<title>barq bench: {esc(data['name'])}</title><style>{STYLE}</style><main>",
        "<h1>barq bench</h1>",
        f"<p><b>{esc(data['name'])}</b>: {data['rows']:,} × {data['dims']}, {data['metric']}, "
        f"{data['queries']:,} queries, recall@{data['k']} against an exact scan; "
        f"{structure}.<br>"
        f"{esc(versions)} on PostgreSQL {esc(server['version'])}, {esc(results['when'])}.<br>"
        f"{esc(machine['cpu'])}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB; "
        f"instruction sets: {sets}; load {load}.<br><small>{esc(settings)}</small></p>",
        "<p class=legend>" + " ".join(
            f"<span><i style='background:{colours[n]}'></i>{esc(n)}</span>" for n in sides)
        + "<span>↓ less is better, ↑ more is better</span></p>",
        "<div class=plots>",
        curve_plot("Inside the server: mean of a query", sides, colours, [("server_us", "")]),
        curve_plot("At the client, one connection: p50, and p99 dashed", sides, colours,
                   [("p50_us", ""), ("p99_us", "6 4")]),
        "</div><div class=bars>",
        *(bars(title, unit, better, {n: at(s, where) for n, s in sides.items()}, scale, colours)
          for title, where, scale, unit, better in BARS),
        "</div>", figures(results), points(sides), f"<p><small>{METHOD}</small></p></main></html>"]
    with open(path, "w") as file:
        file.write("\n".join(page))


STYLE = """
body{font:15px/1.45 system-ui,sans-serif;color:#222;background:#fff;margin:0}
main{max-width:1080px;margin:auto;padding:24px}
small{color:#666}h2{margin:1.6em 0 .4em;font-size:1.15em}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(440px,1fr));gap:16px}
.bars{display:grid;grid-template-columns:repeat(auto-fit,minmax(250px,1fr));gap:12px 20px;margin-top:12px}
svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:#444}svg .title{font-weight:600;fill:#222}
.legend span{margin-right:18px}.legend i{display:inline-block;width:14px;height:14px;margin-right:6px;vertical-align:-2px;border-radius:3px}
table{border-collapse:collapse;width:100%}td,th{padding:3px 10px;text-align:right;border-bottom:1px solid #e5e5e5}
td:first-child,th:first-child{text-align:left}
"""

METHOD = """In the server: one statement runs every query through a correlated sub-select, array(SELECT id … ORDER BY v &lt;op&gt; q.v
LIMIT 10), after one run that warms up and is checked for recall; best of three, divided by the number of queries. At the client: pgbench, prepared
statements, one connection over a local socket, the query vector read from a table by its id; a round trip is in the figure. Latency at a recall is
interpolated on the curve in log(latency). Build includes writing WAL; images are files that barq can make again from the pages at any time."""


def esc(text):
    return html.escape(str(text))


def ticks_log(low, high):
    """1, 2 and 5 times the powers of ten between low and high."""
    out = []
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        out += [f * 10 ** power for f in (1, 2, 5) if low <= f * 10 ** power <= high]
    return out


def duration(us):
    return f"{us / 1000:g} ms" if us >= 1000 else f"{us:g} µs"


def curve_plot(title, sides, colours, series):
    """Recall to the right, latency upwards on a log scale."""
    width, height, left, right, top, bottom = 520, 340, 62, 14, 30, 44
    points = [(p["recall"], p[key]) for s in sides.values() for p in s.get("curve", []) for key, _ in series]
    if not points:
        return ""
    low_r = math.floor(min(r for r, _ in points) * 20) / 20
    low_t, high_t = min(t for _, t in points) / 1.2, max(t for _, t in points) * 1.2

    def x(r):
        return left + (r - low_r) / (1 - low_r) * (width - left - right)

    def y(t):
        return height - bottom - (math.log(t / low_t) / math.log(high_t / low_t)) * (height - top - bottom)

    svg = [f"<svg viewBox='0 0 {width} {height}' role=img>",
           f"<text class=title x='{left}' y='16'>{esc(title)}</text>"]
    for t in ticks_log(low_t, high_t):
        svg += [f"<line x1='{left}' x2='{width - right}' y1='{y(t):.1f}' y2='{y(t):.1f}' stroke='#e5e5e5'/>",
                f"<text x='{left - 6}' y='{y(t) + 4:.1f}' text-anchor=end>{duration(t)}</text>"]
    step = 0.05 if 1 - low_r <= 0.4 else 0.1
    for i in range(round((1 - low_r) / step) + 1):
        r = 1 - i * step
        svg += [f"<line x1='{x(r):.1f}' x2='{x(r):.1f}' y1='{top}' y2='{height - bottom}' stroke='#efefef'/>",
                f"<text x='{x(r):.1f}' y='{height - bottom + 16}' text-anchor=middle>{r:.2f}</text>"]
    svg.append(f"<text x='{(left + width - right) / 2}' y='{height - 8}' text-anchor=middle>recall@10</text>")
    for name, side in sides.items():
        curve = sorted(side.get("curve", []), key=lambda p: p["ef_search"])
        for key, dash in series:
            line = " ".join(f"{x(p['recall']):.1f},{y(p[key]):.1f}" for p in curve)
            svg.append(f"<polyline points='{line}' fill=none stroke='{colours[name]}' stroke-width=2 stroke-dasharray='{dash}'/>")
            if not dash:
                svg += [f"<circle cx='{x(p['recall']):.1f}' cy='{y(p[key]):.1f}' r=3.5 fill='{colours[name]}'>"
                        f"<title>{esc(name)}, ef_search or probes {p['ef_search']}: recall {p['recall']:.4f}, {p[key]:.0f} µs</title></circle>"
                        for p in curve]
    return "\n".join(svg) + "</svg>"


def bars(title, unit, better, values, scale, colours):
    values = {n: v / scale for n, v in values.items() if v is not None}
    if not values:
        return ""
    top = max(values.values()) or 1
    svg = [f"<svg viewBox='0 0 260 {34 + 24 * len(values)}' role=img>",
           f"<text class=title x=0 y=14>{esc(title)}</text>",
           f"<text x=258 y=14 text-anchor=end>{'↓' if better == 'less' else '↑'}<title>{better} is better</title></text>"]
    for i, (name, value) in enumerate(values.items()):
        length = max(2, 150 * value / top)
        svg += [f"<rect x=0 y='{24 + 24 * i}' width='{length:.1f}' height=17 rx=2 fill='{colours[name]}'><title>{esc(name)}</title></rect>",
                f"<text x='{length + 6:.1f}' y='{37 + 24 * i}'>{figure(value)} {unit}</text>"]
    return "\n".join(svg) + "</svg>"


def figures(results):
    names = list(results["sides"])
    ratios = results["compared"]["times_as_good_as_pgvector"]
    out = ["<h2>Figures</h2><table><tr><th>" + "".join(f"<th>{esc(n)}" for n in names)
           + "".join(f"<th>{esc(n)}, times as good as pgvector" for n in ratios)]
    for title, unit, values, better in rows_of(results):
        out.append(f"<tr><td>{esc(title)}, {unit.replace('us', 'µs')}"
                   + "".join(f"<td>{figure(values[n])}" for n in names)
                   + "".join(f"<td>{figure(better[n])}" if n in better else "<td>–" for n in ratios))
    return "\n".join(out) + "</table>"


def points(sides):
    out = ["<h2>Curves</h2><table><tr><th><th>ef_search, probes<th>recall@10<th>in the server, µs<th>p50, µs<th>p95, µs<th>p99, µs"]
    for name, side in sides.items():
        looks = [("", p) for p in side.get("curve", [])]
        looks += [(", " + k.replace("_", " "), side[k]) for k in ("after_insert", "after_vacuum") if k in side]
        out += [f"<tr><td>{esc(name)}{note}<td>{p['ef_search']}<td>{p['recall']:.4f}<td>{p['server_us']:.0f}"
                f"<td>{p['p50_us']}<td>{p['p95_us']}<td>{p['p99_us']}" for note, p in looks]
    return "\n".join(out) + "</table>"
