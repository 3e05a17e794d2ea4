import { expect, it } from 'vitest';
import { domainLabels } from '../../../../src/data-plane/limits/domain-labels.ts';
import { labelStartsOf, LABELS_MAX } from '../../../../src/dns/name.ts';
import { concat, wireName } from '../../../support/wire.ts';

it.each([
  ['.', 0],
  ['made-up', 0],
  ['example.com', 2],
  ['a.b.c.example.com', 2],
  ['x.co.uk', 3],
  ['a.b.X.Co.Uk', 3],
  ['co.uk', 2],
  ['a.example.com.cn', 3],
  ['a.example.gd.cn', 3],
  ['a.163.cn', 2],
  ['a.t.co', 2],
  ['a.b.com.example', 2],
  ['4.3.2.1.in-addr.arpa', 4],
  ['1.in-addr.arpa', 3],
  ['1.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa', 10],
  ['2.ip6.arpa', 3],
])('the domain of %s has %i labels', (name, labels) => {
  const bytes = concat(Uint8Array.of(9, 9, 9), name === '.' ? Uint8Array.of(0) : wireName(name));
  const labelStarts = new Uint8Array(LABELS_MAX);
  const labelCount = labelStartsOf(bytes, 3, labelStarts);
  expect(domainLabels(bytes, 3, labelStarts, labelCount)).toBe(labels);
});
