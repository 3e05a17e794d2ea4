import { copyFileSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { TlsKeeper } from '../../../src/supervisor/tls-keeper.ts';
import { fixture, fixturePath } from '../../support/tls-fixture.ts';
import { until } from '../../support/weir-process.ts';

const LOOK_MS = 20;
const folders: string[] = [];
const keepers: TlsKeeper[] = [];
afterEach(() => {
  for (const keeper of keepers.splice(0)) keeper.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function setUp(name = '') {
  const folder = mkdtempSync(join(tmpdir(), 'weir-keeper-'));
  folders.push(folder);
  const put = (what: 'certificate' | 'key', server: string): void => {
    copyFileSync(fixturePath(what === 'key' ? `${server}-key.pem` : `${server}.pem`), join(folder, `${what}.new`));
    renameSync(join(folder, `${what}.new`), join(folder, `${what}.pem`));
  };
  put('certificate', 'server');
  put('key', 'server');
  const settings: Config['tls'] = {
    certificate: join(folder, 'certificate.pem'),
    key: join(folder, 'key.pem'),
    name,
    connectionsMax: 1,
    connectionsPerClientMax: 1,
    idleTimeoutMs: 1,
  };
  const said: string[] = [];
  const log = {
    info: (_: object, message: string) => said.push(message),
    error: (fields: { problem: string }, message: string) => said.push(`${message}: ${fields.problem}`),
  };
  let changes = 0;
  let firsts = 0;
  const keep = (tls = settings): TlsKeeper => {
    const keeper = new TlsKeeper(
      tls,
      (isFirst) => {
        changes++;
        if (isFirst) firsts++;
      },
      log as unknown as ConstructorParameters<typeof TlsKeeper>[2],
      LOOK_MS,
    );
    keepers.push(keeper);
    return keeper;
  };
  const untilReloads = (keeper: TlsKeeper, ok: number, refused: number) =>
    until(
      () => keeper.reloads,
      (reloads) => reloads.ok === ok && reloads.refused === refused,
      `${ok} reloads and ${refused} refused`,
    );
  return { folder, put, settings, keep, said, changes: () => changes, firsts: () => firsts, untilReloads };
}

describe('the certificate', () => {
  it('is read at the start, with its name and its end', () => {
    const { keep } = setUp();
    const { material } = keep();
    expect(material).toMatchObject({
      certificate: fixture('server.pem'),
      key: fixture('server-key.pem'),
      name: 'dns.example.test',
    });
    expect(material?.expiresAtSeconds).toBeGreaterThan(4_900_000_000);
    expect(material?.ticketKeys).toHaveLength(48);
  });

  it('is none where none is configured', () => {
    const { keep, settings } = setUp();
    expect(keep({ ...settings, certificate: '', key: '' }).material).toBeUndefined();
  });

  it('goes by the name that is configured', () => {
    const { keep } = setUp('resolver.example');
    expect(keep().material?.name).toBe('resolver.example');
  });

  it('that has changed is taken into use, with the ticket keys as they were', async () => {
    const { keep, put, untilReloads, changes } = setUp();
    const keeper = keep();
    const { ticketKeys } = keeper.material!;
    put('key', 'server-2');
    put('certificate', 'server-2');
    await untilReloads(keeper, 1, 0);
    expect(keeper.material).toMatchObject({ certificate: fixture('server-2.pem'), key: fixture('server-2-key.pem') });
    expect(keeper.material?.ticketKeys).toEqual(ticketKeys);
    expect(changes()).toBe(1);
  });

  it('that comes only after the start is told as the first one, and none after it', async () => {
    const { keep, put, settings, folder, firsts, untilReloads } = setUp();
    unlinkSync(join(folder, 'certificate.pem'));
    const keeper = keep(settings);
    expect(keeper.material).toBeUndefined();
    put('certificate', 'server');
    await untilReloads(keeper, 1, 0);
    expect(firsts()).toBe(1);
    put('key', 'server-2');
    put('certificate', 'server-2');
    await untilReloads(keeper, 2, 0);
    expect(firsts()).toBe(1);
  });

  it('behind a symbolic link is followed', async () => {
    const { keep, settings, folder, untilReloads } = setUp();
    const link = (server: string): void => {
      for (const [name, target] of [
        ['certificate.pem', `${server}.pem`],
        ['key.pem', `${server}-key.pem`],
      ] as const) {
        unlinkSync(join(folder, name));
        symlinkSync(fixturePath(target), join(folder, name));
      }
    };
    link('server');
    const keeper = keep(settings);
    link('server-2');
    await untilReloads(keeper, 1, 0);
    expect(keeper.material?.certificate).toBe(fixture('server-2.pem'));
  });

  it.each([
    [
      'that does not fit its key',
      (folder: string) => copyFileSync(fixturePath('server-2.pem'), join(folder, 'certificate.pem')),
      /tls\.key is not/,
    ],
    [
      'that is none',
      (folder: string) => writeFileSync(join(folder, 'certificate.pem'), 'words'),
      /tls\.certificate is no/,
    ],
    ['that is gone', (folder: string) => unlinkSync(join(folder, 'key.pem')), /tls\.key cannot read/],
  ])(
    '%s is refused once, said and counted; the one before stays, and a good one comes in',
    async (_, spoil, reason) => {
      const { keep, folder, put, said, untilReloads } = setUp();
      const keeper = keep();
      spoil(folder);
      await untilReloads(keeper, 0, 1);
      expect(said).toHaveLength(1);
      expect(said[0]).toMatch(reason);
      expect(keeper.material?.certificate).toBe(fixture('server.pem'));
      put('key', 'server-2');
      put('certificate', 'server-2');
      await until(
        () => keeper.material?.certificate,
        (certificate) => certificate === fixture('server-2.pem'),
        'the good one',
      );
    },
  );
});

describe('a new configuration', () => {
  it('with another certificate takes it at once, and says so only where something is other', () => {
    const { keep, settings, changes } = setUp();
    const keeper = keep();
    keeper.configure(settings);
    expect(changes()).toBe(0);
    keeper.configure({ ...settings, certificate: fixturePath('server-2.pem'), key: fixturePath('server-2-key.pem') });
    expect(changes()).toBe(1);
    expect(keeper.material?.certificate).toBe(fixture('server-2.pem'));
    keeper.configure({ ...settings, certificate: '', key: '' });
    expect(keeper.material).toBeUndefined();
    expect(changes()).toBe(2);
  });
});
