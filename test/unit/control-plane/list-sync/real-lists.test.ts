import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadPolicyOnce, type LoadedPolicy } from '../../../../src/control-plane/list-sync/load-policy-once.ts';
import { LABELS_MAX, labelStartsOf, nameFromText } from '../../../../src/dns/name.ts';
import { Policy, VerdictKind } from '../../../../src/policy/policy.ts';
import { REAL_DATA_REASON, realData } from '../../../support/real-data.ts';
import { testConfig } from '../../../support/list-sync-harness.ts';
import { PROJECT_ROOT } from '../../../support/source-files.ts';

const INDEX_BYTES_A_NAME_MAX = 48;

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((entry) => {
    const path = join(folder, entry);
    if (statSync(path).isDirectory()) return filesBelow(path);
    return /licen[cs]e|readme|copying/i.test(entry) ? [] : [path];
  });
}

describe.skipIf(realData === undefined)(`a million real names and every real list (${REAL_DATA_REASON})`, () => {
  const data = realData ?? '';
  let folder: string;
  let loaded: LoadedPolicy;
  let blocks: (name: string) => boolean;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-real-'));
    const sources = [join(data, 'fraud-1m.txt.zst'), ...filesBelow(join(data, 'lists'))];
    const bytesMax = 256 * 1024 * 1024;
    const lists = sources.map((source, index) => ({ name: `list-${index}`, source, bytesMax }));
    const config = testConfig(folder, lists, {
      popular: [join(data, 'popular-100k.txt')],
      protected: [join(PROJECT_ROOT, 'blocklists/protected-names.txt')],
    });
    loaded = await loadPolicyOnce(config);
    const policy = new Policy(loaded.policy);
    const starts = new Uint8Array(LABELS_MAX);
    blocks = (name) => {
      const wire = nameFromText(name) ?? new Uint8Array(1);
      return policy.judge(wire, 0, starts, labelStartsOf(wire, 0, starts), 1_700_000_000) === VerdictKind.blocked;
    };
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test('compile into one index within the octets a name that the design allows', () => {
    const { base } = loaded.policy;
    expect(base.entryCount).toBeGreaterThan(1_000_000);
    const bytes = base.table.byteLength + base.names.byteLength + base.rules.byteLength;
    expect(bytes / base.entryCount).toBeLessThan(INDEX_BYTES_A_NAME_MAX);
  });

  test('load, but for the one that a generator spoilt', () => {
    const failed = loaded.lists.filter(({ failure }) => failure !== undefined);
    expect(failed.map(({ config, failure }) => [config.source.split('/').at(-1), failure?.reason])).toEqual([
      ['fraud-dnsmasq-2021-06-11.txt', 'nothingUsable'],
    ]);
  });

  test('block what they name unless the guard holds it', () => {
    const names = zstdDecompressSync(readFileSync(join(data, 'fraud-1m.txt.zst')))
      .toString('utf8')
      .trimEnd()
      .split('\n');
    const held = loaded.lists[0]?.holds?.held.length ?? 0;
    const missed = names.filter((name) => !blocks(name));
    expect(held).toBeGreaterThan(0);
    expect(missed.length).toBeLessThanOrEqual(held);
  });

  test('block none of the popular names', () => {
    const popular = readFileSync(join(data, 'popular-100k.txt'), 'utf8').trimEnd().split('\n');
    expect(popular.length).toBeGreaterThan(90_000);
    expect(popular.filter((name) => blocks(name))).toEqual([]);
  });
});
