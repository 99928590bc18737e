"""The bar chart of docs/comparison.md: how many times fewer host instructions than TCG, by workload."""
import math

from results import GROUPS

LEFT, WIDTH, ROW, TOP = 110, 620, 15, 58
TICKS = (1, 2, 3, 5, 10, 20, 50, 100)
# For a light and a dark page alike.
COLOURS = {'debian': '#3d85c6', 'integer': '#45a06b', 'x87': '#c27ba0', 'sse2': '#a064c8',
           'kernel': '#d08a2e', 'boot': '#cc4b4b'}
STYLE = '''text { font: 11px sans-serif; fill: #333 } .title { font-size: 14px; font-weight: bold }
.grid { stroke: #8888; stroke-width: 1 } .goal { stroke: #c33; stroke-width: 1.5; stroke-dasharray: 5 3 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .goal { stroke: #f77 } }'''


def svg(r):
    rows = [(w, r.gain(w.name)) for w in r.workloads if r.gain(w.name)]
    order = [g for g, _ in GROUPS]
    rows.sort(key=lambda x: (order.index(x[0].group), -x[1]))
    most = next((t for t in TICKS if t >= max([g for _, g in rows], default=10)), TICKS[-1])

    def x(value):
        return LEFT + WIDTH * math.log(min(max(value, 1), most)) / math.log(most)

    bottom = TOP + ROW * len(rows) + 4
    mean = r.mean_gain() or 1
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 60} {bottom + 44}" '
           f'role="img" aria-label="Host instructions of TCG divided by those of stitch86">', f'<style>{STYLE}</style>',
           f'<text class="title" x="{LEFT}" y="18">Executed host instructions: QEMU TCG / stitch86</text>']
    legend = LEFT
    titles = dict(GROUPS)
    for group in [g for g in order if g in COLOURS]:
        out.append(f'<rect x="{legend}" y="30" width="10" height="10" fill="{COLOURS[group]}"/>'
                   f'<text x="{legend + 14}" y="39">{titles[group]}</text>')
        legend += 32 + 6 * len(titles[group])
    for tick in [t for t in TICKS if t <= most]:
        out.append(f'<line class="grid" x1="{x(tick):.1f}" y1="{TOP - 4}" x2="{x(tick):.1f}" y2="{bottom}"/>'
                   f'<text x="{x(tick):.1f}" y="{bottom + 14}" text-anchor="middle">{tick}</text>')
    for i, (w, gain) in enumerate(rows):
        y = TOP + ROW * i
        out.append(f'<text x="{LEFT - 6}" y="{y + 10}" text-anchor="end">{w.name}</text>'
                   f'<rect x="{LEFT}" y="{y + 1}" width="{x(gain) - LEFT:.1f}" height="{ROW - 4}" '
                   f'fill="{COLOURS[w.group]}"/><text x="{x(gain) + 4:.1f}" y="{y + 10}">{gain:.1f}</text>')
    out.append(f'<line class="goal" x1="{x(mean):.1f}" y1="{TOP - 4}" x2="{x(mean):.1f}" y2="{bottom}"/>'
               f'<text x="{x(mean):.1f}" y="{bottom + 30}" text-anchor="middle">geometric mean {mean:.2f}'
               f'</text>')
    out.append('</svg>')
    return '\n'.join(out) + '\n'
