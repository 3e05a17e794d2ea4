/** The table of places a list can come from; adding one is a file beside this and one line here. */
import { fileSource } from './file-source.ts';
import { httpsSource } from './https-source.ts';
import type { ListConfig } from '../../../config/config.ts';
import type { ListSource, SourceKind } from './list-source.ts';

export const SOURCES = { file: fileSource, https: httpsSource } as const satisfies Record<string, SourceKind>;

/** The source of a configured list. */
export function openSource(list: ListConfig): ListSource {
  const { source, sourceKind, refreshSeconds, bytesMax, fetchTimeoutMs } = list;
  const kind = sourceKind === 'file' ? SOURCES.file : SOURCES.https;
  return kind.create({ location: source, refreshSeconds, bytesMax, fetchTimeoutMs });
}
