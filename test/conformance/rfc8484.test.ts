/** RFC 8484, DNS Queries over HTTPS (DoH), on the listener with a query path behind it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LISTENERS } from '../../src/data-plane/listener/listeners.ts';
import { closeClients, decoded, query } from '../support/dns-client.ts';
import { DNS_MESSAGE, DohClient, type DohRequestFields, getPath, requestHttp1 } from '../support/doh-client.ts';
import { closeListeners, listenerDependencies, track } from '../support/listener-harness.ts';
import { freezeClock, ResolverHarness } from '../support/resolver-harness.ts';
import { aRecord, soaOf } from '../support/scripted-answers.ts';
import { until } from '../support/weir-process.ts';

let weir: ResolverHarness;
let port: number;

beforeEach(async () => {
  weir = new ResolverHarness({ entries: [{ name: 'listed.example' }] });
  const { deps } = listenerDependencies((arrival) => weir.resolver.resolve(arrival));
  ({ port } = await track(LISTENERS.doh({ host: '127.0.0.1', port: 0 }, deps)));
});

afterEach(async () => {
  vi.useRealTimers();
  closeClients();
  await closeListeners();
});

const request = async (fields: DohRequestFields) => (await DohClient.open(port)).request(fields);
const post = (message: Uint8Array, headers = {}): DohRequestFields => ({
  method: 'POST',
  headers: { 'content-type': DNS_MESSAGE, ...headers },
  body: message,
});

/** Asks for a name that is not cached, and answers it as the upstream. */
async function asked(name: string, sections: Parameters<typeof weir.upstream.last.answer>[0]) {
  const before = weir.upstream.asks.length;
  const response = request(post(query(name)));
  await until(
    () => weir.upstream.asks.length,
    (length) => length > before,
    'the upstream is asked',
  );
  weir.upstream.last.answer(sections);
  return response;
}

