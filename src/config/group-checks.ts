/**
 * What the groups of clients say together: names, prefixes and lists that two groups share or that are not there. Part of
 * cross-checks.ts; runs on the raw value.
 */
import { GROUP_PREFIXES_MAX } from '../policy/client-groups.ts';
import { readClientPrefix } from '../policy/client-prefix.ts';
import type { Path, Report } from './cross-checks.ts';

export interface GroupChecks {
  readonly valueAt: (path: Path) => unknown;
  readonly report: Report;
}

const GROUPS: Path = ['clients', 'groups'];

export function checkGroups({ valueAt, report }: GroupChecks): void {
  const groups = asArray(valueAt(GROUPS));
  const lists = new Set(asArray(valueAt(['lists'])).map((_, index) => valueAt(['lists', index, 'name'])));
  const names = new Set<unknown>();
  const prefixes = new Map<string, string>();
  for (const index of groups.keys()) {
    const at = (...path: (string | number)[]): Path => [...GROUPS, index, ...path];
    const name = valueAt(at('name'));
    if (typeof name === 'string' && names.has(name)) report(at('name'), `another group is called ${name}`);
    names.add(name);
    for (const [place, list] of asArray(valueAt(at('lists'))).entries()) {
      if (typeof list === 'string' && !lists.has(list)) report(at('lists', place), `there is no list ${list}`);
    }
    for (const [place, text] of asArray(valueAt(at('prefixes'))).entries()) {
      const key = typeof text === 'string' ? keyOf(text) : undefined;
      if (key === undefined) continue;
      const other = prefixes.get(key);
      if (other !== undefined) report(at('prefixes', place), `${other} has the same prefix`);
      else prefixes.set(key, typeof name === 'string' ? `the group ${name}` : 'another group');
    }
  }
  if (prefixes.size > GROUP_PREFIXES_MAX) {
    report(GROUPS, `they have ${prefixes.size} prefixes together; the most are ${GROUP_PREFIXES_MAX}`);
  }
}

/** The same for two ways of writing one prefix. */
function keyOf(text: string): string | undefined {
  const prefix = readClientPrefix(text);
  if (prefix === undefined) return undefined;
  const { base, bits } = prefix;
  const masked = base.map((octet, at) => octet & (0xff << Math.min(8, Math.max(0, (at + 1) * 8 - bits))));
  return `${Buffer.from(masked).toString('hex')}/${bits}`;
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
