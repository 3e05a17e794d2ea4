/**
 * The tables of the ledger, in the order in which versions of Weir made them: entry i leads from schema version i to
 * i + 1 (`PRAGMA user_version`). Never edit one that has been released; add one behind it.
 */

/** 'Weir' in ASCII: `PRAGMA application_id` of a ledger. */
export const APPLICATION_ID = 0x5765_6972;

const FIRST = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

-- One row a list that ever had an entry or a hold. digest: of its newest version.
CREATE TABLE lists (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL DEFAULT 0, oldest INTEGER NOT NULL DEFAULT 0,
  entry_count INTEGER NOT NULL DEFAULT 0, digest BLOB NOT NULL,
  feed_version INTEGER NOT NULL DEFAULT 0, feed_manifest TEXT NOT NULL DEFAULT '', feed_key TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE maintainers (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

-- An entry from the version that added it to the version that removed it (NULL: current). scope: 0 subtree, 1 exact.
-- category: position in CATEGORIES, NULL: the list's. expires: 0 never. flags: 1 shadow, 2 approved, 4 expired (not
-- removed by anybody). The key finds a name and exports a list in order; in it the history of a name lies side by side.
CREATE TABLE entries (
  list INTEGER NOT NULL, name TEXT NOT NULL, scope INTEGER NOT NULL, added INTEGER NOT NULL, removed INTEGER,
  category INTEGER, word TEXT, reference TEXT, note TEXT, expires INTEGER NOT NULL, flags INTEGER NOT NULL,
  rollout INTEGER, maintainer INTEGER NOT NULL, added_at INTEGER NOT NULL,
  PRIMARY KEY (list, name, scope, added)
) STRICT, WITHOUT ROWID;
-- What came and what went between two versions; what is old enough to be forgotten.
CREATE INDEX entries_added ON entries (list, added);
CREATE INDEX entries_removed ON entries (list, removed) WHERE removed IS NOT NULL;
CREATE INDEX entries_expires ON entries (list, expires) WHERE removed IS NULL AND expires > 0;
CREATE INDEX entries_rollout ON entries (rollout) WHERE rollout IS NOT NULL;

CREATE TABLE versions (
  list INTEGER NOT NULL, version INTEGER NOT NULL, created INTEGER NOT NULL, maintainer TEXT NOT NULL,
  actor TEXT NOT NULL, reason TEXT NOT NULL, origin TEXT NOT NULL, added INTEGER NOT NULL, removed INTEGER NOT NULL,
  entry_count INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (list, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE holds (
  id INTEGER PRIMARY KEY, list INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, scope INTEGER NOT NULL,
  guard TEXT NOT NULL, detail TEXT NOT NULL, proposer TEXT NOT NULL, proposer_id TEXT NOT NULL, reason TEXT NOT NULL,
  reference TEXT, created INTEGER NOT NULL, expires INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL, decided_by TEXT,
  decided_at INTEGER, decision_reason TEXT
) STRICT;
CREATE INDEX holds_open ON holds (list, guard) WHERE state = 'open';
CREATE INDEX holds_name ON holds (name, list);
CREATE INDEX holds_state ON holds (state, id);

-- What a hold would do once it is released. op: 1 add, 0 remove.
CREATE TABLE held (
  list INTEGER NOT NULL, name TEXT NOT NULL, scope INTEGER NOT NULL, op INTEGER NOT NULL, hold INTEGER NOT NULL,
  category INTEGER, word TEXT, reference TEXT, note TEXT, expires INTEGER NOT NULL, flags INTEGER NOT NULL,
  PRIMARY KEY (list, name, scope, op)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_hold ON held (hold);

CREATE TABLE rollouts (
  id INTEGER PRIMARY KEY, list INTEGER NOT NULL, slot INTEGER NOT NULL, state TEXT NOT NULL, stages TEXT NOT NULL,
  stage INTEGER NOT NULL, next_at INTEGER NOT NULL, entry_count INTEGER NOT NULL, version INTEGER NOT NULL,
  reason TEXT NOT NULL, ended_version INTEGER NOT NULL DEFAULT 0, ended_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX rollouts_running ON rollouts (slot) WHERE state = 'running';

CREATE TABLE idempotency (
  token TEXT NOT NULL, key TEXT NOT NULL, head_hash BLOB NOT NULL, request_hash BLOB NOT NULL, list INTEGER NOT NULL,
  from_version INTEGER NOT NULL, answer TEXT NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (token, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_created ON idempotency (created);

CREATE TABLE tokens (
  id TEXT PRIMARY KEY, secret_hash BLOB NOT NULL, maintainer TEXT NOT NULL, lists TEXT NOT NULL, rights TEXT NOT NULL,
  created INTEGER NOT NULL, expires INTEGER NOT NULL DEFAULT 0, revoked INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL, list TEXT, data TEXT NOT NULL,
  previous_hash TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
`;

const APPEALS = `
-- What subscribers and owners of blocked names hand in. contact, reason, evidence: NULL once they are forgotten.
CREATE TABLE appeals (
  id INTEGER PRIMARY KEY AUTOINCREMENT, list TEXT NOT NULL, name TEXT NOT NULL, entry TEXT NOT NULL,
  incident TEXT NOT NULL, who TEXT NOT NULL, contact TEXT, reason TEXT, evidence TEXT, state TEXT NOT NULL,
  created INTEGER NOT NULL, due INTEGER NOT NULL, decided_by TEXT, decided_at INTEGER, decision_reason TEXT,
  secret_hash BLOB NOT NULL UNIQUE, proof TEXT NOT NULL, proof_token TEXT NOT NULL
) STRICT;
CREATE INDEX appeals_open ON appeals (list, entry) WHERE state IN ('received', 'inReview');
CREATE INDEX appeals_upheld ON appeals (list, id) WHERE state = 'upheld';
CREATE INDEX appeals_due ON appeals (due) WHERE state IN ('received', 'inReview');
CREATE INDEX appeals_personal ON appeals (decided_at) WHERE contact IS NOT NULL;
CREATE INDEX appeals_state ON appeals (state, id);

-- Of one day: keyed hashes of clients' prefixes. The key is in meta, and goes with the day.
CREATE TABLE appeal_clients (client BLOB PRIMARY KEY, filed INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

const EXCEPTIONS = `
-- Clients of a prefix that are let through to a name until then, or until somebody ends it.
CREATE TABLE exceptions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, scope TEXT NOT NULL, clients TEXT NOT NULL,
  reason TEXT NOT NULL, created_by TEXT NOT NULL, created INTEGER NOT NULL, until INTEGER NOT NULL,
  ended_by TEXT, ended_at INTEGER, end_reason TEXT
) STRICT;
CREATE INDEX exceptions_active ON exceptions (until) WHERE ended_at IS NULL;
`;

export const MIGRATIONS: readonly string[] = [FIRST, APPEALS, EXCEPTIONS];
