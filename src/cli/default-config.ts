/** Where the configuration is when nobody says: the loopback default that comes with the project. */
import { fileURLToPath } from 'node:url';

export const DEFAULT_CONFIG = fileURLToPath(new URL('../../blocklists/weir.yaml', import.meta.url));
