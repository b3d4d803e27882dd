import { timingSafeEqual } from 'node:crypto';
import { isLoaded } from '../../contract/plugin-set.ts';
import type { ClientRequest, ClientResponse } from '../exchange.ts';
import type { Gateway } from '../gateway.ts';
import { send } from '../replies.ts';
import type { LoadProblem } from '../world.ts';
import { answerBy, type Endpoint } from './endpoints.ts';
import { answerPlan } from './plan.ts';
import { type ControlReply, type ControlRequest, json, status } from './reply.ts';

/** The control API: health, readiness, metrics for anybody; `/tyk/*` for those who know the secret. */
export interface Control {
  /** Answer the request if its path is one of the control API's. */
  handle(request: ClientRequest, response: ClientResponse, path: string): boolean;
}

export interface ControlOptions {
  /** undefined: `/tyk/*` is not served. */
  readonly secret: string | undefined;
  readonly healthPath: string;
  readonly readyPath: string;
  readonly metricsPath: string | undefined;
  readonly metrics: () => Promise<ControlReply>;
  /** Why requests cannot be served now; empty: they can. */
  readonly problems: () => readonly string[];
  /** Tell all gateways that share the store to reload, this one included. */
  readonly reloadGroup: () => Promise<void>;
  readonly version: string;
  /** What health and readiness call this program. */
  readonly description: string;
  /** Further endpoints below `/tyk/`. */
  readonly endpoints: readonly Endpoint[];
  /** Answers paths that no endpoint has; undefined: nor does it. */
  readonly more: (request: ControlRequest) => Promise<ControlReply> | undefined;
}

export function createControl(gateway: Gateway, options: ControlOptions): Control {
  const secret = options.secret === undefined ? undefined : Buffer.from(options.secret);
  const endpoints: readonly Endpoint[] = [
    { path: ['reload'], GET: reload },
    { path: ['reload', 'group'], GET: reloadGroup },
    // There is no response cache to empty; who calls wants it to be empty.
    { path: ['cache', ':api'], DELETE: async () => status(200, 'ok', 'cache invalidated') },
    { path: ['plan'], GET: async (asked) => answerPlan(asked, gateway) },
    { path: ['health'], GET: async () => status(400, 'error', 'Health checks are not enabled for this node') },
    ...options.endpoints,
  ];

  function mayEnter(request: ClientRequest): boolean {
    const given = Buffer.from(String(request.headers['x-tyk-authorization'] ?? '').trim(), 'latin1');
    // Compared in constant time, and a wrong length first with itself, so that time tells nothing of the secret.
    if (secret === undefined) return false;
    return given.length === secret.length ? timingSafeEqual(given, secret) : !timingSafeEqual(secret, secret);
  }

  async function answer(request: ClientRequest, path: string): Promise<ControlReply> {
    if (!mayEnter(request)) return status(403, 'error', 'Attempted administrative access with invalid or missing key!');
    const target = request.url ?? '/';
    const mark = target.indexOf('?');
    const body = await bodyOf(request);
    const trimmed = path.length > 5 ? path.replace(/\/+$/, '') : path;
    const query = new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1));
    const asked: ControlRequest = { method: request.method ?? 'GET', path: trimmed, query, body };
    if (path === '/tyk/') return { status: 301, body: '', contentType: 'text/plain; charset=utf-8' };
    const unknown: ControlReply = {
      status: 404,
      body: '404 page not found\n',
      contentType: 'text/plain; charset=utf-8',
      headers: [['X-Content-Type-Options', 'nosniff']],
    };
    return (await (answerBy(endpoints, asked) ?? options.more(asked))) ?? unknown;
  }

  async function reload(asked: ControlRequest): Promise<ControlReply> {
    const done = gateway.reload();
    if (asked.query.get('block') !== 'true') done.catch(() => {});
    else {
      try {
        await done;
      } catch (error) {
        return status(500, 'error', `the reload failed, and all stays as it was: ${(error as Error).message}`);
      }
    }
    return status(200, 'ok', '');
  }

  async function reloadGroup(asked: ControlRequest): Promise<ControlReply> {
    try {
      await options.reloadGroup();
    } catch (error) {
      return status(500, 'error', `the other gateways could not be told: ${(error as Error).message}`);
    }
    return reload(asked);
  }

  function health(): ControlReply {
    const { problems } = gateway;
    return json(200, {
      status: problems.length === 0 ? 'pass' : 'warn',
      version: options.version,
      description: options.description,
      details: Object.fromEntries(problems.map(detail)),
    });
  }

  /** An API that did not load: which, why, and who answers for it meanwhile. */
  function detail({ source, api, message, lastServes }: LoadProblem): readonly [string, object] {
    const meanwhile = lastServes === true ? 'its last good revision serves' : 'its requests are refused';
    const output = api === undefined ? message : `${message}; ${meanwhile}`;
    return [api ?? source, { status: lastServes === true ? 'warn' : 'fail', componentType: 'api', output }];
  }

  function nothingServed(): readonly string[] {
    if (gateway.problems.length === 0) return [];
    const serves = [...gateway.world.byId.values()].some(({ report }) => isLoaded(report));
    return serves ? [] : ['no API could be loaded'];
  }

  function readiness(): ControlReply {
    const problems = gateway.draining ? ['the gateway is shutting down'] : [...options.problems(), ...nothingServed()];
    if (problems.length > 0) return status(503, 'error', problems.join('; '));
    return json(200, {
      status: 'pass',
      version: options.version,
      description: `${options.description} Ready`,
      details: {},
    });
  }

  return {
    handle(request, response, path) {
      if (path.startsWith('/tyk/')) {
        if (secret === undefined) return false;
        void answer(request, path).then(
          (reply) => write(response, reply),
          () => write(response, status(500, 'error', 'The request could not be handled')),
        );
        return true;
      }
      if (path !== options.healthPath && path !== options.readyPath && path !== options.metricsPath) return false;
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        write(response, status(405, 'error', 'Method Not Allowed'));
      } else if (path === options.metricsPath) {
        void options.metrics().then((reply) => write(response, reply));
      } else {
        write(response, path === options.healthPath ? health() : readiness());
      }
      return true;
    },
  };
}

function write(response: ClientResponse, reply: ControlReply): void {
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
  send(response, reply.status, [['Content-Type', reply.contentType], ...(reply.headers ?? [])], body);
}

/** Definitions and keys are small; what is larger is a mistake. */
const maxControlBodyBytes = 10 * 1024 * 1024;

async function bodyOf(request: ClientRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length > maxControlBodyBytes) throw new Error(`the body is larger than ${maxControlBodyBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