describe('RFC 8484', () => {
  it('4.1 "DoH servers MUST implement both the POST and GET methods"', async () => {
    const message = query('listed.example');
    for (const fields of [post(message), { path: getPath(message) }]) {
      const { status, body } = await request(fields);
      expect(status).toBe(200);
      expect(decoded(body).answers).toHaveLength(1);
    }
  });

  it('4.1 "the single variable "dns" is defined as the content of the DNS request, encoded with base64url": the example of 4.1.1', async () => {
    weir.publish([{ name: 'www.example.com' }]);
    const { body } = await request({
      path: '/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB',
      headers: { accept: DNS_MESSAGE },
    });
    expect(decoded(body).questions).toEqual([{ name: 'www.example.com', type: 1, recordClass: 1 }]);
  });

  it('4.1.1 the longer example, of a name of 63 octets and more', async () => {
    const name = 'a.62characterlabel-makes-base64url-distinct-from-standard-base64.example.com';
    weir.publish([{ name }]);
    const { status, body } = await request({
      path: '/dns-query?dns=AAABAAABAAAAAAAAAWE-NjJjaGFyYWN0ZXJsYWJlbC1tYWtlcy1iYXNlNjR1cmwtZGlzdGluY3QtZnJvbS1zdGFuZGFyZC1iYXNlNjQHZXhhbXBsZQNjb20AAAEAAQ',
    });
    expect(status).toBe(200);
    expect(decoded(body).questions[0]?.name).toBe(name);
  });

  it('4.1 "In order to maximize HTTP cache friendliness, DoH clients ... SHOULD use a DNS ID of 0": it comes back', async () => {
    const { body } = await request(post(query('listed.example', 1, { id: 0 })));
    expect(decoded(body).id).toBe(0);
  });

  it('4.2.1 "A successful HTTP response with a 2xx status code ... is used for any valid DNS response, regardless of the DNS response code"', async () => {
    for (const [rcode, message] of [
      [5, query('x.example', 1, { recordsDesired: false, recursionDesired: false } as object)],
      [4, query('x.example').with(2, 0x10)],
      [1, query('x.example').with(5, 2)],
    ] as const) {
      const { status, body } = await request(post(message));
      expect(status).toBe(200);
      expect(body[3]! & 0x0f).toBe(rcode);
    }
    expect(decoded((await asked('none.example', { rcode: 3, authorities: [soaOf('example')] })).body).rcode).toBe(3);
  });

  it('4.2.1 "HTTP responses with non-successful HTTP status codes do not contain replies to the original DNS question": 415 for another type', async () => {
    const { status, headers } = await request({
      ...post(query('listed.example')),
      headers: { 'content-type': 'text/plain' },
    });
    expect(status).toBe(415);
    expect(headers['content-type']).not.toBe(DNS_MESSAGE);
  });

  it('4.2.2 the response has the media type and its length', async () => {
    const { headers, body } = await request(post(query('listed.example'), { accept: DNS_MESSAGE }));
    expect(headers['content-type']).toBe(DNS_MESSAGE);
    expect(headers['content-length']).toBe(String(body.length));
  });

  it('5.1 "the assigned freshness lifetime of a DoH HTTP response MUST be less than or equal to the smallest TTL in the Answer section"', async () => {
    const answers = [aRecord('a.example', '192.0.2.1', 100), aRecord('a.example', '192.0.2.2', 45)];
    expect((await asked('a.example', { answers })).headers['cache-control']).toBe('private, max-age=45');
  });

  it('5.1 blocked answers are as fresh as their TTL says', async () => {
    const ttl = decoded((await request(post(query('listed.example')))).body).answers[0]?.ttlSeconds;
    expect((await request(post(query('listed.example')))).headers['cache-control']).toBe(`private, max-age=${ttl}`);
  });

  it('5.1 "If the DNS response has no records in the Answer section, and the DNS response has an SOA record in the Authority section, the response freshness lifetime MUST NOT be greater than the MINIMUM field"', async () => {
    const sections = { rcode: 3, authorities: [soaOf('example', 17)] };
    expect((await asked('b.example', sections)).headers['cache-control']).toBe('private, max-age=17');
  });

  it('5.2 "HTTP/2 is the minimum RECOMMENDED version", and HTTP/1.1 is served too', async () => {
    expect((await DohClient.open(port)).session.alpnProtocol).toBe('h2');
    expect((await requestHttp1(port, post(query('listed.example')))).status).toBe(200);
  });

  it('5.3 nothing is pushed', async () => {
    const client = await DohClient.open(port);
    let pushed = 0;
    client.session.on('stream', () => pushed++);
    await client.request(post(query('listed.example')));
    expect(pushed).toBe(0);
  });

  it('6 "DNS messages ... are limited to 65535 bytes", and no UDP payload size limits them', async () => {
    const answers = Array.from({ length: 300 }, (_, index) =>
      aRecord('c.example', `192.0.${index >> 8}.${index & 0xff}`),
    );
    const response = decoded((await asked('c.example', { answers })).body);
    expect(response.answers).toHaveLength(300);
    expect((await request(post(new Uint8Array(65_536)))).status).toBe(413);
  });

  it('8.1 no cookies are set, and nothing of another origin is let in', async () => {
    const { headers } = await request(post(query('listed.example'), { origin: 'https://evil.example', cookie: 'a=b' }));
    expect(Object.keys(headers).filter((name) => /^(set-cookie|access-control-)/.test(name))).toEqual([]);
  });

  it('4.1 the media type’s case and parameters do not matter; another method, path or encoding has its status', async () => {
    const message = query('listed.example');
    const typed = { ...post(message), headers: { 'content-type': 'Application/DNS-Message; x=y' } };
    expect((await request(typed)).status).toBe(200);
    for (const [fields, status] of [
      [{ path: '/' }, 404],
      [{ path: '/dns-query/' }, 404],
      [{ path: '/dns-query' }, 400],
      [{ path: `/dns-query?dns=${Buffer.from(message).toString('base64url')}=` }, 400],
      [{ path: `${getPath(message)}&dns=AAAA` }, 400],
      [{ path: getPath(new Uint8Array(11)) }, 400],
      [{ ...post(message), method: 'PUT' }, 405],
      [{ path: getPath(message), headers: { accept: 'text/html' } }, 406],
      [{ path: getPath(new Uint8Array(9_000)) }, 414],
    ] as const) {
      const { status: got, headers } = await request(fields);
      expect([got, headers['content-type'] === DNS_MESSAGE], JSON.stringify(fields).slice(0, 80)).toEqual([
        status,
        false,
      ]);
    }
  });

  it('5.1 what is cached here is fresh for the rest of its time, by GET and by POST', async () => {
    freezeClock();
    await asked('d.example', { answers: [aRecord('d.example', '192.0.2.1', 100)] });
    weir.advance(40_000);
    for (const fields of [post(query('d.example')), { path: getPath(query('d.example')) }])
      expect((await request(fields)).headers['cache-control']).toBe('private, max-age=60');
  });

  it('5.1 an error is fresh for no time at all', async () => {
    for (const message of [query('a.example', 1, { recursionDesired: false }), query('x.example').with(2, 0x10)])
      expect((await request(post(message))).headers['cache-control']).toBe('private, max-age=0');
  });
});
