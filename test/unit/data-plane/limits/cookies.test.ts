import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { COOKIE_BYTES, CookieWorth, ServerCookies } from '../../../../src/dns/server-cookie.ts';
import { EdnsOption, HeaderFlag, Rcode, RecordType } from '../../../../src/dns/iana.ts';
import { writeAddress } from '../../../../src/policy/address.ts';
import { LimitOutcomeRow, LimitRow, TransportRow } from '../../../../src/telemetry/counter-labels.ts';
import { limitCounter } from '../../../../src/telemetry/counters.ts';
import { freezeClock, ResolverHarness, type TestReply } from '../../../support/resolver-harness.ts';
import { concat, header, hex, opt, option, question, record } from '../../../support/wire.ts';

beforeEach(freezeClock);
afterEach(() => {
  vi.useRealTimers();
});

const CLIENT_COOKIE = hex('2464c4abcf10c957');
const SECRET = 'e5e973e5a6b2a43f48e7dc849e37bfcf';
const CLIENT = '192.0.2.7';

function harness(limits: Record<string, unknown> = {}): ResolverHarness {
  return new ResolverHarness({
    config: { limits, clients: { allow: ['0.0.0.0/0', '::/0'] } },
    entries: [{ name: 'listed.example' }],
  });
}

interface CookieAsk {
  readonly cookie?: Uint8Array;
  readonly client?: string;
  readonly transport?: number;
  readonly name?: string;
  readonly type?: number;
  readonly payload?: number;
}

function ask(weir: ResolverHarness, fields: CookieAsk = {}): TestReply {
  const {
    cookie = CLIENT_COOKIE,
    client = CLIENT,
    name = 'listed.example',
    type = RecordType.A,
    payload = 1232,
  } = fields;
  const asked = name === '' ? hex('') : question(name, type);
  const counts = { questions: name === '' ? 0 : 1, additionals: 1 };
  const message = concat(header(77, HeaderFlag.RD, counts), asked, opt(option(EdnsOption.COOKIE, cookie), 0, payload));
  return weir.send(message, { client, ...(fields.transport === undefined ? {} : { transport: fields.transport }) });
}

/** The cookie of a response; empty: it has none. */
function cookieOf(reply: TestReply): Uint8Array {
  const options = reply.decoded.edns?.options ?? [];
  return options.find(({ code }) => code === EdnsOption.COOKIE)?.data ?? new Uint8Array(0);
}

function octets(client: string): Uint8Array {
  const address = new Uint8Array(16);
  writeAddress(client, address);
  return address;
}

/** Whether it is a cookie that a server with the secret made for this client. */
function isGood(cookie: Uint8Array, client = CLIENT, secret = SECRET): boolean {
  const server = new ServerCookies([hex(secret)]);
  return server.check(cookie, 0, cookie.length, octets(client), Math.floor(Date.now() / 1000)) === CookieWorth.good;
}

const configured = { exemptLoopback: false, cookieSecretFile: '' };

/** A harness whose secrets are those given; the file is config's business. */
function withSecrets(limits: Record<string, unknown>, ...cookieSecrets: string[]): ResolverHarness {
  const weir = harness({ ...configured, ...limits });
  const config = { ...weir.config, limits: { ...weir.config.limits, cookieSecrets } };
  weir.respond.configure(config);
  weir.resolver.configure(config);
  return weir;
}

