import { describe, expect, it } from 'vitest';
import { isLoopback, isWildcard, parsePrefix, parseSocketAddress, parseUpstream } from '../../../src/config/address.ts';
import type { Parsed } from '../../../src/config/address.ts';

function complaint(parsed: Parsed<unknown>): string {
  return parsed.kind === 'bad' ? parsed.message : 'accepted';
}

describe('a socket address', () => {
  it.each([
    ['127.0.0.1:53', { host: '127.0.0.1', port: 53 }],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['[::1]:1053', { host: '::1', port: 1053 }],
    ['[2001:db8::53]:65535', { host: '2001:db8::53', port: 65535 }],
  ])('%s is read', (text, value) => {
    expect(parseSocketAddress(text)).toEqual({ kind: 'ok', value });
  });

  it.each([
    ['', /expected ADDRESS:PORT/],
    ['53', /expected ADDRESS:PORT/],
    ['127.0.0.1', /has no port/],
    ['::1', /in brackets/],
    ['::1:53', /in brackets/],
    ['2001:db8::1:1053', /in brackets/],
    ['localhost:53', /"localhost" is not an IP address; names are not looked up/],
    ['127.0.0.1:65536', /port 65536 is larger than 65535/],
    ['127.0.0.1:-1', /expected ADDRESS:PORT/],
    ['127.0.0.1:5a', /expected ADDRESS:PORT/],
    ['127.1:53', /"127.1" is not an IP address/],
    ['[127.0.0.1]:53', /is not an IP address/],
    ['[::g]:53', /is not an IP address/],
    [':53', /is not an IP address/],
  ])('%s is refused with words that help', (text, words) => {
    expect(complaint(parseSocketAddress(text))).toMatch(words);
  });
});

const PIN = `${'A'.repeat(43)}=`;

describe('an upstream', () => {
  it.each([
    ['udp://192.0.2.1', 'udp', '192.0.2.1', 53],
    ['udp://192.0.2.1:5353', 'udp', '192.0.2.1', 5353],
    ['TCP://[2001:db8::1]:54', 'tcp', '2001:db8::1', 54],
    ['tcp://[2001:db8::1]', 'tcp', '2001:db8::1', 53],
    ['udp://2001:db8::1', 'udp', '2001:db8::1', 53],
  ])('%s is read, and kept as written for the metric', (url, protocol, host, port) => {
    expect(parseUpstream(url)).toEqual({ kind: 'ok', value: { url, protocol, host, port } });
  });

  it.each([
    [
      'tls://dns.example@192.0.2.1',
      { protocol: 'tls', host: '192.0.2.1', port: 853, serverName: 'dns.example', pins: [] },
    ],
    ['tls://[2001:db8::1]:8853', { protocol: 'tls', host: '2001:db8::1', port: 8853, pins: [] }],
    [
      'https://dns.example@192.0.2.1/q?x=1',
      { protocol: 'https', host: '192.0.2.1', port: 443, serverName: 'dns.example', pins: [], path: '/q?x=1' },
    ],
    ['https://192.0.2.1:8443', { protocol: 'https', host: '192.0.2.1', port: 8443, pins: [], path: '/dns-query' }],
    [`tls://192.0.2.1#pin=${PIN}`, { protocol: 'tls', host: '192.0.2.1', port: 853, pins: [PIN] }],
    [`tls://192.0.2.1#pin=${PIN},${PIN}`, { protocol: 'tls', host: '192.0.2.1', port: 853, pins: [PIN, PIN] }],
  ])('%s is read with its name, port, path and keys', (url, expected) => {
    expect(parseUpstream(url)).toEqual({ kind: 'ok', value: { url, ...expected } });
  });

  it.each([
    ['tls://dns.example', /not an IP address; names are not looked up here; write tls:\/\/dns\.example@ADDRESS/],
    ['https://dns.example/dns-query', /write https:\/\/dns\.example@ADDRESS/],
    ['tls://192.0.2.1/path', /has no path/],
    ['tls://-bad-@192.0.2.1', /"-bad-" is not a host name/],
    ['tls://192.0.2.1#pin=abc', /"abc" is no SHA-256/],
    ['tls://192.0.2.1:0', /port 0/],
    ['tls://192.0.2.1:99999', /larger than 65535/],
    ['https://user:secret@192.0.2.1/', /"user:secret" is not a host name/],
    ['quic://192.0.2.1', /is no upstream protocol/],
  ])('%s is refused in words', (text, words) => {
    expect(complaint(parseUpstream(text))).toMatch(words);
  });

  it('the word recursive stands for a recursor on this machine, whose port is found later', () => {
    const value = { url: 'recursive', protocol: 'udp', host: '127.0.0.1', port: 0 };
    expect(parseUpstream('recursive')).toEqual({ kind: 'ok', value });
    expect(parseUpstream('Recursive').kind).toBe('bad');
  });

  it.each([
    ['192.0.2.1', /write the protocol too, e.g. "udp:\/\/192.0.2.1"/],
    ['2001:db8::1', /e.g. "udp:\/\/\[2001:db8::1\]"/],
    ['resolver', /expected e.g. "udp:\/\/192.0.2.1:53"/],
    ['udp://dns.example:53', /names are not looked up/],
    ['ftp://192.0.2.1', /"ftp:\/\/" is no upstream protocol/],
    ['udp://192.0.2.1:0', /port 0/],
    ['udp://192.0.2.1:99999', /larger than/],
    ['udp://', /expected ADDRESS:PORT/],
  ])('%s is refused with words that help', (text, words) => {
    expect(complaint(parseUpstream(text))).toMatch(words);
  });
});

describe('a prefix', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['192.0.2.7', '192.0.2.7/32'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['::1', '::1/128'],
    ['::/0', '::/0'],
  ])('%s is read as %s', (text, value) => {
    expect(parsePrefix(text)).toEqual({ kind: 'ok', value });
  });

  it.each([
    ['10.0.0.0/33', /from 0 to 32/],
    ['::/129', /from 0 to 128/],
    ['10.0.0.0/', /from 0 to 32/],
    ['10.0.0.0/-1', /from 0 to 32/],
    ['10.0.0.0/8/8', /from 0 to 32/],
    ['10.0.0/8', /expected a prefix/],
    ['customers', /expected a prefix/],
    ['fe80::1%eth0/64', /expected a prefix/],
  ])('%s is refused with words that help', (text, words) => {
    expect(complaint(parsePrefix(text))).toMatch(words);
  });
});

describe('kinds of address', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.8.9.1', true],
    ['::1', true],
    ['0:0:0:0:0:0:0:1', true],
    ['::ffff:127.0.0.1', true],
    ['128.0.0.1', false],
    ['0.0.0.0', false],
    ['::', false],
    ['2001:db8::1', false],
  ])('%s loopback: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });

  it.each([
    ['0.0.0.0', true],
    ['::', true],
    ['0:0:0:0:0:0:0:0', true],
    ['::1', false],
    ['127.0.0.1', false],
  ])('%s wildcard: %s', (host, expected) => {
    expect(isWildcard(host)).toBe(expected);
  });
});
