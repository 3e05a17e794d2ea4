/** RFC 8310, Usage Profiles for DNS over TLS and DNS over DTLS: what a server does for clients that authenticate it. */
import { afterEach, describe, expect, it } from 'vitest';
import { LISTENERS } from '../../src/data-plane/listener/listeners.ts';
import { closeClients, query } from '../support/dns-client.ts';
import { DotClient } from '../support/dot-client.ts';
import { closeListeners, echo, listenerDependencies, track } from '../support/listener-harness.ts';

afterEach(async () => {
  closeClients();
  await closeListeners();
});

const HOST = '127.0.0.1';

async function listening(): Promise<number> {
  return (await track(LISTENERS.dot({ host: HOST, port: 0 }, listenerDependencies(echo).deps))).port;
}

describe('RFC 8310', () => {
  it('8.1 the certificate is presented in full, so that a client "MUST verify" it: by name and by address', async () => {
    const port = await listening();
    for (const servername of ['dns.example.test', 'localhost', '']) {
      const client = await DotClient.open(port, HOST, { servername });
      expect(client.tls.authorized).toBe(true);
    }
    await expect(DotClient.open(port, HOST, { servername: 'other.example' })).rejects.toThrow(/does not match/);
  });

  it('9 "TLS 1.2 or later", and no renegotiation, compression or null encryption', async () => {
    const port = await listening();
    await expect(
      DotClient.open(port, HOST, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }),
    ).rejects.toThrow();
    await expect(DotClient.open(port, HOST, { maxVersion: 'TLSv1.2', ciphers: 'NULL@SECLEVEL=0' })).rejects.toThrow();
    const client = await DotClient.open(port, HOST, { maxVersion: 'TLSv1.2' });
    client.tls.renegotiate({}, () => undefined);
    await client.closed();
  });

  it('9 "session resumption": without the server keeping anything', async () => {
    const port = await listening();
    const first = await DotClient.open(port);
    const message = query('a.example');
    await first.exchange(message);
    const resumed = await DotClient.open(port, HOST, { session: await first.session() });
    expect(resumed.tls.isSessionReused()).toBe(true);
  });
});
