import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load-config.ts';
import { fixture } from '../../support/tls-fixture.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder('access-checks');
for (const name of ['ca.pem', 'client.pem', 'client-key.pem', 'server-key.pem']) {
  writeFileSync(join(folder, name), fixture(name));
}
writeFileSync(join(folder, 'token'), 'weir_secret\n');
writeFileSync(join(folder, 'words'), 'two secrets');
writeFileSync(join(folder, 'large'), 'x'.repeat(5000));

function problemsOf(settings: string, source = 'https://lists.example/a'): readonly string[] {
  const outcome = parseConfig(`lists: [{ name: a, source: "${source}", ${settings} }]`, folder);
  return outcome.kind === 'ok' ? [] : outcome.problems.map(({ path, message }) => `${path}: ${message}`);
}

const CLIENT = 'clientCertificate: client.pem, clientKey: client-key.pem';

describe('what a list is fetched with', () => {
  it('is read from the folder of the configuration', () => {
    const settings = `tokenFile: token, ca: ca.pem, ${CLIENT}, proxy: "http://proxy.example:3128"`;
    const outcome = parseConfig(`lists: [{ name: a, source: "https://lists.example/a", ${settings} }]`, folder);
    expect(outcome).toMatchObject({
      kind: 'ok',
      config: { lists: [{ tokenFile: join(folder, 'token'), clientKey: join(folder, 'client-key.pem') }] },
    });
  });

  it.each([
    ['tokenFile: none', /^lists\[0\]\.tokenFile: cannot read .*none: no such file$/],
    ['tokenFile: words', /^lists\[0\]\.tokenFile: .*words has no token in it$/],
    ['tokenFile: large', /^lists\[0\]\.tokenFile: larger than 4096 bytes$/],
    ['tokenFile: /dev/zero', /^lists\[0\]\.tokenFile: .*not a regular file$/],
    ['ca: none', /^lists\[0\]\.ca: cannot read/],
    ['ca: client-key.pem', /^lists\[0\]\.ca: .*holds no certificates in PEM$/],
    ['clientCertificate: client.pem', /^lists\[0\]\.clientKey: is needed beside clientCertificate$/],
    ['clientKey: client-key.pem', /^lists\[0\]\.clientCertificate: is needed beside clientKey$/],
    ['clientCertificate: client.pem, clientKey: server-key.pem', /^lists\[0\]\.clientKey: .*is not the private key/],
    ['clientCertificate: ca.pem, clientKey: token', /^lists\[0\]\.clientKey: .*is no private key in PEM$/],
    ['clientCertificate: token, clientKey: client-key.pem', /^lists\[0\]\.clientCertificate: .*is no certificate/],
    ['proxy: "proxy.example:3128"', /^lists\[0\]\.proxy: is no proxy; write http:/],
    ['proxy: "https://proxy.example"', /^lists\[0\]\.proxy: is no proxy; write http:/],
    ['proxy: "http://proxy.example/a"', /^lists\[0\]\.proxy: nothing may stand behind the port$/],
    ['proxy: "http://u:secret@proxy.example"', /^lists\[0\]\.proxy: a URL with a user name or password in it/],
  ])('%s', (settings, problem) => {
    const problems = problemsOf(settings);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
    expect(problems[0]).not.toContain('secret');
  });

  it('belongs to a list that is fetched', () => {
    expect(problemsOf('tokenFile: token, proxy: "http://proxy.example"', 'list.txt')).toEqual([
      'lists[0].tokenFile: is for a list behind https:// or feed+https://',
      'lists[0].proxy: is for a list behind https:// or feed+https://',
    ]);
    expect(problemsOf('proxy: "http://proxy.example"', 'http://127.0.0.1/a')).toEqual([
      'lists[0].proxy: is for https alone; this source is on loopback',
    ]);
  });
});
