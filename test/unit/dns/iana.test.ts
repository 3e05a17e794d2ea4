import { describe, expect, it } from 'vitest';
import { extendedErrorName, ExtendedError } from '../../../src/dns/extended-error.ts';
import { className, opcodeName, rcodeName, RecordType, typeName, typeNumber } from '../../../src/dns/iana.ts';

describe('registries', () => {
  it('names every known type and reads the name back', () => {
    for (const [name, value] of Object.entries(RecordType)) {
      expect(typeName(value)).toBe(name);
      expect(typeNumber(name.toLowerCase())).toBe(value);
    }
  });

  it.each(['', 'TYPE', 'TYPE65536', 'TYPE123456', 'TYPE-1', 'A ', 'AA', '__proto__', 'constructor'])(
    'knows no type %j',
    (text) => {
      expect(typeNumber(text)).toBeUndefined();
    },
  );

  it('falls back to the number for what has no name', () => {
    expect(className(1)).toBe('IN');
    expect(className(7)).toBe('CLASS7');
    expect(rcodeName(3)).toBe('NXDOMAIN');
    expect(rcodeName(16)).toBe('BADVERS');
    expect(rcodeName(99)).toBe('RCODE99');
    expect(opcodeName(5)).toBe('UPDATE');
    expect(opcodeName(9)).toBe('OPCODE9');
  });

  it('has a purpose for every extended error', () => {
    expect(extendedErrorName(ExtendedError.censored)).toBe('Censored');
    expect(extendedErrorName(ExtendedError.invalidQueryType)).toBe('Invalid Query Type');
    for (const code of Object.values(ExtendedError)) expect(extendedErrorName(code)).not.toMatch(/^EDE/u);
    expect(extendedErrorName(4711)).toBe('EDE4711');
  });
});
