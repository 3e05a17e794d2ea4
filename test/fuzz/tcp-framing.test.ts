import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME_PREFIX_BYTES, FrameReader, writeFrameLength } from '../../src/data-plane/tcp-framing.ts';
import { MESSAGE_BYTES_MAX } from '../../src/dns/iana.ts';

function framed(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_PREFIX_BYTES + message.length);
  writeFrameLength(frame, 0, message.length);
  frame.set(message, FRAME_PREFIX_BYTES);
  return frame;
}

const OUT_AT = 3;

/** Everything that can be taken now; `out` has room for one message and a margin that must stay as it is. */
function takeAll(reader: FrameReader): Buffer[] {
  const out = Buffer.alloc(OUT_AT + MESSAGE_BYTES_MAX + 1, 0xee);
  const messages: Buffer[] = [];
  for (;;) {
    const length = reader.take(out, OUT_AT);
    if (length < 0) return messages;
    messages.push(Buffer.from(out.subarray(OUT_AT, OUT_AT + length)));
    expect([...out.subarray(0, OUT_AT), out.at(-1)]).toEqual([0xee, 0xee, 0xee, 0xee]);
  }
}

/** `stream` in pieces that end at each of `cuts` (taken modulo the length). */
function pieces(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...new Set([...cuts.map((cut) => cut % (stream.length + 1)), stream.length])].toSorted((a, b) => a - b);
  return ends.map((end, index) => stream.subarray(index === 0 ? 0 : ends[index - 1], end));
}

const small = fc.uint8Array({ maxLength: 40 });
const any = fc.oneof(
  { weight: 8, arbitrary: small },
  { weight: 2, arbitrary: fc.uint8Array({ minLength: 500, maxLength: 9_000, size: 'max' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(255, 256, 510, 8_190, 65_534, 65_535).map((n) => new Uint8Array(n).fill(n & 0xff)),
  },
);
const cuts = fc.array(fc.nat(), { maxLength: 30 });

describe('FrameReader', () => {
  it('gives exactly the messages sent, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(any, { maxLength: 12 }), cuts, (messages, at) => {
        const reader = new FrameReader();
        const taken = pieces(Buffer.concat(messages.map(framed)), at).flatMap((piece) => {
          reader.push(piece);
          return takeAll(reader);
        });
        expect(taken.map((message) => message.toString('hex'))).toEqual(
          messages.map((message) => Buffer.from(message).toString('hex')),
        );
      }),
    );
  });

  it('gives the same when messages are taken only now and then', () => {
    fc.assert(
      fc.property(fc.array(small, { maxLength: 30 }), cuts, fc.array(fc.boolean()), (messages, at, takes) => {
        const reader = new FrameReader();
        const taken: Buffer[] = [];
        for (const [index, piece] of pieces(Buffer.concat(messages.map(framed)), at).entries()) {
          reader.push(piece);
          if (takes[index] === true) taken.push(...takeAll(reader));
        }
        taken.push(...takeAll(reader));
        expect(Buffer.concat(taken)).toEqual(Buffer.concat(messages));
        expect(taken).toHaveLength(messages.length);
      }),
    );
  });

  it('gives a message at its last octet and not before, in pieces of one octet', () => {
    const reader = new FrameReader();
    const frame = framed(Uint8Array.of(1, 2, 3, 4, 5));
    const lengths = [...frame].map((octet) => {
      reader.push(Uint8Array.of(octet));
      return takeAll(reader).length;
    });
    expect(lengths).toEqual([0, 0, 0, 0, 0, 0, 1]);
  });

  it('gives a message of no octets', () => {
    const reader = new FrameReader();
    reader.push(Uint8Array.of(0, 0, 0));
    expect(takeAll(reader)).toEqual([Buffer.alloc(0)]);
  });

  it('does not keep the caller’s octets', () => {
    const reader = new FrameReader();
    const chunk = framed(Uint8Array.of(1, 2, 3));
    reader.push(chunk);
    chunk.fill(9);
    expect(takeAll(reader)).toEqual([Buffer.of(1, 2, 3)]);
  });
});
