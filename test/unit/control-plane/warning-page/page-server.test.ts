import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { PAGE_LANGUAGES } from '../../../../src/config/page-text-keys.ts';
import { PAGE_TEXTS } from '../../../../src/control-plane/warning-page/texts/page-texts.ts';
import { CATEGORIES } from '../../../../src/policy/category.ts';
import { PAGE_OUTCOMES } from '../../../../src/telemetry/counter-labels.ts';
import { Counter, createCounters, pageCounter } from '../../../../src/telemetry/counters.ts';
import { BLOCKED, type TestPageOptions, testWarningPage } from '../../../support/warning-page.ts';

const HTML = { host: 'login.bad.example', accept: 'text/html', 'accept-language': 'en' };

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function createServer(options: TestPageOptions = {}) {
  const { server } = testWarningPage(options);
  open.push({ close: async () => server.close() });
  return { inject: server.inject.bind(server), listen: async () => server.listen({ host: '127.0.0.1', port: 0 }) };
}

async function exchange(request: string, options: TestPageOptions = {}): Promise<string> {
  const { port, hostname } = new URL(await createServer(options).listen());
  const socket = connect(Number(port), hostname);
  socket.write(request);
  return text(socket);
}

describe('a blocked name', () => {
  it('gets 451 and a page that says which name, why, by whom, from which list, and the incident', async () => {
    const response = await createServer().inject({ url: '/any/path?x=1', headers: HTML });
    expect(response.statusCode).toBe(451);
    expect(response.headers['content-type']).toBe('text/html; charset=utf-8');
    for (const words of [
      'login.bad.example',
      'Fake investment',
      PAGE_TEXTS.en['category.investment.explanation'],
      'City Police',
      'police-fraud',
      'version 42',
      'Ordered by an authority',
      '<span>7K3M</span><i>-</i><span>Q2ZX</span><i>-</i><span>0H9D</span>',
      'This website has been blocked',
      'href="tel:96110"',
      'href="tel:110"',
      'Blocked by mistake?',
    ]) {
      expect(response.body).toContain(words);
    }
  });

  it.each(PAGE_LANGUAGES.flatMap((language) => CATEGORIES.map((category) => [category, language] as const)))(
    'is explained as %s in %s',
    async (category, language) => {
      const headers = { ...HTML, 'accept-language': language };
      const { body } = await createServer({ blocked: { category } }).inject({ url: '/', headers });
      const name = PAGE_TEXTS[language][`category.${category}.name`];
      expect(body).toContain(`<h2>${name}</h2>`);
      expect(body).toContain(`<html lang="${language}" dir="${language === 'ug' ? 'rtl' : 'ltr'}">`);
    },
  );

  it('is explained in the language for the visitor, where the browser names none that the page has', async () => {
    const server = createServer({ languageFor: (client) => (client?.at(-1) === 9 ? 'ug' : undefined) });
    const languageFrom = async (remoteAddress: string, headers: Record<string, string>, url = '/') => {
      const { body } = await server.inject({ url, remoteAddress, headers: { ...HTML, ...headers } });
      return /<html lang="([^"]+)"/.exec(body)?.[1];
    };
    expect(await languageFrom('192.0.2.9', { 'accept-language': 'de' })).toBe('ug');
    expect(await languageFrom('192.0.2.8', { 'accept-language': 'de' })).toBe('en');
    expect(await languageFrom('192.0.2.9', { 'accept-language': 'en' })).toBe('en');
    expect(await languageFrom('192.0.2.9', { 'accept-language': 'de' }, '/?lang=zh-CN')).toBe('zh-CN');
  });

  it('names the reference of its entry, as text, in HTML and JSON, whether it is known at once or in a moment', async () => {
    const reference = '<script>alert(1)</script> "17"';
    for (const referenceOf of [() => reference, async () => reference]) {
      const server = createServer({ referenceOf });
      // The second is a page that is not made of a skeleton.
      for (const host of ['login.bad.example', 'xn--pple-43d.bad.example']) {
        const { body } = await server.inject({ url: '/', headers: { ...HTML, host } });
        expect(body).toContain('<dt>Reference</dt>');
        expect(body).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &quot;17&quot;');
        expect(body).not.toContain('<script');
      }
      const json = await server.inject({ url: '/', headers: { ...HTML, accept: 'application/json' } });
      expect(json.json()).toMatchObject({ code: 'blocked', reference });
    }
  });

  it('has no line for a reference where none is known, and no other form waits for one', async () => {
    const asked: string[] = [];
    const server = createServer({ referenceOf: ({ entry }) => void asked.push(entry) });
    expect((await server.inject({ url: '/', headers: HTML })).body).not.toContain('<dt>Reference</dt>');
    const json = await server.inject({ url: '/', headers: { ...HTML, accept: 'application/json' } });
    expect(json.json()).not.toHaveProperty('reference');
    await server.inject({ url: '/', headers: { ...HTML, 'sec-fetch-dest': 'image' } });
    await server.inject({ url: '/', headers: { ...HTML, host: 'other.example' } });
    expect(asked).toEqual(['bad.example', 'bad.example']);
  });

  it('has the page in another language behind a link, without scripts or cookies', async () => {
    const server = createServer();
    const { body } = await server.inject({ url: '/', headers: HTML });
    const links = [...body.matchAll(/href="(\?lang=[^"]+)" lang="([^"]+)"/g)].map(([, url, language]) => [
      url,
      language,
    ]);
    expect(links).toEqual([
      ['?lang=zh-CN', 'zh-CN'],
      ['?lang=ug', 'ug'],
    ]);
    const response = await server.inject({ url: `/${links[1]![0]}`, headers: HTML });
    expect(response.body).toContain('<html lang="ug" dir="rtl">');
    expect(response.headers['content-language']).toBe('ug');
    expect(response.headers['set-cookie']).toBeUndefined();
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'] as const)(
    'is explained to %s with 405, without reading the body',
    async (method) => {
      const response = await createServer().inject({ url: '/', method, headers: HTML, payload: 'password=secret' });
      expect(response.statusCode).toBe(405);
      expect(response.headers).toMatchObject({ connection: 'close', allow: 'GET, HEAD' });
      expect(response.body).toContain('This website has been blocked');
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

  it('says who decided where the list names no authority', async () => {
    const blocked = { authority: '', order: 'operator' } as const;
    const { body } = await createServer({ blocked }).inject({ url: '/', headers: HTML });
    expect(body).toContain('<bdi>Your internet provider</bdi>');
    expect(body).toContain('Decision of the internet provider');
  });

  it('shows how an A-label is written, beside the A-label', async () => {
    const headers = { ...HTML, host: 'xn--pple-43d.bad.example' };
    const { body } = await createServer().inject({ url: '/', headers });
    expect(body).toContain('>xn--pple-43d.bad.example</p>');
    expect(body).toContain('>аpple.bad.example</bdi>');
    expect((await createServer().inject({ url: '/', headers: HTML })).body).not.toContain('Shown as');
  });

  it('says where it leads where that is what the list names', async () => {
    const { body } = await createServer({ blocked: { target: 'cdn.evil.example' } }).inject({
      url: '/',
      headers: HTML,
    });
    expect(body).toContain('This address leads to cdn.evil.example, which is on the list.');
  });

  it('comes as a problem document for a program', async () => {
    const response = await createServer().inject({ url: '/', headers: { ...HTML, accept: 'application/json' } });
    expect(response.statusCode).toBe(451);
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    const { target: _target, ...blocked } = BLOCKED;
    expect(response.json()).toEqual({
      type: 'about:blank',
      status: 451,
      code: 'blocked',
      title: 'This website has been blocked',
      detail: PAGE_TEXTS.en['category.investment.explanation'],
      hotlines: [
        { label: '', number: '96110' },
        { label: '', number: '110' },
      ],
      ...blocked,
    });
  });

  it.each([
    ['script', 'text/javascript; charset=utf-8', '/* This website has been blocked (7K3M-Q2ZX-0H9D) */\n'],
    ['style', 'text/css; charset=utf-8', '/* This website has been blocked (7K3M-Q2ZX-0H9D) */\n'],
    ['font', 'text/plain; charset=utf-8', 'This website has been blocked (7K3M-Q2ZX-0H9D)\n'],
    ['image', 'image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'],
  ])('comes as next to nothing for an embedded %s', async (destination, type, body) => {
    const headers = { ...HTML, accept: '*/*', 'sec-fetch-dest': destination };
    const response = await createServer().inject({ url: '/', headers });
    expect([response.statusCode, response.headers['content-type'], response.body]).toEqual([451, type, body]);
  });
});

describe('RFC 7725: an HTTP status code to report legal obstacles', () => {
  it('section 4: the response carries a link "blocked-by" to the entity that implements the block', async () => {
    const response = await exchange('GET / HTTP/1.1\r\nHost: bad.example\r\nConnection: close\r\n\r\n');
    expect(response).toMatch(/^HTTP\/1\.1 451 /);
    expect(response).toMatch(/\r\nlink: <http:\/\/127\.0\.0\.1:\d+\/>; rel="blocked-by"\r\n/i);
  });

  it('section 4: which the operator can name', async () => {
    const server = createServer({ config: { blockedBy: 'https://isp.example/blocks' } });
    const { headers } = await server.inject({ url: '/', headers: HTML });
    expect(headers['link']).toBe('<https://isp.example/blocks>; rel="blocked-by"');
  });

  it('section 3: "cacheable by default"; a cache control says otherwise, for a block may be lifted', async () => {
    expect((await createServer().inject({ url: '/', headers: HTML })).headers['cache-control']).toBe('no-store');
  });
});

describe('anything else', () => {
  it('is data or one line likewise', async () => {
    const headers = { host: 'good.example', 'accept-language': 'en' };
    const json = await createServer().inject({ url: '/', headers: { ...headers, accept: 'application/json' } });
    expect(json.json()).toMatchObject({ status: 404, code: 'notBlocked' });
    const font = await createServer().inject({ url: '/', headers: { ...headers, accept: 'font/woff2' } });
    expect([font.statusCode, font.body]).toEqual([404, 'No block is recorded for this address\n']);
  });

  it('octets that are no HTTP get 400', async () => {
    expect(await exchange('\u0016\u0003\u0001 hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  it.each(['bad.example', 'good.example', '127.0.0.1'])('robots find nothing, whatever the host: %s', async (host) => {
    const response = await createServer().inject({ url: '/robots.txt', headers: { ...HTML, host } });
    expect([response.statusCode, response.body]).toEqual([200, 'User-agent: *\nDisallow: /\n']);
    expect(response.headers['link']).toBeUndefined();
  });
});

describe('the page cannot be turned against its reader', () => {
  it('escapes whatever a list says', async () => {
    const evil = '<img src=x onerror=alert(1)>"\'&';
    const blocked = { authority: evil, list: evil, entry: evil, incident: evil, target: evil };
    const { body } = await createServer({ blocked }).inject({ url: '/', headers: HTML });
    expect(body).not.toContain('<img');
    expect(body).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;');
  });

  it.each([
    ['html', 451, HTML],
    ['json', 451, { ...HTML, accept: 'application/json' }],
    ['neutral', 404, { ...HTML, host: 'good.example' }],
  ])('allows its own style sheet and nothing else: %s', async (form, status, headers) => {
    const response = await createServer().inject({ url: '/', headers });
    expect(response.statusCode).toBe(status);
    expect(response.headers).toMatchObject({
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
      ),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    expect(response.headers['x-frame-options']).toBe(form === 'json' ? undefined : 'DENY');
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

  it.each(PAGE_LANGUAGES)('stays below 30 KB with the largest logo: %s', async (language) => {
    const { body } = await createServer().inject({ url: '/', headers: { ...HTML, 'accept-language': language } });
    const logoCharacters = Math.ceil((8 * 1024) / 3) * 4;
    expect(Buffer.byteLength(body) + logoCharacters).toBeLessThan(30_000);
  });
});

it('says that POST would do where a form is sent to', async () => {
  const desk = { ask: async () => ({ kind: 'unavailable' }) as const, retentionDays: 90, statusUrl: '' };
  const allowOf = async (url: string): Promise<unknown> => {
    const { statusCode, headers } = await createServer({ desk }).inject({ url, method: 'PUT', headers: HTML });
    expect(statusCode).toBe(405);
    return headers['allow'];
  };
  expect(await allowOf('/weir-appeal')).toBe('GET, HEAD, POST');
  expect(await allowOf(`/weir-appeal/${'a'.repeat(27)}`)).toBe('GET, HEAD, POST');
  expect(await allowOf('/')).toBe('GET, HEAD');
});

describe('an operator', () => {
  it('has other words for how to object where there is a form for it', async () => {
    const desk = { ask: async () => ({ kind: 'unavailable' }) as const, retentionDays: 90, statusUrl: '' };
    for (const language of PAGE_LANGUAGES) {
      const request = { url: '/', headers: { ...HTML, 'accept-language': language } };
      const texts = PAGE_TEXTS[language];
      const { body } = await createServer({ desk }).inject(request);
      expect(body).toContain(texts['objection.form']);
      expect(body).not.toContain(texts['objection.text']);
      expect((await createServer().inject(request)).body).toContain(texts['objection.text']);
    }
  });

  it('has other words for its own way to object beside the form for objections', async () => {
    const config = { objectionUrl: 'https://isp.example/object' };
    const desk = { ask: async () => ({ kind: 'unavailable' }) as const, retentionDays: 90, statusUrl: '' };
    for (const language of PAGE_LANGUAGES) {
      const headers = { ...HTML, 'accept-language': language };
      const { body } = await createServer({ config, desk }).inject({ url: '/', headers });
      const words = (start: string) => new RegExp(`href="${start}[^>]*>([^<]+)</a>`).exec(body)?.[1];
      expect(words('/weir-appeal')).toBe(PAGE_TEXTS[language]['objection.link']);
      expect(words('https://isp')).toBe(PAGE_TEXTS[language]['objection.other']);
      expect(words('https://isp')).not.toBe(words('/weir-appeal'));
    }
  });

  it('shows its own name, hotlines, words and where to object', async () => {
    const config = {
      provider: 'Example <Net>',
      hotlines: [{ label: 'Help & desk', number: '+86 (10) 1234-5678' }],
      objectionUrl: 'https://isp.example/object?a=1&b=2',
      colours: { banner: '#004d40' },
    };
    const { body } = await createServer({ config }).inject({ url: '/', headers: HTML });
    expect(body).toContain('<span><bdi>Example &lt;Net&gt;</bdi></span>');
    for (const words of ['href="tel:+861012345678"', '>+86 (10) 1234-5678</bdi>', '>Help &amp; desk</a']) {
      expect(body).toContain(words);
    }
    expect(body).toContain('href="https://isp.example/object?a=1&amp;b=2"');
    expect(body).toContain('--banner:#004d40');
    expect(body).not.toContain('96110');
  });

  it('can leave hotlines out', async () => {
    const { body } = await createServer({ config: { hotlines: [] } }).inject({ url: '/', headers: HTML });
    expect(body).not.toContain('tel:');
  });
});

describe('requests', () => {
  it('are counted by scheme and language, and by what they came to', async () => {
    const cells = new Float64Array(createCounters());
    const { inject } = createServer({ cells });
    await inject({ url: '/', headers: HTML });
    await inject({ url: '/', headers: { ...HTML, host: 'good.example' } });
    await inject({ url: '/', method: 'POST', headers: { ...HTML, 'accept-language': 'zh' } });
    await inject({ url: '/robots.txt', headers: HTML });
    expect([cells[pageCounter(0, 0)], cells[pageCounter(0, 1)], cells[pageCounter(0, 2)]]).toEqual([1, 3, 0]);
    const outcomes = PAGE_OUTCOMES.map((outcome, row) => [outcome, cells[Counter.pageOutcomes + row]]);
    expect(Object.fromEntries(outcomes)).toEqual({
      blocked: 1,
      notBlocked: 1,
      methodNotAllowed: 1,
      rateLimited: 0,
      robots: 1,
      appealShown: 0,
      appealFiled: 0,
      appealRefused: 0,
    });
  });

  it('beyond what a client may ask get 429 in the form asked for; other clients get the page', async () => {
    const { inject } = createServer({ config: { requestsPerSecondMax: 1 } });
    const ask = async (remoteAddress: string, accept = 'text/html') =>
      inject({ url: '/', remoteAddress, headers: { ...HTML, accept } });
    for (let i = 0; i < 5; i++) expect((await ask('192.0.2.1')).statusCode).toBe(451);
    const limited = await ask('192.0.2.1');
    expect([limited.statusCode, limited.headers['retry-after']]).toEqual([429, '5']);
    expect(limited.body).toContain('Too many requests');
    expect((await ask('192.0.2.1', 'application/json')).json()).toMatchObject({ status: 429, code: 'tooManyRequests' });
    expect((await ask('192.0.2.2')).statusCode).toBe(451);
    for (let i = 0; i < 5; i++) await ask(`2001:db8::${i}`);
    expect((await ask('2001:db8::ffff')).statusCode).toBe(429);
    expect((await ask('2001:db8:0:1::1')).statusCode).toBe(451);
  });
});
