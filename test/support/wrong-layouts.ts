/**
 * A program for self-check.test.ts, which must outlive what it tries: the self-check with each field of the layout in
 * turn a word too far on or back, and sizes too, in one part of the check and right in the others. Left out: more room
 * between iovecs, which are found by their addresses. Prints what it says of each, as JSON.
 */
import { type Libc, loadLibc, type MessageLayout } from '../../src/data-plane/batch/libc.ts';
import { checkBatches } from '../../src/data-plane/batch/self-check.ts';

const WORD_BYTES = 8;
const PARTS = ['IPv4', 'IPv4 connected', 'IPv6', 'IPv6 connected'] as const;

const outcome = loadLibc();
if (outcome.kind !== 'ok') throw new Error(outcome.reason);
const { libc } = outcome;

/** The last socket that was opened or connected says which part it is. */
function wrongIn(part: string, field: keyof MessageLayout, by: number): Libc {
  const wrong = { ...libc.layout, [field]: libc.layout[field] + by };
  let family = '';
  let now = '';
  return {
    ...libc,
    get layout() {
      return now === part ? wrong : libc.layout;
    },
    openUdp: (options) => {
      now = family = options.isV6 ? 'IPv6' : 'IPv4';
      return libc.openUdp(options);
    },
    connect: (fd, sockaddr) => {
      now = `${family} connected`;
      libc.connect(fd, sockaddr);
    },
  };
}

const isTried = (field: keyof MessageLayout) => (by: number) =>
  libc.layout[field] + by >= 0 && !(field === 'iovecBytes' && by > 0);
const fields = Object.keys(libc.layout) as (keyof MessageLayout)[];
const said = PARTS.flatMap((part) =>
  fields.flatMap((field) =>
    [WORD_BYTES, -WORD_BYTES].filter(isTried(field)).map((by) => {
      const support = checkBatches({ kind: 'ok', libc: wrongIn(part, field, by) });
      return [`${part}: ${field} ${by}`, support.kind === 'ok' ? 'ok' : support.reason];
    }),
  ),
);
process.stdout.write(JSON.stringify({ right: checkBatches(outcome).kind, wrong: Object.fromEntries(said) }));
