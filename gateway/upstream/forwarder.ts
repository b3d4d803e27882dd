import type { Duplex } from 'node:stream';
import type { ClientRequest, ClientResponse } from '../exchange.ts';
import { type Call, streamedBody } from './call.ts';
import { isGone } from './client-response.ts';
import { Http1Leg } from './http1/leg.ts';
import { Http2Leg } from './http2/leg.ts';
import { NotHttp2 } from './http2/sessions.ts';
import type { ResolvedUpstreamOptions } from './options.ts';
import type { Origin } from './origin.ts';
import { Origins } from './origins.ts';
import { Tunnels } from './tunnels.ts';
import {
  type ResponseSteps,
  type Upstream,
  UpstreamError,
  type UpstreamRequest,
  type UpstreamResult,
} from './upstream.ts';

/** The room's {@link Upstream}: picks the protocol for each request, and counts what is under way. */
export class Forwarder implements Upstream {
  private readonly options: ResolvedUpstreamOptions;
  private readonly origins: Origins;
  private readonly tunnels: Tunnels;
  private active = 0;
  private closing = false;
  private drained: (() => void) | undefined;

  constructor(options: ResolvedUpstreamOptions) {
    this.options = options;
    this.origins = new Origins(options);
    this.tunnels = new Tunnels();
  }

  async forward(
    request: ClientRequest,
    response: ClientResponse,
    to: UpstreamRequest,
    steps: ResponseSteps,
  ): Promise<UpstreamResult> {
    if (this.closing) throw new UpstreamError('UNREACHABLE', 'the gateway is closing');
    if (to.cancellation?.cancelled || isGone(response)) return { status: 0, headMs: 0 };
    const origin = this.origins.of(to);
    const call: Call = { request, response, to, steps, body: streamedBody(request, to) };
    this.active += 1;
    origin.active += 1;
    try {
      if (origin.protocol === 'http2') {
        const result = await overHttp2(call, origin);
        if (result !== undefined) return result;
      }
      return await new Http1Leg(call, origin.http1, origin.serverName, this.options.idleBodyTimeoutMs).run();
    } finally {
      origin.active -= 1;
      this.active -= 1;
      if (this.active === 0) this.drained?.();
    }
  }

  upgrade(request: ClientRequest, socket: Duplex, head: Buffer, to: UpstreamRequest): Promise<void> {
    return this.tunnels.open(request, socket, head, to);
  }

  async close(): Promise<void> {
    this.closing = true;
    if (this.active > 0) await this.drain();
    this.tunnels.close();
    await this.origins.close();
  }

  private drain(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.options.drainTimeoutMs);
      this.drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Undefined: the upstream speaks HTTP/1.1 only, and knows nothing of the request yet. */
async function overHttp2(call: Call, origin: Origin): Promise<UpstreamResult | undefined> {
  try {
    return await new Http2Leg(call, origin.http2, origin.address.scheme === 'https' ? 'https' : 'http').run();
  } catch (error) {
    if (!(error instanceof NotHttp2)) throw error;
    origin.fallBack(error);
    return undefined;
  }
}
