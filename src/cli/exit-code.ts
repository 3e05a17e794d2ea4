/** What the process says by its exit code. Part of the public contract: scripts rely on these. */
export const ExitCode = { ok: 0, failure: 1, usage: 2, configuration: 78 } as const;
