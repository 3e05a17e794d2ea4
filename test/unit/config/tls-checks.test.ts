import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readCertificate } from '../../../src/config/certificate.ts';
import { parseConfig } from '../../../src/config/load-config.ts';
import { warningsAboutTls } from '../../../src/config/tls-checks.ts';
import { fixture, fixturePath } from '../../support/tls-fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'weir-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));
for (const name of ['server.pem', 'server-key.pem', 'server-2.pem', 'server-2-key.pem']) {
  copyFileSync(fixturePath(name), join(folder, name));
}
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return name;
};

const GOOD = 'certificate: server.pem, key: server-key.pem';
const read = (text: string) => parseConfig(text, folder, ['192.0.2.53']);

function problemsOf(text: string): string[] {
  const outcome = read(text);
  return outcome.kind === 'ok' ? [] : outcome.problems.map(({ path, message }) => `${path}: ${message}`);
}

function configOf(text: string) {
  const outcome = read(text);
  if (outcome.kind === 'invalid') throw new Error(JSON.stringify(outcome.problems));
  return outcome.config;
}

describe('listeners that need a certificate', () => {
  it.each([
    ['listen: { dot: ["127.0.0.1:853"] }', 'listen.dot'],
    ['listen: { doh: ["[::1]:443"] }', 'listen.doh'],
    ['listen: { admin: "192.0.2.1:9153" }', 'listen.admin'],
    ['listen: { admin: "0.0.0.0:9153" }', 'listen.admin'],
  ])('%s is an error without one and good with it', (text, key) => {
    expect(problemsOf(text)).toEqual([`${key}: needs tls.certificate and tls.key`]);
    expect(problemsOf(`${text}\ntls: { ${GOOD} }`)).toEqual([]);
  });

  it('have their paths made absolute', () => {
    const { tls, listen } = configOf(`listen: { dot: ["127.0.0.1:853"] }\ntls: { ${GOOD} }`);
    expect(tls.certificate).toBe(join(folder, 'server.pem'));
    expect(tls.key).toBe(join(folder, 'server-key.pem'));
    expect(listen.dot).toEqual([{ host: '127.0.0.1', port: 853 }]);
  });

  it('may not take an address that another has', () => {
    const listen = 'listen: { do53: ["127.0.0.1:853"], dot: ["127.0.0.1:853"], doh: ["0.0.0.0:853"] }';
    expect(problemsOf(`${listen}\ntls: { ${GOOD} }`)).toEqual([
      'listen.dot[0]: the address is taken by listen.do53',
      'listen.doh[0]: the address is taken by listen.do53',
    ]);
  });

  it('are no upstreams of their own', () => {
    const text = `listen: { dot: ["127.0.0.1:853"] }\ntls: { ${GOOD} }\nupstreams: ["tls://127.0.0.1:853"]`;
    expect(problemsOf(text)).toEqual([
      'upstreams[0]: this is an address of listen.dot: queries would go round in a circle',
    ]);
  });
});

