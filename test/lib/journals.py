#!/usr/bin/env python3
"""Journals as wardens write them, and what they come to, calculated apart from memwarden.

    journals.py make INCIDENTS SEED FILE…     a journal for each node
    journals.py check SINCE_US FILE… <REPORT  what `memwarden report --json` says is so
"""
import datetime
import json
import math
import random
import sys

MIB, GIB = 1 << 20, 1 << 30
DAY = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
HOSTILE = ['=cmd|\' /C calc\'!A0', '+1+1', '-2+3', '@SUM(A1)', '\t=1', ' =1+1',
           '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>',
           'a","b', '\x1b]0;title\x07\x1b[31mred', '‮dlog‬', 'x\ny',
           '"event":"released"', ',"st":{', 'Straße', '', '&amp;', "'); --"]
NAMES = HOSTILE + ['align', 'bwa mem', 'train', 'train.py', 'post'] + \
    ['sweep_%d' % i for i in range(20)]


class Journal:
    """One node's: jobs begin and end one after the other, some at once."""

    def __init__(self, path, rng):
        self.out = open(path, 'w', encoding='utf-8')
        self.rng, self.seq, self.us = rng, 0, 0

    def put(self, event, job, text, in_incident=True, step=None, **more):
        self.seq += 1
        at = DAY + datetime.timedelta(microseconds=self.us)
        r = {'t': at.strftime('%Y-%m-%dT%H:%M:%S.%fZ'), 'ms': self.us // 1000,
             'seq': self.seq, 'event': event, 'job': job['key'], 'uid': job['uid']}
        if in_incident:
            r['incident'] = '%s.%d' % (job['key'], job['incidents'])
        if step:
            r['step'] = step
        r['text'] = text
        r.update(used=job['used'], limit=job['limit'] + job['lent'],
                 reservation=job['reservation'], priority=500)
        r.update(more)
        r['st'] = {'spec': {'key': job['key'], 'uid': job['uid'], 'gid': job['uid'],
                            'name': job['name'], 'slurm_id': int(job['key']),
                            'priority': 500, 'cpus': job['cpus']},
                   'memory': '/sys/fs/cgroup/memory/slurm/uid_%d/job_%s' % (job['uid'], job['key']),
                   'freezer': '/sys/fs/cgroup/freezer/slurm/uid_%d/job_%s' % (job['uid'], job['key']),
                   'inode': 4711, 'armed': True, 'shadow': False, 'set_limit': job['limit'],
                   'reservation': job['reservation'], 'limit': job['limit'],
                   'reserve': job['reservation'] // 20, 'priority': 500,
                   'ladder': 'grow@10m,signal=TERM@30s,suspend@10m,requeue,kill',
                   'registered_ms': job['begun'] // 1000, 'peak': job['peak'],
                   'incident': {'open': in_incident, 'number': job['incidents'],
                                'trigger': 'job', 'lent': job['lent'], 'frozen': False,
                                'suspended': False, 'request': '', 'phase': 0}}
        json.dump(r, self.out, separators=(',', ':'), ensure_ascii=False)
        self.out.write('\n')

    def passes(self, least, most):
        self.us += self.rng.randint(least, most)

    def incident(self, job):
        rng = self.rng
        job['incidents'] += 1
        began, job['used'] = self.us, job['limit']
        self.put('detected', job, 'job %s reached its limit' % job['key'])
        trigger, last = rng.choice(['job'] * 8 + ['node', 'admin']), 'grow'
        if rng.random() < .6:
            job['lent'] = rng.randint(1, 64) * 16 * MIB
            self.put('lent', job, 'grown', step='grow', bytes=job['lent'], lent=job['lent'])
            self.passes(10**5, 6 * 10**8)
        if rng.random() < .3:
            last = rng.choice(['hold', 'suspend'])
            self.put('held', job, 'held', step=last)
            if last == 'suspend':
                self.put('asked', job, 'suspend asked', step=last)
            self.passes(10**5, 10**8)
        if rng.random() < .2:  # its own reserve, which is not lent
            self.put('lent', job, 'its reserve is open', step='signal')
        if rng.random() < .05:
            self.put('kernel-kill', job, 'the kernel has killed in it')
        end = rng.choice(['back below its limit after it was grown', 'it has room again',
                          'killed', 'requeued', 'the job has ended', 'its ladder has ended',
                          'killed', 'back below its limit after it was grown',
                          'it has answered the signal, after the kernel had killed in it'])
        if end in ('killed', 'requeued'):
            last = 'kill' if end == 'killed' else 'requeue'
        if job['lent']:
            given = job['lent']
            job['lent'] = 0
            self.put('returned', job, 'gave back', step=last, bytes=given, lent=0)
        self.put('resolved', job, 'job %s: %s' % (job['key'], end), trigger=trigger, last=last,
                 outcome=end, took_ms=(self.us - began) // 1000,
                 ran_ms=(began - job['begun']) // 1000, cpus=job['cpus'])
        return end in ('killed', 'requeued')

    def job(self, key, incidents):
        rng = self.rng
        uid = rng.randint(1, 12) + 70000
        job = dict(key=str(key), uid=uid, name=rng.choice(NAMES), cpus=rng.choice([1, 2, 4, 16]),
                   reservation=rng.randint(1, 64) * 256 * MIB, incidents=0, lent=0, used=0,
                   begun=self.us, peak=0)
        job['limit'] = job['reservation'] * rng.choice([1, 1, 2])
        self.put('registered', job, 'job %s: registered' % key, False)
        for _ in range(incidents):
            self.passes(10**6, 10**9)
            if self.incident(job):
                break
        self.passes(10**6, 2 * 10**9)
        job['peak'] = rng.randint(1, job['limit'])
        self.put('released', job, 'job %s: released' % key, False,
                 peak=min(job['limit'], job['peak'] + rng.randint(0, GIB)), peak_used=job['peak'],
                 ran_ms=(self.us - job['begun']) // 1000, cpus=job['cpus'], name=job['name'],
                 of='')
        return job['incidents']


def make(incidents, seed, paths):
    rng = random.Random(seed)
    nodes = [Journal(p, rng) for p in paths]
    key = 1000
    while incidents > 0:
        key += 1
        incidents -= nodes[key % len(nodes)].job(key, min(rng.choice([0, 1, 1, 2, 5]), incidents))
    for n in nodes:
        n.out.close()


def micros(t):
    return (datetime.datetime.fromisoformat(t.replace('Z', '+00:00')) - datetime.datetime(
        1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)


def kind(outcome):
    if 'kernel had killed' in outcome:
        return 'kernel-killed'
    for begin, name in (('killed', 'killed'), ('requeued', 'requeued'),
                        ('the job has ended', 'ended'), ('its ladder', 'other')):
        if outcome.startswith(begin):
            return name
    return 'recovered'


def sums(paths, since):
    """Over each job's own list of records, one after the other."""
    s = dict(jobs=0, incidents=0, held=0, suspended=0, grown=0, kernel_kills=0, lent_bytes=0,
             returned_bytes=0, saved_jobs=0, records=0)
    outcomes, groups, lent_time, saved = {}, {}, 0, 0
    for path in paths:
        by_job, incident = {}, {}
        for line in open(path, encoding='utf-8'):
            s['records'] += 1
            r = json.loads(line)
            r['us'] = micros(r['t'])
            by_job.setdefault(r['job'], []).append(r)
        for records in by_job.values():
            late = [r for r in records if r['us'] >= since]
            s['kernel_kills'] += sum(r['event'] == 'kernel-kill' for r in late)
            s['lent_bytes'] += sum(r.get('bytes', 0) for r in late if r['event'] == 'lent')
            s['returned_bytes'] += sum(r.get('bytes', 0) for r in late if r['event'] == 'returned')
            begun = None
            for r in records:
                if 'bytes' in r:
                    if r['event'] == 'lent':
                        begun = r
                    else:
                        lent_time += r['bytes'] * max(0, r['us'] - max(begun['us'], since))
            ids = {r['incident'] for r in records if r['event'] == 'resolved' and r['us'] >= since}
            mine = dict(incidents=len(ids), killed=0, suspended=0, grown=0)
            survived, hurt = 0, False
            for i in ids:
                of = [r for r in records if r.get('incident') == i]
                end = [r for r in of if r['event'] == 'resolved'][0]
                out = kind(end['outcome'])
                outcomes[out] = outcomes.get(out, 0) + 1
                mine['killed'] += out == 'killed'
                mine['suspended'] += any(r.get('step') == 'suspend' for r in of)
                mine['grown'] += any(r['event'] == 'lent' and 'bytes' in r for r in of)
                s['held'] += any(r['event'] == 'held' for r in of)
                if out == 'recovered' and end['trigger'] != 'admin':
                    survived = max(survived, end['ran_ms'] * end['cpus'])
            hurt = any(r['event'] == 'resolved' and kind(r['outcome']) in ('killed', 'requeued')
                       for r in records)
            for k in ('incidents', 'suspended', 'grown'):
                s[k] += mine[k]
            last = records[-1]
            if last['event'] != 'released' or last['us'] < since:
                continue
            s['jobs'] += 1
            if survived and not hurt:
                s['saved_jobs'] += 1
                saved += survived
            g = groups.setdefault((last['uid'], last['name']), dict(
                incidents=0, killed=0, suspended=0, grown=0, jobs=[]))
            for k, v in mine.items():
                g[k] += v
            g['jobs'].append((last['reservation'], last['peak_used'], last['ran_ms']))
    gib_h = GIB * 3600 * 1000
    totals = dict(over=0, reserved=0, used=0, gain=0)
    out = []
    for (uid, name), g in groups.items():
        peaks = sorted(p for _, p, _ in g['jobs'])
        p95 = peaks[math.ceil(len(peaks) * 95 / 100) - 1]
        advice = -(-(-(-p95 * 110 // 100)) // MIB) * MIB
        of = dict(over=sum(max(0, r - p) * t for r, p, t in g['jobs']),
                  reserved=sum(r * t for r, _, t in g['jobs']),
                  used=sum(p * t for _, p, t in g['jobs']),
                  gain=sum((r - advice) * t for r, _, t in g['jobs']))
        for k, v in of.items():
            totals[k] += max(0, v)
        out.append(dict(uid=uid, name=name, jobs=len(g['jobs']), p95=p95, advice=advice // MIB,
                        **{k: g[k] for k in ('incidents', 'killed', 'suspended', 'grown')},
                        **{k: round(v / gib_h, 3) for k, v in of.items()}))
    s.update(outcomes={k: outcomes[k] for k in sorted(outcomes)},
             lent_gib_h=round(lent_time / 1000 / gib_h, 3),
             saved_cpu_h=round(saved / 3600 / 1000, 3),
             **{k: round(v / gib_h, 3) for k, v in totals.items()})
    s['groups'] = sorted(out, key=lambda g: (g['uid'], g['name']))
    return s


def same_form(report):
    """What memwarden says, as sums() has it."""
    out = {k: report[k] for k in ('jobs', 'incidents', 'held', 'suspended', 'grown',
                                  'kernel_kills', 'lent_bytes', 'returned_bytes', 'saved_jobs',
                                  'records')}
    out['outcomes'] = {k: v for k, v in sorted(report['outcomes'].items()) if v}
    out['lent_gib_h'] = round(report['lent_gib_h'], 3)
    out['saved_cpu_h'] = round(report['saved_cpu_h'], 3)
    for k in ('over', 'reserved', 'used', 'gain'):
        out[k] = round(report[k + '_gib_h'], 3)
    out['groups'] = sorted((dict(
        uid=g['uid'], name=g['name'], jobs=g['jobs'], p95=g['peak_p95'],
        advice=int(g['advice'][:-1]), incidents=g['incidents'], killed=g['killed'],
        suspended=g['suspended'], grown=g['grown'],
        **{k: round(g[k + '_gib_h'], 3) for k in ('over', 'reserved', 'used', 'gain')})
        for g in report['groups']), key=lambda g: (g['uid'], g['name']))
    return out


def differences(a, b, where=''):
    """Numbers that were rounded may differ in their last place."""
    if isinstance(a, float) and isinstance(b, (int, float)):
        return [] if abs(a - b) < .0021 + 1e-6 * abs(a) else ['%s: %r is %r' % (where, a, b)]
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return sum((differences(a[k], b[k], where + '/' + k) for k in a), [])
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return sum((differences(x, y, '%s/%d' % (where, i))
                    for i, (x, y) in enumerate(zip(a, b))), [])
    return [] if a == b else ['%s: %r is %r' % (where, a, b)]


def main():
    what, rest = sys.argv[1], sys.argv[2:]
    if what == 'make':
        make(int(rest[0]), int(rest[1]), rest[2:])
        return 0
    since = int(rest.pop(0))
    report = same_form(json.load(sys.stdin))
    wrong = differences(sums(rest, since), report)
    print('\n'.join(wrong[:20]))
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())
