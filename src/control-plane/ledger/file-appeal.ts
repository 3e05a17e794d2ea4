/**
 * Takes an appeal in, inside a transaction: within the limits for a list, for an entry and for a client's prefix on one
 * day, each of which is there against a flood that would keep others from being heard. A form that is sent twice is taken
 * once. Of the client a keyed hash is counted, whose key is thrown away with the day.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { checkAppeal, refusal } from './appeal-check.ts';
import {
  appealById,
  appealBySecret,
  appealIdText,
  openAgainst,
  openOfList,
  secretHash,
  shownAppeal,
} from './appeal-rows.ts';
import type { AppealFiled, AppealRefusal, AppealSettings, NewAppeal } from './appeal.ts';
import type { LedgerConnection } from './ledger-connection.ts';
import { actorText, type LedgerContext } from './ledger-context.ts';

/** Open ones of one list. */
const OPEN_PER_LIST_MAX = 10_000;
/** Open ones against one entry, for subscribers and for owners each: the first few say what there is to say. */
export const OPEN_PER_ENTRY_MAX = 5;
/** Of one client against one entry on one day. Why: else one connection could take all that room from the owner. */
const PER_CLIENT_OF_ENTRY_MAX = 2;
const DAY_SECONDS = 86_400;
const CLIENT_HASH_BYTES = 16;
const PROOF_TOKEN_BYTES = 20;

export function fileAppeal(
  context: LedgerContext,
  settings: AppealSettings | undefined,
  sent: NewAppeal,
): AppealFiled | AppealRefusal {
  const { write, nowSeconds, audit } = context;
  const days = settings?.days[sent.list];
  if (settings === undefined || days === undefined) {
    return refusal('appealsClosed', `No appeals are taken against the list ${sent.list}.`);
  }
  const checked = checkAppeal(sent);
  if (checked.kind === 'refused') return checked;
  const before = appealBySecret(write, sent.secret);
  if (before !== undefined) return { kind: 'filed', appeal: shownAppeal(before), isReplay: true };
  const at = nowSeconds();
  const { client, by } = sent;
  const tooMany =
    limitReached(write, sent) ??
    (client === undefined ? undefined : countClient(write, client, sent, settings.perClientPerDayMax, at));
  if (tooMany !== undefined) return tooMany;
  const id = write.insert(
    `INSERT INTO appeals (list, name, entry, incident, who, contact, reason, evidence, state, created, due, secret_hash,
      proof, proof_token) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'received', ?, ?, ?, 'none', ?)`,
    sent.list,
    sent.name,
    sent.entry,
    sent.incident,
    checked.who,
    checked.contact,
    checked.reason,
    checked.evidenceUrl ?? null,
    at,
    at + days * DAY_SECONDS,
    secretHash(sent.secret),
    randomBytes(PROOF_TOKEN_BYTES).toString('base64url'),
  );
  const data = { appeal: appealIdText(id), state: 'received' };
  audit.append({ actor: by === undefined ? checked.who : actorText(by), kind: 'appeal', list: sent.list, data }, at);
  return { kind: 'filed', appeal: shownAppeal(appealById(write, appealIdText(id))!), isReplay: false };
}

function limitReached(tables: LedgerConnection, { list, entry, who }: NewAppeal): AppealRefusal | undefined {
  if (openAgainst(tables, list, entry).filter((appeal) => appeal.who === who).length >= OPEN_PER_ENTRY_MAX) {
    return refusal('tooManyOfEntry', `${OPEN_PER_ENTRY_MAX} appeals against this entry are being looked at already.`);
  }
  if (openOfList(tables, list) < OPEN_PER_LIST_MAX) return undefined;
  return refusal('tooManyOfList', `${OPEN_PER_LIST_MAX} appeals against this list wait already.`);
}

interface ClientCount {
  readonly filed: number;
}

/** Of one client, all of them and those against this entry. */
function countClient(
  tables: LedgerConnection,
  client: string,
  { list, entry }: NewAppeal,
  perDayMax: number,
  nowSeconds: number,
): AppealRefusal | undefined {
  const key = keyOfDay(tables, Math.floor(nowSeconds / DAY_SECONDS));
  const counts = [
    { hash: clientHash(key, client), max: perDayMax, what: 'appeals' },
    { hash: clientHash(key, `${client}\n${list}\n${entry}`), max: PER_CLIENT_OF_ENTRY_MAX, what: 'appeals against it' },
  ];
  for (const { hash, max, what } of counts) {
    const filed = tables.get<ClientCount>('SELECT filed FROM appeal_clients WHERE client = ?', hash)?.filed ?? 0;
    if (filed >= max) return refusal('tooManyOfClient', `${max} ${what} came from this connection today.`);
  }
  const sql = 'INSERT INTO appeal_clients VALUES (?, 1) ON CONFLICT (client) DO UPDATE SET filed = filed + 1';
  for (const { hash } of counts) tables.run(sql, hash);
  return undefined;
}

function clientHash(key: Uint8Array, text: string): Uint8Array {
  return createHmac('sha256', key).update(text).digest().subarray(0, CLIENT_HASH_BYTES);
}

/** The key of today; yesterday's goes, and with it what was counted by it. */
function keyOfDay(tables: LedgerConnection, day: number): Uint8Array {
  const row = tables.get<{ value: Uint8Array }>("SELECT value FROM meta WHERE key = 'appealClientKey'");
  const isOfToday =
    tables.get("SELECT 1 AS yes FROM meta WHERE key = 'appealClientDay' AND value = ?", day) !== undefined;
  if (row !== undefined && isOfToday) return row.value;
  const key = randomBytes(32);
  tables.run('DELETE FROM appeal_clients');
  tables.run("INSERT OR REPLACE INTO meta VALUES ('appealClientKey', ?), ('appealClientDay', ?)", key, day);
  return key;
}

/** A day on which nobody files anything ends too. Says how many rows went. */
export function forgetClients(tables: LedgerConnection, nowSeconds: number): number {
  const day = Math.floor(nowSeconds / DAY_SECONDS);
  if (tables.get("SELECT 1 AS yes FROM meta WHERE key = 'appealClientDay' AND value < ?", day) === undefined) return 0;
  tables.run("DELETE FROM meta WHERE key IN ('appealClientKey', 'appealClientDay')");
  return tables.run('DELETE FROM appeal_clients') + 1;
}
