/**
 * The two paths of the warning page that take an objection: the form, at every blocked name; and the private page of one
 * appeal, at every host, for its name may lead elsewhere again by then.
 */
import { randomBytes } from 'node:crypto';

export const APPEAL_PATH = '/weir-appeal';
const SECRET_BYTES = 20;
const PRIVATE_PATH = /^\/weir-appeal\/([A-Za-z0-9_-]{27})$/;

export type AppealPath = { readonly kind: 'form' } | { readonly kind: 'private'; readonly secret: string };

export function appealPathOf(path: string): AppealPath | undefined {
  if (path === APPEAL_PATH) return { kind: 'form' };
  const secret = PRIVATE_PATH.exec(path)?.[1];
  return secret === undefined ? undefined : { kind: 'private', secret };
}

/** What makes a private link: nobody guesses 160 bits. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}
