/** A maintainer of a running Weir: a token made as the operator makes one, and requests to /v1 with it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openLedgerDatabase } from '../../src/control-plane/ledger/open-database.ts';
import { TokenStore } from '../../src/control-plane/ledger/token-store.ts';
import type { Right } from '../../src/control-plane/ledger/ledger.ts';
import type { WeirProcess } from './weir-process.ts';

export interface ApiReply {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export interface Maintainer {
  readonly token: string;
  get(path: string): Promise<ApiReply>;
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<ApiReply>;
  /** Errors: rejects where it is not answered with 200. */
  push(list: string, add: readonly (string | object)[], remove?: readonly string[]): Promise<Record<string, unknown>>;
}

/** Writes a token into the state directory of a Weir, which may be running. */
export function createToken(
  stateDirectory: string,
  maintainer: string,
  lists: readonly string[],
  rights: readonly Right[] = ['push', 'approve', 'read'],
): string {
  mkdirSync(stateDirectory, { recursive: true });
  const db = openLedgerDatabase(stateDirectory);
  try {
    return new TokenStore(db).create({ maintainer, lists, rights, by: 'test', expiresAtSeconds: 0 });
  } finally {
    db.close();
  }
}

/** Of a test's Weir, whose state directory is `state` in its folder. */
export function maintainerOf(
  weir: Pick<WeirProcess, 'folder' | 'adminUrl'>,
  lists: readonly string[] = ['*'],
  rights?: readonly Right[],
  name = 'Fraud desk',
): Maintainer {
  return asMaintainer(weir.adminUrl, createToken(join(weir.folder, 'state'), name, lists, rights));
}

export function asMaintainer(adminUrl: string, token: string): Maintainer {
  const ask = async (path: string, init: RequestInit): Promise<ApiReply> => {
    const response = await fetch(`${adminUrl}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string> | undefined) },
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const maintainer: Maintainer = {
    token,
    get: (path) => ask(path, {}),
    post: (path, body, headers = {}) =>
      ask(path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      }),
    push: async (list, add, remove = []) => {
      const { status, body } = await maintainer.post(`/v1/lists/${list}/changes`, {
        add: add.map((entry) => (typeof entry === 'string' ? { name: entry } : entry)),
        remove,
        reason: 'a test',
      });
      if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
      return body;
    },
  };
  return maintainer;
}
