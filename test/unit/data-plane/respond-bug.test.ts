import { expect, it, vi } from 'vitest';
import { Rcode } from '../../../src/dns/iana.ts';
import { DropRow } from '../../../src/telemetry/counter-labels.ts';
import { Counter, dropCounter } from '../../../src/telemetry/counters.ts';
import { ResolverHarness } from '../../support/resolver-harness.ts';

const dropped = (weir: ResolverHarness) => weir.cells[dropCounter(DropRow.internalError)];

it('a bug that is answered SERVFAIL is an internal error and no dropped query', () => {
  const weir = new ResolverHarness();
  vi.spyOn(weir.respond, 'judge').mockImplementationOnce(() => {
    throw new Error('a bug');
  });
  expect(weir.ask('www.example').decoded.rcode).toBe(Rcode.SERVFAIL);
  expect([weir.cells[Counter.internalErrors], dropped(weir), weir.bugs.length]).toEqual([1, 0, 1]);
});

it('a bug met with a message that cannot be answered is an internal error and a dropped query', () => {
  const weir = new ResolverHarness();
  vi.spyOn(weir.respond, 'refuse').mockImplementationOnce(() => {
    throw new Error('a bug');
  });
  expect(weir.send(Uint8Array.of(1, 2, 3)).sent).toBe(0);
  expect([weir.cells[Counter.internalErrors], dropped(weir), weir.bugs.length]).toEqual([1, 1, 1]);
});
