/** One blocked query as a line of the event log: JSON, keys in one order, names in master-file notation. */
import { ACTIONS } from '../../policy/actions.ts';
import { CATEGORIES } from '../../policy/category.ts';
import { INCIDENT_BYTES, listTag, writeIncident } from '../../policy/incident.ts';
import type { BlockedEvent } from '../../telemetry/blocked-events.ts';
import { TRANSPORTS } from '../../telemetry/counter-labels.ts';

/**
 * @param list its name; '' where the row has none any more
 * @param region of the client's group; undefined where no group has one, and then left out
 */
export function eventLine(
  event: BlockedEvent,
  list: string,
  region: string | undefined,
  client: string | undefined,
): string {
  const incident = new Uint8Array(INCIDENT_BYTES);
  writeIncident(incident, 0, listTag(list), event.version, event.entryHash);
  return `${JSON.stringify({
    time: new Date(event.atMs).toISOString(),
    incident: String.fromCharCode(...incident),
    name: event.name,
    list,
    version: event.version,
    category: CATEGORIES[event.categoryIndex] ?? 'other',
    action: ACTIONS[event.actionIndex] ?? 'sinkhole',
    transport: TRANSPORTS[event.transport] ?? 'udp',
    region,
    client,
  })}\n`;
}
