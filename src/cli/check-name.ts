/**
 * What would happen to a query for one name, and why: the verdict of the same Policy, the answer of the same
 * BlockAnswers and SpecialUse that the query path uses, with what only the lists know (references, held entries). Data
 * out; check.ts prints it.
 */
import type { Config } from '../config/config.ts';
import type { LedgerReader } from '../control-plane/ledger/ledger-reader.ts';
import type { NameEvent } from '../control-plane/ledger/ledger.ts';
import { findEntries, type FoundEntry } from '../control-plane/list-sync/find-entries.ts';
import type { Guard } from '../control-plane/list-sync/guard/guard.ts';
import type { LoadedPolicy } from '../control-plane/list-sync/load-policy-once.ts';
import { nameVerdict, type NameVerdict, type VerdictProvenance } from '../control-plane/list-sync/name-verdict.ts';
import { clientOctets } from '../policy/address.ts';
import { ClientAccess } from '../data-plane/client-address.ts';
import { decodeMessage, encodeQuery } from '../dns/codec.ts';
import { rcodeName, typeName } from '../dns/iana.ts';
import { nameFromText } from '../dns/name.ts';
import { QueryView, readQuery } from '../dns/query-view.ts';
import { BlockAnswers } from '../policy/block-answer.ts';
import { ClientGroups } from '../policy/client-groups.ts';
import { explain, type ExplainedException, type ExplainedRule, type Explanation } from '../policy/explain.ts';
import { Policy, VerdictKind } from '../policy/policy.ts';
import { NOT_SPECIAL, SpecialUse } from '../policy/special-use.ts';

const RESPONSE_BYTES_MAX = 4096;
/** Newest events of a name that are shown. */
const HISTORY_MAX = 20;

export interface CheckAnswer {
  readonly type: string;
  /** `dropped`: no answer at all. `forwarded`: what the upstreams say. */
  readonly outcome: 'blocked' | 'local' | 'forwarded' | 'dropped';
  readonly rcode: string | null;
  readonly records: readonly string[];
}

export interface HeldEntry {
  readonly list: string;
  readonly entry: string;
  readonly scope: 'exact' | 'subtree';
  readonly guard: string;
  readonly detail: string;
}

/** Keys are stable: `--json` prints this. */
export interface CheckResult extends NameVerdict {
  /** The special-use name that is answered locally, unless a list comes first. */
  readonly specialUse: string | null;
  readonly answers: readonly CheckAnswer[];
  readonly client: { readonly address: string; readonly served: boolean; readonly group: string | null } | null;
  readonly rules: readonly ExplainedRule[];
  readonly held: readonly HeldEntry[];
  /** What the ledger remembers of the name and of the entry that decides: newest first. */
  readonly history: readonly NameEvent[];
  /** For this name, whoever the client is. */
  readonly exceptions: readonly ExplainedException[];
}

export interface CheckOptions {
  readonly types: readonly number[];
  readonly client: string | undefined;
  readonly nowSeconds: number;
  readonly guard: () => Promise<Guard | undefined>;
  /** Of the state directory. */
  readonly ledger: Pick<LedgerReader, 'lookUp' | 'history'>;
}

export class NameChecker {
  readonly #loaded: LoadedPolicy;
  readonly #options: CheckOptions;
  readonly #policy: Policy;
  readonly #blockAnswers: BlockAnswers;
  readonly #special: SpecialUse;
  readonly #access: ClientAccess;
  readonly #query = new QueryView();
  readonly #clientOctets: Uint8Array | undefined;

