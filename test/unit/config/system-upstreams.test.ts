import { describe, expect, it } from 'vitest';
import { systemUpstreams } from '../../../src/config/system-upstreams.ts';

describe("the system's resolvers as upstreams", () => {
  it('are asked over UDP, on their own port where they have one', () => {
    expect(systemUpstreams([], ['192.0.2.1', '2001:db8::1', '[2001:db8::2]:5353', '192.0.2.2:54'])).toEqual([
      { url: 'udp://192.0.2.1', protocol: 'udp', host: '192.0.2.1', port: 53 },
      { url: 'udp://[2001:db8::1]', protocol: 'udp', host: '2001:db8::1', port: 53 },
      { url: 'udp://[2001:db8::2]:5353', protocol: 'udp', host: '2001:db8::2', port: 5353 },
      { url: 'udp://192.0.2.2:54', protocol: 'udp', host: '192.0.2.2', port: 54 },
    ]);
  });

  it('never include ourselves', () => {
    expect(systemUpstreams([{ host: '127.0.0.1', port: 53 }], ['127.0.0.1', '192.0.2.1'])).toHaveLength(1);
    expect(systemUpstreams([{ host: '0.0.0.0', port: 53 }], ['127.0.0.1'])).toEqual([]);
    expect(systemUpstreams([{ host: '127.0.0.1', port: 1053 }], ['127.0.0.1'])).toHaveLength(1);
  });

  it('leave out what is no address, and are no more than have counters', () => {
    expect(systemUpstreams([], ['resolver.example', ''])).toEqual([]);
    const many = Array.from({ length: 40 }, (_, index) => `192.0.2.${index + 1}`);
    expect(systemUpstreams([], many)).toHaveLength(16);
  });
});
