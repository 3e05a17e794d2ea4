import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  INCIDENT_BYTES,
  INCIDENT_PLACEHOLDER,
  incidentId,
  listTag,
  writeIncident,
} from '../../../src/policy/incident.ts';
import { entryHash32 } from '../../../src/policy/name-hash.ts';
import { decodeIncident } from '../../support/decode-incident.ts';
import { wireName } from '../../support/publish-policy.ts';

describe('an incident id', () => {
  it('is the same in every process and release', () => {
    expect(incidentId('police', 42, wireName('pay.example'))).toBe('A200-5A15-AFNT');
  });

  it('is the same in any letter case of the entry, wherever the entry lies', () => {
    const name = wireName('WWW.Pay.Example');
    expect(incidentId('police', 42, name, 4)).toBe('A200-5A15-AFNT');
  });

  it('tells list, version and entry apart', () => {
    const ids = [
      incidentId('police', 42, wireName('pay.example')),
      incidentId('regulator', 42, wireName('pay.example')),
      incidentId('police', 43, wireName('pay.example')),
      incidentId('police', 42, wireName('loan.example')),
    ];
    expect(new Set(ids).size).toBe(4);
  });

  it('gives back its parts, as a person may type it', () => {
    const id = incidentId('police', 70_000, wireName('pay.example'));
    const parts = {
      listTag: listTag('police'),
      version: 70_000 & 0xffff,
      entryHash: entryHash32(wireName('pay.example'), 0),
    };
    expect(decodeIncident(id)).toEqual(parts);
    expect(
      decodeIncident(` ${id.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')}`),
    ).toEqual(parts);
  });

  it('gives back all that can be written', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xfff }),
        fc.integer({ min: 0, max: 0xffff }),
        fc.integer({ min: 0, max: 0xffff_ffff }),
        (tag, version, entryHash) => {
          const bytes = new Uint8Array(INCIDENT_BYTES + 2).fill(0x21);
          writeIncident(bytes, 1, tag, version, entryHash);
          const text = String.fromCharCode(...bytes);
          expect(text).toMatch(/^!([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}!$/);
          expect(decodeIncident(text.slice(1, -1))).toEqual({ listTag: tag, version, entryHash });
        },
      ),
    );
  });

  it('has a placeholder of its own length', () => {
    expect(INCIDENT_PLACEHOLDER).toHaveLength(INCIDENT_BYTES);
  });

  it.each(['', 'A200', 'A200-5A15-AFN', 'A200-5A15-AFNTT', 'U200-5A15-AFNT', 'A200-5A15-AF?T'])(
    'is not read out of %j',
    (text) => {
      expect(decodeIncident(text)).toBeUndefined();
    },
  );
});
