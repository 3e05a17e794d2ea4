/** Malformed messages, and what the readers of queries and of responses make of each of them. */
import { describe, expect, it } from 'vitest';
import { decodeMessage } from '../../../src/dns/codec.ts';
import { HEADER_BYTES, HeaderFlag } from '../../../src/dns/iana.ts';
import { readUint16 } from '../../../src/dns/patch.ts';
import { QueryFault, QueryView, readQuery } from '../../../src/dns/query-view.ts';
import { readResponse } from '../../../src/dns/response-view.ts';
import { malformedMessages } from '../../support/malformed-messages.ts';

const messages = malformedMessages();

describe('malformed messages', () => {
  it('are 54 of other people, and as many that can be read as ever', () => {
    const others = messages.filter(({ isOthers }) => isOthers);
    expect(others).toHaveLength(54);
    expect(others.filter(({ expect: outcome }) => outcome !== 'FORMERR')).toHaveLength(25);
  });

  it.each(messages)('$name', ({ name, octets, isOthers, expect: outcome }) => {
    const view = new QueryView();
    const fault = readQuery(view, octets, 0, octets.length);
    if (outcome === 'silence') {
      expect(fault).toBe(octets.length < HEADER_BYTES ? QueryFault.tooShort : QueryFault.isResponse);
    } else if (outcome !== 'FORMERR' || name.startsWith('qtype_')) {
      // Of a type that is no question the query path says FORMERR, the reader nothing.
      expect(fault).toBe(QueryFault.none);
    } else {
      const counted = readUint16(octets, 4);
      const isMiscounted = counted > 1 || (counted === 0 && octets.length === HEADER_BYTES);
      expect(fault).toBe(isMiscounted ? QueryFault.questionCount : QueryFault.malformed);
    }
    if (isOthers) {
      expect(view.questionCount).toBe(1);
      expect(view.qnameBytes).toBeGreaterThan(0);
    }
    // A query is no response, and one that is a response has no answer.
    if ((view.flags & HeaderFlag.QR) === 0) expect(readResponse(octets)).toBeUndefined();
    expect(() => decodeMessage(octets)).not.toThrow();
  });
});
