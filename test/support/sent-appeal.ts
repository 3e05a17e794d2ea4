/** An appeal as the warning page hands it in, and as the ledger shows it. */
import { randomBytes } from 'node:crypto';
import type { AppealRow, NewAppeal } from '../../src/control-plane/ledger/appeal.ts';

export function sentAppeal(more: Partial<NewAppeal> = {}): NewAppeal {
  return {
    list: 'desk',
    name: 'shop.bad.example',
    entry: 'bad.example',
    incident: '7K3M-Q2ZX-0H9D',
    who: 'subscriber',
    contact: 'wang@mail.example',
    reason: 'This is my bank and no fraud.',
    evidenceUrl: '',
    secret: randomBytes(20).toString('base64url'),
    // Another one each time.
    client: randomBytes(4).toString('latin1'),
    ...more,
  };
}

export function appealRow(fields: Partial<AppealRow> = {}): AppealRow {
  return {
    id: 'a1',
    list: 'desk',
    name: 'shop.bad.example',
    entry: 'bad.example',
    incident: '7K3M-Q2ZX-0H9D',
    who: 'owner',
    contact: 'wang@mail.example',
    reason: 'my shop sells teapots',
    evidenceUrl: 'https://tea.example/',
    state: 'received',
    createdAtSeconds: 1_700_000_000,
    dueAtSeconds: 1_701_000_000,
    decidedBy: undefined,
    decidedAtSeconds: undefined,
    decisionReason: undefined,
    ownerProof: 'none',
    proofToken: 'a token that nobody here has to know',
    ...fields,
  };
}
