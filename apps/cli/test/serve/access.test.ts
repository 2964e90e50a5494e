import { expect, test } from 'vitest';
import { createKeyCheck, isLoopback, requireLocalName } from '../../src/serve/access.ts';

test.each([
  ['http://127.0.0.1:8000/', true],
  ['http://127.9.9.9/', true],
  ['http://localhost:1/', true],
  ['http://model.localhost/', true],
  ['http://[::1]:8000/', true],
  ['http://192.168.0.2/', false],
  ['http://127.0.0.1.evil.example/', false],
  ['http://localhost.evil.example/', false],
  ['http://0.0.0.0/', false],
])('%s is local: %s', (url, expected) => {
  const check = () => requireLocalName(new Request(url));
  if (expected) expect(check).not.toThrow();
  else expect(check).toThrow('is not this machine');
});

test.each(['', '0.0.0.0', '::', 'example.org', '10.0.0.1'])('%j is no loopback address', (host) => {
  expect(isLoopback(host)).toBe(false);
});

test('a key, and nothing that is nearly it', () => {
  const check = createKeyCheck('sk-123');
  const ask = (authorization?: string) => () =>
    check(
      new Request('http://localhost/', { headers: authorization === undefined ? {} : { authorization } }),
    );
  expect(ask('Bearer sk-123')).not.toThrow();
  expect(ask()).toThrow('a key is needed');
  for (const wrong of [
    'Bearer sk-12',
    'Bearer sk-1234',
    'Bearer SK-123',
    'Bearer sk-123 x',
    'Bearer',
    'Token sk-123',
  ])
    expect(ask(wrong)).toThrow('the key is not the one of this server');
});
