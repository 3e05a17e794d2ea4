/** The data that comes with the project: the loopback default, which is used when nobody names a configuration, and the list in it. */
import { fileURLToPath } from 'node:url';

export const DEFAULT_CONFIG = fileURLToPath(new URL('../../blocklists/weir.yaml', import.meta.url));
export const SAMPLE_LIST = fileURLToPath(new URL('../../blocklists/sample-fraud.txt', import.meta.url));
/** On the sample list. */
export const SAMPLE_NAME = 'bank-account-verify.example';
