/**
 * Finds the entry that an incident id stands for. The id carries hashes only, and the ledger keeps no index of hashes (it
 * would cost every entry 45 octets for a question that is asked a few times a day): the list is walked, a page at a time,
 * and whatever else waits for the thread goes in between.
 */
import { setImmediate } from 'node:timers/promises';
import { nameFromText } from '../../dns/name.ts';
import { listTag } from '../../policy/incident.ts';
import { entryHash32 } from '../../policy/name-hash.ts';
import { readIncident, type IncidentParts } from '../../policy/read-incident.ts';
import { entriesAt } from './entry-rows.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import type { LedgerEntry } from './ledger.ts';
import { listHeads, type ListHead } from './list-heads.ts';

/** Names hashed between two turns of the event loop: some milliseconds. */
const PAGE_NAMES = 2_000;
const VERSION_BITS = 0x1_0000;

export interface FoundIncident {
  readonly list: string;
  readonly version: number;
  readonly entry: LedgerEntry;
}

/** Cost: a walk through every list with the id's tag; nearly always one list, or none. */
export async function findIncident(tables: LedgerConnection, text: string): Promise<FoundIncident | undefined> {
  const parts = readIncident(text);
  if (parts === undefined) return undefined;
  for (const head of listHeads(tables)) {
    if (listTag(head.name) !== parts.listTag) continue;
    const found = await findInList(tables, head, parts);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function findInList(
  tables: LedgerConnection,
  head: ListHead,
  { versionLow, entryHash }: IncidentParts,
): Promise<FoundIncident | undefined> {
  // The newest version that ends in these bits. Where it is forgotten, what the list says now has to do.
  const meant = head.version - ((head.version - versionLow + VERSION_BITS) % VERSION_BITS);
  const version = meant < Math.max(head.oldest, 1) ? head.version : meant;
  const sql = 'SELECT DISTINCT name FROM entries WHERE list = ? AND name > ? ORDER BY name LIMIT ?';
  for (let after = ''; ;) {
    const page = tables.all<{ name: string }>(sql, head.id, after, PAGE_NAMES);
    for (const { name } of page) {
      if (hashOf(name) !== entryHash) continue;
      const entry = entriesAt(tables, head.id, name, version)[0];
      if (entry !== undefined) return { list: head.name, version, entry };
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_NAMES) return undefined;
    after = last.name;
    await setImmediate();
  }
}

function hashOf(name: string): number {
  const wireName = nameFromText(name);
  return wireName === undefined ? 0 : entryHash32(wireName, 0);
}
