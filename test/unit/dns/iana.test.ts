import { describe, expect, it } from 'vitest';
import { rcodeName, RecordType, typeName, typeNumber } from '../../../src/dns/iana.ts';

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
    expect(rcodeName(3)).toBe('NXDOMAIN');
    expect(rcodeName(16)).toBe('BADVERS');
    expect(rcodeName(99)).toBe('RCODE99');
  });
});
