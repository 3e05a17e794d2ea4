/**
 * The load generator over HTTPS: h2load (nghttp2), whose connections have several questions under way at a time, as browsers'
 * do; dnsperf 2.10 stalls there. Every request is accounted for: answered with a status, or failed. GET (RFC 8484 4.1), id
 * 0, no EDNS.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { encodeQuery } from '../src/dns/codec.ts';
import { RecordType } from '../src/dns/iana.ts';
import { runProgram, type LoadReport } from './dnsperf.ts';

export interface HttpsLoad {
  readonly port: number;
  /** Addresses to ask for, as writeUris makes them. */
  readonly uriFile: string;
  readonly requests: number;
  readonly connections: number;
  readonly streams: number;
  readonly cores: string;
}

const UNIT_US: Readonly<Record<string, number>> = { us: 1, ms: 1_000, s: 1_000_000 };

/** The questions of a file of dnsperf's as addresses. */
export function writeUris(uriFile: string, queryFile: string, port: number): void {
  const uris = readFileSync(queryFile, 'latin1')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const query = encodeQuery({ id: 0, name: line.split(' ')[0]!, type: RecordType.A, udpPayloadBytes: 0 });
      if (query === undefined) throw new Error(`no question: ${line}`);
      return `https://127.0.0.1:${port}/dns-query?dns=${Buffer.from(query).toString('base64url')}`;
    });
  writeFileSync(uriFile, `${uris.join('\n')}\n`);
}

/** Errors: rejects when h2load fails or its report cannot be read. */
export async function runHttpsLoad(load: HttpsLoad): Promise<LoadReport> {
  const { requests, connections, streams, uriFile } = load;
  const args = ['-n', String(requests), '-c', String(connections), '-m', String(streams), '-t', '1', '-i', uriFile];
  return readHttpsReport(await runProgram(load.cores, 'h2load', args));
}

/** Reads the statistics that h2load ends with. `completed`: answered with 2xx. Errors: throws when they are not there. */
export function readHttpsReport(text: string): LoadReport {
  const part = (pattern: RegExp): string => {
    const found = pattern.exec(text)?.[1];
    if (found === undefined) throw new Error(`h2load reported nothing like ${pattern.source}:\n${text.slice(-2_000)}`);
    return found;
  };
  const sent = Number(part(/requests: (\d+) total/));
  const completed = Number(part(/status codes: (\d+) 2xx/));
  const mean = /time for request:\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)/.exec(text);
  if (mean === null) throw new Error(`h2load reported no time for requests:\n${text.slice(-2_000)}`);
  const seconds = /finished in ([\d.]+)(us|ms|s)/.exec(text);
  if (seconds === null) throw new Error(`h2load reported no time:\n${text.slice(-2_000)}`);
  return {
    sent,
    completed,
    lost: sent - completed,
    interrupted: 0,
    seconds: (Number(seconds[1]) * UNIT_US[seconds[2]!]!) / 1_000_000,
    queriesPerSecond: Number(part(/finished in [^,]+, ([\d.]+) req\/s/)),
    latencyMeanUs: Number(mean[1]) * UNIT_US[mean[2]!]!,
    rcodes: {},
  };
}
