/**
 * A small DNS client of the harness's own: asks one question and waits, for readiness and for looking into answers while
 * dnsperf, which reads only their header, keeps a server busy.
 */
import { createSocket } from 'node:dgram';
import { randomInt } from 'node:crypto';
import { decodeMessage, encodeQuery, type DecodedMessage } from '../src/dns/codec.ts';
import { RecordType } from '../src/dns/iana.ts';

export interface Question {
  readonly name: string;
  readonly edns: boolean;
}

/** The answer to an A question; undefined when none came in time that fits id and question. */
export async function ask(port: number, question: Question, timeoutMs: number): Promise<DecodedMessage | undefined> {
  const id = randomInt(65_536);
  const message = encodeQuery({
    id,
    name: question.name,
    type: RecordType.A,
    ...(question.edns ? {} : { udpPayloadBytes: 0 }),
  });
  if (message === undefined) throw new Error(`not a name: ${question.name}`);
  const socket = createSocket('udp4');
  try {
    return await new Promise((resolve) => {
      const limit = setTimeout(() => resolve(undefined), timeoutMs);
      const finish = (answer: DecodedMessage | undefined): void => {
        clearTimeout(limit);
        resolve(answer);
      };
      socket.on('error', () => finish(undefined));
      socket.on('message', (bytes) => {
        const answer = decodeMessage(bytes);
        if (answer?.id === id && answer.questions[0]?.name.toLowerCase() === question.name.toLowerCase())
          finish(answer);
      });
      socket.send(message, port, '127.0.0.1');
    });
  } finally {
    socket.close();
  }
}

/** The addresses of an answer; undefined for no answer at all. */
export function addressesOf(answer: DecodedMessage | undefined): string[] | undefined {
  return answer?.answers.filter((record) => record.type === RecordType.A).map((record) => record.data);
}
