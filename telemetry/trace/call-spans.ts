import { performance } from 'node:perf_hooks';
import { type Attributes, SpanKind } from '@opentelemetry/api';
import type { TraceContext } from '../../contract/call.ts';
import { isSampled } from '../../contract/trace.ts';
import { describeError } from '../logs/causes.ts';
import { parentOf } from './parent.ts';
import { contextInside, markFailed, remoteParent, type SpanSource } from './span-source.ts';

/** One span of ours inside a hook's. */
export interface OpenSpan {
  /** Context inside it, for the next hop. */
  readonly context: TraceContext;
  end(error?: Error): void;
}

/** The span of one gRPC call. */
export interface GrpcSpan {
  readonly context: TraceContext;
  /** @param grpcStatus 0 is OK: https://grpc.io/docs/guides/status-codes/ */
  end(grpcStatus: number, error?: Error): void;
}

const kinds = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT, server: SpanKind.SERVER } as const;

/** gRPC's names for its status codes, by number. */
const statusNames = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** Codes that are the server's fault, or nobody's; the others mean that the client asked for the wrong thing. */
const serverErrors: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

/** Begin a span under the context of a call. A call that is not sampled gets one that does nothing, with the context it came with. */
export function beginSpan(
  source: SpanSource,
  name: string,
  kind: keyof typeof kinds,
  parent: TraceContext,
  attributes: Attributes,
): OpenSpan {
  if (!isSampled(parent)) return { context: parent, end() {} };
  const span = source.start(name, kinds[kind], remoteParent(parentOf(parent)), source.clock.begin(), attributes);
  return {
    context: contextInside(span, parent.tracestate),
    end(error) {
      if (error !== undefined) markFailed(span, error.name, describeError(error));
      span.end(source.clock.time(performance.now()));
    },
  };
}

/** Begin the span of a gRPC call, by whichever side. @param method `package.Service/Method` */
export function beginGrpcSpan(
  source: SpanSource,
  method: string,
  kind: 'client' | 'server',
  attributes: Attributes,
  parent: TraceContext,
): GrpcSpan {
  if (!isSampled(parent)) return { context: parent, end() {} };
  const all = { 'rpc.system.name': 'grpc', 'rpc.method': method, ...attributes };
  const span = source.start(method, kinds[kind], remoteParent(parentOf(parent)), source.clock.begin(), all);
  return {
    context: contextInside(span, parent.tracestate),
    end(grpcStatus, error) {
      const status = statusNames[grpcStatus] ?? String(grpcStatus);
      span.setAttribute('rpc.status_code', status);
      const failed = kind === 'client' ? grpcStatus !== 0 : serverErrors.has(grpcStatus);
      if (failed) markFailed(span, status, error === undefined ? '' : describeError(error));
      span.end(source.clock.time(performance.now()));
    },
  };
}
