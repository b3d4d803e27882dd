import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { built } from './built.ts';
import { run } from './command.ts';
import { goCure } from './plugin-servers.ts';
import { startOnFreePorts } from './server.ts';

/** A real Jaeger with an empty store in memory. */
export interface Jaeger {
  /** OTLP over gRPC: `http://127.0.0.1:port`. */
  readonly otlpGrpcEndpoint: string;
  /** OTLP over HTTP: `http://127.0.0.1:port`; traces go to `/v1/traces`. */
  readonly otlpHttpEndpoint: string;
  /** GET a path of Jaeger's query API, for example `/api/traces/${id}`, and give its JSON; `undefined` while it says 404. */
  query(path: string): Promise<unknown>;
  close(): Promise<void>;
}

const sources = join(import.meta.dirname, 'jaeger');

/**
 * Starts Jaeger 1.76 (the v2 binary). Its first build takes minutes, see `jaeger/tools.go`.
 * @throws {MissingTool} without Go.
 */
export async function jaeger(): Promise<Jaeger> {
  const program = join(await jaegerBinary(), 'jaeger');
  const folder = await mkdtemp(join(tmpdir(), 'jaeger-'));
  const config = join(folder, 'config.json');
  let ports: readonly number[] = [];
  const server = await startOnFreePorts(4, async (free) => {
    ports = free;
    await writeFile(config, JSON.stringify(configuration(free)));
    return {
      program,
      args: ['--config', config],
      // Else it sends traces of its own to port 4317.
      env: { OTEL_TRACES_SAMPLER: 'always_off' },
      readyPattern: /Everything is ready/,
      cure: 'delete the folder .tools',
    };
  });
  const [otlpGrpc, otlpHttp, queryHttp] = ports;
  return {
    otlpGrpcEndpoint: `http://127.0.0.1:${otlpGrpc}`,
    otlpHttpEndpoint: `http://127.0.0.1:${otlpHttp}`,
    async query(path) {
      const response = await fetch(`http://127.0.0.1:${queryHttp}${path}`);
      if (response.status === 404) return undefined;
      if (!response.ok) throw new Error(`Jaeger answered ${path} with ${response.status}: ${await response.text()}`);
      return response.json();
    },
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The folder with the binary `jaeger`. */
export function jaegerBinary(): Promise<string> {
  return built({
    name: 'jaeger',
    inputs: [sources],
    limitMs: 1_800_000,
    async build(folder) {
      const args = [
        'build',
        '-trimpath',
        '-ldflags=-s -w',
        '-o',
        join(folder, 'jaeger'),
        'github.com/jaegertracing/jaeger/cmd/jaeger',
      ];
      await run({ program: 'go', args, cure: goCure, cwd: sources, env: { CGO_ENABLED: '0' } });
    },
  });
}

function configuration([otlpGrpc, otlpHttp, queryHttp, queryGrpc]: readonly number[]): unknown {
  const at = (port: number | undefined): { endpoint: string } => ({ endpoint: `127.0.0.1:${port}` });
  return {
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
      telemetry: { metrics: { level: 'none' } },
    },
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 10_000 } } } },
      jaeger_query: { storage: { traces: 'memory' }, http: at(queryHttp), grpc: at(queryGrpc) },
    },
    receivers: { otlp: { protocols: { grpc: at(otlpGrpc), http: at(otlpHttp) } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
  };
}
