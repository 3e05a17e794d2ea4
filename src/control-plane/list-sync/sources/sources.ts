/** The table of places a list can come from; adding one is a file beside this and one line here. */
import { fileSource } from './file-source.ts';
import { httpsSource } from './https-source.ts';
import type { SourceKind } from './list-source.ts';

export const SOURCES = { file: fileSource, https: httpsSource } as const satisfies Record<string, SourceKind>;
