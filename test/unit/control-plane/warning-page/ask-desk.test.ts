/** Questions to the appeals desk: each gets one reply, in bounded time, and only so many wait. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  DeskQuestions,
  PENDING_MAX,
  PROOF_TIMEOUT_MS,
  REPLY_TIMEOUT_MS,
} from '../../../../src/control-plane/warning-page/ask-desk.ts';

afterEach(() => vi.useRealTimers());

const status = { kind: 'status', secret: 's' } as const;

describe('a question', () => {
  it('gets the reply with its number, and a second one is for nobody', async () => {
    const sent: number[] = [];
    const questions = new DeskQuestions((id) => sent.push(id));
    const [first, second] = [questions.ask(status), questions.ask(status)];
    questions.take(sent[1]!, { kind: 'unknown' });
    questions.take(sent[0]!, { kind: 'refused', code: 'badWho' });
    questions.take(sent[0]!, { kind: 'unknown' });
    expect([await first, await second]).toEqual([{ kind: 'refused', code: 'badWho' }, { kind: 'unknown' }]);
  });

  it('waits so long and no longer: the control thread may be gone', async () => {
    vi.useFakeTimers();
    const questions = new DeskQuestions(() => undefined);
    const late = vi.fn();
    void questions.ask(status).then(late);
    void questions.ask({ kind: 'prove', secret: 's', by: 'dns' }).then(late);
    await vi.advanceTimersByTimeAsync(REPLY_TIMEOUT_MS);
    expect(late.mock.calls).toEqual([[{ kind: 'unavailable' }]]);
    await vi.advanceTimersByTimeAsync(PROOF_TIMEOUT_MS - REPLY_TIMEOUT_MS);
    expect(late).toHaveBeenCalledTimes(2);
  });

  it('is not asked where too many wait', async () => {
    const sent: number[] = [];
    const questions = new DeskQuestions((id) => sent.push(id));
    const waiting = Array.from({ length: PENDING_MAX }, () => questions.ask(status));
    expect(await questions.ask(status)).toEqual({ kind: 'unavailable' });
    expect(sent).toHaveLength(PENDING_MAX);
    for (const id of sent) questions.take(id, { kind: 'unknown' });
    await Promise.all(waiting);
    void questions.ask(status);
    expect(sent).toHaveLength(PENDING_MAX + 1);
    questions.take(sent.at(-1)!, { kind: 'unknown' });
  });
});
