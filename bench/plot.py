#!/usr/bin/env python3
"""The plot of README.md: recall against time, barq beside pgvector, as two SVGs,
one for light and one for dark pages. Standard library only.

    bench/plot.py                    docs/recall-*.svg from docs/performance.md
    bench/plot.py --check            fail unless those files are up to date
    bench/plot.py results.json DIR   recall-*.svg in DIR from a run of `make bench`
    bench/plot.py --table results.json
                                     the table that docs/performance.md shows

The figures of README's plot stand in one place, the table below MARK in
docs/performance.md. After a new run replace that table by the output of
--table and draw the plot again; scripts/run-tests.sh (suite `layout`) runs
--check, so the plot cannot differ from the table.
"""

import json
import math
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = os.path.join(HERE, "..", "docs")
MARK = "<!-- the plot of README.md is drawn from this table: bench/plot.py -->"

THEMES = {
    "light": {"text": "#1f2328", "soft": "#59636e", "grid": "#d1d9e0",
              "barq": "#0a6bbd", "pgvector": "#bc4c00"},
    "dark": {"text": "#f0f6fc", "soft": "#9198a1", "grid": "#3d444d",
             "barq": "#58a6ff", "pgvector": "#f0883e"},
}
FONT = "-apple-system,Segoe UI,Helvetica,Arial,sans-serif"
WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 78, 28, 50, 54


def from_table(path):
    """{side: [(ef_search, recall, microseconds)]} of the table below MARK."""
    with open(path, encoding="utf-8") as file:
        below = file.read().split(MARK)
    if len(below) != 2:
        raise SystemExit(f"{path}: there must be one line {MARK}")
    curves = {"pgvector": [], "barq": []}
    for line in below[1].lstrip().splitlines():
        if not line.startswith("|"):
            break
        cells = [c.strip().replace(",", "") for c in line.strip("|").split("|")]
        if re.fullmatch(r"\d+", cells[0]):
            ef, r0, t0, r1, t1 = (float(c) for c in cells)
            curves["pgvector"].append((int(ef), r0, t0))
            curves["barq"].append((int(ef), r1, t1))
    return curves


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def from_results(results):
    return {side: [(p["ef_search"], p["recall"], p["server_us"])
                   for p in results["sides"].get(side, {}).get("curve", [])]
            for side in ("pgvector", "barq")}


def table(curves):
    """The curves as docs/performance.md shows them."""
    lines = ["| ef_search | pgvector: recall | µs | barq: recall | µs |",
             "| --- | --- | --- | --- | --- |"]
    ours = {ef: (recall, us) for ef, recall, us in curves["barq"]}
    for ef, recall, us in curves["pgvector"]:
        if ef in ours:
            lines.append(f"| {ef} | {recall:.3f} | {us:,.0f} | {ours[ef][0]:.3f} | {ours[ef][1]:,.0f} |")
    return "\n".join(lines)


def duration(us):
    return f"{us / 1000:g} ms" if us >= 1000 else f"{us:g} µs"


def svg(curves, theme, what):
    """One plot: recall to the right, time of a query upwards on a log scale."""
    c = THEMES[theme]
    points = [p for curve in curves.values() for p in curve]
    low_r = min(0.98, math.floor(min(r for _, r, _ in points) * 50) / 50)
    low_t, high_t = min(t for _, _, t in points) / 1.4, max(t for _, _, t in points) * 1.4

    def x(r):
        return LEFT + (r - low_r) / (1 - low_r) * (WIDTH - LEFT - RIGHT)

    def y(t):
        return HEIGHT - BOTTOM - math.log(t / low_t) / math.log(high_t / low_t) * (HEIGHT - TOP - BOTTOM)

    def text(px, py, string, colour, anchor="start", size=13, more=""):
        return (f'<text x="{px:.1f}" y="{py:.1f}" fill="{c[colour]}" text-anchor="{anchor}" '
                f'font-size="{size}"{more}>{string}</text>')

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           f'width="{WIDTH}" height="{HEIGHT}" role="img" font-family="{FONT}">',
           f"<title>Time of a query against recall@10: barq and pgvector, {what}</title>",
           text(LEFT, 20, "Time of a query, in the server (log scale)", "text", size=15, more=' font-weight="600"'),
           text(LEFT, 38, what, "soft")]
    power = math.floor(math.log10(low_t))
    while 10 ** power <= high_t:
        for t in (10 ** power, 2 * 10 ** power, 5 * 10 ** power):
            if low_t <= t <= high_t:
                out += [f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(t):.1f}" y2="{y(t):.1f}" stroke="{c["grid"]}"/>',
                        text(LEFT - 8, y(t) + 4, duration(t), "soft", "end")]
        power += 1
    step = 0.02 if 1 - low_r <= 0.2 else 0.1
    for i in range(round((1 - low_r) / step) + 1):
        r = 1 - i * step
        out.append(text(x(r), HEIGHT - BOTTOM + 20, f"{r:.2f}", "soft", "middle"))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "recall@10", "soft", "middle"))
    for side, curve in curves.items():
        line = " ".join(f"{x(r):.1f},{y(t):.1f}" for _, r, t in curve)
        out.append(f'<polyline points="{line}" fill="none" stroke="{c[side]}" stroke-width="2.5" stroke-linejoin="round"/>')
        for ef, r, t in curve:
            out.append(f'<circle cx="{x(r):.1f}" cy="{y(t):.1f}" r="4" fill="{c[side]}">'
                       f"<title>{side}, ef_search {ef}: recall {r:.3f}, {t:,.0f} µs</title></circle>")
        ef, r, t = curve[0]
        out.append(text(x(r), y(t) + 19, f"ef_search {ef}", "soft", "middle", 11))
        ef, r, t = curve[-1]
        out.append(text(x(r) + 9, y(t) + 4, str(ef), "soft", "start", 11))
        _, r, t = curve[len(curve) // 2]
        out.append(text(x(r) - 8, y(t) - 12, side, side, "end", 15, ' font-weight="600"'))
    return "\n".join(out) + "\n</svg>\n"


def drawn(curves, what):
    if not all(curves.values()):
        return {}
    return {f"recall-{theme}.svg": svg(curves, theme, what) for theme in THEMES}


def write(curves, what, folder):
    for name, content in drawn(curves, what).items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(content)


def of_results(results, folder):
    """The plots of a run of barq_hnsw beside pgvector; of other runs none."""
    data = results["data"]
    if results["options"]["method"] == "hnsw":
        write(from_results(results),
              f"{data['name']}, {data['rows']:,} × {data['dims']}, {data['metric']}", folder)


README = "GloVe, 340,479 vectors of 100 dimensions, cosine; both in one run"


def main(arguments):
    if arguments[:1] == ["--table"] and len(arguments) == 2:
        print(table(from_results(read_json(arguments[1]))))
    elif len(arguments) == 2:
        of_results(read_json(arguments[0]), arguments[1])
    elif arguments in ([], ["--check"]):
        curves = from_table(os.path.join(DOCS, "performance.md"))
        if not arguments:
            write(curves, README, DOCS)
            return
        for name, content in drawn(curves, README).items():
            with open(os.path.join(DOCS, name), encoding="utf-8") as file:
                if file.read() != content:
                    raise SystemExit(f"docs/{name} is not what docs/performance.md says: run bench/plot.py")
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
