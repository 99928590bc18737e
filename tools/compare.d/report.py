#!/usr/bin/env python3
"""What tools/compare measured, as tables.

usage: report.py table FOLDER LIST              the main table, on standard output
       report.py page FOLDER LIST PAGE CHART    docs/comparison.md and its bar chart
       report.py quick FOLDER LIST PAGE         the main table, with TCG's figures from an older page
       report.py stamp PROCESS MARKS COUNT      without a counter: wall times between the guest's marks"""
import os
import re
import sys
import time

sys.dont_write_bytecode = True  # the source folder may be read-only, and stays as it is
import chart
from results import CLASSES, GROUPS, Results, geomean, ratio

GOALS = {'debian': None, 'integer': None, 'x87': 3.0, 'sse2': 8.0, 'calls': 6.0, 'kernel': 5.0, 'boot': 4.0}
GOAL_ALL, GOAL_EACH, GOAL_NATIVE, GOAL_TRANSLATION, GOAL_BOOT = 5.0, 2.0, 4.0, 1500, 19e9


def number(value, form='{:.2f}', absent='-'):
    return form.format(value) if value else absent


def millions(value):
    return number(value and value / 1e6, '{:.1f}')


def row(*cells):
    return '| ' + ' | '.join(cells) + ' |\n'


def head(*cells):
    return row(*cells) + '|' + '---|' * len(cells) + '\n'


def main_table(r):
    text = head('workload', 'group', 'guest', 'stitch86', 'TCG', 'native', 'TCG / stitch86', 'stitch86 / guest',
                'stitch86 / native', 'seconds here', 'seconds TCG')
    for w in r.workloads:
        ours, tcg = r.ours.get(w.name), r.tcg.get(w.name)
        host = r.host('ours', w.name)
        sides = ('here', ours), ('TCG', tcg), ('native', r.native.get(w.name))
        problems = [f'{side}: {f.problem}' for side, f in sides if f and f.problem]
        text += row(w.name + (f' ({"; ".join(problems)})' if problems else ''), ', '.join(w.groups),
                    millions(ours and ours.guest), millions(host), millions(r.host('tcg', w.name)),
                    millions(r.host('native', w.name)), number(r.gain(w.name)),
                    number(ratio(host, ours and ours.guest)), number(ratio(host, r.host('native', w.name))),
                    number(ours and ours.wall, '{:.1f}'), number(tcg and tcg.wall, '{:.1f}'))
    return text


def verdict(value, goal, most=False):
    if goal is None:
        return ''
    if not value:
        return 'not measured'
    return 'met' if (value <= goal if most else value >= goal) else 'NOT met'


def means_table(r):
    text = head('group', 'workloads', 'TCG / stitch86', 'goal', '', 'stitch86 / guest', 'stitch86 / native')
    for group, title in GROUPS + [(None, 'all')]:
        members = r.group(group) if group else r.workloads
        mean = r.mean_gain(group)
        goal = GOALS[group] if group else GOAL_ALL
        per_guest = geomean([ratio(r.host('ours', w.name), r.ours[w.name].guest)
                             for w in members if w.name in r.ours])
        native = geomean([ratio(r.host('ours', w.name), r.host('native', w.name)) for w in members])
        text += row(title, str(len(members)), number(mean), number(goal and f'at least {goal}', '{}'),
                    verdict(mean, goal), number(per_guest), number(native))
    return text


def goals_table(r):
    gains = [(r.gain(w.name), w.name) for w in r.workloads if r.gain(w.name)]
    least, name = min(gains) if gains else (None, '')
    native = r.mean_native(('debian', 'integer'))
    boot = r.host('ours', 'boot')
    text = head('what', 'figure', 'goal', '')
    text += row('the least of all workloads', f'{number(least)} ({name})', f'at least {GOAL_EACH}',
                verdict(least, GOAL_EACH))
    text += row("against native code, integer programs (Debian's and ours)", number(native),
                f'at most {GOAL_NATIVE}', verdict(native, GOAL_NATIVE, True))
    text += row('host instructions of the boot', number(boot and boot / 1e9, '{:.2f}e9'),
                f'at most {GOAL_BOOT / 1e9:.0f}e9', verdict(boot, GOAL_BOOT, True))
    cost = r.translation()
    text += row('translator, for each guest instruction translated in the boot', number(cost, '{:.0f}'),
                f'at most {GOAL_TRANSLATION}', verdict(cost, GOAL_TRANSLATION, True))
    return text


def shares(figures):
    """Each class's share of the host instructions, in the mean over the workloads."""
    cells = []
    for kind in CLASSES:
        values = [100 * f.split.get(kind, 0) / f.host for f in figures if f.host]
        cells.append(f'{sum(values) / len(values):.1f}' if values else '-')
    return cells


def split_table(r):
    text = head('group', 'side', 'translated code', *CLASSES[1:-1], 'rest')
    for group, title in GROUPS:
        for side, figures in (('stitch86', r.ours), ('TCG', r.tcg)):
            members = [figures[w.name] for w in r.group(group)
                       if w.name in figures and not figures[w.name].problem]
            if members:
                text += row(title, side, *shares(members))
    return text


def per_workload_split(r):
    text = head('workload', 'translated code', *CLASSES[1:-1], 'rest')
    for w in r.workloads:
        f = r.ours.get(w.name)
        if f and f.guest and f.host:
            text += row(w.name, *(f'{f.split.get(kind, 0) / f.guest:.2f}' for kind in CLASSES))
    return text


