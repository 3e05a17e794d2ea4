/**
 * Invariants of reading a configuration, whatever the file says: it never throws; it is either good or has at least one
 * problem, and every problem has words; a value of the wrong type anywhere is a problem, never a crash or an acceptance.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { CONFIG_KEYS_TABLE } from '../../src/config/config-keys.ts';
import { parseConfig } from '../../src/config/load-config.ts';

const FOLDER = '/nonexistent';
const KEYS = CONFIG_KEYS_TABLE().map(({ key }) => key);

function check(text: string): 'ok' | 'invalid' {
  const outcome = parseConfig(text, FOLDER);
  if (outcome.kind === 'invalid') {
    expect(outcome.problems.length).toBeGreaterThan(0);
    for (const problem of outcome.problems) expect(problem.message).not.toBe('');
  }
  return outcome.kind;
}

/** A configuration that sets one key path to a value. */
function nested(path: readonly string[], value: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  const inner = nested(rest, value);
  return first.endsWith('[]') ? { [first.slice(0, -2)]: [inner] } : { [first]: inner };
}

describe('a configuration', () => {
  it('never throws on text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => void check(text)),
      { numRuns: 500 },
    );
  });

  it('never throws on YAML of any shape under any known key', () => {
    const value = fc.anything({ withBigInt: false, withDate: false, withMap: false, withSet: false, maxDepth: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...KEYS), value, (key, anything) => {
        check(stringify(nested(key.split('.'), anything)));
      }),
      { numRuns: 1000 },
    );
  });

  it('never accepts a map where a value belongs', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KEYS), (key) => {
        expect(check(stringify(nested(key.split('.'), { surprise: 1 })))).toBe('invalid');
      }),
    );
  });

  it('never accepts a key it does not know', () => {
    const known = new Set(KEYS.map((key) => key.split(/[.[]/)[0]));
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((key) => !known.has(key)),
        (key) => {
          expect(check(stringify({ [key]: 1 }))).toBe('invalid');
        },
      ),
    );
  });

  it.each([
    '__proto__: { workers: 1 }',
    'constructor: 1',
    'toString: 1',
    '? [a, b]\n: 1',
    '*nowhere',
    '<<: { workers: 1 }',
  ])('never accepts %j', (text) => {
    expect(check(text)).toBe('invalid');
  });
});
