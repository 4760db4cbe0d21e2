#!/usr/bin/env python3
"""Draws what aloud bench --json measured as an SVG picture: tokens/s against context, sequences and threads.

    aloud bench --json --model FILE --sequences 1,2,4,8,16,32 --threads 1,2 >> results.jsonl
    aloud bench --json --model FILE --context 512,2048,8192 >> results.jsonl
    bench/plot.py results.jsonl --out docs/speed.svg

A solid line is what was measured, a dashed one what the machine's limits (probed in the same run) would allow. Every
model has its colour. Of equal measurements the last one counts."""
import argparse
import json
import math
import pathlib
from xml.sax.saxutils import escape

PANEL, GAP, MARGIN_LEFT, MARGIN_TOP, HEIGHT, INSET = 300, 62, 56, 90, 220, 24
COLOURS = ["#1f6feb", "#c4432b", "#1a7f37", "#8250df"]
TEXT, QUIET, GRID, LIMIT = "#1f2328", "#59636e", "#e3e6ea", "#8c959f"


def points_of(files):
    """{(model, threads, sequences, context): (tokens/s, tokens/s that the limits allow)}, and the runs themselves."""
    points, runs = {}, []
    for path in files:
        with open(path) as file:
            for line in filter(str.strip, file):
                run = json.loads(line)
                runs.append(run)
                shares = run["share_of_limit"]
                for decode, read, compute in zip(run["decode"], shares["decode_read"], shares["decode_compute"]):
                    key = pathlib.Path(run["model"]).name.removesuffix(".gguf"), run["threads"], decode["sequences"], decode["context"]
                    speed = decode["tokens_per_second"]
                    points[key] = speed, speed / max(read, compute)
    return points, runs


def longest(points, place):
    """{model: [(x, (speed, limit))]}: along one place of the key, with the other places fixed where most values of x are;
    of those with more threads, then with fewer sequences and less context."""
    lines = {}
    for model in sorted({key[0] for key in points}):
        rows = {}
        for key, value in points.items():
            if key[0] == model:
                rows.setdefault(key[1:place] + key[place + 1:], {})[key[place]] = value
        best = max(rows, key=lambda fixed: (len(rows[fixed]), fixed[0] if place != 1 else 0, -fixed[-1], -fixed[0]))
        if len(rows[best]) > 1:
            lines[model] = sorted(rows[best].items())
    return lines


def nice_step(most):
    """A round step that divides the axis into about five."""
    raw = most / 5
    power = 10 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw)


def text(x, y, words, anchor="middle", size=12, colour=QUIET, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}" '
            f'font-weight="{weight}">{escape(str(words))}</text>')


def polyline(places, colour, dashed):
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return (f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}" fill="none" stroke="{colour}" '
            f'stroke-width="{1.5 if dashed else 2}"{dash}/>')


def panel(left, title, axis, lines, colours):
    """One picture: x in powers of two, y from zero."""
    xs = sorted({x for line in lines.values() for x, _ in line})
    most = max(max(value) for line in lines.values() for _, value in line)
    step = nice_step(most)
    top = step * math.ceil(1.05 * most / step)  # room for the words above the highest point
    low, high = math.log2(xs[0]), math.log2(xs[-1])

    def place(x, y):
        return (left + INSET + (PANEL - 2 * INSET) * (math.log2(x) - low) / (high - low),
                MARGIN_TOP + HEIGHT * (1 - y / top))

    out = [text(left, MARGIN_TOP - 16, title, "start", 13, TEXT, "bold")]
    for i in range(round(top / step) + 1):
        _, y = place(xs[0], i * step)
        out.append(f'<line x1="{left}" x2="{left + PANEL}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>')
        out.append(text(left - 8, y + 4, f"{i * step:g}", "end", 11))
    for x in xs:
        out.append(text(place(x, 0)[0], MARGIN_TOP + HEIGHT + 18, f"{x:,}", size=11))
    out.append(text(left + PANEL / 2, MARGIN_TOP + HEIGHT + 38, axis))
    for model, line in lines.items():
        out.append(polyline([place(x, limit) for x, (_, limit) in line], LIMIT, True))
        out.append(polyline([place(x, speed) for x, (speed, _) in line], colours[model], False))
        for x, (speed, _) in line:
            px, py = place(x, speed)
            out.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.5" fill="{colours[model]}"/>')
            out.append(text(px, py - 9, f"{speed:.0f}" if speed >= 100 else f"{speed:.1f}", size=10, colour=TEXT))
    return out


def picture(points, runs):
    panels = [(title, axis, longest(points, place)) for title, axis, place in (
        ("Decode, one conversation", "tokens of context", 3), ("Decode, many at once", "sequences", 2),
        ("Decode, by threads", "threads", 1))]
    panels = [p for p in panels if p[2]]
    models = sorted({model for _, _, lines in panels for model in lines})
    colours = {model: COLOURS[i % len(COLOURS)] for i, model in enumerate(models)}
    width, height = MARGIN_LEFT + len(panels) * (PANEL + GAP), MARGIN_TOP + HEIGHT + 56
    last = runs[-1]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           f'font-family="system-ui, sans-serif">', f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
           text(MARGIN_LEFT, 26, f"Tokens per second: {last['machine']['processor']}, {last['isa']}, {last['date'][:10]}",
                "start", 15, TEXT, "bold")]
    x = MARGIN_LEFT
    for name, colour, dashed in [(m, colours[m], False) for m in models] + [("what the machine's limits allow", LIMIT, True)]:
        out.append(polyline([(x, 44), (x + 24, 44)], colour, dashed))
        out.append(text(x + 30, 48, name, "start"))
        x += 48 + 7 * len(name)
    for i, (title, axis, lines) in enumerate(panels):
        out += panel(MARGIN_LEFT + i * (PANEL + GAP), title, axis, lines, colours)
    return "\n".join([*out, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+")
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    points, runs = points_of(options.results)
    if not any(longest(points, place) for place in (1, 2, 3)):
        parser.error("nothing was measured at two places of a sweep")
    with open(options.out, "w") as file:
        file.write(picture(points, runs))


main()
