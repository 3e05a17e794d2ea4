import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load-config.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const SECRET = 'e5e973e5a6b2a43f48e7dc849e37bfcf';
const OTHER = '445536BCD2513298075A5D379663C962';

function withFile(content: string | undefined) {
  const folder = temporaryFolder('cookie-secrets');
  if (content !== undefined) writeFileSync(join(folder, 'secrets'), content);
  return parseConfig('limits: { cookieSecretFile: secrets }', folder, []);
}

describe('limits.cookieSecretFile', () => {
  it.each([
    ['one secret', `${SECRET}\n`, [SECRET]],
    ['two, with comments and Windows line ends', `# new\r\n${SECRET}\r\n\r\n# old\r\n${OTHER}`, [SECRET, OTHER]],
  ])('with %s', (_, content, secrets) => {
    const outcome = withFile(content);
    expect(outcome.kind === 'ok' && outcome.config.limits.cookieSecrets).toEqual(secrets);
  });

  it.each([
    ['that is not there', undefined, /cannot read .*: no such file/],
    ['that is empty', '\n# none\n', /there is no secret in it/],
    ['with a short line', `${SECRET}\n${OTHER.slice(1)}\n`, /^line 2 is no secret/],
    ['with three', `${SECRET}\n${OTHER}\n${SECRET}\n`, /3 secrets; at most 2/],
  ])('%s: a problem that names the key and none of the octets', (_, content, message) => {
    const outcome = withFile(content);
    expect(outcome.kind).toBe('invalid');
    if (outcome.kind !== 'invalid') return;
    expect(outcome.problems.map(({ path }) => path)).toEqual(['limits.cookieSecretFile']);
    expect(outcome.problems[0]!.message).toMatch(message);
    expect(outcome.problems[0]!.message).not.toContain(OTHER.slice(1));
  });
});

describe('listen.proxyProtocol', () => {
  it.each(['0.0.0.0/0', '::/0', '192.0.2.1/00'])('%s, everybody, is a problem', (prefix) => {
    const outcome = parseConfig(`listen: { proxyProtocol: [192.0.2.1/32, "${prefix}"] }`, '/', []);
    expect(outcome.kind === 'invalid' && outcome.problems.map(({ path }) => path)).toContain('listen.proxyProtocol[1]');
  });

  it('of some addresses is none', () => {
    const prefixes = '192.0.2.1/32, "2001:db8::/64", 10.0.0.0/30';
    expect(parseConfig(`listen: { proxyProtocol: [${prefixes}] }`, '/', []).kind).toBe('ok');
  });
});

it('one address, which many households may share, may hold a tenth of all connections', () => {
  const outcome = parseConfig('', '/', []);
  const { tcp, tls } = (outcome.kind === 'ok' && outcome.config) || expect.fail('not a configuration');
  for (const { connectionsMax, connectionsPerClientMax } of [tcp, tls])
    expect(connectionsPerClientMax).toBe(connectionsMax / 10);
});
