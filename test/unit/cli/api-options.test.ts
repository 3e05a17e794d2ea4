/** Where the maintainer's commands find Weir and the token, and what they refuse to do with it. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openApi } from '../../../src/cli/api-options.ts';
import { startFakeApi } from '../../support/fake-api.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const TOKEN = `weir_abcdefgh_${'A'.repeat(43)}`;
const folder = temporaryFolder('api-options');
const told: string[] = [];
vi.spyOn(process.stderr, 'write').mockImplementation((text) => told.push(String(text)) > 0);
afterEach(() => void told.splice(0));

function file(name: string, content: string, mode = 0o600): string {
  writeFileSync(join(folder, name), content);
  chmodSync(join(folder, name), mode);
  return join(folder, name);
}

let configs = 0;
function configOf(admin: string): string {
  return file(`weir-${++configs}.yaml`, `listen: { do53: ["127.0.0.1:0"], admin: "${admin}" }\n`);
}

async function seenBy(
  flags: Partial<Parameters<typeof openApi>[0]>,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const opened = openApi({ config: configOf('127.0.0.1:9'), ...flags }, env);
  if (opened.kind === 'bad') throw new Error(opened.message);
  await opened.client.send({ method: 'GET', path: 'v1/token', repeat: 'never' });
  return undefined;
}

describe('the address', () => {
  test('is the option, else the environment, else that of the configuration', async () => {
    const [one, two, three] = [
      await startFakeApi(() => ({})),
      await startFakeApi(() => ({})),
      await startFakeApi(() => ({})),
    ];
    const config = configOf(three.url.replace('http://', ''));
    await seenBy({ url: one.url }, { WEIR_URL: two.url, WEIR_TOKEN: TOKEN });
    await seenBy({}, { WEIR_URL: two.url, WEIR_TOKEN: TOKEN });
    await seenBy({ config }, { WEIR_TOKEN: TOKEN });
    expect([one, two, three].map(({ seen }) => seen.length)).toEqual([1, 1, 1]);
  });

  test.each([
    ['http://192.0.2.1:9153', 'for everybody to read'],
    ['http://weir.example', 'for everybody to read'],
    ['http://127.0.0.1.example/', 'for everybody to read'],
    ['ftp://127.0.0.1/', 'is no address of Weir'],
    ['127.0.0.1:9153', 'is no address of Weir'],
    ['http://user:pass@127.0.0.1/', 'user name or password'],
  ])('is refused before the token goes there: %s', (url, message) => {
    expect(openApi({ url, config: '' }, { WEIR_TOKEN: TOKEN })).toMatchObject({
      kind: 'bad',
      exitCode: 2,
      message: expect.stringContaining(message),
    });
  });

  test.each(['https://weir.example', 'http://localhost:9153', 'http://[::1]:9153', 'http://127.0.0.1:9153'])(
    'is taken: %s',
    (url) => {
      expect(openApi({ url, config: '' }, { WEIR_TOKEN: TOKEN }).kind).toBe('client');
    },
  );

  test('of a configuration that is wrong is exit 78, and of one without a listener is asked for', () => {
    expect(openApi({ config: file('bad.yaml', 'nonsense: 1\n') }, { WEIR_TOKEN: TOKEN })).toMatchObject({
      exitCode: 78,
      message: expect.stringContaining('nonsense'),
    });
    expect(openApi({ config: configOf('') }, { WEIR_TOKEN: TOKEN })).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('--url'),
    });
  });
});

describe('the token', () => {
  const url = 'http://127.0.0.1:9153';

  test('is in a file, or in the environment; without one nothing is sent', async () => {
    const api = await startFakeApi(() => ({}));
    await seenBy({ url: api.url, tokenFile: file('token', `${TOKEN}\n`) }, { WEIR_TOKEN: 'weir_other' });
    expect(api.seen[0]!.headers.authorization).toBe(`Bearer ${TOKEN}`);
    expect(told).toEqual([]);
    for (const env of [{}, { WEIR_TOKEN: '' }]) {
      expect(openApi({ url, config: '' }, env)).toMatchObject({ kind: 'bad', exitCode: 2 });
    }
  });

  test.each([
    ['empty', ''],
    ['two lines', 'a\nb\n'],
    ['not ASCII', 'weir_é'],
    ['too long', 'x'.repeat(600)],
  ])('is refused where the file holds none: %s', (_what, content) => {
    const opened = openApi({ url, config: '', tokenFile: file('bad-token', content) }, {});
    expect(opened).toMatchObject({ kind: 'bad', exitCode: 2, message: expect.stringContaining('holds no token') });
    expect(openApi({ url, config: '' }, { WEIR_TOKEN: content }).kind).toBe('bad');
  });

  test('in a file that others can read is used with a warning', () => {
    expect(openApi({ url, config: '', tokenFile: file('open-token', TOKEN, 0o644) }, {}).kind).toBe('client');
    expect(told.join('')).toContain('mode 644');
    expect(told.join('')).not.toContain(TOKEN);
  });

  test('in a file that is not there is a failure', () => {
    const opened = openApi({ url, config: '', tokenFile: join(folder, 'none') }, {});
    expect(opened).toMatchObject({ kind: 'bad', exitCode: 1, message: expect.stringContaining('no such file') });
  });
});
