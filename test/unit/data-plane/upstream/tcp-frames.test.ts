import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TcpFrames } from '../../../../src/data-plane/upstream/tcp-frames.ts';

test('messages come out whole and in order, however the stream is cut', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 });
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sent, cuts) => {
      const stream = Buffer.concat(sent.flatMap((message) => [Buffer.from([0, 0]), Buffer.from(message)]));
      let at = 0;
      for (const message of sent) {
        stream.writeUInt16BE(message.length, at);
        at += 2 + message.length;
      }
      const frames = new TcpFrames();
      const received: number[][] = [];
      for (let start = 0, turn = 0; start < stream.length; turn++) {
        const end = start + cuts[turn % cuts.length]!;
        frames.push(stream.subarray(start, end), (bytes, from, to) => received.push([...bytes.subarray(from, to)]));
        start = end;
      }
      expect(received).toEqual(sent.map((message) => [...message]));
    }),
  );
});

test('the longest message arrives octet by octet', () => {
  const stream = Buffer.alloc(2 + 65_535, 7);
  stream.writeUInt16BE(65_535);
  const frames = new TcpFrames();
  const lengths: number[] = [];
  for (const octet of stream) frames.push(Uint8Array.of(octet), (_, start, end) => lengths.push(end - start));
  expect(lengths).toEqual([65_535]);
});
