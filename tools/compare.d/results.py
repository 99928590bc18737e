"""What the runs of tools/compare left in their folder, as figures."""
import glob
import math
import os
import re
import zlib

MAX_TEXT = 1000  # longer output is told by its size and CRC (src/init.c)
CLASSES = ['made at run time', 'translator', 'look-up and loop', 'helpers', 'soft MMU', 'devices', 'libraries',
           'program']
GROUPS = [('debian', "Debian's programs"), ('integer', 'integer C'), ('x87', 'x87'), ('sse2', 'SSE2'),
          ('calls', 'call-heavy'), ('kernel', 'kernel'), ('boot', 'boot')]


class Workload:
    def __init__(self, name, group, expected):
        self.name, self.expected = name, expected
        self.group, *marks = group.split(',')
        self.groups = [self.group] + marks


def read_list(path):
    workloads = [Workload('boot', 'boot', '')]
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            fields = [f.strip() for f in line.split('|', 3)]
            if len(fields) == 4 and not line.startswith('#'):
                workloads.append(Workload(*fields[:3]))
    return workloads


def read(path):
    try:
        with open(path, encoding='utf-8', errors='replace') as f:
            return f.read()
    except FileNotFoundError:
        return ''


def read_about(folder):
    return dict(line.split('=', 1) for line in read(folder + '/about').splitlines())


def read_sections(text):
    """hostcount's report: (name, status, wall, CPU, {class: instructions}); the last one is all of the run."""
    sections = []
    for line in text.splitlines():
        found = re.match(r'section (\S+) status (\S+) wall (\S+) cpu (\S+): (\d+)', line)
        whole = re.match(r'host instructions: (\d+)', line)
        if found:
            sections.append((found[1], found[2], float(found[3]), float(found[4]), {}))
        elif whole:
            sections.append(('', '0', 0.0, 0.0, {}))
        elif sections and (found := re.match(r'  (.+?) +(\d+)$', line)):
            sections[-1][4][found[1]] = int(found[2])
    return sections


class Figure:
    """One workload on one side."""

    def __init__(self, status='0', wall=None, split=None, guest=None):
        self.status, self.wall, self.split, self.guest = status, wall, split or {}, guest
        self.problem = ''

    @property
    def host(self):
        return sum(self.split.values()) or None


def icounts(stats):
    """Guest instructions between the pairs of marks in the order of time."""
    counts, start = [], None
    for mark, icount in re.findall(r'^mark (\d) icount (\d+)', stats, re.M):
        if mark == '1':
            start = int(icount)
        elif start is not None:
            counts.append(int(icount) - start)
            start = None
    return counts


def told_output(marks, name):
    """What the guest told of a workload's output (src/init.c)."""
    return '\n'.join(re.findall(rf'^@@out {re.escape(name)} (.*)$', marks, re.M))


def boot_ended(folder):
    return 'stitch86-demo: status 0' in read(folder + '/boot.console')


def check_output(workload, figure, text):
    if figure.status != '0':
        figure.problem = f'ended with status {figure.status}'
    elif not re.search(workload.expected, text, re.M):
        figure.problem = 'its output is wrong'


def wall_of(path):
    try:
        begin, end = (float(x) for x in read(path).split())
        return end - begin
    except ValueError:
        return None


def read_side(folder, workloads):
    """{name: Figure} of TCG or stitch86."""
    figures = {}
    by_name = {w.name: w for w in workloads}
    for count in sorted(glob.glob(folder + '/run-*.count')):
        run = count[:-len('.count')]
        guests = icounts(read(run + '.stats'))
        marks = read(run + '.marks')
        sections = [s for s in read_sections(read(count)) if s[0]]
        for name, status, wall, _, split in sections:
            if name == 'ready':
                figures['ready'] = Figure(status, wall, split)
                continue
            guest = guests.pop(0) if guests else None
            if name not in by_name:
                continue
            figure = Figure(status, wall, split, guest)
            check_output(by_name[name], figure, told_output(marks, name))
            figures[name] = figure
    whole = [s for s in read_sections(read(folder + '/boot.count')) if not s[0]]
    if whole:
        found = re.search(r'^icount (\d+)', read(folder + '/boot.stats'), re.M)
        figures['boot'] = Figure('0', wall_of(folder + '/boot.times'), whole[-1][4],
                                 int(found[1]) if found else None)
        if not boot_ended(folder):
            figures['boot'].problem = 'did not come to its end'
    return figures


def output_text(data):
    if len(data) > MAX_TEXT:
        return f'{len(data)} bytes, crc32 {zlib.crc32(data):08x}'
    return data.decode('utf-8', 'replace')


def read_native(folder, workloads):
    figures = {}
    for w in workloads:
        status = read(f'{folder}/{w.name}.status').strip()
        if not status:
            continue
        split = {}
        for count in glob.glob(f'{folder}/{w.name}.count.*'):
            for section in read_sections(read(count)):
                for kind, n in section[4].items():
                    split[kind] = split.get(kind, 0) + n
        figure = Figure(status, None, split)
        with open(f'{folder}/{w.name}.out', 'rb') as f:
            check_output(w, figure, output_text(f.read()))
        figures[w.name] = figure
    return figures


def geomean(values):
    values = [v for v in values if v]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def ratio(a, b):
    return a / b if a and b else None


class Results:
    def __init__(self, folder, list_path):
        self.folder = folder
        self.about = read_about(folder)
        self.all = read_list(list_path)
        self.ours = read_side(folder + '/stitch86', self.all)
        self.tcg = read_side(folder + '/tcg', self.all)
        self.native = read_native(folder + '/native', self.all)
        self.workloads = [w for w in self.all if w.name in self.ours or w.name in self.tcg]

    def side(self, name):
        return read_side(f'{self.folder}/{name}', self.all)

    def lost(self, side):
        return read(f'{self.folder}/{side}/lost').split()

    def optimisations(self):
        return [n for n in read(self.folder + '/optimisations').split()
                if os.path.isdir(f'{self.folder}/stitch86-no-{n}')]

    def host(self, side, name):
        """Host instructions of a workload that went well."""
        figure = getattr(self, side).get(name)
        return figure.host if figure and not figure.problem else None

    def gain(self, name):
        """TCG over stitch86: instructions; where none are counted, time."""
        if not self.about.get('emulator') and name in self.tcg and name in self.ours:
            return ratio(self.tcg[name].wall, self.ours[name].wall)
        return ratio(self.host('tcg', name), self.host('ours', name))

    def group(self, group):
        return [w for w in self.workloads if group in w.groups]

    def mean_gain(self, group=None):
        return geomean([self.gain(w.name) for w in (self.group(group) if group else self.workloads)])

    def mean_native(self, groups):
        return geomean([ratio(self.host('ours', w.name), self.host('native', w.name))
                        for w in self.workloads if w.group in groups])

    def translation(self):
        """Host instructions of the translator for each guest instruction that was translated, in the boot."""
        found = re.search(r'^blocks: translated \d+ \((\d+) instructions\)',
                          read(self.folder + '/stitch86/boot.stats'), re.M)
        boot = self.ours.get('boot')
        return ratio(boot.split.get('translator'), int(found[1])) if found and boot else None
