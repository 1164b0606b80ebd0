import { expect, test } from '@jest/globals';
import { answerChallenge, parseChallenge } from './http-digest.ts';

// The example of RFC 7616, section 3.9.1.
const nonce = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v';
const opaque = 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS';
const challenge = (algorithm: string): string =>
  `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="${nonce}", opaque="${opaque}"`;
const asked = {
  method: 'GET',
  target: '/dir/index.html',
  user: 'Mufasa',
  password: 'Circle of Life',
  count: 1,
  clientNonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
};

test.each([
  ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
  ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
])('answers the challenge of the standard with %s', (algorithm, response) => {
  const parsed = parseChallenge(challenge(algorithm));
  expect(parsed).toMatchObject({ realm: 'http-auth@example.org', qop: true, algorithm });
  const header = parsed === undefined ? '' : answerChallenge(parsed, asked);
  expect(header).toContain(`response="${response}"`);
  expect(header).toContain('nc=00000001');
  expect(header).toContain(`opaque="${opaque}"`);
  expect(header).not.toContain('Circle');
});

test('answers servers that know no qop', () => {
  const parsed = parseChallenge('Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"');
  expect(parsed).toMatchObject({ qop: false, algorithm: 'MD5', opaque: undefined });
  const header = parsed === undefined ? '' : answerChallenge(parsed, { ...asked, password: 'Circle Of Life' });
  expect(header).toContain('response="670fd8c2df070c60b045671b8b24ff02"');
  expect(header).not.toContain('cnonce');
});

test.each([null, '', 'Basic realm="x"', 'Digest realm="x"', 'Digest realm="x", nonce="y", algorithm=MD5-sess'])(
  '%j is no challenge for us',
  (header) => {
    expect(parseChallenge(header)).toBeUndefined();
  },
);
