/**
 * What a cache for each thread costs in upstream queries, against one cache for all: the expected share of misses for
 * names asked after Zipf's law with independent arrivals, each answer kept for its TTL. A computation, not a measurement.
 *
 * A name asked L times a second in one cache with TTL T misses once in 1 + L*T queries; over N caches each sees L/N.
 *
 *   node bench/cache-duplication.ts
 */
const NAMES = 10_000_000;
const ZIPF_EXPONENT = 1;
const THREADS = [1, 2, 16, 64];
const CASES = [
  { queriesASecond: 10_000, ttlSeconds: 60 },
  { queriesASecond: 10_000, ttlSeconds: 300 },
  { queriesASecond: 100_000, ttlSeconds: 60 },
  { queriesASecond: 100_000, ttlSeconds: 300 },
  { queriesASecond: 1_000_000, ttlSeconds: 60 },
  { queriesASecond: 1_000_000, ttlSeconds: 300 },
];

function missShare(queriesASecond: number, ttlSeconds: number, caches: number, total: number): number {
  let misses = 0;
  for (let rank = 1; rank <= NAMES; rank++) {
    const share = rank ** -ZIPF_EXPONENT / total;
    misses += share / (1 + (share * queriesASecond * ttlSeconds) / caches);
  }
  return misses;
}

let total = 0;
for (let rank = 1; rank <= NAMES; rank++) total += rank ** -ZIPF_EXPONENT;
process.stdout.write(`queries/s  TTL s  ${THREADS.map((threads) => `${threads} caches`.padStart(10)).join('')}\n`);
for (const { queriesASecond, ttlSeconds } of CASES) {
  const shares = THREADS.map((threads) => missShare(queriesASecond, ttlSeconds, threads, total));
  const cells = shares.map((share) => `${(share * 100).toFixed(1)} %`.padStart(10)).join('');
  process.stdout.write(`${String(queriesASecond).padStart(9)}  ${String(ttlSeconds).padStart(5)}  ${cells}\n`);
}
