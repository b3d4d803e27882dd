import { type CallContext, ServerError, Status } from 'nice-grpc';
import { tokenOf } from '../contract/link/bodies.ts';
import { LinkDefinition } from '../proto/gen/interpose/link/v1/link.ts';
import type { Coprocess } from './coprocess.ts';
import type { GatewayHost } from './gateway-host.ts';
import { LinkSession, VersionMismatch } from './link-session.ts';
import { Outbox } from './outbox.ts';
import { passThrough } from './pass-through.ts';

/** `interpose.link.v1.Link` with messages as bytes: sessions read and write them by hand. */
export const linkServiceDefinition = {
  attach: passThrough(LinkDefinition, LinkDefinition.methods.attach),
  bodies: passThrough(LinkDefinition, LinkDefinition.methods.bodies),
};

export interface LinkService {
  attach(requests: AsyncIterable<Buffer>, context: CallContext): AsyncIterable<Buffer>;
  bodies(requests: AsyncIterable<Buffer>, context: CallContext): AsyncIterable<Buffer>;
  /** Tell all gateways to go, refuse new ones. Resolves when all have gone. */
  drain(): Promise<void>;
  /** End all sessions now. */
  end(): void;
}

export function createLinkService(coprocess: Coprocess, host: GatewayHost, coprocessId: string): LinkService {
  const sessions = new Map<string, LinkSession>();
  let draining = false;

  return {
    attach(requests) {
      if (draining) throw new ServerError(Status.UNAVAILABLE, 'this coprocess is about to end');
      const session = new LinkSession(coprocess, host, coprocessId);
      const token = session.token.toString('hex');
      sessions.set(token, session);
      void receiveAll(requests, (message) => session.receive(message)).then((error) => {
        sessions.delete(token);
        session.end(error);
      });
      return session.outbox;
    },

    bodies(requests) {
      const frames: Buffer[] = [];
      let session: LinkSession | undefined;
      let full = false;
      const outbox = new Outbox(() => {
        const frame = frames.shift();
        if (full && frames.length === 0) {
          full = false;
          session?.bodies.drained();
        }
        return frame;
      });
      const write = (frame: Buffer): boolean => {
        frames.push(frame);
        outbox.wake();
        full = frames.length > 0;
        return !full;
      };
      const receive = (frame: Buffer): void => {
        if (session === undefined) {
          session = sessions.get(tokenOf(frame));
          if (session === undefined) throw new ServerError(Status.NOT_FOUND, 'no attached gateway has this token');
          void session.ended.then(() => outbox.end());
          session.bodies.open(write);
        }
        session.bodies.receive(frame);
      };
      void receiveAll(requests, receive).then((error) => outbox.end(error));
      return outbox;
    },

    async drain() {
      draining = true;
      await Promise.all([...sessions.values()].map((session) => session.drain()));
    },

    end() {
      draining = true;
      for (const session of sessions.values()) session.end();
    },
  };
}

/** Resolves at the end of the stream, with what is to be told to the other side when it ended badly. */
async function receiveAll(
  messages: AsyncIterable<Buffer>,
  receive: (message: Buffer) => void,
): Promise<ServerError | undefined> {
  try {
    for await (const message of messages) receive(message);
    return undefined;
  } catch (error) {
    if (error instanceof ServerError) return error;
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof VersionMismatch ? Status.FAILED_PRECONDITION : Status.INVALID_ARGUMENT;
    return new ServerError(code, message);
  }
}
