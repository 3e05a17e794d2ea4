/** The table of places a list can come from; adding one is a file beside this and one line here. */
import { fileSource } from './file-source.ts';
import { httpsSource } from './https-source.ts';
import { ledgerSource } from './ledger-source.ts';
import { isOfLedger } from '../ledger-list.ts';
import type { ListConfig } from '../../../config/config.ts';
import { ACCESS_KEYS } from '../../../config/source-access.ts';
import type { ListSource, SourceKind } from './list-source.ts';

export const SOURCES = { file: fileSource, https: httpsSource } as const satisfies Record<string, SourceKind>;

/** Whether a source that is open serves the other configuration of its list as well. */
export function isSameSource(a: ListConfig, b: ListConfig): boolean {
  return SOURCE_KEYS.every((key) => a[key] === b[key]);
}

const SOURCE_KEYS = [
  'source',
  'sourceKind',
  'refreshSeconds',
  'bytesMax',
  'fetchTimeoutMs',
  ...ACCESS_KEYS,
] as const satisfies readonly (keyof ListConfig)[];

/** The source of a configured list. `stateDirectory`: where the ledger is. */
export function openSource(list: ListConfig, stateDirectory: string): ListSource {
  const { source, sourceKind, refreshSeconds, bytesMax, fetchTimeoutMs } = list;
  if (isOfLedger(list)) return ledgerSource({ stateDirectory, list: list.name });
  const { tokenFile, ca, clientCertificate, clientKey, proxy } = list;
  const access = { tokenFile, ca, clientCertificate, clientKey, proxy };
  const kind = sourceKind === 'file' ? SOURCES.file : SOURCES.https;
  return kind.create({ location: source, refreshSeconds, bytesMax, fetchTimeoutMs, access });
}
