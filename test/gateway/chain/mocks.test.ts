import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withGateway } from '../with-gateway.ts';

const mocks = suite('mocks of OpenAPI operations');

const operation = (operationId: string, content: object): object => ({
  get: { operationId, responses: { '201': { description: 'made', content } } },
});

const document = {
  openapi: '3.0.3',
  info: { title: 'api', version: '1' },
  paths: {
    '/pets': operation('list', {
      'application/json': { examples: { cat: { value: { z: '<', a: 1 } }, dog: { value: { legs: 4 } } } },
      'text/plain': { example: 'a cat' },
    }),
    '/pets/{id}': operation('any', {}),
    '/pets/mine': operation('mine', {}),
  },
  'x-tyk-api-gateway': {
    info: { name: 'api', id: 'api', state: { active: true } },
    upstream: { url: 'http://127.0.0.1:1' },
    server: { listenPath: { value: '/api/', strip: true } },
    middleware: {
      operations: {
        list: { mockResponse: { enabled: true, fromOASExamples: { enabled: true, code: 201, exampleName: 'cat' } } },
        any: { mockResponse: { enabled: true, body: 'any' } },
        mine: { mockResponse: { enabled: true, body: 'mine' } },
      },
    },
  },
};

mocks('a client chooses an example by code, name and Accept; one that is not there is an error that says so', () =>
  withGateway({ apis: {}, documents: { api: document } }, async (gateway) => {
    const answer = async (headers: Record<string, string>): Promise<[number, string]> => {
      const response = await fetch(`${gateway.url}/api/pets`, { headers });
      return [response.status, await response.text()];
    };
    assert.equal(await answer({}), [201, '{"a":1,"z":"\\u003c"}']);
    assert.equal(await answer({ 'X-Tyk-Accept-Example-Name': 'dog' }), [201, '{"legs":4}']);
    assert.equal(await answer({ Accept: 'text/plain' }), [201, '"a cat"']);
    const missing = await answer({ 'X-Tyk-Accept-Example-Code': '404' });
    assert.is(missing[0], 500);
    assert.match(missing[1], 'failed to mock response: mock: there is no example response for the code: 404');
  }),
);

mocks('of several operations whose paths match, the one with the more exact path answers', () =>
  withGateway({ apis: {}, documents: { api: document } }, async (gateway) => {
    const answer = async (path: string): Promise<string> => (await fetch(`${gateway.url}/api/${path}`)).text();
    assert.is(await answer('pets/mine'), 'mine');
    assert.is(await answer('pets/5'), 'any');
  }),
);

mocks.run();
