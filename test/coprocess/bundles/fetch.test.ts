import { readdir } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { plain, withStore } from './with-store.ts';

const fetching = suite('fetching bundles');

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => assert.unreachable('it was taken'),
    (error: Error) => error.message,
  ) as Promise<string>;

fetching('what may pass is tried five times', async () => {
  const answer = (_: unknown, response: import('node:http').ServerResponse, asked: number): boolean => {
    if (asked > 4) return false;
    if (asked === 1) response.destroy();
    else response.writeHead(503).end();
    return true;
  };
  await withStore({ bundles: { 'a.zip': plain }, answer }, async ({ store, asked }) => {
    assert.ok(await store.open('a.zip'));
    assert.is(asked.length, 5);
  });
});

fetching('what will not pass is tried once', async () => {
  await withStore({}, async ({ store, asked, folder }) => {
    assert.match(
      await failure(store.open('none.zip')),
      /Couldn't fetch bundle: .*none.zip: HTTP Error, got status code 404/,
    );
    assert.is(asked.length, 1);
    assert.equal(await readdir(folder), []);
  });
});

fetching('a server that stalls, or sends without end, is left', async () => {
  const stall = (_: unknown, response: import('node:http').ServerResponse): boolean => {
    response.writeHead(200, { 'content-length': 100 }).write('PK');
    return true;
  };
  await withStore({ answer: stall, options: { timeoutMs: 50 } }, async ({ store, asked }) => {
    assert.match(await failure(store.open('a.zip')), /took too long/);
    assert.is(asked.length, 5);
  });
  const endless = (_: unknown, response: import('node:http').ServerResponse): boolean => {
    response.writeHead(200);
    const pour = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65536)));
    };
    response.on('drain', pour);
    pour();
    return true;
  };
  await withStore({ answer: endless }, async ({ store, asked, folder }) => {
    assert.match(await failure(store.open('a.zip')), /more than 1000000 bytes/);
    assert.is(asked.length, 1);
    assert.equal(await readdir(folder), []);
  });
});

fetching('a truncated archive is fetched again', async () => {
  const answer = (_: unknown, response: import('node:http').ServerResponse, asked: number): boolean => {
    if (asked > 1) return false;
    response.writeHead(200, { 'content-length': 5000 }).write('PK', () => response.destroy());
    return true;
  };
  await withStore({ bundles: { 'a.zip': plain }, answer }, async ({ store, asked }) => {
    assert.ok(await store.open('a.zip'));
    assert.is(asked.length, 2);
  });
});

fetching('a redirect is followed, in circles it is not', async () => {
  const answer = (
    request: import('node:http').IncomingMessage,
    response: import('node:http').ServerResponse,
  ): boolean => {
    if (request.url === '/old.zip') response.writeHead(302, { location: '/a.zip' }).end();
    else if (request.url === '/round.zip') response.writeHead(302, { location: '/round.zip' }).end();
    else if (request.url === '/inside.zip') response.writeHead(302, { location: 'http://169.254.169.254/a.zip' }).end();
    else if (request.url === '/named.zip') response.writeHead(302, { location: 'http://localhost:1/a.zip' }).end();
    else if (request.url === '/file.zip') response.writeHead(302, { location: 'file:///etc/passwd' }).end();
    else return false;
    return true;
  };
  await withStore({ bundles: { 'a.zip': plain }, answer }, async ({ store }) => {
    assert.ok(await store.open('old.zip'));
    assert.match(await failure(store.open('round.zip')), /more than 5 redirects/);
    assert.match(await failure(store.open('inside.zip')), /private address 169.254.169.254/);
    assert.match(await failure(store.open('named.zip')), /localhost, which is the private address/);
    assert.match(await failure(store.open('file.zip')), /redirects to no web address/);
  });
});

fetching('closing gives up downloads', async () => {
  const answer = (): boolean => true;
  await withStore({ answer }, async ({ store, asked }) => {
    const opening = failure(store.open('a.zip'));
    while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    store.close();
    assert.match(await opening, /Couldn't fetch bundle/);
  });
});

fetching.run();