describe('certificate and key', () => {
  it.each([
    ['certificate: server.pem', /^tls\.key: is needed beside/],
    ['key: server-key.pem', /^tls\.certificate: is needed beside/],
    ['certificate: none.pem, key: server-key.pem', /^tls\.certificate: cannot read .*no such file/],
    ['certificate: server.pem, key: none.pem', /^tls\.key: cannot read .*no such file/],
    ['certificate: server.pem, key: server-2-key.pem', /^tls\.key: is not the private key of the certificate/],
    ['certificate: /dev/null, key: server-key.pem', /^tls\.certificate: \/dev\/null is not a regular file/],
    ['certificate: server-key.pem, key: server-key.pem', /^tls\.certificate: is no certificate in PEM/],
    ['certificate: server.pem, key: server.pem', /^tls\.key: is no private key in PEM/],
    [`certificate: ${file('text.pem', 'words')}, key: server-key.pem`, /^tls\.certificate: is no certificate/],
    [
      `certificate: ${file('chain.pem', `${fixture('server.pem')}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`)}, key: server-key.pem`,
      /^tls\.certificate: cannot be used: what follows/,
    ],
    [`certificate: ${file('large.pem', '-'.repeat(300_000))}, key: server-key.pem`, /^tls\.certificate: larger than/],
    [`${GOOD}, name: "a b"`, /^tls\.name: "a b" is no host name/],
    [`${GOOD}, name: "a..b"`, /^tls\.name: "a\.\.b" is no host name/],
  ])('%s', (text, problem) => {
    expect(problemsOf(`tls: { ${text} }`).join('\n')).toMatch(problem);
  });

  it('a key with a password is refused by name, and no octet of a key is told', () => {
    const key = join(folder, 'encrypted.pem');
    execFileSync(
      'openssl',
      ['ec', '-aes256', '-passout', 'pass:x', '-in', join(folder, 'server-key.pem'), '-out', key],
      {
        stdio: 'ignore',
      },
    );
    expect(problemsOf('tls: { certificate: server.pem, key: encrypted.pem }').join()).toMatch(/tls\.key: is encrypted/);
    const secret = fixture('server-key.pem').split('\n')[1]!;
    const broken = file('broken.pem', fixture('server-key.pem').replace('-----END', '!!-----END'));
    expect(problemsOf(`tls: { certificate: server.pem, key: ${broken} }`).join()).not.toContain(secret);
  });

  it('are read with the names in them', () => {
    const outcome = readCertificate(fixturePath('server.pem'), fixturePath('server-key.pem'));
    if (outcome.kind === 'bad') throw new Error(outcome.message);
    expect(outcome.value.dnsName).toBe('dns.example.test');
    expect(outcome.value.namesAddress('::1')).toBe(true);
    expect(outcome.value.namesAddress('192.0.2.1')).toBe(false);
    expect(outcome.value.namesHost('localhost')).toBe(true);
  });
});

describe('warnings', () => {
  const DAY = 86_400;
  const warnings = (text: string, nowSeconds: (endsAt: number, beginsAt: number) => number): string[] => {
    const outcome = readCertificate(fixturePath('server.pem'), fixturePath('server-key.pem'));
    if (outcome.kind === 'bad') throw new Error(outcome.message);
    const { expiresAtSeconds, beginsAtSeconds } = outcome.value;
    return warningsAboutTls(configOf(text), nowSeconds(expiresAtSeconds, beginsAtSeconds));
  };
  const dot = `listen: { do53: ["127.0.0.1:53"], dot: ["127.0.0.1:853"] }\ntls: { ${GOOD} }`;

  it('are none for a good certificate, and none without one', () => {
    expect(warnings(dot, (end) => end - 15 * DAY)).toEqual([]);
    expect(warnings('', (end) => end + DAY)).toEqual([]);
  });

  it('tell when it has expired, will soon, or is not valid yet', () => {
    expect(warnings(dot, (end) => end)).toEqual(['tls.certificate: it has expired; clients will refuse it']);
    expect(warnings(dot, (end) => end - 1.5 * DAY)).toEqual(['tls.certificate: it expires in 1 day']);
    expect(warnings(dot, (end) => end - 14 * DAY + 1)).toEqual(['tls.certificate: it expires in 13 days']);
    expect(warnings(dot, (_, begin) => begin - 1)).toEqual(['tls.certificate: it is not valid yet']);
  });

  it('tell a name that the certificate does not have, and an address that DDR needs in it', () => {
    const now = (end: number): number => end - 100 * DAY;
    expect(warnings(dot.replace(GOOD, `${GOOD}, name: other.example`), now)).toEqual([
      'tls.name: the certificate does not name other.example; clients that are told so will refuse it',
    ]);
    expect(warnings(dot.replace('127.0.0.1:53', '192.0.2.1:53'), now)[0]).toMatch(/it does not name 192\.0\.2\.1, so/);
  });
});