  constructor(config: Config, loaded: LoadedPolicy, options: CheckOptions) {
    this.#loaded = loaded;
    this.#options = options;
    this.#policy = new Policy(loaded.policy, new ClientGroups(config.clients.groups));
    const { udpPayloadBytes } = config.edns;
    this.#blockAnswers = new BlockAnswers({
      sinkholeAddresses: config.sinkhole.addresses,
      sinkholeTtlSeconds: config.sinkhole.ttlSeconds,
      lists: loaded.policy.lists,
      udpPayloadBytes,
    });
    this.#special = new SpecialUse(config.specialUse, udpPayloadBytes);
    this.#access = new ClientAccess(config.clients.allow);
    this.#clientOctets = clientOctets(options.client);
  }

  /** `name` is a domain name in A-labels, lower case. */
  async check(name: string): Promise<CheckResult> {
    const wire = nameFromText(name) ?? new Uint8Array(1);
    const explanation = explain(this.#policy, wire, 0, this.#options.nowSeconds, this.#clientOctets);
    if (explanation === undefined) throw new Error(`${name} is not a domain name`);
    const by = explanation.decidedBy;
    const found = this.#find(wire);
    const source = by === undefined ? undefined : found.find(({ list, entry }) => isEntryOf(by, list, entry));
    return {
      ...nameVerdict(name, explanation, source?.entry.provenance ?? this.#ledgerProvenance(by)),
      specialUse: this.#specialName(name),
      answers: this.#options.types.map((type) => this.#answer(name, type)),
      client: this.#client(explanation.group),
      rules: explanation.rules,
      exceptions: explanation.exceptions,
      held: await this.#held(found),
      history: this.#history(name, by?.entry),
    };
  }

  /** Of an entry that was pushed or came by a feed. */
  #ledgerProvenance(by: Explanation['decidedBy']): VerdictProvenance | undefined {
    if (by === undefined || by.kind === 'allow') return undefined;
    const states = this.#options.ledger.lookUp([by.entry]).filter(({ list }) => list === by.list);
    const entry = states.flatMap(({ entries }) => entries).find(({ scope }) => scope === by.scope);
    if (entry === undefined) return undefined;
    const { reference, note, addedAtSeconds } = entry;
    return { reference, note, addedAt: timeText(addedAtSeconds) };
  }

  #history(name: string, entry: string | undefined): NameEvent[] {
    const names = new Set([name, ...(entry === undefined ? [] : [entry])]);
    const events = [...names].flatMap((one) => this.#options.ledger.history(one).slice(0, HISTORY_MAX));
    return events.toSorted((a, b) => b.atSeconds - a.atSeconds).slice(0, HISTORY_MAX);
  }

  #find(wire: Uint8Array): { list: string; entry: FoundEntry }[] {
    return this.#loaded.lists.flatMap(({ config, payload, holds }) => {
      if (payload === undefined) return [];
      const entries = findEntries({ kind: 'memory', payload }, holds?.held ?? new Uint32Array(0), wire);
      return entries.map((entry) => ({ list: config.name, entry }));
    });
  }

  async #held(found: readonly { list: string; entry: FoundEntry }[]): Promise<HeldEntry[]> {
    const held = found.filter(({ entry }) => entry.isHeld);
    const guard = held.length === 0 ? undefined : await this.#options.guard();
    return held.map(({ list, entry: { name, scope } }) => {
      const hold = guard?.check(name, scope);
      return { list, entry: name, scope, guard: hold?.guard ?? '', detail: hold?.detail ?? '' };
    });
  }

  #client(group: string | undefined): CheckResult['client'] {
    const { client } = this.#options;
    if (client === undefined || this.#clientOctets === undefined) return null;
    return { address: client, served: this.#access.allows(this.#clientOctets), group: group ?? null };
  }

  #specialName(name: string): string | null {
    const query = this.#ask(name, 1);
    const index = query === undefined ? NOT_SPECIAL : this.#special.find(query);
    return index === NOT_SPECIAL ? null : this.#special.nameAt(index);
  }

  /** The query as the listener would hand it over, with room for the response behind it. */
  #ask(name: string, type: number): QueryView | undefined {
    const message = encodeQuery({ id: 0, name, type });
    if (message === undefined) return undefined;
    const buffer = new Uint8Array(RESPONSE_BYTES_MAX);
    buffer.set(message);
    readQuery(this.#query, buffer, 0, message.length);
    return this.#query;
  }

  #answer(name: string, type: number): CheckAnswer {
    const query = this.#ask(name, type);
    const nothing = { type: typeName(type), rcode: null, records: [] };
    if (query === undefined) return { ...nothing, outcome: 'dropped' };
    const { bytes, qnameStart, labelStarts, labelCount } = query;
    const { nowSeconds } = this.#options;
    const kind = this.#policy.judge(bytes, qnameStart, labelStarts, labelCount, nowSeconds, this.#clientOctets);
    const isBlocked = kind === VerdictKind.blocked;
    const special = isBlocked ? NOT_SPECIAL : this.#special.find(query);
    if (!isBlocked && special === NOT_SPECIAL) return { ...nothing, outcome: 'forwarded' };
    const length = isBlocked
      ? this.#blockAnswers.write(query, this.#policy.match, RESPONSE_BYTES_MAX)
      : this.#special.write(query, special, RESPONSE_BYTES_MAX);
    const message = length === 0 ? undefined : decodeMessage(bytes.slice(0, length));
    if (message === undefined) return { ...nothing, outcome: 'dropped' };
    return {
      type: typeName(type),
      outcome: isBlocked ? 'blocked' : 'local',
      rcode: rcodeName(message.rcode),
      records: message.answers.map(({ type: answerType, data }) => `${typeName(answerType)} ${data}`),
    };
  }
}

function isEntryOf(rule: ExplainedRule, list: string, entry: FoundEntry): boolean {
  return list === rule.list && entry.name === rule.entry && entry.scope === rule.scope && entry.kind === rule.kind;
}

function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
