import { type ControlReply, type ControlRequest, status } from './reply.ts';

type Handler = (request: ControlRequest, ...names: string[]) => Promise<ControlReply>;

/** A path below `/tyk/` in segments, `:name` for any, and what its methods do. */
export interface Endpoint {
  readonly path: readonly string[];
  readonly GET?: Handler;
  readonly POST?: Handler;
  readonly PUT?: Handler;
  readonly PATCH?: Handler;
  readonly DELETE?: Handler;
}

/** Answer a request by the first endpoint whose path fits; undefined: there is none. */
export function answerBy(endpoints: readonly Endpoint[], request: ControlRequest): Promise<ControlReply> | undefined {
  const segments = request.path.split('/').slice(2).map(decoded);
  for (const endpoint of endpoints) {
    const names = namesIn(endpoint.path, segments);
    if (names === undefined) continue;
    const handler = endpoint[request.method as 'GET'];
    return handler === undefined
      ? Promise.resolve(status(405, 'error', 'Method not supported'))
      : handler(request, ...names);
  }
  return undefined;
}

function namesIn(path: readonly string[], segments: readonly string[]): string[] | undefined {
  if (path.length !== segments.length) return undefined;
  const names: string[] = [];
  for (const [i, part] of path.entries()) {
    const segment = segments[i] as string;
    if (part.startsWith(':')) names.push(segment);
    else if (part !== segment) return undefined;
  }
  return names;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