def optimisation_table(r):
    sides = [(n, r.side('stitch86-no-' + n)) for n in r.optimisations()]
    all_on = r.side('stitch86-all-on')
    names = ['ready'] + [w.name for w in r.workloads if w.name in all_on]
    if not sides:
        return ''
    text = head('switched off', 'boot', *names[1:], 'mean')
    for name, figures in sides:
        changes = [ratio(figures[n].host, all_on[n].host)
                   if n in figures and n in all_on and not figures[n].problem else None for n in names]
        cells = [f'{100 * (c - 1):+.1f} %' if c else 'lost' for c in changes]
        mean = geomean(changes)
        text += row(f'`{name}`', *cells, f'{100 * (mean - 1):+.1f} %' if mean else '-')
    return text


def honest_table(r):
    figures, plain = r.side('stitch86-honest'), dict(r.side('stitch86-plain'), boot=r.ours.get('boot'))
    text = head('workload', 'guest', 'with it', 'stitch86', 'with it', 'change')
    for w in r.workloads:
        ours, honest = plain.get(w.name), figures.get(w.name)
        if ours and honest and not honest.problem and ours.host and honest.host:
            text += row(w.name, millions(ours.guest), millions(honest.guest), millions(ours.host),
                        millions(honest.host), f'{100 * (honest.host / ours.host - 1):+.1f} %')
    return text


def lost_line(r):
    lines = []
    for side, title in (('tcg', 'TCG'), ('stitch86', 'stitch86')):
        lost = r.lost(side)
        lines.append(f'{title} lost {len(lost)} guests' + (f' (at {", ".join(lost)})' if lost else ''))
    return '; '.join(lines)


def page(r):
    template_path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'page.md')
    with open(template_path, encoding='utf-8') as f:
        template = f.read()
    a = r.about
    values = dict(a, main_table=main_table(r), means_table=means_table(r), goals_table=goals_table(r),
                  split_table=split_table(r), per_workload_split=per_workload_split(r),
                  optimisation_table=optimisation_table(r), honest_table=honest_table(r), lost=lost_line(r),
                  mean=number(r.mean_gain()), count=str(len(r.workloads)), ns=str(2 ** int(a['icount'])),
                  emulated=f' under {a["emulator"]} `-cpu Loongson-3A4000`' if a['emulator'] else '')
    return re.sub(r'@(\w+)@', lambda m: values[m[1]].rstrip('\n'), template)


def quick(r, page_path):
    """stitch86's figures of now beside TCG's and stitch86's of the page."""
    with open(page_path, encoding='utf-8') as f:
        old = {c[1].strip(): c for c in (line.split('|') for line in f) if len(c) == 13}
    text = head('workload', 'guest', 'stitch86', 'before', 'change', 'TCG', 'TCG / stitch86',
                'stitch86 / guest')
    gains = []
    for w in [w for w in r.workloads if w.name in r.ours]:
        host, guest = r.host('ours', w.name), r.ours[w.name].guest
        cells = old.get(w.name)
        before, tcg = (float(cells[i]) * 1e6 if cells and cells[i].strip() != '-' else None for i in (4, 5))
        change = ratio(host, before)
        gains.append(ratio(tcg, host))
        text += row(w.name, millions(guest), millions(host), millions(before),
                    f'{100 * (change - 1):+.1f} %' if change else '-', millions(tcg), number(gains[-1]),
                    number(ratio(host, guest)))
    return text + f'\nGeometric mean of TCG / stitch86: {number(geomean(gains))}\n'


def stamp(process, marks, count):
    """In hostcount's form, but with times alone."""
    seen, start = 0, 0.0
    with open(count, 'w', encoding='utf-8') as out:
        while True:
            alive = os.path.exists(f'/proc/{process}')
            try:
                with open(marks, encoding='utf-8', errors='replace') as f:
                    f.seek(seen)
                    lines = f.read()
            except FileNotFoundError:
                lines = ''
            now = time.monotonic()
            for line in lines.splitlines(True):
                if not line.endswith('\n'):
                    break
                seen += len(line.encode())
                words = line.split()
                if words[:1] == ['@@start']:
                    start = now
                elif words[:1] == ['@@stop'] and len(words) == 3:
                    out.write(f'section {words[1]} status {words[2]} wall {now - start:.3f} cpu 0: 0\n')
                    out.flush()
            if not alive:
                return
            time.sleep(0.005)


def main():
    arguments = sys.argv[2:]
    command = sys.argv[1] if len(sys.argv) > 1 else ''
    if command == 'stamp' and len(arguments) == 3:
        stamp(*arguments)
        return
    if len(arguments) < 2 or command not in ('table', 'page', 'quick'):
        sys.exit(__doc__.split('\n\n')[1])
    r = Results(arguments[0], arguments[1])
    if command == 'table':
        print(main_table(r) + '\n' + means_table(r) + '\n' + goals_table(r))
    elif command == 'quick':
        print(quick(r, arguments[2]))
    else:
        with open(arguments[2], 'w', encoding='utf-8') as f:
            f.write(page(r))
        with open(arguments[3], 'w', encoding='utf-8') as f:
            f.write(chart.svg(r))


if __name__ == '__main__':
    main()
