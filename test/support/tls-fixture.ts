/** The certificates of test/fixtures/tls as the listeners and the clients of tests want them. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsMaterial } from '../../src/config/tls-material.ts';
import { PROJECT_ROOT } from './source-files.ts';

const FOLDER = join(PROJECT_ROOT, 'test/fixtures/tls');
export const SERVER_NAME = 'dns.example.test';

export function fixture(name: string): string {
  return readFileSync(join(FOLDER, name), 'utf8');
}

export function fixturePath(name: string): string {
  return join(FOLDER, name);
}

export const CA = fixture('ca.pem');

/** What a thread is given. */
export function tlsMaterial(server: 'server' | 'server-2' = 'server', fields: Partial<TlsMaterial> = {}): TlsMaterial {
  return {
    certificate: fixture(`${server}.pem`),
    key: fixture(`${server}-key.pem`),
    ticketKeys: randomBytes(48),
    name: SERVER_NAME,
    expiresAtSeconds: 4_949_233_739,
    ...fields,
  };
}

/** Settings of a client that trusts the fixture's authority. */
export const CLIENT_TLS = { ca: CA, servername: SERVER_NAME } as const;
