/** Whatever comes from a server in the place of a signature, a manifest or a file of entries, nothing throws. */
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { openManifest } from '../../src/control-plane/feed/feed-check.ts';
import { readFeedLines } from '../../src/control-plane/feed/feed-lines.ts';
import { manifestBytes, parseManifest, type Manifest } from '../../src/control-plane/feed/manifest.ts';
import {
  readSecretKey,
  signDetached,
  type MinisignSecretKey,
} from '../../src/control-plane/feed/minisign-secret-key.ts';
import { parsePublicKey, parseSignature } from '../../src/control-plane/feed/minisign.ts';
import { parseSigned, signedBytes } from '../../src/control-plane/feed/signed-manifest.ts';
import { newKey } from '../support/feed-harness.ts';

const SHA = 'ab'.repeat(32);
const MANIFEST: Manifest = {
  list: 'desk',
  version: 2,
  previousVersion: 1,
  previousSha256: SHA,
  previousContentSha256: SHA,
  contentSha256: SHA,
  createdMs: 1_800_000_000_000,
  expiresMs: 1_800_086_400_000,
  entryCount: 3,
  snapshot: { url: 'files/snapshot-1', bytes: 10, sha256: SHA, version: 1 },
  deltas: [{ from: 1, to: 2, url: 'files/delta-1-2', bytes: 10, sha256: SHA }],
};
let key: MinisignSecretKey;
let signed: Uint8Array;
beforeAll(async () => {
  key = await newKey();
  const manifest = manifestBytes(MANIFEST);
  signed = signedBytes({ manifest, signatureText: signDetached(manifest, key, 'a comment') });
});

/** Octets replaced, cut out or put in at a few places. */
const edits = fc.array(fc.record({ at: fc.nat(4000), cut: fc.nat(40), put: fc.uint8Array({ maxLength: 40 }) }), {
  minLength: 1,
  maxLength: 4,
});

function edited(bytes: Uint8Array, changes: readonly { at: number; cut: number; put: Uint8Array }[]): Uint8Array {
  return changes.reduce<Uint8Array>((before, { at, cut, put }) => {
    const from = at % (before.length + 1);
    return Buffer.concat([before.subarray(0, from), put, before.subarray(from + cut)]);
  }, bytes);
}

describe('hostile feeds', () => {
  test('a signed manifest that was edited is refused, unless the edit is in what nobody signs', () => {
    fc.assert(
      fc.property(edits, (changes) => {
        const bytes = edited(signed, changes);
        const parsed = parseSigned(bytes);
        if (parsed.kind === 'bad') return;
        const opened = openManifest(parsed.value, [key.publicKey]);
        if (opened.kind === 'accepted') expect(opened.manifest).toEqual(MANIFEST);
      }),
      { numRuns: 2000 },
    );
  });

  test('a manifest that was edited is one or none, and never one with a path that leaves the feed', () => {
    const bytes = manifestBytes(MANIFEST);
    fc.assert(
      fc.property(edits, (changes) => {
        const parsed = parseManifest(edited(bytes, changes));
        if (parsed.kind === 'bad') return;
        const { snapshot, deltas, version } = parsed.value;
        for (const { url } of [snapshot, ...deltas]) expect(url).not.toMatch(/(^|\/)\.|^\/|:|\\|%/);
        expect(deltas.at(-1)?.to ?? version).toBe(version);
      }),
      { numRuns: 2000 },
    );
  });

  test('any JSON in the place of a manifest', () => {
    fc.assert(
      fc.property(fc.json(), (text) => parseManifest(Buffer.from(text)).kind === 'bad'),
      { numRuns: 500 },
    );
  });

  test('any text in the place of a key or a signature', async () => {
    const line = fc.string({ unit: 'binary', maxLength: 120 });
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 6 }), async (lines) => {
        const text = lines.join('\n');
        parsePublicKey(text);
        parseSignature(text);
        expect((await readSecretKey(text, undefined)).kind).toBe('bad');
        parseSignature(`untrusted comment: ${text}`);
      }),
      { numRuns: 500 },
    );
  });

  test('any octets in the place of a file', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom('snapshot' as const, 'delta' as const),
        async (bytes, kind) => {
          async function* pieces(): AsyncGenerator<Uint8Array> {
            yield bytes;
          }
          const limits = { bytesMax: 1000, decompressedBytesMax: 1000 };
          const read = await readFeedLines(pieces(), kind, limits, () => undefined);
          expect(['read', 'refused']).toContain(read.kind);
        },
      ),
      { numRuns: 500 },
    );
  });
});
