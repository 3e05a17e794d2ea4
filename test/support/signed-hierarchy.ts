/**
 * A DNS of its own on loopback: a signed root, a signed TLD and three zones below it, each level served by an NSD on an
 * address of its own, port 53, as recursors expect it. good.example. is signed, insecure.example. is not, bogus.example.
 * has a DS that its key does not match. Needs root's right to bind port 53, NSD and ldnsutils.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram, startProgram, type RunningProgram } from './child-program.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface SignedHierarchy {
  /** Lines for Unbound's configuration that make this the whole DNS. */
  readonly unboundLines: string;
  /** The root's DS record, to begin with. */
  readonly trustAnchor: string;
  stop(): Promise<void>;
}

/** Where Debian puts daemons, which is not on everybody's PATH. */
const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
const ALGORITHM = 'ECDSAP256SHA256';
const ROOT = '.';

/** Of the 16 million loopback addresses: no other program, and no other run, is on it. */
function loopbackAddress(last: number): string {
  return `127.${64 + (process.pid % 128)}.${Math.floor(Math.random() * 250)}.${last}`;
}

export async function startSignedHierarchy(): Promise<SignedHierarchy> {
  const folder = temporaryFolder('signed');
  const [root, tld, leaf] = [loopbackAddress(1), loopbackAddress(2), loopbackAddress(3)];
  const zones = {
    good: await signed(folder, 'good.example.', leafRecords(leaf)),
    bogus: await signed(folder, 'bogus.example.', leafRecords(leaf)),
    insecure: plain(folder, 'insecure.example.', leafRecords(leaf)),
  };
  const delegations = ['good', 'bogus', 'insecure']
    .map((name) => `${name}.example. NS ns.${name}.example.\nns.${name}.example. A ${leaf}`)
    .join('\n');
  // One digit of the digest is another: the chain of trust breaks there.
  const brokenDs = zones.bogus.ds.replace(/(.)$/, (digit) => (digit === '0' ? '1' : '0'));
  const tldZone = await signed(
    folder,
    'example.',
    `example. NS ns.example.\nns.example. A ${tld}\n${delegations}\n${zones.good.ds}\n${brokenDs}\n`,
  );
  const rootZone = await signed(
    folder,
    ROOT,
    `. NS ns.root.\nns.root. A ${root}\nexample. NS ns.example.\nns.example. A ${tld}\n${tldZone.ds}\n`,
  );
  const servers = [
    await nsd(folder, root, [rootZone]),
    await nsd(folder, tld, [tldZone]),
    await nsd(folder, leaf, [zones.good, zones.bogus, zones.insecure]),
  ];
  const hints = join(folder, 'root.hints');
  writeFileSync(hints, `. 3600000 NS ns.root.\nns.root. 3600000 A ${root}\n`);
  return {
    unboundLines: [
      'server:',
      `    root-hints: "${hints}"`,
      '    do-not-query-localhost: no',
      '    do-ip6: no',
      '',
    ].join('\n'),
    trustAnchor: `${rootZone.ds}\n`,
    stop: async () => {
      for (const server of servers) await server.stop();
    },
  };
}

interface Zone {
  readonly name: string;
  readonly file: string;
  /** The DS record for the parent; '' where the zone is not signed. */
  readonly ds: string;
}

function leafRecords(address: string): string {
  return `@ NS ns\nns A ${address}\nwww A 192.0.2.80\nalias CNAME www\n`;
}

function plain(folder: string, name: string, records: string): Zone {
  const file = join(folder, `${name === ROOT ? 'root' : name}zone`);
  const soa = `$ORIGIN ${name}\n$TTL 300\n@ SOA ns.root. hostmaster.root. 1 3600 600 86400 60\n`;
  writeFileSync(file, soa + records);
  return { name, file, ds: '' };
}

async function signed(folder: string, name: string, records: string): Promise<Zone> {
  const { file } = plain(folder, name, records);
  const key = async (...flags: string[]): Promise<string> => {
    const { stdout, stderr, code } = await runProgram('ldns-keygen', [...flags, '-a', ALGORITHM, name], {
      cwd: folder,
    });
    if (code !== 0) throw new Error(`ldns-keygen: ${stderr}`);
    return stdout.trim();
  };
  const signing = await key('-k');
  const zoneKey = await key();
  const result = await runProgram('ldns-signzone', ['-f', `${file}.signed`, file, zoneKey, signing], { cwd: folder });
  if (result.code !== 0) throw new Error(`ldns-signzone ${name}: ${result.stderr}`);
  const ds = await runProgram('ldns-key2ds', ['-n', '-2', `${signing}.key`], { cwd: folder });
  if (ds.code !== 0) throw new Error(`ldns-key2ds ${name}: ${ds.stderr}`);
  return { name, file: `${file}.signed`, ds: ds.stdout.trim().replaceAll(/\s+/g, ' ') };
}

async function nsd(folder: string, address: string, zones: readonly Zone[]): Promise<RunningProgram> {
  const file = join(folder, `${address}.conf`);
  const lines = [
    'server:',
    `  ip-address: ${address}@53`,
    '  server-count: 1',
    '  username: ""',
    '  chroot: ""',
    `  zonesdir: "${folder}"`,
    '  database: ""',
    `  pidfile: "${folder}/${address}.pid"`,
    `  zonelistfile: "${folder}/${address}.list"`,
    `  xfrdfile: "${folder}/${address}.xfrd"`,
    `  xfrdir: "${folder}"`,
    '  logfile: ""',
    '  rrl-ratelimit: 0',
    '  rrl-whitelist-ratelimit: 0',
    'remote-control:',
    '  control-enable: no',
    ...zones.flatMap((zone) => ['zone:', `  name: "${zone.name}"`, `  zonefile: "${zone.file}"`]),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return startProgram('nsd', ['-d', '-c', file], (output) => /nsd started/.test(output), { env });
}
