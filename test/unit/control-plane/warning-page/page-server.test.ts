import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import type { BlockedHost } from '../../../../src/control-plane/warning-page/blocked-host.ts';
import { createWarningPage } from '../../../../src/control-plane/warning-page/page-server.ts';
import { CATEGORIES } from '../../../../src/policy/category.ts';
import { createCounters, pageCounter } from '../../../../src/telemetry/counters.ts';
import { createLog } from '../../../../src/telemetry/log.ts';

const BLOCKED: BlockedHost = {
  name: 'login.bad.example',
  entry: 'bad.example',
  category: 'investment',
  list: 'police-fraud',
  authority: 'City Police',
  order: 'authority',
  version: 42,
  incident: '7K3M-Q2ZX-0H9D',
};
const HTML = { host: 'login.bad.example', accept: 'text/html' };

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function createServer(changes: Partial<BlockedHost> = {}, cells = new Float64Array(createCounters())) {
  const server = createWarningPage({
    judge: (host) => (host.endsWith('bad.example') ? { ...BLOCKED, name: host, ...changes } : undefined),
    log: createLog({ level: 'silent', name: 'page' }),
    cells,
  });
  open.push(server);
  return server;
}

/** The category in words, as the page shows it. */
function heading(body: string): string {
  return /<strong>([^<]+)<\/strong>/.exec(body)?.[1] ?? '';
}

