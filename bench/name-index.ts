/**
 * What the name index costs: octets a name, time to build it, time to judge a name. Made-up names of the length that
 * real fraud lists have (22 octets on the wire), or those of a file with one name a line.
 *
 *   node bench/name-index.ts [COUNT] [FILE]
 */
import { readFileSync } from 'node:fs';
import { LABELS_MAX, labelStartsOf, nameFromText } from '../src/dns/name.ts';
import { NameSetBuilder } from '../src/policy/name-set-builder.ts';
import { Policy } from '../src/policy/policy.ts';
import { encodeRule } from '../src/policy/rules.ts';

const ROUNDS = 3;
const PROBES = 1_000_000;
const SEED = 0x5eed;
const SLOT = 256;

const file = process.argv[3];
const lines = file === undefined ? undefined : readFileSync(file, 'latin1').split('\n').filter(Boolean);
const count = lines?.length ?? Number(process.argv[2] ?? 1_000_000);

function nameAt(index: number): Uint8Array {
  const text =
    lines?.[index] ??
    `${Math.imul(index + 1, 0x9e37_79b1)
      .toString(36)
      .replace('-', 'n')}-shop${index % 97}.example`;
  return nameFromText(text) ?? new Uint8Array(1);
}

function report(what: string, value: number, unit: string): void {
  process.stdout.write(`${what.padEnd(34)}${value.toFixed(1).padStart(12)} ${unit}\n`);
}

const words = encodeRule({
  listIndex: 0,
  kind: 'block',
  scope: 'subtree',
  categoryIndex: 0,
  actionIndex: 0,
  mode: 'enforce',
  expiresAtSeconds: 0,
});
const builder = new NameSetBuilder({ entriesExpected: count, seed: SEED });
let addMs = 0;
for (let start = 0; start < count; start += 10_000) {
  const batch = Array.from({ length: Math.min(10_000, count - start) }, (_, i) => nameAt(start + i));
  const begin = performance.now();
  for (const name of batch) builder.add(name, 0, ...words);
  addMs += performance.now() - begin;
}
const begin = performance.now();
const base = builder.build();
report('names', base.entryCount, '');
report('build', addMs + performance.now() - begin, 'ms');
const bytes = base.table.byteLength + base.names.byteLength + base.rules.byteLength;
report('index', bytes / base.entryCount, 'octets a name');

const lists = [
  { name: 'l', authority: '', order: 'authority', mode: 'enforce', action: 'sinkhole', version: 1, counterSlot: 0 },
] as const;
const policy = new Policy({ generation: 1, base, overlay: undefined, lists });
const probes = Math.min(PROBES, count);

/** Best of some rounds over names in an order that caches cannot guess. */
function judgeAll(what: string, name: (index: number) => Uint8Array): void {
  const slots = new Uint8Array(probes * SLOT);
  const starts = new Uint8Array(LABELS_MAX);
  for (let i = 0; i < probes; i++) slots.set(name((i * 7_368_787) % count), i * SLOT);
  let bestNs = Infinity;
  let blocked = 0;
  for (let round = 0; round < ROUNDS; round++) {
    blocked = 0;
    const roundBegin = performance.now();
    for (let i = 0; i < probes; i++) {
      const labels = labelStartsOf(slots, i * SLOT, starts);
      if (policy.judge(slots, i * SLOT, starts, labels, 0) === 2) blocked++;
    }
    bestNs = Math.min(bestNs, ((performance.now() - roundBegin) * 1e6) / probes);
  }
  report(`${what} (${blocked} blocked)`, bestNs, 'ns');
}

judgeAll('judge a listed name', nameAt);
judgeAll('judge a name not listed', (index) => nameFromText(`www.site${index}.test`) ?? new Uint8Array(1));
