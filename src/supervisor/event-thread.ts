/** The thread of the event log: reads what the resolver threads leave in their rings; says nothing to anybody. */
import type { EventThreadData } from '../control-plane/messages.ts';
import type { Log } from '../telemetry/log.ts';
import { EVENTS_HEAP_MEGABYTES_MAX, EVENTS_SILENCE_MS_MAX } from './limits.ts';
import { SupervisedThread } from './supervised-thread.ts';
import { threadUrl } from './thread-url.ts';

type Data = Omit<EventThreadData, 'role' | 'rings'> & { readonly rings: readonly (SharedArrayBuffer | undefined)[] };

/** `data` is asked for anew whenever the thread starts. */
export function startEventThread(data: () => Data, onDeath: () => void, log: Log): SupervisedThread {
  return new SupervisedThread({
    name: 'events',
    url: threadUrl('../control-plane/event-log/event-log-thread'),
    heapMegabytesMax: () => EVENTS_HEAP_MEGABYTES_MAX,
    silenceMsMax: EVENTS_SILENCE_MS_MAX,
    data: () => ({ role: 'events', ...data() }),
    onMessage: () => undefined,
    onDeath,
    log,
  });
}
