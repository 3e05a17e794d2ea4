import { expect, it } from 'vitest';
import { encodeQuery } from '../../../src/dns/codec.ts';
import { encodeOption } from '../../../src/dns/edns.ts';
import { EdnsOption } from '../../../src/dns/iana.ts';
import { dropPadding } from '../../../src/dns/padding.ts';
import { QueryFault, QueryView, readQuery } from '../../../src/dns/query-view.ts';

const padding = encodeOption(EdnsOption.PADDING, new Uint8Array(300).fill(9));
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
  ['first', [padding, cookie], [cookie]],
  ['last', [cookie, padding], [cookie]],
  ['alone', [padding], []],
  ['not there', [cookie], [cookie]],
])('leaves the query that it would be without it (%s)', (_, given, left) => {
  const view = read(given);
  dropPadding(view);
  const expected = read(left);
  expect(view.bytes.subarray(START, view.end)).toEqual(expected.bytes.subarray(START, expected.end));
  expect(view.cookieStart).toBe(expected.cookieStart);
  const again = new QueryView();
  expect(readQuery(again, view.bytes, START, view.end)).toBe(QueryFault.none);
  expect(again.cookieStart).toBe(expected.cookieStart);
});
