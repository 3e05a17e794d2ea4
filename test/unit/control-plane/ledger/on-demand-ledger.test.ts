import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LedgerClient } from '../../../../src/control-plane/ledger/ledger-client.ts';
import { OnDemandLedger } from '../../../../src/control-plane/ledger/on-demand-ledger.ts';
import { ledgerPath } from '../../../../src/control-plane/ledger/open-database.ts';
import { ledgerSettings, listSettings, openTestLedger } from '../../../support/ledger-harness.ts';
import { createToken } from '../../../support/maintainer.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

let folder: string;
let opened: number;
let onDemand: OnDemandLedger;
/** What the client was told, in order. */
let told: string[];

beforeEach(async () => {
  folder = temporaryFolder('on-demand');
  opened = 0;
  told = [];
  const elsewhere = await openTestLedger();
  onDemand = new OnDemandLedger({
    stateDirectory: folder,
    open: () => {
      opened += 1;
      const { store } = elsewhere;
      const client = {
        configure: async ({ lists }: Parameters<LedgerClient['configure']>[0]) => void told.push(lists[0]?.name ?? ''),
        authenticate: (token: string) => store.authenticate(token),
        figures: () => store.figures(),
        close: async () => void told.push('close'),
      };
      return client as unknown as LedgerClient;
    },
  });
});
afterEach(() => onDemand.close());

const pulled = ledgerSettings([listSettings({ name: 'pulled', source: 'pulled' })]);
const desk = ledgerSettings([listSettings({ name: 'desk' })]);

describe('the ledger of a node', () => {
  test('without lists of its own and without a file is not opened, whoever asks who they are', async () => {
    await onDemand.configure(pulled);
    expect(await onDemand.ledger.authenticate('weir_abcdefgh_secret')).toBeUndefined();
    expect(await onDemand.ifThere()).toBeUndefined();
    expect([opened, onDemand.isOpen, existsSync(ledgerPath(folder))]).toEqual([0, false, false]);
  });

  test('is opened by a list that is pushed to, once, and told what the configuration says', async () => {
    await onDemand.configure(desk);
    await onDemand.configure(desk);
    expect(opened).toBe(1);
    expect(told.filter((name) => name === 'desk').length).toBeGreaterThanOrEqual(2);
  });

  test('is opened by the first question about a token that was made since', async () => {
    await onDemand.configure(pulled);
    createToken(folder, 'Control room', ['*'], ['read']);
    await onDemand.ledger.authenticate('weir_abcdefgh_secret');
    expect(opened).toBe(1);
    expect(told).toEqual(['pulled']);
  });

  test('is opened by what has to be kept, and not any more once it is closed', async () => {
    await onDemand.ledger.figures();
    expect(opened).toBe(1);
    await onDemand.close();
    expect(told).toEqual(['close']);
    const other = new OnDemandLedger({ stateDirectory: folder, open: () => expect.unreachable('it is closed') });
    await other.close();
    await expect(async () => other.ledger.figures()).rejects.toThrow('the ledger is closed');
  });
});
