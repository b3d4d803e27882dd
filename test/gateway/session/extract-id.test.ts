import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Api } from '../../../gateway/definitions/index.ts';
import { extractId, isRefusal, readsBody } from '../../../gateway/session/index.ts';
import { api, request } from './gateways.ts';

const extracting = suite('id extractor');

function withExtractor(id_extractor: object): Api {
  return api('extracting', {
    enable_coprocess_auth: true,
    custom_middleware: { driver: 'grpc', auth_check: { name: 'who' }, id_extractor },
  });
}

/** What the extractor takes for the identity, or the refusal's status. */
function found(of: Api, ...asked: Parameters<typeof request>): string | number {
  if (of.auth.extractor === undefined) throw new Error('the API has no extractor');
  const id = extractId(of.auth.extractor, request(...asked), of, undefined);
  return isRefusal(id) ? id.status : id;
}

const idFor = (text: string | Buffer): string => `default${createHash('md5').update(text).digest('hex')}`;

const post = (body: string, type = 'text/plain', target = '/'): Parameters<typeof request> => [
  target,
  { 'Content-Type': type },
  { method: 'POST', body: Buffer.from(body) },
];

extracting('the whole header is taken, a missing or empty one is 400', () => {
  const of = withExtractor({
    extract_from: 'header',
    extract_with: 'value',
    extractor_config: { header_name: 'x-cred' },
  });
  assert.is(found(of, '/', { 'X-Cred': 'Bearer cred-1' }), idFor('Bearer cred-1'));
  assert.is(found(of, '/', { 'X-Cred': 'cred-1' }), 'default5949391185c8cd94445b380c97c2cc85');
  assert.is(found(of, '/', { 'X-Cred': '\xff' }), idFor(Buffer.from([0xff])));
  assert.is(found(of, '/', { 'X-Cred': '' }), 400);
  assert.is(found(of, '/'), 400);
});

extracting('a form value is taken from an urlencoded body and the query', () => {
  const of = withExtractor({ extract_from: 'form', extract_with: 'value', extractor_config: { param_name: 'cred' } });
  const form = 'application/x-www-form-urlencoded';
  assert.is(found(of, ...post('x=1&cred=fv1', `${form}; charset=utf-8`)), idFor('fv1'));
  assert.is(found(of, '/?cred=fv1'), idFor('fv1'));
  assert.is(found(of, ...post('cred=a', form, '/?cred=b')), idFor('ab'));
  assert.is(found(of, ...post('x=1', form)), 400);
  assert.is(found(of, ...post('{"cred":"fv1"}', 'application/json')), 400);
});

extracting('a regular expression picks the n-th whole match', () => {
  const of = (regex_expression: string, regex_match_index = 0) =>
    withExtractor({
      extract_from: 'header',
      extract_with: 'regex',
      extractor_config: { header_name: 'X-Cred', regex_expression, regex_match_index },
    });
  const cred = (text: string): Parameters<typeof request> => ['/', { 'X-Cred': text }];
  assert.is(found(of('prefix-(.*)'), ...cred('prefix-testkey123')), idFor('prefix-testkey123'));
  assert.is(found(of('[^-]+$'), ...cred('prefix-testkey123')), idFor('testkey123'));
  assert.is(found(of('[a-z]+[0-9]', 1), ...cred('first1-second2')), idFor('second2'));
  assert.is(found(of('[a-z]+[0-9]', 1), ...cred('only1')), 400);
  assert.is(found(of('z*'), ...cred('abc')), 400);
  assert.is(found(of('.+'), ...cred('\xff')), 400);
});

extracting('a regular expression runs over the raw body, in time that its length bounds', () => {
  const of = withExtractor({
    extract_from: 'body',
    extract_with: 'regex',
    extractor_config: { regex_expression: 'user=[a-z]+' },
  });
  assert.is(found(of, ...post('n=1 user=carl')), idFor('user=carl'));
  assert.is(found(of, ...post('n=2')), 400);
  const evil = withExtractor({
    extract_from: 'body',
    extract_with: 'regex',
    extractor_config: { regex_expression: '(a+)+$' },
  });
  const since = performance.now();
  assert.is(found(evil, ...post(`${'a'.repeat(50_000)}!`)), 400);
  assert.ok(performance.now() - since < 2000);
});

extracting('an XPath picks a value from an XML body, a header or a form', () => {
  const of = withExtractor({
    extract_from: 'body',
    extract_with: 'xpath',
    extractor_config: { xpath_expression: '/login/user' },
  });
  assert.is(found(of, ...post('<login><user>dora</user><n>1</n></login>')), idFor('dora'));
  assert.is(found(of, ...post('<login xmlns="urn:x"><user>d<b>o</b>ra</user><user>2</user></login>')), idFor('dora'));
  assert.is(found(of, ...post('<login><n>2</n></login>')), 400);
  assert.is(found(of, ...post('<login><user></user></login>')), 400);
  assert.is(found(of, ...post('not xml')), 400);
  assert.is(found(of, ...post('<login><user>dora</login>')), 400);
  const header = withExtractor({
    extract_from: 'header',
    extract_with: 'xpath',
    extractor_config: { header_name: 'X-Cred', xpath_expression: '//object/key' },
  });
  assert.is(found(header, '/', { 'X-Cred': '<object><key>thevalue</key></object>' }), idFor('thevalue'));
});

extracting('a document with a DOCTYPE is refused, whatever it defines', () => {
  const of = withExtractor({
    extract_from: 'body',
    extract_with: 'xpath',
    extractor_config: { xpath_expression: '/a' },
  });
  assert.is(found(of, ...post('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>')), 400);
});

extracting('an extractor that cannot work, or would be one identity for everybody, refuses everybody', () => {
  const broken = withExtractor({
    extract_from: 'header',
    extract_with: 'regex',
    extractor_config: { header_name: 'X-Cred', regex_expression: '(' },
  });
  assert.is(found(broken, '/', { 'X-Cred': 'x' }), 400);
  const shared = withExtractor({ extract_from: 'body', extract_with: 'value', extractor_config: {} });
  assert.is(found(shared, ...post('x')), 400);
});

extracting('with a hash function the name is the base64 of organisation, md5 and function', () => {
  const of = withExtractor({
    extract_from: 'header',
    extract_with: 'value',
    extractor_config: { header_name: 'X-Cred' },
  });
  assert.is(
    extractId(
      of.auth.extractor as NonNullable<typeof of.auth.extractor>,
      request('/', { 'X-Cred': 'fnx' }),
      of,
      'murmur64',
    ),
    'eyJvcmciOiJkZWZhdWx0IiwiaWQiOiIwNzVkMjk3M2FhYmNiZTc0MzdmYWQ1NTNmYjcyZjE2YiIsImgiOiJtdXJtdXI2NCJ9',
  );
});

extracting('only extractors that look into the body need it', () => {
  const needs = (extract_from: string, method: string): boolean => {
    const of = withExtractor({
      extract_from,
      extract_with: 'regex',
      extractor_config: { header_name: 'A', param_name: 'a', regex_expression: '.+' },
    });
    return of.auth.extractor !== undefined && readsBody(of.auth.extractor, method);
  };
  assert.equal(
    [needs('header', 'POST'), needs('form', 'POST'), needs('form', 'GET'), needs('body', 'GET')],
    [false, true, false, true],
  );
});

extracting.run();
