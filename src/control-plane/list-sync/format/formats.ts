/** Every list format that Weir reads and writes. Where two are equally sure of a file, the earlier row wins. */
import { adblockFormat } from './adblock.ts';
import { csvFormat, csvFormatWithColumn } from './csv.ts';
import { dnsmasqFormat } from './dnsmasq.ts';
import { hostsFormat } from './hosts.ts';
import { jsonFormat } from './json.ts';
import { jsonlFormat } from './jsonl.ts';
import type { ListFormat } from './list-format.ts';
import { plainFormat } from './plain.ts';
import { rpzFormat } from './rpz.ts';
import { unboundFormat } from './unbound.ts';
import { urlListFormat } from './url-list.ts';

export const FORMATS: readonly ListFormat[] = [
  jsonlFormat,
  jsonFormat,
  rpzFormat,
  unboundFormat,
  dnsmasqFormat,
  hostsFormat,
  adblockFormat,
  csvFormat,
  urlListFormat,
  plainFormat,
];

/** The format of a name in the table; `csv:COLUMN` is CSV with its name column given. */
export function formatNamed(name: string): ListFormat | undefined {
  const column = /^csv:(.+)$/.exec(name)?.[1];
  if (column !== undefined) return csvFormatWithColumn(column);
  return FORMATS.find((format) => format.name === name);
}
