/** Whether an incident number that a form brings along stands for the block that is in force: the version may have moved. */
import { INCIDENT_BYTES } from '../../policy/incident.ts';
import { readIncident } from '../../policy/read-incident.ts';

/** Why only as the page writes it: the number is kept and shown to people as it was sent. */
const WRITTEN = /^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/;

export function isSameBlock(sent: string, current: string): boolean {
  if (sent.length !== INCIDENT_BYTES || !WRITTEN.test(sent)) return false;
  const a = readIncident(sent);
  const b = readIncident(current);
  return a !== undefined && b !== undefined && a.listTag === b.listTag && a.entryHash === b.entryHash;
}
