/** What dig and kdig see when they ask Weir, in front of NSD: forwarding, blocking, EDNS, TCP, truncation, identity. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from '../support/child-program.ts';
import { startNsd, type OtherServer } from '../support/other-servers.ts';
import { startWeir, type RunningWeir } from '../support/running-weir.ts';

const ZONE = 'example.net';
const LONG_TEXT = Array.from({ length: 14 }, (_, index) => `"${String(index).padStart(2, '0')}${'x'.repeat(200)}"`);
const RECORDS = `www A 192.0.2.1
www AAAA 2001:db8::1
alias CNAME www
toblocked CNAME scam.example.org.
long TXT ${LONG_TEXT.join(' ')}
`;

let nsd: OtherServer;
let weir: RunningWeir;

beforeAll(async () => {
  nsd = await startNsd(ZONE, RECORDS);
  weir = await startWeir({
    files: { 'list.txt': 'scam.example.org\n' },
    config: {
      upstreams: [`udp://127.0.0.1:${nsd.port}`],
      lists: [{ name: 'police', source: './list.txt', authority: 'Police', order: 'authority', category: 'scam' }],
      sinkhole: { addresses: ['192.0.2.80', '2001:db8::80'], ttlSeconds: 30 },
    },
  });
});

afterAll(async () => {
  await weir?.program.stop();
  await nsd?.program.stop();
});

async function dig(...args: string[]): Promise<string> {
  return ask('dig', args);
}

async function kdig(...args: string[]): Promise<string> {
  return ask('kdig', args);
}

async function ask(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await runProgram(program, ['@127.0.0.1', '-p', String(weir.dnsPort), ...args]);
  return stdout;
}

describe.each([
  ['dig', dig],
  ['kdig', kdig],
])('%s', (_, query) => {
  test.each([[[]], [['+tcp']]])('gets the answer of the upstream %s', async (options: string[]) => {
    expect(await query('www.example.net', 'A', '+short', ...options)).toBe('192.0.2.1\n');
    expect(await query('www.example.net', 'AAAA', '+short', ...options)).toBe('2001:db8::1\n');
    expect(await query('alias.example.net', 'A', '+short', ...options)).toContain('192.0.2.1');
  });

  test('gets the sinkhole for a listed name, below it too', async () => {
    expect(await query('scam.example.org', 'A', '+short')).toBe('192.0.2.80\n');
    expect(await query('login.scam.example.org', 'AAAA', '+short')).toBe('2001:db8::80\n');
  });

  test('gets the sinkhole for a name whose CNAME is listed', async () => {
    expect(await query('toblocked.example.net', 'A', '+short')).toBe('192.0.2.80\n');
  });

  test('gets NXDOMAIN from the upstream', async () => {
    expect(await query('missing.example.net', 'A')).toContain('NXDOMAIN');
  });

  test('gets a long answer whole, by TCP after truncation', async () => {
    expect(await query('long.example.net', 'TXT', '+short', '+bufsize=512')).toContain('13xxx');
  });
});

describe('dig', () => {
  test('shows the extended errors of a block, with list, category and incident', async () => {
    const output = await dig('scam.example.org', 'A');
    expect(output).toContain('EDE: 4 (Forged Answer)');
    expect(output).toContain('EDE: 16 (Censored)');
    expect(output).toMatch(/list=police category=scam incident=[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}/);
    expect(output).toMatch(/flags: qr rd ra;/);
  });

  test('gets no OPT record where it sent none', async () => {
    expect(await dig('scam.example.org', 'A', '+noedns')).not.toContain('OPT PSEUDOSECTION');
  });

  test('gets an empty answer with a SOA for other types of a listed name', async () => {
    for (const type of ['HTTPS', 'MX', 'TXT', 'ANY', 'DNSKEY']) {
      const output = await dig('scam.example.org', type, '+dnssec', '+notcp');
      expect(output).toContain('status: NOERROR');
      expect(output).toContain('ANSWER: 0, AUTHORITY: 1');
      expect(output).toMatch(/^scam\.example\.org\.\s+30\s+IN\s+SOA/m);
    }
  });

  test('sees BADVERS for an EDNS version that nobody speaks', async () => {
    expect(await dig('www.example.net', 'A', '+edns=1', '+noednsnegotiation')).toContain('status: BADVERS');
  });

  test('sees truncation when it may not fall back', async () => {
    expect(await dig('long.example.net', 'TXT', '+bufsize=512', '+ignore')).toMatch(/flags: qr tc rd ra;/);
  });

  test('gets several answers over one connection', async () => {
    const output = await dig('+tcp', '+keepopen', '+short', 'www.example.net', 'A', 'scam.example.org', 'A');
    expect(output.trim().split('\n')).toEqual(['192.0.2.1', '192.0.2.80']);
  });

  test('is told who answers', async () => {
    expect(await dig('CH', 'TXT', 'version.bind', '+short')).toBe('"weir"\n');
    expect(await dig('CH', 'TXT', 'id.server', '+short')).toBe('"weir"\n');
  });

  test('may not transfer a zone', async () => {
    expect(await dig('example.net', 'AXFR')).toContain('Transfer failed');
  });

  test('gets NOTIMP for an operation that is not a query', async () => {
    expect(await dig('www.example.net', 'A', '+opcode=STATUS')).toContain('status: NOTIMP');
  });

  test('gets a second answer from the cache', async () => {
    const before = await weir.metric('weir_cache_hits_total');
    await dig('www.example.net', 'A');
    expect(await weir.metric('weir_cache_hits_total')).toBeGreaterThan(before);
  });
});

describe('kdig', () => {
  test('gets its cookie, padding and client subnet options past without harm', async () => {
    const output = await kdig('www.example.net', 'A', '+cookie', '+padding=64', '+subnet=198.51.100.0/24');
    expect(output).toContain('192.0.2.1');
    expect(output).toContain('status: NOERROR');
  });

  test('asks over a kept connection', async () => {
    const output = await kdig('+tcp', '+keepopen', '+short', 'www.example.net', 'A', 'scam.example.org', 'A');
    expect(output).toContain('192.0.2.1');
    expect(output).toContain('192.0.2.80');
  });
});
