/** `weir appeals` as a maintainer runs it, against the real routes of the admin API over a ledger that does as it is told. */
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { AppealFilter } from '../../src/control-plane/ledger/appeal.ts';
import type { Ledger } from '../../src/control-plane/ledger/ledger.ts';
import { closeApis, createApi, done } from '../support/api-harness.ts';
import { runProgram } from '../support/child-program.ts';
import { appealRow } from '../support/sent-appeal.ts';
import { PROJECT_ROOT } from '../support/source-files.ts';
import { COMPILE_CACHE } from '../support/weir-process.ts';

afterEach(closeApis);

async function startNode(ledger: Partial<Ledger>) {
  const { server } = createApi(ledger);
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as AddressInfo;
  return async (who: string, ...args: readonly string[]) =>
    runProgram(process.execPath, [`${PROJECT_ROOT}/src/main.ts`, 'appeals', ...args], {
      env: { NODE_COMPILE_CACHE: COMPILE_CACHE, WEIR_TOKEN: who, WEIR_URL: `http://127.0.0.1:${port}` },
    });
}

const EVIL = 'pay \u202eback\nsecond \u001b[2J line';

describe('weir appeals', () => {
  test('lists the open ones, of both states, and says which are overdue', async () => {
    const asked: AppealFilter['state'][] = [];
    const weir = await startNode({
      appeals: ({ state }) => {
        asked.push(state);
        const reviewed = appealRow({ id: 'a2', state: 'inReview', dueAtSeconds: 4e9 });
        return Promise.resolve(state === 'open' ? [appealRow(), reviewed] : [appealRow()]);
      },
    });
    const result = await weir('approver', 'list', '--list', 'desk');
    expect(asked).toEqual(['open']);
    expect(result.stdout).toContain('a1  desk  shop.bad.example  received, OVERDUE\n');
    expect(result.stdout).toContain('a2  desk  shop.bad.example  inReview\n');
    const json = await weir('approver', 'list', '--state', 'all', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject([{ id: 'a1' }]);
    expect((await weir('approver', 'list', '--state', 'odd')).code).toBe(2);
  });

  test('shows what was written so that no terminal obeys it', async () => {
    const weir = await startNode({ appeal: () => Promise.resolve(appealRow({ reason: EVIL })) });
    const { stdout, code } = await weir('approver', 'show', 'a1');
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining('    reason: pay \\u{202e}back\n            second \\u{1b}[2J line\n'),
    ]);
    expect((await weir('reader', 'show', 'a1')).stdout).not.toContain('second');
    expect((await weir('elsewhere', 'show', 'a1')).stderr).toContain('appealUnknown');
  });

  test('decides, with a reason, and says what came of it', async () => {
    const asked: unknown[] = [];
    const change = done({ version: 9, removed: 1 });
    const weir = await startNode({
      appeal: () => Promise.resolve(appealRow()),
      reviewAppeal: () => Promise.resolve({ kind: 'reviewed', appeal: appealRow({ state: 'inReview' }) }),
      decideAppeal: (...args) => {
        asked.push(args.slice(0, 3));
        const appeal = appealRow({ state: args[1] === 'uphold' ? 'upheld' : 'rejected' });
        return Promise.resolve({ kind: 'decided', appeal, alsoDecided: ['a4'], change });
      },
    });
    expect((await weir('approver', 'review', 'a1')).stdout).toContain('inReview');
    const upheld = await weir('approver', 'decide', 'a1', '--uphold', '--reason', 'a shop');
    expect([upheld.code, upheld.stdout]).toEqual([0, expect.stringContaining('upheld\n')]);
    expect(upheld.stdout).toContain('    in force with version 9\n    decided with it: a4\n');
    await weir('approver', 'decide', 'a1', '--reject', '--reason', 'no shop');
    expect(asked).toEqual([
      ['a1', 'uphold', 'a shop'],
      ['a1', 'reject', 'no shop'],
    ]);
    for (const args of [['--reason', 'r'], ['--uphold', '--reject', '--reason', 'r'], ['--uphold']]) {
      expect((await weir('approver', 'decide', 'a1', ...args)).code).toBe(2);
    }
    const refused = await weir('reader', 'decide', 'a1', '--uphold', '--reason', 'r');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('forbidden')]);
    expect(asked).toHaveLength(2);
  });
});
