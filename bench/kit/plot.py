"""Line charts as SVG, for reports: text in, text out.

    svg = chart("Applications", "applications", [Line("created", [(0.0, 0), (1.5, 20)]), …])
    svg = chart(…, bands=True)                 # lines on top of each other: the whole is what they sum up to

x is seconds since the start. Equal input gives equal bytes."""

from collections import namedtuple
from xml.sax.saxutils import escape

Line = namedtuple("Line", "name points")

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 36, 56
COLOURS = ("#1f6fb4", "#e07b1a", "#2f9e5b", "#c4383c", "#7a5bb0", "#8a6152", "#d36aa8", "#6f6f6f", "#a8a32a", "#22a5b8")


def nice_step(span, wanted=5):
    """1, 2 or 5 times a power of ten, so that about `wanted` steps make the span."""
    if span <= 0:
        return 1.0
    raw, power = span / wanted, 1.0
    while power * 10 <= raw:
        power *= 10
    while power > raw:
        power /= 10
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)


def ticks(end, wanted=5):
    step = nice_step(end, wanted)
    count = int(end / step + 1e-9)
    return [step * number for number in range(count + 1)]


def plain(value):
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{value:.3g}" if value != int(value) else f"{int(value)}"


def clock(seconds):
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:g} min"


def stacked(lines):
    """Each line on top of those before it, at all times that any line has."""
    times = sorted({time for line in lines for time, _ in line.points})
    below, out = dict.fromkeys(times, 0.0), []
    for line in lines:
        known, at, value = sorted(line.points), 0, 0.0
        points = []
        for time in times:
            while at < len(known) and known[at][0] <= time:
                value = known[at][1]
                at += 1
            below[time] += value
            points.append((time, below[time]))
        out.append(Line(line.name, points))
    return out


def chart(title, unit, lines, bands=False):
    lines = [Line(line.name, sorted(line.points)) for line in lines if line.points]
    if bands:
        lines = stacked(lines)
    end = max((point[0] for line in lines for point in line.points), default=0) or 1.0
    most = max((point[1] for line in lines for point in line.points), default=0) or 1.0
    top = ticks(most)[-1] + (nice_step(most) if ticks(most)[-1] < most else 0)

    def x(time):
        return LEFT + time / end * (WIDTH - LEFT - RIGHT)

    def y(value):
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="11" fill="#333">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{escape(title)}</text>',
           f'<text x="{WIDTH - RIGHT}" y="20" text-anchor="end">{escape(unit)}</text>']
    for value in ticks(top):
        out.append(f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{plain(value)}</text>')
    for time in ticks(end, 8):
        out.append(f'<path d="M{x(time):.1f} {HEIGHT - BOTTOM}v4" stroke="#333"/>'
                   f'<text x="{x(time):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{clock(time)}</text>')
    out.append(f'<path d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}" stroke="#333"/>')
    if not lines:
        out.append(f'<text x="{WIDTH / 2}" y="{HEIGHT / 2}" text-anchor="middle" fill="#999">no data</text>')
    for number, line in reversed(list(enumerate(lines))):
        colour = COLOURS[number % len(COLOURS)]
        path = "L".join(f"{x(time):.1f} {y(value):.1f}" for time, value in thinned(line.points))
        if bands:
            first, last = line.points[0][0], line.points[-1][0]
            out.append(f'<path d="M{x(first):.1f} {y(0):.1f}L{path}L{x(last):.1f} {y(0):.1f}Z" fill="{colour}"/>')
        else:
            out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
    at = LEFT
    for number, line in enumerate(lines):
        out.append(f'<rect x="{at}" y="{HEIGHT - 22}" width="10" height="10" fill="{COLOURS[number % len(COLOURS)]}"/>'
                   f'<text x="{at + 14}" y="{HEIGHT - 13}">{escape(line.name)}</text>')
        at += 28 + 7 * len(line.name)
    return "\n".join(out) + "\n</svg>\n"


def thinned(points, most=1500):
    """Of too many points, the greatest of each stretch: peaks stay."""
    if len(points) <= most:
        return points
    size = -(-len(points) // most)
    return [max(points[at:at + size], key=lambda point: point[1]) for at in range(0, len(points), size)]
