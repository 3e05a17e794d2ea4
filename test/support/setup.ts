/** What vitest runs before every test file. Why here: hooks run last in, first out, so the file's own run before these. */
import { registerCleanups } from './cleanup.ts';

registerCleanups();
