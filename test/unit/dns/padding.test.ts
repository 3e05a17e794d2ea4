import { describe, expect, it } from 'vitest';
import { encodeQuery } from '../../../src/dns/codec.ts';
import { encodeOption, OPT_BYTES } from '../../../src/dns/edns.ts';
import { EdnsOption } from '../../../src/dns/iana.ts';
import { emptyPadding, padResponse } from '../../../src/dns/padding.ts';
import { readUint16 } from '../../../src/dns/patch.ts';
import { QueryFault, QueryView, readQuery } from '../../../src/dns/query-view.ts';

const padding = encodeOption(EdnsOption.PADDING, new Uint8Array(300).fill(9));
const empty = encodeOption(EdnsOption.PADDING, new Uint8Array(0));
const cookie = encodeOption(EdnsOption.COOKIE, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
const START = 3;

function read(options: Uint8Array[]): QueryView {
  const query: Uint8Array | undefined = encodeQuery({ id: 7, name: 'www.example', type: 1, options });
  if (query === undefined) throw new Error('cannot be encoded');
  const bytes = new Uint8Array(START + query.length + 4).fill(0xee);
  bytes.set(query, START);
  const view = new QueryView();
  readQuery(view, bytes, START, START + query.length);
  return view;
}

it.each([
  ['first', [padding, cookie], [empty, cookie]],
  ['last', [cookie, padding], [cookie, empty]],
  ['alone', [padding], [empty]],
  ['empty already', [empty, cookie], [empty, cookie]],
  ['not there', [cookie], [cookie]],
  ['twice, the last one empty', [padding, cookie, empty], [empty, cookie, empty]],
  ['many times', [padding, padding, cookie, padding, empty, padding], [empty, empty, cookie, empty, empty, empty]],
])('leaves the query that it would be with empty padding (%s)', (_, given, left) => {
  const view = read(given);
  emptyPadding(view);
  const expected = read(left);
  expect(view.bytes.subarray(START, view.end)).toEqual(expected.bytes.subarray(START, expected.end));
  expect(view.cookieStart).toBe(expected.cookieStart);
  const again = new QueryView();
  expect(readQuery(again, view.bytes, START, view.end)).toBe(QueryFault.none);
  expect(again.cookieStart).toBe(expected.cookieStart);
  expect(again.paddingBytes).toBe(view.paddingBytes);
});

/** A response of `length` octets whose OPT record is its last, behind `START` octets, in room for `room` of them. */
function response(length: number, room: number): Uint8Array {
  const bytes = new Uint8Array(START + room).fill(0xee);
  bytes.fill(0, START + length - OPT_BYTES, START + length);
  return bytes;
}

describe('a padded response', () => {
  it.each([
    [40, 468],
    [463, 468],
    [464, 468],
    [465, 936],
    [2000, 2340],
  ])('of %i octets has %i', (length, padded) => {
    const bytes = response(length, 4096);
    const end = padResponse(bytes, START, START + length - OPT_BYTES, START + length, START + 4096);
    expect(end - START).toBe(padded);
    expect(readUint16(bytes, START + length - 2)).toBe(padded - length);
    expect(readUint16(bytes, START + length)).toBe(EdnsOption.PADDING);
    expect(readUint16(bytes, START + length + 2)).toBe(padded - length - 4);
    expect(bytes.subarray(START + length + 4, end).every((octet) => octet === 0)).toBe(true);
    expect(bytes[end]).toBe(0xee);
  });

  it.each([
    [496, 500, 500],
    [497, 500, 497],
    [500, 500, 500],
  ])('of %i octets never has more than the %i allowed', (length, most, padded) => {
    const bytes = response(length, 4096);
    expect(padResponse(bytes, START, START + length - OPT_BYTES, START + length, START + most) - START).toBe(padded);
  });
});