describe('a blocked name', () => {
  it('gets 451 and a page that says which name, why, by whom, from which list, and the incident', async () => {
    const response = await createServer().inject({ url: '/any/path?x=1', headers: HTML });
    expect(response.statusCode).toBe(451);
    expect(response.headers['content-type']).toBe('text/html; charset=utf-8');
    for (const words of [
      'login.bad.example',
      '虚假投资理财',
      'Fake investment',
      'City Police',
      'police-fraud',
      '主管部门要求拦截',
      'Ordered by an authority',
      '7K3M-Q2ZX-0H9D',
      '此网站已被拦截',
      'This website has been blocked',
    ]) {
      expect(response.body).toContain(words);
    }
  });

  it.each(CATEGORIES)('has words for the category %s in both languages', async (category) => {
    const zh = await createServer({ category }).inject({ url: '/', headers: { ...HTML, 'accept-language': 'zh' } });
    const en = await createServer({ category }).inject({ url: '/', headers: { ...HTML, 'accept-language': 'en' } });
    expect(heading(zh.body)).toMatch(/\p{Script=Han}{2}/u);
    expect(heading(en.body)).toMatch(/^[A-Z][a-z-]+/);
    expect(zh.body).toContain(heading(en.body));
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'] as const)(
    'is answered to %s without reading the body',
    async (method) => {
      const response = await createServer().inject({ url: '/', method, headers: HTML, payload: 'password=secret' });
      expect(response.statusCode).toBe(451);
      expect(response.headers['connection']).toBe('close');
      expect(response.body).not.toContain('secret');
    },
  );

  it('is answered to HEAD without a body', async () => {
    const response = await createServer().inject({ url: '/', method: 'HEAD', headers: HTML });
    expect([response.statusCode, response.body]).toEqual([451, '']);
  });

  it('is answered on a path that is no path', async () => {
    expect((await createServer().inject({ url: '/%zz', headers: HTML })).statusCode).toBe(451);
  });

  it('names the language it puts first in the document, and has both', async () => {
    const en = await createServer().inject({ url: '/', headers: { ...HTML, 'accept-language': 'en-GB' } });
    expect(en.body).toContain('<html lang="en">');
    expect(en.headers['content-language']).toBe('zh-CN, en');
    expect(en.body.indexOf('This website has been blocked')).toBeGreaterThan(0);
    const zh = await createServer().inject({ url: '/', headers: { ...HTML, 'accept-language': 'zh-CN' } });
    expect(zh.body).toContain('<html lang="zh-CN">');
  });

  it('says who decided where the list names no authority', async () => {
    const response = await createServer({ authority: '', order: 'operator' }).inject({ url: '/', headers: HTML });
    expect(response.body).toContain('您的网络运营商');
    expect(response.body).toContain('Decision of the internet provider');
  });

  it('shows how an A-label is written, beside the A-label', async () => {
    const response = await createServer({ name: 'xn--fiqs8s.bad.example' }).inject({ url: '/', headers: HTML });
    expect(response.body).toContain('xn--fiqs8s.bad.example');
    expect(response.body).toContain('中国.bad.example');
  });

  it('comes as data for a program', async () => {
    const response = await createServer().inject({ url: '/', headers: { ...HTML, accept: 'application/json' } });
    expect(response.statusCode).toBe(451);
    expect(response.json()).toEqual({ status: 451, code: 'blocked', title: expect.any(String), ...BLOCKED });
  });

  it('comes as one line for an image or a script', async () => {
    const headers = { host: 'bad.example', accept: '*/*', 'sec-fetch-dest': 'script', 'accept-language': 'en' };
    const response = await createServer().inject({ url: '/', headers });
    expect([response.statusCode, response.body]).toEqual([451, 'This website has been blocked (7K3M-Q2ZX-0H9D)\n']);
    expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
  });
});

describe('RFC 7725: an HTTP status code to report legal obstacles', () => {
  it('section 4: the response carries a link "blocked-by" to the entity that implements the block', async () => {
    const response = await exchange('GET / HTTP/1.1\r\nHost: bad.example\r\nConnection: close\r\n\r\n');
    expect(response).toMatch(/^HTTP\/1\.1 451 /);
    expect(response).toMatch(/\r\nlink: <http:\/\/127\.0\.0\.1:\d+\/>; rel="blocked-by"\r\n/i);
  });

  it('section 3: "cacheable by default"; a cache control says otherwise, for a block may be lifted', async () => {
    expect((await createServer().inject({ url: '/', headers: HTML })).headers['cache-control']).toBe('no-store');
  });
});

async function exchange(request: string): Promise<string> {
  const server = createServer();
  const { port, hostname } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
  const socket = connect(Number(port), hostname);
  socket.write(request);
  return text(socket);
}

describe('anything else', () => {
  it.each([
    ['a name that is not blocked', 'good.example'],
    ['the address of the page itself', '127.0.0.1:8080'],
    ['no name at all', '"><script>alert(1)</script>'],
  ])('gets a neutral 404 that says nothing of the request: %s', async (_case, host) => {
    const response = await createServer().inject({ url: '/<script>', headers: { ...HTML, host } });
    expect(response.statusCode).toBe(404);
    expect(response.headers['link']).toBeUndefined();
    expect(response.body).not.toContain('good.example');
    expect(response.body).not.toContain('script>');
    expect(response.body).toContain('No block is recorded');
  });

  it('is data or one line likewise', async () => {
    const json = await createServer().inject({
      url: '/',
      headers: { host: 'good.example', accept: 'application/json' },
    });
    expect(json.json()).toMatchObject({ status: 404, code: 'notBlocked' });
    const image = await createServer().inject({ url: '/', headers: { host: 'good.example', accept: 'image/png' } });
    expect([image.statusCode, image.body]).toEqual([404, 'Not found\n']);
  });

  it('octets that are no HTTP get 400', async () => {
    expect(await exchange('\u0016\u0003\u0001 hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('the page cannot be turned against its reader', () => {
  it('escapes whatever a list says', async () => {
    const evil = '<img src=x onerror=alert(1)>"\'&';
    const response = await createServer({ authority: evil, list: evil, entry: evil, incident: evil }).inject({
      url: '/',
      headers: HTML,
    });
    expect(response.body).not.toContain('<img');
    expect(response.body).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;');
  });

  it.each([
    ['html', 451, HTML],
    ['json', 451, { ...HTML, accept: 'application/json' }],
    ['neutral', 404, { ...HTML, host: 'good.example' }],
  ])('allows its own style sheet and nothing else: %s', async (_form, status, headers) => {
    const response = await createServer().inject({ url: '/', headers });
    expect(response.statusCode).toBe(status);
    expect(response.headers).toMatchObject({
      'content-security-policy': expect.stringMatching(/^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; /),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
  });

  it('has the style sheet whose hash the policy names, no script, no style attribute, nothing from elsewhere', async () => {
    const { body, headers } = await createServer().inject({ url: '/', headers: HTML });
    const style = /<style>(.*?)<\/style>/s.exec(body)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(headers['content-security-policy']).toContain(`'sha256-${hash}'`);
    expect(body).not.toMatch(/<script|\sstyle=|\son\w+=|https?:|url\(|@import|<form|<input/i);
    expect(body).toContain('prefers-color-scheme');
    expect(body).toContain('name="viewport"');
  });
});

it('requests are counted by scheme and language', async () => {
  const cells = new Float64Array(createCounters());
  const server = createServer({}, cells);
  await server.inject({ url: '/', headers: { ...HTML, 'accept-language': 'en' } });
  await server.inject({ url: '/', headers: { ...HTML, 'accept-language': 'en', host: 'good.example' } });
  await server.inject({ url: '/', headers: HTML });
  expect([cells[pageCounter(0, 0)], cells[pageCounter(0, 1)]]).toEqual([1, 2]);
});
