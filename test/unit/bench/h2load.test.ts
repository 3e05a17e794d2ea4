import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readHttpsReport, writeUris } from '../../../bench/h2load.ts';

const REPORT = `starting benchmark...
Application protocol: h2
progress: 100% done

finished in 2.72s, 28406.61 req/s, 2.91MB/s
requests: 77276 total, 77276 started, 77270 done, 77270 succeeded, 6 failed, 6 errored, 0 timeout
status codes: 77270 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 7.91MB (8295012) total, 2.13MB (2236834) headers (space savings 79.46%), 3.39MB (3554650) data
                     min         max         mean         sd        +/- sd
time for request:      412us     31.20ms      3.51ms      1.20ms    81.02%
time for connect:     4.81ms     39.02ms     21.90ms     11.44ms    60.00%
`;

describe('the report of h2load', () => {
  test('is read whole: every request answered or lost', () => {
    expect(readHttpsReport(REPORT)).toEqual({
      sent: 77_276,
      completed: 77_270,
      lost: 6,
      interrupted: 0,
      seconds: 2.72,
      queriesPerSecond: 28_406.61,
      latencyMeanUs: 3_510,
      rcodes: {},
    });
  });

  test('counts an answer that is an error as lost', () => {
    expect(readHttpsReport(REPORT.replace('77270 2xx, 0 3xx, 0 4xx', '77000 2xx, 0 3xx, 270 4xx'))).toMatchObject({
      completed: 77_000,
      lost: 276,
      interrupted: 0,
    });
  });

  test('that is not there is an error which shows what came instead', () => {
    expect(() => readHttpsReport('could not connect')).toThrow(/nothing like requests[^]*could not connect/);
  });
});

test('questions become addresses, one a line, in the order of the file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-h2load-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'queries.txt'), 'a.example A\nwww.b.example A\n');
  writeUris(join(folder, 'uris.txt'), join(folder, 'queries.txt'), 443);
  const lines = readFileSync(join(folder, 'uris.txt'), 'latin1').trimEnd().split('\n');
  const names = lines.map((line) => {
    const query = Buffer.from(new URL(line).searchParams.get('dns')!, 'base64url');
    return query.toString('latin1', 12, query.length - 4);
  });
  expect(names).toEqual(['\u0001a\u0007example\0', '\u0003www\u0001b\u0007example\0']);
  expect(lines[0]).toMatch(/^https:\/\/127\.0\.0\.1:443\/dns-query\?dns=AAABAAABAAAAAAAA/);
});
