/** Malformed messages, and what the readers of queries and of responses make of each of them. */
import { describe, expect, it } from 'vitest';
import { decodeMessage } from '../../../src/dns/codec.ts';
import { HEADER_BYTES, HeaderFlag } from '../../../src/dns/iana.ts';
import { QueryFault, QueryView, readQuery } from '../../../src/dns/query-view.ts';
import { readResponse } from '../../../src/dns/response-view.ts';
import { malformedMessages } from '../../support/malformed-messages.ts';

describe('malformed messages', () => {
  it.each(malformedMessages())('$name', ({ octets, expect: outcome }) => {
    const view = new QueryView();
    const fault = readQuery(view, octets, 0, octets.length);
    if (outcome === 'silence') {
      expect(fault).toBe(octets.length < HEADER_BYTES ? QueryFault.tooShort : QueryFault.isResponse);
    } else if (outcome !== 'FORMERR') {
      expect(fault).toBe(QueryFault.none);
    } else if (view.qtype !== 0 && view.qtype !== 41) {
      // Of those two types the query path says FORMERR, the reader nothing.
      expect([QueryFault.malformed, QueryFault.questionCount]).toContain(fault);
    }
    // A query is no response, and one that is a response has no answer.
    if ((view.flags & HeaderFlag.QR) === 0) expect(readResponse(octets)).toBeUndefined();
    expect(() => decodeMessage(octets)).not.toThrow();
  });
});
