import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { parseKeyPairsIntoRecord } from '@opentelemetry/core';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { ExporterName, TracingSettings } from './settings.ts';

type ExporterTls = NonNullable<TracingSettings['tls']>;

/** Make an exporter. Each loads its own libraries, so that nobody waits for those of the others. */
export async function openExporter(name: ExporterName, settings: TracingSettings): Promise<SpanExporter> {
  if (name === 'console') return new (await import('@opentelemetry/sdk-trace')).ConsoleSpanExporter();
  return settings.protocol === 'grpc' ? openGrpcExporter(settings) : openHttpExporter(settings);
}

async function openGrpcExporter(settings: TracingSettings): Promise<SpanExporter> {
  const [{ OTLPTraceExporter }, { credentials, Metadata }] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-grpc'),
    import('@grpc/grpc-js'),
  ]);
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(ownHeaders(settings))) metadata.set(key, value);
  const { tls } = settings;
  return new OTLPTraceExporter({
    metadata,
    ...(settings.endpoint !== undefined && { url: settings.endpoint }),
    ...(settings.timeoutMs !== undefined && { timeoutMillis: settings.timeoutMs }),
    ...(tls !== undefined && {
      credentials: credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert), {
        rejectUnauthorized: !tls.insecureSkipVerify,
        ...(tls.serverName !== undefined && { checkServerIdentity: identityCheck(tls.serverName) }),
      }),
    }),
  });
}

function identityCheck(serverName: string): (host: string, certificate: PeerCertificate) => Error | undefined {
  return (_host, certificate) => checkServerIdentity(serverName, certificate);
}

function pem(text: string | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text);
}

async function openHttpExporter(settings: TracingSettings): Promise<SpanExporter> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter({
    headers: ownHeaders(settings),
    ...(settings.endpoint !== undefined && { url: tracesUrl(settings.endpoint) }),
    ...(settings.timeoutMs !== undefined && { timeoutMillis: settings.timeoutMs }),
    ...(settings.tls !== undefined && { httpAgentOptions: agentTls(settings.tls) }),
  });
}

function agentTls({ ca, cert, key, serverName, insecureSkipVerify }: ExporterTls): Record<string, unknown> {
  return {
    keepAlive: true,
    rejectUnauthorized: !insecureSkipVerify,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { servername: serverName }),
  };
}

/** An endpoint is where the collector is; its path for traces is the specification's, unless it is there already. */
function tracesUrl(endpoint: string): string {
  const path = '/v1/traces';
  return endpoint.endsWith(path) ? endpoint : endpoint.replace(/\/$/, '') + path;
}

/** The configuration's headers, without those that the environment sets: the exporter would take ours over them. */
function ownHeaders(settings: TracingSettings): Record<string, string> {
  const set = new Set<string>();
  for (const variable of ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS']) {
    for (const name of Object.keys(parseKeyPairsIntoRecord(process.env[variable]))) set.add(name.toLowerCase());
  }
  return Object.fromEntries(Object.entries(settings.headers).filter(([name]) => !set.has(name.toLowerCase())));
}
