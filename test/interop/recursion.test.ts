/**
 * `upstreams: [recursive]` with the real Unbound, on a signed root, TLD and zones of the test's own: what is signed comes
 * with AD, what is bogus is SERVFAIL, what is not signed comes without AD, and a listed name is blocked whatever it is.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askRaw, closeClients, decoded, query } from '../support/dns-client.ts';
import { startSignedHierarchy, type SignedHierarchy } from '../support/signed-hierarchy.ts';
import { newFolder, startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';

const TYPE_A = 1;
const AD = 0x20;
const SERVFAIL = 2;
const NXDOMAIN = 3;
const RRSIG = 46;

let hierarchy: SignedHierarchy;
let weir: WeirProcess;

beforeAll(async () => {
  hierarchy = await startSignedHierarchy();
  const folder = newFolder();
  writeFileSync(join(folder, 'unbound-extra.conf'), hierarchy.unboundLines);
  // Weir keeps a trust anchor that is there.
  mkdirSync(join(folder, 'state/recursor'), { recursive: true });
  writeFileSync(join(folder, 'state/recursor/root.key'), hierarchy.trustAnchor);
  weir = await startWeirProcess({
    folder,
    files: { 'list.txt': 'listed.good.example\n' },
    config: {
      listen: { do53: ['127.0.0.1:0'], admin: '127.0.0.1:0', warningPageHttp: '' },
      upstreams: ['recursive'],
      recursion: { include: './unbound-extra.conf' },
      lists: [{ name: 'police', source: './list.txt' }],
      log: { level: 'debug' },
    },
  });
}, 60_000);

afterAll(async () => {
  closeClients();
  await stopAllWeirs();
  await hierarchy?.stop();
});

interface Answer {
  readonly rcode: number;
  readonly isAuthentic: boolean;
  readonly types: readonly number[];
}

async function ask(name: string, flags: { dnssecOk?: boolean; checkingDisabled?: boolean } = {}): Promise<Answer> {
  const message = query(name, TYPE_A, {
    dnssecOk: flags.dnssecOk ?? true,
    checkingDisabled: flags.checkingDisabled ?? false,
  });
  const response = await askRaw(weir, message);
  const { rcode, answers } = decoded(response);
  return { rcode, isAuthentic: (response[3]! & AD) !== 0, types: answers.map(({ type }) => type) };
}

describe('recursion by Unbound', () => {
  test('a signed name is answered with AD and its signature', async () => {
    const { rcode, isAuthentic, types } = await ask('www.good.example');
    expect(rcode).toBe(0);
    expect(isAuthentic).toBe(true);
    expect(types).toContain(TYPE_A);
    expect(types).toContain(RRSIG);
  });

  test('without DO there is no signature', async () => {
    const { rcode, types } = await ask('alias.good.example', { dnssecOk: false });
    expect(rcode).toBe(0);
    expect(types).not.toContain(RRSIG);
  });

  test('a signed denial is NXDOMAIN with AD', async () => {
    const { rcode, isAuthentic } = await ask('missing.good.example');
    expect(rcode).toBe(NXDOMAIN);
    expect(isAuthentic).toBe(true);
  });

  test('a name that is not signed is answered without AD', async () => {
    const { rcode, isAuthentic, types } = await ask('www.insecure.example');
    expect(rcode).toBe(0);
    expect(isAuthentic).toBe(false);
    expect(types).toEqual([TYPE_A]);
  });

  test('a bogus name is SERVFAIL, and with CD it is answered', async () => {
    expect((await ask('www.bogus.example')).rcode).toBe(SERVFAIL);
    const { rcode, isAuthentic, types } = await ask('www.bogus.example', { checkingDisabled: true });
    expect(rcode).toBe(0);
    expect(isAuthentic).toBe(false);
    expect(types).toContain(TYPE_A);
  });

  test('a listed name is blocked without AD or signature', async () => {
    const { rcode, isAuthentic, types } = await ask('listed.good.example');
    expect(rcode).toBe(0);
    expect(isAuthentic).toBe(false);
    expect(types).toEqual([TYPE_A]);
    expect(await weir.metric('weir_blocked_queries_total', 'list="police"')).toBe(1);
  });
});
