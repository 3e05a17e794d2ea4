/** Whether an incident number that a form brings along stands for the block that is in force: the version may have moved. */
import { readIncident } from '../../policy/read-incident.ts';

export function isSameBlock(sent: string, current: string): boolean {
  const a = readIncident(sent);
  const b = readIncident(current);
  return a !== undefined && b !== undefined && a.listTag === b.listTag && a.entryHash === b.entryHash;
}
