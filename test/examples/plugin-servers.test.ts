import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Channel, createChannel, createClient, Metadata, Status } from 'nice-grpc';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HookType } from '../../proto/gen/coprocess_common.ts';
import { DispatcherDefinition, Object as HookObject } from '../../proto/gen/coprocess_object.ts';
import * as peers from '../peers/index.ts';

/** The five hooks, as every example has them: number on the wire and name. */
const preHook = { hookType: 1, hookName: 'Stamp' } as const;
const authHook = { hookType: 4, hookName: 'CheckKey' } as const;
const postKeyAuthHook = { hookType: 3, hookName: 'ShowPlan' } as const;
const postHook = { hookType: 2, hookName: 'Route' } as const;
const responseHook = { hookType: 5, hookName: 'Mask' } as const;

const languages = {
  go: (options?: peers.PluginServerOptions) => peers.go('examples/go', options),
  python: (options?: peers.PluginServerOptions) => peers.pythonServer('examples/python', options),
  java: (options?: peers.PluginServerOptions) => peers.java('examples/java', options),
};

type Dispatch = (hook: { hookType: HookType; hookName: string }, edits?: Partial<HookObject>) => Promise<HookObject>;

/** A call as a gateway fills it, with the config_data of the example's own API definition. */
async function callsFor(language: string, channel: Channel, metadata = Metadata()): Promise<Dispatch> {
  const definition = join(import.meta.dirname, `../../examples/${language}/apis/${language}.json`);
  const { config_data } = JSON.parse(await readFile(definition, 'utf8'));
  const client = createClient(DispatcherDefinition, channel);
  return (hook, edits) =>
    client.dispatch(
      HookObject.fromPartial({
        ...hook,
        request: { headers: { Host: 'localhost' }, url: '/x', method: 'GET', returnOverrides: { responseCode: -1 } },
        spec: { APIID: 'example', OrgID: 'default', config_data: JSON.stringify(config_data) },
        ...edits,
      }),
      { metadata },
    );
}

for (const [language, startServer] of Object.entries(languages)) {
  const example = suite(`example plugin server in ${language}`);

  async function withServer(use: (dispatch: Dispatch, channel: Channel) => Promise<void>): Promise<void> {
    const server = await startServer();
    const channel = createChannel(server.address);
    try {
      await use(await callsFor(language, channel), channel);
    } finally {
      channel.close();
      await server.close();
    }
  }

  example('runs a hook at each point of the life of a request', async () => {
    await withServer(async (dispatch, channel) => {
      const stamped = await dispatch(preHook);
      assert.is(stamped.request?.setHeaders['X-Stamp'], language);
      assert.is(stamped.request?.setHeaders['X-Seen-Traceparent'], undefined);
      assert.is(stamped.request?.returnOverrides?.responseCode, -1);

      const request = { ...stamped.request, headers: { Authorization: 'Bearer gold-key' } } as HookObject['request'];
      const known = await dispatch(authHook, { request });
      assert.is(known.metadata.token, 'gold-key');
      assert.is(known.session?.rate, 100);
      assert.is(known.session?.quotaMax, 1000n);

      const planned = await dispatch(postKeyAuthHook, { session: known.session });
      assert.is(planned.request?.setHeaders['X-Plan'], 'gold');
      assert.equal(planned.request?.deleteHeaders, ['Authorization']);

      const routed = await dispatch(postHook, {
        request: { ...stamped.request, url: '/api/old/1?x=2' } as HookObject['request'],
      });
      assert.is(routed.request?.url, '/api/new/1?x=2');
      assert.is(routed.request?.addParams.via, language);

      const rawBody = Buffer.from('{"card": "4111111111111111", "note": "caf\xe9"}', 'latin1');
      const response = { statusCode: 200, rawBody, body: '', headers: { 'X-Up': '1' }, multivalueHeaders: [] };
      const masked = await dispatch(responseHook, { response });
      assert.is(masked.response?.rawBody.toString('latin1'), '{"card": "************1111", "note": "caf\xe9"}');
      assert.equal(masked.response?.headers, { 'X-Up': '1', 'X-Masked': '1' });

      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      const traced = await callsFor(language, channel, Metadata({ traceparent }));
      assert.is((await traced(preHook)).request?.setHeaders['X-Seen-Traceparent'], traceparent);
    });
  });

  example('answers 401 to a key that it does not know', async () => {
    await withServer(async (dispatch) => {
      const { request, session } = await dispatch(authHook);
      assert.is(request?.returnOverrides?.responseCode, 401);
      assert.is(request?.returnOverrides?.responseError, 'Unknown key');
      assert.is(session, undefined);
    });
  });

  example('names a hook that it does not have', async () => {
    await withServer(async (dispatch) => {
      const error = await dispatch({ hookType: 1, hookName: 'Stmap' }).catch((thrown: unknown) => thrown);
      assert.is((error as { code: Status }).code, Status.UNIMPLEMENTED);
      assert.match((error as Error).message, 'Stmap');
    });
  });

  example('takes many calls at once and mixes none up', async () => {
    await withServer(async (dispatch) => {
      const urls = Array.from({ length: 200 }, (_, i) => `/old/${i}`);
      const answers = await Promise.all(
        urls.map((url) => dispatch(postHook, { request: { url } as HookObject['request'] })),
      );
      assert.equal(
        answers.map(({ request }) => request?.url),
        urls.map((url) => url.replace('old', 'new')),
      );
    });
  });

  example.run();
}
