/** `weir exception` as a maintainer runs it, against the real routes of the admin API over a ledger that does as it is told. */
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Ledger } from '../../src/control-plane/ledger/ledger.ts';
import { closeApis, createApi } from '../support/api-harness.ts';
import type { ProgramResult } from '../support/child-program.ts';
import { exceptionRow } from '../support/exception-row.ts';
import { weirCommand } from '../support/weir-command.ts';

afterEach(closeApis);

type Run = (who: string, args: readonly string[]) => Promise<ProgramResult>;

async function startNode(ledger: Partial<Ledger>): Promise<Run> {
  const { server } = createApi(ledger);
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as AddressInfo;
  return (who, args) => weirCommand(args, { env: { WEIR_TOKEN: who, WEIR_URL: `http://127.0.0.1:${port}` } });
}

describe('weir exception', () => {
  test('adds one for who is named, lists them page by page, and ends each that can be ended', async () => {
    const sent: unknown[] = [];
    const weir = await startNode({
      createException: (exception) => {
        sent.push(exception);
        return Promise.resolve({ kind: 'created', exception: exceptionRow({ reason: 'case\u202e 7' }) });
      },
      exceptions: ({ limit, after = 'x0', state }) => {
        sent.push(state);
        const first = Number(after.slice(1)) + 1;
        const rows = Array.from({ length: Math.min(limit, 1_200 - first) }, (_, i) =>
          exceptionRow({ id: `x${first + i}` }),
        );
        return Promise.resolve(rows);
      },
      endException: (id) =>
        Promise.resolve(
          id === 'x1'
            ? {
                kind: 'ended',
                exception: exceptionRow({ state: 'ended', endedBy: 'Province', endedAtSeconds: 1_700_000_060 }),
              }
            : { kind: 'refused', code: 'exceptionUnknown', message: `There is no exception ${id}.` },
        ),
    });
    const flags = ['--clients', '192.0.2.0/24', '--hours', '2', '--reason', 'case 7'];
    const added = await weir('approver', ['exception', 'add', 'bad.example', ...flags, '--exact']);
    expect([added.code, added.stdout]).toEqual([
      0,
      [
        'x1  bad.example (subtree)  for 192.0.2.0/24 until 2023-11-14T23:13:20Z  active',
        '    made by Province (cccccccc) at 2023-11-14T22:13:20Z: case\\u{202e} 7',
        '',
      ].join('\n'),
    ]);
    expect(sent.splice(0)).toEqual([
      { name: 'bad.example', scope: 'exact', clients: '192.0.2.0/24', hours: 2, reason: 'case 7' },
    ]);
    const listed = await weir('approver', ['exception', 'list', '--json', '--limit', '1500', '--state', 'all']);
    expect((JSON.parse(listed.stdout) as unknown[]).length).toBe(1_199);
    expect(sent).toEqual([undefined, undefined]);
    const ended = await weir('approver', ['exception', 'end', 'x9', 'x1', '--reason', 'over']);
    expect([ended.code, ended.stdout.split('\n')[2]]).toEqual([1, '    ended by Province at 2023-11-14T22:14:20Z:']);
    expect(ended.stderr).toContain('There is no exception x9.');
    const usage = await weir('approver', ['exception', 'add', 'bad.example', '--clients', '::1', '--hours', '169']);
    expect([usage.code, usage.stderr]).toEqual([2, expect.stringContaining('from 1 to 168')]);
  });
});
