/** Other people's malformed messages, one file each, and what we make of each of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeMessage } from '../../../src/dns/codec.ts';
import { QueryFault, QueryView, readQuery } from '../../../src/dns/query-view.ts';
import { readResponse } from '../../../src/dns/response-view.ts';
import { REAL_DATA_REASON, realData } from '../../support/real-data.ts';

/**
 * Files whose fault lies in the content of an option that we do not act upon, or in an option code that does not suit
 * its content: "Any OPTION-CODE values not understood by a responder or requestor MUST be ignored" (RFC 6891 6.1.2).
 * An EDNS version above 0 is here too: its answer is BADVERS.
 */
const READABLE: ReadonlySet<string> = new Set([
  'chain_option_with_code_8',
  'client_subnet_option_ecs_with_private_ip_but_querying_public_dns',
  'cookie_option_with_code_11',
  'dau_option_with_code_8_instead_of_5',
  'dhu_option_with_code_8',
  'ecs_option_with_code_11',
  'ecs_option_with_scope_prefix_length_non_zero_in_query',
  'ecs_option_with_unsupported_address_family',
  'ecs_source_prefix_length_exceeds_ip_address_bits',
  'ede_option_with_code_8',
  'edns_ecs_with_ipv4_source_prefix_length_excess',
  'edns_ecs_with_ipv6_source_prefix_length_excess',
  'edns_option_chain_with_backward_option_code_ordering',
  'edns_option_with_code_gaps_missing_odd_codes',
  'edns_options_list_with_gap_option_1_and_option_3_missing_option_2',
  'edns_options_with_duplicate_codes',
  'expire_option_with_code_11',
  'expire_query_with_option_length_1',
  'internal_query_with_ecs_indicating_external_client_subnet',
  'key_tag_option_with_code_8',
  'n3u_option_with_code_8',
  'padding_option_with_code_11',
  'query_with_ecs_indicating_internal_subnet_from_external_source',
  'query_with_version_255_and_all_edns_options_present',
  'tcp_keepalive_option_with_code_8',
]);

const folder = join(realData ?? '', 'malformed');
const files = realData === undefined ? [] : readdirSync(folder).filter((file) => file.endsWith('.bin'));

describe.skipIf(realData === undefined)(`malformed messages (${REAL_DATA_REASON})`, () => {
  it('are all here', () => {
    expect(files).toHaveLength(54);
    expect(files.filter((file) => READABLE.has(file.replace('.bin', '')))).toHaveLength(READABLE.size);
  });

  it.each(files)('%s', (file) => {
    const message = readFileSync(join(folder, file));
    const view = new QueryView();
    const expected = READABLE.has(file.replace('.bin', '')) ? QueryFault.none : QueryFault.malformed;
    expect(readQuery(view, message, 0, message.length)).toBe(expected);
    expect(view.questionCount).toBe(1);
    expect(view.qnameBytes).toBeGreaterThan(0);
    expect(readResponse(message)).toBeUndefined();
    expect(() => decodeMessage(message)).not.toThrow();
  });
});