describe('a response to a query with a cookie carries one of ours', () => {
  it.each([
    ['blocked', { name: 'listed.example' }, Rcode.NOERROR],
    ['special', { name: 'localhost' }, Rcode.NOERROR],
    ['refused', { type: RecordType.AXFR }, Rcode.REFUSED],
    ['minimal ANY', { name: 'other.example', type: RecordType.ANY }, Rcode.NOERROR],
    ['nothing but a cookie asked', { name: '' }, Rcode.NOERROR],
  ])('%s', (_, fields, rcode) => {
    for (const client of [CLIENT, '2001:db8::7']) {
      const reply = ask(withSecrets({}, SECRET), { ...fields, client });
      expect(reply.decoded.rcode).toBe(rcode);
      expect(Buffer.from(cookieOf(reply).subarray(0, 8))).toEqual(Buffer.from(CLIENT_COOKIE));
      expect(isGood(cookieOf(reply), client)).toBe(true);
    }
  });

  it('from the cache, and late from upstream, each with its own client’s', () => {
    const weir = withSecrets({}, SECRET);
    const clients = ['192.0.2.1', '192.0.2.2', '2001:db8::3'];
    const waiting = clients.map((client) => ask(weir, { name: 'a.example', client }));
    weir.upstream.last.answer({ answers: [record('a.example', RecordType.A, 60, hex('c0000201'))] });
    const cached = clients.map((client) => ask(weir, { name: 'a.example', client }));
    for (const [index, client] of [...clients, ...clients].entries()) {
      expect(isGood(cookieOf([...waiting, ...cached][index]!), client)).toBe(true);
    }
    expect(weir.upstream.asks).toHaveLength(1);
    expect(weir.bugs).toEqual([]);
  });

  it('late too where cookies were turned on meanwhile: its own client’s, and not the last one’s', () => {
    const weir = withSecrets({ cookies: 'off' }, SECRET);
    const waiting = ask(weir, { name: 'a.example', client: '192.0.2.1' });
    weir.respond.configure({
      ...weir.config,
      limits: { ...weir.config.limits, cookies: 'on', cookieSecrets: [SECRET] },
    });
    ask(weir, { cookie: hex('ffffffffffffffff') });
    weir.upstream.last.answer({ answers: [record('a.example', RecordType.A, 60, hex('c0000201'))] });
    expect(isGood(cookieOf(waiting), '192.0.2.1')).toBe(true);
  });

  it('and none without one, or with cookies off', () => {
    expect(cookieOf(harness().ask('listed.example', { client: CLIENT }))).toHaveLength(0);
    expect(cookieOf(ask(harness({ cookies: 'off' })))).toHaveLength(0);
  });

  it('has room for it: an answer that leaves none is truncated', () => {
    const weir = withSecrets({}, SECRET);
    // Of 512 octets header, question, OPT and COOKIE leave 444, of which a record takes 12 before its data.
    for (const [bytes, isWhole] of [
      [432, true],
      [433, false],
    ] as const) {
      const name = `${bytes}.example`;
      const first = ask(weir, { name, type: 65_280, payload: 512 });
      weir.upstream.last.answer({ answers: [record(hex('c00c'), 65_280, 60, new Uint8Array(bytes))] });
      for (const reply of [first, ask(weir, { name, type: 65_280, payload: 512 })]) {
        expect(reply.message!.length).toBeLessThanOrEqual(512);
        expect((reply.decoded.flags & HeaderFlag.TC) === 0).toBe(isWhole);
        expect(isGood(cookieOf(reply))).toBe(true);
      }
    }
  });
});

describe('a cookie of the wrong length', () => {
  it.each([0, 7, 9, 15, 41])('of %i octets: FORMERR', (bytes) => {
    expect(ask(harness(), { cookie: new Uint8Array(bytes) }).decoded.rcode).toBe(Rcode.FORMERR);
  });
});

describe('a question for nothing but a cookie', () => {
  it('with one of ours: NOERROR; with a bad one: BADCOOKIE, and a good one', () => {
    const weir = withSecrets({}, SECRET);
    const cookie = cookieOf(ask(weir, { name: '' }));
    expect(ask(weir, { name: '', cookie }).decoded.rcode).toBe(Rcode.NOERROR);
    const other = ask(weir, { name: '', cookie, client: '192.0.2.8' });
    expect(other.decoded.rcode).toBe(Rcode.BADCOOKIE);
    expect(isGood(cookieOf(other), '192.0.2.8')).toBe(true);
  });
});

