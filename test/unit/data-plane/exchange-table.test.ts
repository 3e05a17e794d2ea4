import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExchangeTable } from '../../../src/data-plane/exchange-table.ts';
import { Exchange } from '../../../src/data-plane/exchanges.ts';
import { wireName } from '../../support/wire.ts';

const events = { onAnswer: () => true, onOutcome: () => undefined };

interface Question {
  readonly key: number;
  readonly name: string;
  readonly qtype: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

function exchangeOf({ key, name, qtype, dnssecOk, checkingDisabled }: Question): Exchange {
  const qname = wireName(name);
  const exchange = new Exchange(events);
  exchange.qname.set(qname);
  return Object.assign(exchange, { key, qnameBytes: qname.length, qtype, dnssecOk, checkingDisabled });
}

function find(table: ExchangeTable, { key, name, qtype, dnssecOk, checkingDisabled }: Question): Exchange | undefined {
  const bytes = wireName(name.toUpperCase());
  return table.find(key, { bytes, qnameStart: 0, qnameBytes: bytes.length, qtype, dnssecOk }, checkingDisabled);
}

const question: fc.Arbitrary<Question> = fc.record({
  // Why few: keys of one bucket, equal or not, are what can go wrong.
  key: fc.constantFrom(5, 5 + 16_384, -5, 5 | (1 << 31)),
  name: fc.constantFrom('a.example', 'b.example', 'aa.example'),
  qtype: fc.constantFrom(1, 28),
  dnssecOk: fc.boolean(),
  checkingDisabled: fc.boolean(),
});

describe('ExchangeTable', () => {
  it('finds exactly what is in it, as a list would', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(question, fc.boolean()), { maxLength: 60 }), (steps) => {
        const table = new ExchangeTable();
        const list = new Map<string, Exchange>();
        for (const [each, isRemoved] of steps) {
          const identity = JSON.stringify(each);
          const known = list.get(identity);
          expect(find(table, each)).toBe(known);
          if (known === undefined) {
            const exchange = exchangeOf(each);
            table.add(exchange);
            list.set(identity, exchange);
          } else if (isRemoved) {
            table.remove(known);
            list.delete(identity);
          }
          expect(new Set(table)).toEqual(new Set(list.values()));
        }
      }),
    );
  });
});
