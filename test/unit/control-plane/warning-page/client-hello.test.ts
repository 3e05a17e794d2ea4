import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RECORDS_MAX, readClientHello } from '../../../../src/control-plane/warning-page/client-hello.ts';
import { capturedHello, inRecords } from '../../../support/client-hello.ts';

const hello = await capturedHello('Login.BAD.example');
const nameless = await capturedHello();

describe('the name in a ClientHello', () => {
  it('is read in lower case', () => {
    expect(readClientHello(hello)).toEqual({ kind: 'hello', name: 'login.bad.example' });
  });

  it('is undefined where there is none', () => {
    expect(readClientHello(nameless)).toEqual({ kind: 'hello', name: undefined });
  });

  it.each([3, 4, 5, 100])('is read out of records of %d octets', (recordBytes) => {
    expect(readClientHello(inRecords(hello, recordBytes))).toEqual({ kind: 'hello', name: 'login.bad.example' });
  });

  it('is waited for until the last octet of the message has come', () => {
    const pieces = inRecords(hello, 50);
    for (let bytes = 0; bytes < pieces.length; bytes++) {
      expect(readClientHello(pieces.subarray(0, bytes)).kind).toBe('incomplete');
    }
    expect(readClientHello(pieces).kind).toBe('hello');
  });

  it('is read out of as many records as are allowed, and of not one more', () => {
    const inRecordsOfOne = (records: number): Buffer => {
      const last = hello.subarray(5 + records - 1);
      const singles = inRecords(hello, 1).subarray(0, 6 * (records - 1));
      return Buffer.concat([singles, Buffer.of(22, 3, 1, last.length >> 8, last.length & 0xff), last]);
    };
    expect(readClientHello(inRecordsOfOne(RECORDS_MAX))).toEqual({ kind: 'hello', name: 'login.bad.example' });
    expect(readClientHello(inRecordsOfOne(RECORDS_MAX + 1))).toEqual({ kind: 'malformed' });
  });

  it('is given up once there are too many records, without waiting for the rest', () => {
    const singles = inRecords(hello, 1);
    expect(readClientHello(singles.subarray(0, 6 * RECORDS_MAX - 1)).kind).toBe('incomplete');
    expect(readClientHello(singles.subarray(0, 6 * RECORDS_MAX)).kind).toBe('malformed');
  });

  it('is not changed by what follows', () => {
    expect(readClientHello(Buffer.concat([hello, Buffer.from('more')])).kind).toBe('hello');
  });
});

describe('what is no ClientHello', () => {
  it.each([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['another content type', Buffer.of(23, 3, 3, 0, 1, 0)],
    ['another major version', Buffer.of(22, 2, 0)],
    ['an empty record', Buffer.of(22, 3, 1, 0, 0)],
    ['a record larger than any', Buffer.of(22, 3, 1, 0xff, 0xff)],
    ['another handshake message', Buffer.of(22, 3, 1, 0, 4, 2, 0, 0, 1)],
    ['a message larger than any', Buffer.of(22, 3, 1, 0, 4, 1, 0xff, 0, 0)],
    ['a body of nothing', Buffer.of(22, 3, 1, 0, 4, 1, 0, 0, 0)],
  ])('is malformed: %s', (_what, bytes) => {
    expect(readClientHello(bytes)).toEqual({ kind: 'malformed' });
  });

  it('with an empty or overlong name is malformed', () => {
    const at = hello.indexOf('Login.BAD.example', 'latin1');
    const empty = Buffer.from(hello);
    empty.writeUInt16BE(0, at - 2);
    const overlong = Buffer.from(hello);
    overlong.writeUInt16BE(0xffff, at - 2);
    expect([readClientHello(empty).kind, readClientHello(overlong).kind]).toEqual(['malformed', 'malformed']);
  });
});

it('a ClientHello with octets behind its extensions is malformed', () => {
  const longer = Buffer.concat([hello, Buffer.of(0)]);
  longer.writeUInt16BE(hello.readUInt16BE(3) + 1, 3);
  longer.writeUIntBE(hello.readUIntBE(6, 3) + 1, 6, 3);
  expect(readClientHello(longer)).toEqual({ kind: 'malformed' });
});

it('whatever octets come, there is an answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
      readClientHello(Buffer.from(octets));
    }),
  );
  fc.assert(
    fc.property(fc.nat(hello.length - 1), fc.nat(255), fc.nat(hello.length), (at, octet, length) => {
      const changed = Buffer.from(hello.subarray(0, length));
      if (at < length) changed[at] = octet;
      return ['incomplete', 'malformed', 'hello'].includes(readClientHello(changed).kind);
    }),
    { numRuns: 2000 },
  );
});
