/** Every list format that Weir reads and writes. Where two are equally sure of a file, the earlier row wins. */
import { adblockFormat } from './adblock.ts';
import { hostsFormat } from './hosts.ts';
import type { ListFormat } from './list-format.ts';
import { plainFormat } from './plain.ts';

export const FORMATS: readonly ListFormat[] = [hostsFormat, adblockFormat, plainFormat];

export function formatNamed(name: string): ListFormat | undefined {
  return FORMATS.find((format) => format.name === name);
}
