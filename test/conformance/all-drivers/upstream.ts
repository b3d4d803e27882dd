import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Step } from './case.ts';

/** A message as it was on the wire; header values as UTF-8. */
export interface Received {
  readonly method?: string;
  readonly target?: string;
  readonly status?: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** An upstream for many requests at a time: which one a request is, its header X-Case says. */
export interface Upstream {
  readonly url: string;
  /** Answer a request so, and keep what comes. */
  expect(id: string, answers: Step['answers']): readonly Received[];
  close(): Promise<void>;
}

export async function startUpstream(): Promise<Upstream> {
  const expected = new Map<string, { readonly answers: NonNullable<Step['answers']>; readonly received: Received[] }>();
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const step = expected.get(String(request.headers['x-case']));
    if (step === undefined) return response.writeHead(500).end('nobody waits for this request');
    step.received.push({
      method: request.method ?? '',
      target: request.url ?? '',
      headers: pairs(request.rawHeaders),
      body: Buffer.concat(chunks),
    });
    const { status = 200, headers = { 'Content-Type': 'text/plain' }, body64, repeat } = step.answers;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value as string | string[]);
    const { body = repeat === undefined ? 'ok' : repeat[0].repeat(repeat[1]) } = step.answers;
    response.writeHead(status).end(body64 === undefined ? body : Buffer.from(body64, 'base64'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    expect(id, answers = {}) {
      const received: Received[] = [];
      expected.set(id, { answers, received });
      return received;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Raw headers, two by two. */
function pairs(raw: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) {
    list.push([raw[i] as string, Buffer.from(raw[i + 1] as string, 'latin1').toString('utf8')]);
  }
  return list;
}
