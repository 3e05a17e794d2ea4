import { describe, expect, it } from 'vitest';
import { nameToText } from '../../../src/dns/name.ts';
import {
  CHAINS_MAX,
  ChainTableReader,
  ChainTableWriter,
  createChainTable,
} from '../../../src/telemetry/blocked-chains.ts';
import { wireName } from '../../support/publish-policy.ts';

function tables(count: number) {
  const blocks = Array.from({ length: count }, createChainTable);
  const writers = blocks.map((block) => new ChainTableWriter(block));
  const reader = new ChainTableReader(blocks);
  const write = (thread: number, asked: string, listed: string, nowSeconds: number): void => {
    const [a, b] = [wireName(asked), wireName(listed)];
    writers[thread]!.write(a, 0, a.length, b, 0, b.length, nowSeconds);
  };
  const find = (asked: string, sinceSeconds = 0): string | undefined => {
    const found = reader.find(wireName(asked), sinceSeconds);
    return found === undefined ? undefined : nameToText(found, 0);
  };
  return { write, find };
}

describe('names that were blocked by what they lead to', () => {
  it('are found, in lower case, as long as they are not too old', () => {
    const { write, find } = tables(1);
    write(0, 'WWW.Shop.example', 'Bad.example', 500);
    expect(find('www.shop.example')).toBe('bad.example');
    expect(find('www.shop.example', 500)).toBe('bad.example');
    expect(find('www.shop.example', 501)).toBeUndefined();
    expect(find('shop.example')).toBeUndefined();
  });

  it('lead where the thread that saw them last says', () => {
    const { write, find } = tables(3);
    write(0, 'a.example', 'old.example', 100);
    write(1, 'a.example', 'new.example', 300);
    write(2, 'a.example', 'older.example', 200);
    expect(find('a.example')).toBe('new.example');
    write(1, 'a.example', 'x.example', 400);
    expect(find('a.example')).toBe('x.example');
  });

  it('are bounded: many names push out others, and never lead where another did', () => {
    const { write, find } = tables(1);
    const names = Array.from({ length: 2 * CHAINS_MAX }, (_, index) => `n${index}`);
    for (const name of names) write(0, `${name}.example`, `${name}.bad`, 100);
    const found = names.filter((name) => find(`${name}.example`) !== undefined);
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThanOrEqual(CHAINS_MAX);
    for (const name of found) expect(find(`${name}.example`)).toBe(`${name}.bad`);
  });
});
