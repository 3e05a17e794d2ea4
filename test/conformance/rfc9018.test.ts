/** RFC 9018, Interoperable Domain Name System (DNS) Server Cookies: the recipe, its vectors, and what time allows. */
import { expect, test } from 'vitest';
import { COOKIE_BYTES, CookieWorth, ServerCookies } from '../../src/dns/server-cookie.ts';
import { ADDRESS_BYTES, writeAddress } from '../../src/policy/address.ts';

const SECRET = 'e5e973e5a6b2a43f48e7dc849e37bfcf';
const ROLLED_OVER = '445536bcd2513298075a5d379663c962';
const BEFORE = 'dd3bdf9344b678b185a6f5cb60fca715';

function octets(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function address(text: string): Uint8Array {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  if (!writeAddress(text, bytes)) throw new Error(text);
  return bytes;
}

function made(secrets: readonly string[], clientCookie: string, client: string, nowSeconds: number): string {
  const target = new Uint8Array(COOKIE_BYTES + 2);
  new ServerCookies(secrets.map(octets)).write(target, 2, octets(`ff${clientCookie}`), 1, address(client), nowSeconds);
  return Buffer.from(target.subarray(10)).toString('hex');
}

function worth(secrets: readonly string[], cookie: string, client: string, nowSeconds: number): number {
  const bytes = octets(`ffff${cookie}`);
  return new ServerCookies(secrets.map(octets)).check(bytes, 2, bytes.length - 2, address(client), nowSeconds);
}

test.each([
  ['A.1', SECRET, '2464c4abcf10c957', '198.51.100.100', 1_559_731_985, '010000005cf79f111f8130c3eee29480'],
  ['A.2', SECRET, '2464c4abcf10c957', '198.51.100.100', 1_559_734_385, '010000005cf7a871d4a564a1442aca77'],
  ['A.3', SECRET, 'fc93fc62807ddb86', '203.0.113.203', 1_559_734_700, '010000005cf7a9acf73a7810aca2381e'],
  [
    'A.4',
    ROLLED_OVER,
    '22681ab97d52c298',
    '2001:db8:220:1:59de:d0f4:8769:82b8',
    1_559_741_961,
    '010000005cf7c609a6bb79d16625507a',
  ],
])('appendix %s: the cookie of the example', (_, secret, clientCookie, client, nowSeconds, expected) => {
  expect(made([secret], clientCookie, client, nowSeconds)).toBe(expected);
  expect(worth([secret], clientCookie + expected, client, nowSeconds)).toBe(CookieWorth.good);
});

test('appendix A.4: during a rollover a cookie of the other secret is good, and answered with one of the new', () => {
  const client = '2001:db8:220:1:59de:d0f4:8769:82b8';
  const old = made([BEFORE], '22681ab97d52c298', client, 1_559_741_817);
  expect(old).toBe('010000005cf7c57926556bd0934c72f8');
  expect(worth([ROLLED_OVER, BEFORE], `22681ab97d52c298${old}`, client, 1_559_741_961)).toBe(CookieWorth.good);
  expect(worth([ROLLED_OVER], `22681ab97d52c298${old}`, client, 1_559_741_961)).toBe(CookieWorth.bad);
  expect(made([ROLLED_OVER, BEFORE], '22681ab97d52c298', client, 1_559_741_961)).toBe(
    '010000005cf7c609a6bb79d16625507a',
  );
});

test('4.2: reserved octets that a client sends back are hashed as they came', () => {
  // The request of appendix A.3: another implementation had set them. Judged in time, which the example's answer is not.
  const cookie = 'fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5';
  expect(worth([SECRET], cookie, '203.0.113.203', 1_559_727_985)).toBe(CookieWorth.good);
});

const GOOD = '2464c4abcf10c957010000005cf79f111f8130c3eee29480';
const MADE = 1_559_731_985;

function at(nowSeconds: number): number {
  return worth([SECRET], GOOD, '198.51.100.100', nowSeconds);
}

test('4.3: an hour into the past, five minutes into the future', () => {
  expect(at(MADE + 3600)).toBe(CookieWorth.good);
  expect(at(MADE + 3601)).toBe(CookieWorth.bad);
  expect(at(MADE - 300)).toBe(CookieWorth.good);
  expect(at(MADE - 301)).toBe(CookieWorth.bad);
});

test('4.3: serial number arithmetic carries over the end of 32 bits', () => {
  const cookie = made([SECRET], '2464c4abcf10c957', '198.51.100.100', 0xffff_fff0);
  expect(worth([SECRET], `2464c4abcf10c957${cookie}`, '198.51.100.100', 0x1_0000_0010)).toBe(CookieWorth.good);
});

test('4.3: a cookie is renewed when it is more than half an hour old: the one of a response is of its time', () => {
  const renewed = made([SECRET], '2464c4abcf10c957', '198.51.100.100', MADE + 1801);
  const late = MADE + 1801 + 3600;
  expect(at(late)).toBe(CookieWorth.bad);
  expect(worth([SECRET], `2464c4abcf10c957${renewed}`, '198.51.100.100', late)).toBe(CookieWorth.good);
});

test('4.4: a cookie is of one client cookie and one address', () => {
  expect(worth([SECRET], GOOD, '198.51.100.101', MADE)).toBe(CookieWorth.bad);
  expect(worth([SECRET], GOOD.replace(/^24/, '25'), '198.51.100.100', MADE)).toBe(CookieWorth.bad);
});

test('4.4: every changed bit of a server cookie makes it bad', () => {
  for (let bit = 0; bit < 128; bit++) {
    const bytes = octets(GOOD);
    bytes[8 + (bit >>> 3)]! ^= 1 << (bit & 7);
    const cookies = new ServerCookies([octets(SECRET)]);
    expect(cookies.check(bytes, 0, bytes.length, address('198.51.100.100'), MADE), `bit ${bit}`).toBe(CookieWorth.bad);
  }
});

test('RFC 7873 5.2.3 and 5.2.4: a client cookie alone is absent, one of another length or version is bad', () => {
  expect(worth([SECRET], GOOD.slice(0, 16), '198.51.100.100', MADE)).toBe(CookieWorth.absent);
  expect(worth([SECRET], GOOD.slice(0, 40), '198.51.100.100', MADE)).toBe(CookieWorth.bad);
  expect(worth([SECRET], `${GOOD}00`, '198.51.100.100', MADE)).toBe(CookieWorth.bad);
  expect(worth([SECRET], GOOD.replace('957010000', '957020000'), '198.51.100.100', MADE)).toBe(CookieWorth.bad);
});
