import { afterEach, describe, expect, it } from 'vitest';
import { FAILURES } from '../../../../src/control-plane/admin/authentication.ts';
import { bearer, closeApis, createApi } from '../../../support/api-harness.ts';

afterEach(closeApis);

describe('who is asking', () => {
  it.each([undefined, 'Basic YTpi', 'Bearer', 'Bearer two words', 'Bearer \u00e4'])(
    'Authorization %j is 401, with the scheme that is wanted',
    async (authorization) => {
      const { server, failures } = createApi();
      const headers = authorization === undefined ? {} : { authorization };
      const response = await server.inject({ url: '/v1/token', headers });
      expect([response.statusCode, response.json()]).toMatchObject([401, { code: 'unauthenticated' }]);
      expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(response.headers['www-authenticate']).toBe('Bearer realm="weir"');
      expect(failures).toEqual(['missing']);
    },
  );

  it('a token that is not known is 401 and says that it is the token', async () => {
    const { server, failures } = createApi();
    const response = await server.inject({ url: '/v1/token', headers: { authorization: 'Bearer nobody' } });
    expect([response.statusCode, response.headers['www-authenticate']]).toEqual([
      401,
      'Bearer realm="weir", error="invalid_token"',
    ]);
    expect(failures).toEqual(['invalid']);
  });

  it('says who a token belongs to; the scheme in any letter case', async () => {
    const { server } = createApi();
    const response = await server.inject({ url: '/v1/token', headers: { authorization: 'bearer pusher' } });
    expect([response.statusCode, response.json()]).toEqual([
      200,
      { id: 'aaaaaaaa', maintainer: 'Fraud desk', lists: ['desk'], rights: ['push', 'read'] },
    ]);
  });

  it('a route that wants another right is 403 and names it', async () => {
    const { server } = createApi();
    const response = await server.inject({ url: '/v1/lists', headers: bearer('proposer') });
    expect([response.statusCode, response.json()]).toMatchObject([
      403,
      { code: 'forbidden', right: 'read or approve' },
    ]);
  });

  it('many failures from one address are answered 429, with a good token too; another address is not meant', async () => {
    const { server, failures } = createApi();
    const headers = { authorization: 'Bearer nobody' };
    for (let i = 0; i < FAILURES.burst; i++) await server.inject({ url: '/v1/token', headers });
    const response = await server.inject({ url: '/v1/token', headers: bearer('pusher') });
    expect([response.statusCode, response.json()]).toMatchObject([429, { code: 'tooManyFailures' }]);
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    expect(failures.at(-1)).toBe('limited');
    const elsewhere = await server.inject({ url: '/v1/token', headers: bearer('pusher'), remoteAddress: '192.0.2.9' });
    expect(elsewhere.statusCode).toBe(200);
  });

  it('all of an IPv6 /64 is one address', async () => {
    const { server } = createApi();
    for (let i = 0; i < FAILURES.burst; i++) {
      await server.inject({ url: '/v1/token', remoteAddress: `2001:db8:1:2::${i.toString(16)}` });
    }
    const ask = async (remoteAddress: string) =>
      (await server.inject({ url: '/v1/token', headers: bearer('pusher'), remoteAddress })).statusCode;
    expect(await ask('2001:db8:1:2:ffff::1')).toBe(429);
    expect(await ask('2001:db8:1:3::1')).toBe(200);
  });

  it.each([{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }])(
    'a page in a browser is refused: %j',
    async (fields) => {
      const { server, failures } = createApi();
      const response = await server.inject({ url: '/v1/token', headers: { ...bearer('pusher'), ...fields } });
      expect([response.statusCode, response.json()]).toMatchObject([403, { code: 'originRefused' }]);
      expect(failures).toEqual(['browser']);
    },
  );

  it.each([
    ['evil.example', 421],
    ['evil.example:9153', 421],
    ['localhost.evil.example', 421],
    ['127.0.0.1', 200],
    ['localhost', 200],
    ['[::1]', 200],
  ])('on loopback, Host %s is %i', async (host, status) => {
    const { server } = createApi();
    const address = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
    const { request } = await import('node:http');
    const got = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { ...bearer('pusher'), host };
      request({ port: address.port, host: '127.0.0.1', path: '/v1/token', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(got).toBe(status);
  });

  it('nothing of a token is logged', async () => {
    const { server, logged } = createApi();
    await server.inject({ url: '/v1/token', headers: { authorization: 'Bearer secret-token' } });
    await server.inject({ url: '/v1/token', headers: bearer('pusher') });
    expect(logged.join()).not.toMatch(/secret-token|Bearer|authorization/i);
  });

  it('counts each request by its route, without what the route was asked', async () => {
    const { server, requests } = createApi({ change: () => Promise.reject(new Error('broken')) });
    await server.inject({ url: '/v1/token', headers: bearer('pusher') });
    await server.inject({ url: '/v1/lists/desk/versions?limit=x', headers: bearer('pusher') });
    await server.inject({
      method: 'POST',
      url: '/v1/lists/desk/changes',
      headers: bearer('pusher'),
      payload: { reason: 'x' },
    });
    expect(requests).toEqual(['/v1/token 200', '/v1/lists/:name/versions 400', '/v1/lists/:name/changes 500']);
  });
});
