import { expect, it } from 'vitest';
import { host } from './link';

it('names the host of a web address, and of nothing else', () => {
  expect(host('https://example.org:8443/a')).toBe('example.org:8443');
  expect(host('https://good.example@evil.example/')).toBe('evil.example');
  for (const other of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '/syncs', 'no address', '', null, undefined]) expect(host(other)).toBeUndefined();
});
