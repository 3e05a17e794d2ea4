/** What is refused, and how, before policy, cache and upstream come into it; and what the server says of itself. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DecodedMessage } from '../../src/dns/codec.ts';
import { EdnsOption, Opcode, RecordClass, RecordType } from '../../src/dns/iana.ts';
import { ask, askRaw, closeClients, decoded, query, UdpClient } from '../support/dns-client.ts';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { startWeirProcess, stopAllWeirs, type WeirProcess } from '../support/weir-process.ts';
import { concat, header, opt, option, question } from '../support/wire.ts';

const NOERROR = 0;
const NOTIMP = 4;
const REFUSED = 5;
const BADVERS = 16;
const RD = 0x0100;

let weir: WeirProcess;
let upstream: FakeUpstream;
let here: { port: number };

beforeAll(async () => {
  upstream = await startFakeUpstream();
  weir = await startWeirProcess({
    files: { 'list.txt': 'listed.example\n' },
    config: {
      upstreams: [upstream.url],
      lists: [{ name: 'list', source: 'list.txt' }],
      identity: { version: 'weir of the test', serverId: '' },
      clients: { allow: ['127.0.0.1/32'] },
    },
  });
  here = { port: weir.port };
});

afterEach(closeClients);

afterAll(async () => {
  expect(upstream.queries).toEqual([]);
  await stopAllWeirs();
  await upstream.stop();
});

describe('opcodes', () => {
  for (const [label, opcode] of Object.entries(Opcode)) {
    if (opcode === Opcode.QUERY) continue;
    test(`${label}: NOTIMP with the opcode and id it came with`, async () => {
      const message = query('listed.example');
      message[2] = message[2]! | (opcode << 3);
      const response = decoded(await askRaw(here, message));
      expect([response.rcode, response.opcode, response.answers]).toEqual([NOTIMP, opcode, []]);
    });
  }

  test('opcode 15 with nothing but a header: NOTIMP', async () => {
    const response = decoded(await askRaw(here, header(0x7777, 15 << 11)));
    expect([response.rcode, response.questions]).toEqual([NOTIMP, []]);
  });
});

describe('types and classes', () => {
  for (const type of ['AXFR', 'IXFR', 'MAILA', 'MAILB', 'TKEY', 'TSIG'] as const) {
    test(`${type}: REFUSED, EDE 21, over both transports, also for a listed name`, async () => {
      for (const transport of ['udp', 'tcp'] as const) {
        const response = await ask({ ...here, transport }, 'listed.example', RecordType[type]);
        expect([response.rcode, response.answers]).toEqual([REFUSED, []]);
        expect(response.edns?.extendedErrors.map(({ infoCode }) => infoCode)).toEqual([21]);
      }
    });
  }

  for (const [label, recordClass] of Object.entries({ HS: 4, NONE: 254, ANY: 255, reserved: 0, unknown: 4660 })) {
    test(`class ${label}: REFUSED`, async () => {
      const response = await ask(here, 'listed.example', 1, { recordClass });
      expect([response.rcode, response.answers]).toEqual([REFUSED, []]);
    });
  }
});

function chaos(name: string, type: number = RecordType.TXT): Promise<DecodedMessage> {
  return ask(here, name, type, { recordClass: RecordClass.CH });
}

describe('CHAOS', () => {
  test('version.bind and version.server say what the configuration says, in any letter case', async () => {
    for (const name of ['version.bind', 'VERSION.Bind', 'version.server']) {
      const { answers, rcode } = await chaos(name);
      expect([rcode, answers.map(({ data, ttlSeconds }) => [data, ttlSeconds])]).toEqual([
        NOERROR,
        [['"weir of the test"', 0]],
      ]);
    }
  });

  test('an identity that is empty, any other name and any other type are refused', async () => {
    for (const name of ['id.server', 'hostname.bind', 'authors.bind', 'listed.example']) {
      expect((await chaos(name)).rcode, name).toBe(REFUSED);
    }
    expect((await chaos('version.bind', RecordType.A)).rcode).toBe(REFUSED);
  });
});

describe('EDNS', () => {
  test('another version: BADVERS, with version 0 in the answer, whatever the options are', async () => {
    const message = concat(
      header(0x1234, RD, { questions: 1, additionals: 1 }),
      question('listed.example'),
      opt(option(0xffff, new Uint8Array(3)), 0x0001_0000),
    );
    const { rcode, edns, answers } = decoded(await askRaw(here, message));
    expect([rcode, edns?.version, answers]).toEqual([BADVERS, 0, []]);
    expect(await weir.metric('weir_responses_total', 'rcode="BADVERS"')).toBe(1);
  });

  test('options that nobody knows are passed over', async () => {
    const options = [
      option(0xfde9, new Uint8Array(40)),
      option(EdnsOption.ECS, Uint8Array.from([0, 1, 24, 0, 192, 0, 2])),
    ];
    const { rcode, answers, edns } = await ask(here, 'listed.example', 1, { options });
    expect([rcode, answers.length]).toEqual([NOERROR, 1]);
    expect(edns?.options.map(({ code }) => code)).toEqual([EdnsOption.EDE, EdnsOption.EDE]);
  });

  test('a question for a cookie without a question: NOERROR', async () => {
    const message = concat(header(0x4321, 0, { additionals: 1 }), opt(option(EdnsOption.COOKIE, new Uint8Array(8))));
    const { rcode, questions } = decoded(await askRaw(here, message));
    expect([rcode, questions]).toEqual([NOERROR, []]);
  });

  test('a UDP response is never longer than the client says it can take', async () => {
    for (const udpPayloadBytes of [1, 512, 600]) {
      const response = await askRaw(here, query('listed.example', 1, { udpPayloadBytes }));
      expect(response.length).toBeLessThanOrEqual(Math.max(512, udpPayloadBytes));
    }
  });
});

describe('who may ask what', () => {
  test('a client outside clients.allow: REFUSED with EDE 18, for listed names too', async () => {
    const client = await UdpClient.open(weir.port, '127.0.0.1', '127.0.0.2');
    for (const name of ['listed.example', 'other.example']) {
      const { rcode, answers, edns } = decoded(await client.exchange(query(name)));
      expect([rcode, answers, edns?.extendedErrors[0]?.infoCode]).toEqual([REFUSED, [], 18]);
    }
  });

  test('RD=0: REFUSED with EDE 20 for a name that is not blocked, and no upstream is asked', async () => {
    const { rcode, edns } = await ask(here, 'other.example', 1, { recursionDesired: false });
    expect([rcode, edns?.extendedErrors[0]?.infoCode]).toEqual([REFUSED, 20]);
  });
});
