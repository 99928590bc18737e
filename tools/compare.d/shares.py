#!/usr/bin/env python3
"""Which share of each workload's instructions ran through templates: from the profiles of tools/compare.

usage: shares.py FOLDER LIST [PAGE]    the table, on standard output; PAGE: docs/workloads.md

Exits with 1 if a workload went wrong or fell below its share."""
import glob
import re
import sys

sys.dont_write_bytecode = True  # the source folder may be read-only, and stays as it is
from report import head, row
from results import Figure, boot_ended, check_output, read, read_about, read_list, told_output

# Percent.  A workload of our own aims at one thing, which the interpreter may have to do.
LEAST = {'boot': 99.9, 'debian': 99.5}
LEAST_OF_OTHERS = 98.0
NAMED = 0.005  # percent: forms that the interpreter ran less often are not named
MOST_NAMED = 4


class Profile:
    """A file that stitch86 -profile wrote."""

    def __init__(self, text):
        forms = []
        for line in text.splitlines():
            fields = line.split('\t')
            if fields[0] == 'total':
                self.all, self.templates, _, self.words = map(int, fields[1:])
            elif fields[0] == 'form':
                forms.append((int(fields[3]), fields[1]))
        self.share = 100 * self.templates / self.all
        self.interpreted = [(100 * times / self.all, form) for times, form in sorted(forms, reverse=True)
                            if 100 * times / self.all >= NAMED]


def part(base, number):
    """The profile between a pair of marks, the first of which is 1."""
    text = read(base + ('.profile' if number == 1 else f'.profile.{number}'))
    return Profile(text) if '\ntotal\t' in text else None


def read_runs(folder, workloads):
    """{name: (Profile, what went wrong)}"""
    found = {}
    by_name = {w.name: w for w in workloads}
    boot = part(folder + '/boot', 1)
    if boot:
        found['boot'] = boot, '' if boot_ended(folder) else 'did not come to its end'
    for path in sorted(glob.glob(folder + '/run-*.marks')):
        marks = read(path)
        for number, (name, status) in enumerate(re.findall(r'^@@stop (\S+) (\S+)', marks, re.M), 1):
            profile = part(path[:-len('.marks')], number)
            figure = Figure(status)
            check_output(by_name[name], figure, told_output(marks, name))
            found[name] = profile, figure.problem if profile else 'no profile'
    return found


def table(workloads, found):
    """The rows, and the names of what failed."""
    text = head('workload', 'group', 'through templates', 'million instructions', 'host', 'interpreted', 'result')
    failed = []
    for w in workloads:
        profile, problem = found[w.name]
        if not profile:
            failed.append(w.name)
            text += row(w.name, ', '.join(w.groups), '-', '-', '-', '', 'FAILED: ' + problem)
            continue
        least = LEAST.get(w.group, LEAST_OF_OTHERS)
        if not problem and profile.share < least:
            problem = f'less than {least} %'
        if problem:
            failed.append(w.name)
        text += row(w.name, ', '.join(w.groups), f'{profile.share:.3f} %', f'{profile.all / 1e6:.1f}',
                    f'{profile.words / profile.templates:.2f}',
                    ', '.join(f'{form} {share:.3f} %' for share, form in profile.interpreted[:MOST_NAMED]),
                    'FAILED: ' + problem if problem else 'passed')
    return text, failed


def page(about, rows, packages):
    emulated = f', {about["emulator"]} `-cpu Loongson-3A4000`' if about['emulator'] else ''
    return f'''# Workloads in the guest

Written by `make workloads` (`tools/compare --profile`): a run of it replaces this page. The list is tools/compare.d/list, the same
workloads as in [comparison.md](comparison.md). It ran on {about["date"]}, commit {about["tree"]}, {about["kernel"]}, on
{about["host"]}{emulated}.

"Through templates" is the share of executed guest instructions that ran through templates, kernel and user, in the second of two
runs; at least {LEAST["boot"]} % for the boot, {LEAST["debian"]} % for Debian's programs, {LEAST_OF_OTHERS} % for the others. "Host" is host instructions for
each of these guest instructions, on the way taken as a rule (translator/tb-profile.c). "Interpreted" names the forms that ran most
through the interpreter, with their share of all, from {NAMED} % on.

{rows}
All but the boot run in one guest: `stitch86 -accel template -cpu {about["profile_cpu"]} -icount shift={about["icount"]} -m {about["memory"]} -profile FILE`
with Debian's kernel, `-append "{about["append"]}"` and an initramfs of these packages:
{packages}.
'''


def main(arguments):
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    folder, list_path = arguments[:2]
    workloads = read_list(list_path)
    found = read_runs(folder + '/profile', workloads)
    if len(arguments) == 3:
        found = {w.name: found.get(w.name, (None, 'did not run')) for w in workloads}
    rows, failed = table([w for w in workloads if w.name in found], found)
    print(rows, end='')
    if len(arguments) == 3:
        packages = re.findall('^i386 (.*)$', read(folder + '/image/packages.txt'), re.M)
        with open(arguments[2], 'w', encoding='utf-8') as f:
            f.write(page(read_about(folder), rows, ',\n'.join(packages)))
    for name in failed:
        print(f'shares.py: {name}: {found[name][1] or "below its share"}', file=sys.stderr)
    return 1 if failed or not found else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
