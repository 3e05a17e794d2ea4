/**
 * What it costs to keep the octets of an answer, as an array and as a string of characters 0 to 255: the figures behind
 * CachedAnswer.octets. Run, each in a process of its own, for the first would leave its memory to the second:
 * node --expose-gc bench/answer-octets.ts array; node --expose-gc bench/answer-octets.ts string
 */
const COUNT = 300_000;
const OCTETS = 90;

const source = Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 7) & 0xff));
const target = Buffer.alloc(4_096);

function asArray(from: number): Uint8Array {
  const octets = new Uint8Array(OCTETS);
  for (let index = 0; index < OCTETS; index++) octets[index] = source[from + index]!;
  return octets;
}

function asString(from: number): string {
  return source.toString('latin1', from, from + OCTETS);
}

function measure<Kept>(name: string, make: (from: number) => Kept, write: (kept: Kept) => void): void {
  globalThis.gc?.();
  const residentBefore = process.memoryUsage.rss();
  const made = process.hrtime.bigint();
  const kept = Array.from({ length: COUNT }, (_, index) => make(index & 0xff));
  const makeNs = Number(process.hrtime.bigint() - made) / COUNT;
  globalThis.gc?.();
  const residentBytes = (process.memoryUsage.rss() - residentBefore) / COUNT;
  const written = process.hrtime.bigint();
  for (const each of kept) write(each);
  const writeNs = Number(process.hrtime.bigint() - written) / COUNT;
  const [made1, write1, resident1] = [makeNs, writeNs, residentBytes].map((value) => value.toFixed(0));
  process.stdout.write(`${name}: ${made1} ns to make, ${write1} ns to write, ${resident1} bytes resident each\n`);
}

if (process.argv[2] === 'array') measure('array', asArray, (octets) => target.set(octets, 50));
else measure('string', asString, (octets) => target.write(octets, 50, OCTETS, 'latin1'));
