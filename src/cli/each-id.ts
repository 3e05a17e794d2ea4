/** What a command does to each of the ids it was given, one after the other, through the admin API. */
import type { ApiClient } from './api-client.ts';
import { openApiOrSay, type ApiFlags } from './api-options.ts';
import { ExitCode } from './exit-code.ts';

/** Each by itself: one that is refused does not stop the others, and makes the exit code 1. */
export async function eachId(
  ids: readonly string[],
  flags: ApiFlags,
  act: (client: ApiClient, id: string) => Promise<number>,
): Promise<number> {
  const client = openApiOrSay(flags);
  if (typeof client === 'number') return client;
  let exitCode: number = ExitCode.ok;
  for (const id of ids) exitCode = Math.max(exitCode, await act(client, id));
  return exitCode;
}