describe('a client with a good cookie', () => {
  const limits = { responsesPerSecondMax: 1, slip: 1 };

  it('is not held to the limit on responses; one without gets BADCOOKIE in place of TC', () => {
    const weir = withSecrets(limits, SECRET);
    const cookie = cookieOf(ask(weir));
    for (let count = 0; count < 20; count++) expect(ask(weir, { cookie }).decoded.rcode).toBe(Rcode.NOERROR);
    const stranger = ask(weir);
    expect([stranger.decoded.rcode, stranger.decoded.flags & HeaderFlag.TC]).toEqual([Rcode.BADCOOKIE, 0]);
    expect(ask(weir, { cookie: cookieOf(stranger) }).decoded.rcode).toBe(Rcode.NOERROR);
    expect(weir.cells[limitCounter(LimitRow.responses, LimitOutcomeRow.badCookie)]).toBe(1);
    expect(weir.ask('listed.example', { client: CLIENT }).decoded.flags & HeaderFlag.TC).not.toBe(0);
  });

  it.each([
    ['of another client', '192.0.2.8', 0],
    ['more than an hour old', CLIENT, 3_601_000],
  ])('%s: it is none', (_, client, waitMs) => {
    const weir = withSecrets(limits, SECRET);
    const cookie = cookieOf(ask(weir));
    weir.advance(waitMs);
    ask(weir);
    expect(ask(weir, { cookie, client }).decoded.rcode).toBe(Rcode.BADCOOKIE);
  });

  it('has queries of its own beside those that others may ask in its name, and no more', () => {
    const weir = withSecrets({ queriesPerSecondMax: 1, queriesBurstMax: 2, slip: 1 }, SECRET);
    const [first, second] = [ask(weir), ask(weir)];
    const forged = ask(weir);
    expect([first, second, forged].map(({ decoded }) => decoded.rcode)).toEqual([0, 0, Rcode.BADCOOKIE]);
    const cookie = cookieOf(forged);
    const rcodes = [1, 2, 3].map(() => ask(weir, { cookie }).decoded.rcode);
    expect(rcodes).toEqual([Rcode.NOERROR, Rcode.NOERROR, Rcode.BADCOOKIE]);
    expect(weir.cells[limitCounter(LimitRow.queries, LimitOutcomeRow.badCookie)]).toBe(2);
  });

  it('with the old secret, while it is the second', () => {
    const old = cookieOf(ask(withSecrets(limits, 'dd3bdf9344b678b185a6f5cb60fca715')));
    const rcodes = (...secrets: string[]): number[] => {
      const weir = withSecrets(limits, ...secrets);
      return [1, 2].map(() => ask(weir, { cookie: old }).decoded.rcode);
    };
    expect(rcodes(SECRET, 'dd3bdf9344b678b185a6f5cb60fca715')).toEqual([Rcode.NOERROR, Rcode.NOERROR]);
    expect(rcodes(SECRET)).toEqual([Rcode.NOERROR, Rcode.BADCOOKIE]);
  });
});

describe('ANY', () => {
  const asked = { name: 'other.example', type: RecordType.ANY };

  it('over UDP: one HINFO record, and nothing asked upstream', () => {
    const weir = harness();
    const { answers, rcode } = ask(weir, asked).decoded;
    expect(rcode).toBe(Rcode.NOERROR);
    expect(answers.map(({ type, ttlSeconds }) => [type, ttlSeconds])).toEqual([[RecordType.HINFO, 3600]]);
    expect(answers[0]!.data).toBe('\\# 9 075246433834383200');
    expect(weir.upstream.asks).toEqual([]);
  });

  it('over TCP, and where it is turned off, goes upstream', () => {
    for (const [weir, transport] of [
      [harness(), TransportRow.tcp],
      [harness({ anyMinimal: false }), TransportRow.udp],
    ] as const) {
      expect(ask(weir, { ...asked, transport }).wasLate).toBe(true);
      expect(weir.upstream.last.question.qtype).toBe(RecordType.ANY);
    }
  });

  it('for a blocked name: NODATA', () => {
    const { answers, authorities } = ask(harness(), { type: RecordType.ANY }).decoded;
    expect([answers.length, authorities.map(({ type }) => type)]).toEqual([0, [RecordType.SOA]]);
  });
});

it('the option is as long as it says', () => {
  expect(cookieOf(ask(harness()))).toHaveLength(COOKIE_BYTES);
});
