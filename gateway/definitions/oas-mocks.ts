import { canonicalName, isHeaderName, isHeaderValue } from '../../contract/canonical.ts';
import type { FixedReply, MockExample, MockRule } from './api-version.ts';
import { endpointPattern } from './endpoint-path.ts';
import type { Fields, JsonObject } from './fields.ts';
import { readExamples } from './oas-examples.ts';
import type { Operation } from './oas-operations.ts';
import type { DefinitionOptions } from './options.ts';

/** Mock responses of operations: they answer after the request hooks, and the response hooks run on them. */
export function readMocks(
  operations: readonly Operation[],
  document: JsonObject,
  ignoreCase: boolean,
  options: DefinitionOptions,
): readonly MockRule[] {
  return operations.flatMap((operation) => {
    const mock = operation.fields.object('mockResponse');
    if (!mock.boolean('enabled')) return [];
    const fromExamples = mock.object('fromOASExamples');
    const answer = fromExamples.boolean('enabled')
      ? chooseExample(fromExamples, readExamples(operation.document, document))
      : { reply: readReply(mock) };
    if (answer === undefined) return [];
    try {
      const pattern = endpointPattern(operation.path, options.matching, ignoreCase);
      return [{ path: operation.path, method: operation.method, pattern, ...answer }];
    } catch (error) {
      mock.report.invalid(mock.path, `the path "${operation.path}" ${(error as Error).message}`, 'change the path');
      return [];
    }
  });
}

function readReply(mock: Fields): FixedReply {
  const status = mock.has('code') ? mock.integer('code') : 200;
  if (status < 200 || status > 999) {
    mock.report.invalid(mock.at('code'), `is no status to answer with: ${status}`, 'write one, as 200');
  }
  const headers = mock.objects('headers').map((header): readonly [string, string] => {
    const name = header.string('name');
    const value = header.string('value');
    if (!isHeaderName(name)) {
      header.report.invalid(header.at('name'), `is no header name: "${name}"`, 'write letters, digits and dashes');
    }
    if (!isHeaderValue(value)) header.report.invalid(header.at('value'), 'holds a control character', 'take it out');
    return [canonicalName(name), value];
  });
  return { status, headers, body: Buffer.from(mock.string('body')) };
}

/** The example that the mock names; what it does not name is 200, `application/json`, and the first. */
function chooseExample(
  mock: Fields,
  examples: readonly MockExample[],
): Pick<MockRule, 'reply' | 'examples' | 'wanted'> | undefined {
  const status = mock.integer('code') || 200;
  const contentType = mock.string('contentType') || 'application/json';
  const name = mock.string('exampleName');
  const asked = { status, contentType, name };
  const chosen = findExample(examples, asked);
  if (typeof chosen !== 'string') return { reply: chosen, examples, wanted: asked };
  const wanted = [String(status), contentType, name].filter((part) => part !== '').join(' ');
  mock.report.invalid(
    mock.path,
    `the document has no example for ${wanted}`,
    'add one to the responses of the operation',
  );
  return undefined;
}

/** The reply of an example, or why there is none. One without a name counts whatever name is asked for. */
export function findExample(
  examples: readonly MockExample[],
  { status, contentType, name }: Pick<MockExample, 'status' | 'contentType' | 'name'>,
): FixedReply | string {
  const ofStatus = examples.filter((example) => example.status === status);
  if (ofStatus.length === 0) return `there is no example response for the code: ${status}`;
  const ofType = ofStatus.filter((example) => example.contentType === contentType);
  if (ofType.length === 0) return `there is no example response for the content type: ${contentType}`;
  const sorted = ofType.sort((a, b) => (a.name < b.name ? -1 : 1));
  const found = sorted.find((example) => example.name === '' || name === '' || example.name === name);
  return found?.reply ?? `there is no example response for the example name: ${name}`;
}
