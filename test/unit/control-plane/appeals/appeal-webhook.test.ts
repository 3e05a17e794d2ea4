/** The webhook: once where it is told, a few times where it is not, never without end. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AppealWebhook,
  ATTEMPTS_MAX,
  PENDING_MAX,
  type AppealEvent,
} from '../../../../src/control-plane/appeals/appeal-webhook.ts';

const EVENT: AppealEvent = {
  event: 'appeal.received',
  id: 'a1',
  list: 'desk',
  name: 'shop.bad.example',
  incident: '7K3M-Q2ZX-0H9D',
  who: 'owner',
  dueAt: '2027-01-30T08:00:00.000Z',
};
const ALL_RETRIES_MS = 60_000;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function webhookOf(...outcomes: readonly (number | 'down')[]) {
  const posts: string[] = [];
  const warned: string[] = [];
  const webhook = new AppealWebhook(
    { warn: (_fields: unknown, message?: string) => void warned.push(message ?? '') },
    (_url, body) => {
      const outcome = outcomes[Math.min(posts.length, outcomes.length - 1)]!;
      posts.push(body);
      return outcome === 'down' ? Promise.reject(new Error('down')) : Promise.resolve(outcome);
    },
  );
  return { webhook, posts, warned };
}

async function told(...outcomes: readonly (number | 'down')[]) {
  const { webhook, posts, warned } = webhookOf(...outcomes);
  webhook.tell('https://desk.example/hook', EVENT);
  await vi.advanceTimersByTimeAsync(ALL_RETRIES_MS);
  return { posts, warned };
}

describe('an appeal', () => {
  it('is told of once', async () => {
    expect(await told(204)).toEqual({ posts: [JSON.stringify(EVENT)], warned: [] });
  });

  it.each([[['down', 503, 429, 200]], [[500, 200]]] as const)(
    'is told of again where nobody took it: %j',
    async (outcomes) => {
      const { posts, warned } = await told(...outcomes);
      expect([posts.length, warned]).toEqual([outcomes.length, []]);
    },
  );

  it('is given up after a few attempts, and at once where it is refused or sent elsewhere', async () => {
    const down = await told('down');
    expect([down.posts.length, down.warned.length]).toEqual([ATTEMPTS_MAX, 1]);
    for (const status of [301, 400, 404]) expect((await told(status)).posts).toHaveLength(1);
  });

  it('is told to nobody where there is no address', async () => {
    const { webhook, posts } = webhookOf(200);
    webhook.tell('', EVENT);
    await vi.advanceTimersByTimeAsync(ALL_RETRIES_MS);
    expect(posts).toEqual([]);
  });
});

it('only so many wait', async () => {
  const { webhook, posts, warned } = webhookOf('down');
  for (let i = 0; i <= PENDING_MAX; i++) webhook.tell('https://desk.example/hook', EVENT);
  expect([posts.length, warned.length]).toEqual([PENDING_MAX, 1]);
  await vi.advanceTimersByTimeAsync(ALL_RETRIES_MS);
  webhook.tell('https://desk.example/hook', EVENT);
  expect(posts).toHaveLength(PENDING_MAX * ATTEMPTS_MAX + 1);
  webhook.close();
});
