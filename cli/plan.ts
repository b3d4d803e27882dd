import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import type { Address, Configuration } from '../gateway/configuration/index.ts';
import type { Plan, PlannedStep, SampleRequest } from '../gateway/index.ts';
import { type ConfigurationOptions, configurationOf, withConfigurationOptions } from './configuration.ts';
import { exitCodes, fail } from './exit.ts';

interface PlanOptions extends ConfigurationOptions {
  readonly method: string;
  readonly host: string;
  readonly header: readonly string[];
  readonly json?: boolean;
  readonly offline?: boolean;
}

/** `interpose plan` */
export function planCommand(): Command {
  return withConfigurationOptions(new Command('plan'))
    .summary('show what would become of a request')
    .description(
      'Show which API answers a request, and which steps and hooks run, where, in which order, with which limits, and why. The request is sent nowhere. A gateway that runs is asked; where none does, the definitions on disk are.',
    )
    .argument('<path>', 'path and query, with the listen path')
    .option('-X, --method <method>', 'its method', 'GET')
    .option('--host <host>', 'its Host', '')
    .option('-H, --header <header...>', 'its headers, as "Name: value"', [])
    .option('--offline', 'do not ask a gateway')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  interpose plan /orders/1
  interpose plan /orders/1 --method POST --header 'X-Canary: 1'
  interpose plan /orders/1 --tyk-conf tyk.conf --json`,
    )
    .action(async (path: string, options: PlanOptions) => {
      const configuration = await configurationOf(options);
      const sample = sampleOf(path, options);
      const live = options.offline === true ? undefined : await askGateway(configuration, sample);
      const { planOffline } = await import('../gateway/index.ts');
      const plan = live ?? (await planOffline(configuration, sample));
      const source =
        live === undefined ? 'by the definitions on disk; no gateway was asked' : 'by the gateway that runs';
      process.stdout.write(
        options.json === true ? `${JSON.stringify(plan, undefined, 2)}\n` : `${tableOf(plan)}(${source})\n`,
      );
    });
}

function sampleOf(path: string, { method, host, header }: PlanOptions): SampleRequest {
  if (!path.startsWith('/') || /%(?![0-9A-Fa-f]{2})/.test(path)) {
    fail(`"${path}" is no path; write one as /orders/1, with the listen path`, exitCodes.usage);
  }
  const headers = header.map((line) => {
    const colon = line.indexOf(':');
    if (colon < 1) fail(`--header "${line}" has no colon; write "Name: value"`, exitCodes.usage);
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const;
  });
  return { method: method.toUpperCase(), target: path, host, headers };
}

/** Longest wait for a gateway on this machine or beside it. */
const gatewayTimeoutMs = 2000;

/** The plan of a gateway that runs by this configuration; undefined when it cannot be asked. */
async function askGateway({ control, listeners }: Configuration, sample: SampleRequest): Promise<Plan | undefined> {
  const shared = listeners.find(({ tls }) => tls === undefined)?.address;
  const address = control.tls === undefined ? (control.address ?? shared) : undefined;
  if (!control.enabled || control.secret === undefined || address === undefined) return undefined;
  const query = new URLSearchParams({ path: sample.target, method: sample.method, host: sample.host });
  for (const [name, value] of sample.headers) query.append('header', `${name}: ${value}`);
  try {
    const answer = await get(address, `/tyk/plan?${query.toString()}`, control.secret);
    return answer === undefined ? undefined : (JSON.parse(answer) as Plan);
  } catch {
    return undefined;
  }
}

function get(address: Address, path: string, secret: string): Promise<string | undefined> {
  const where =
    address.kind === 'unix' ? { socketPath: address.path } : { host: dialled(address.host), port: address.port };
  return new Promise((resolve, reject) => {
    const headers = { 'X-Tyk-Authorization': secret };
    const signal = AbortSignal.timeout(gatewayTimeoutMs);
    const asked = request({ ...where, path, headers, signal, agent: false }, (response) => {
      text(response).then((body) => resolve(response.statusCode === 200 ? body : undefined), reject);
    });
    asked.on('error', reject).end();
  });
}

/** An address that stands for all of a machine's own is dialled on loopback. */
function dialled(host: string): string {
  return host === '' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}

function tableOf({ method, target, api, why, steps }: Plan): string {
  const head = [
    `${method} ${target}`,
    api === undefined ? '  no API' : `  API ${api.id} "${api.name}", ${api.source}`,
    `  ${why}`,
  ];
  const rows = steps.map((step, i) => [
    String(i + 1),
    step.runs ? 'runs' : '-',
    step.phase,
    step.name,
    detailsOf(step),
    step.why,
  ]);
  const table =
    rows.length === 0 ? [] : ['', ...aligned([['', '', 'PHASE', 'STEP', 'WHERE AND HOW LONG', 'WHY'], ...rows])];
  return `${[...head, ...table].join('\n')}\n`;
}

function detailsOf({ hook, runs }: PlannedStep): string {
  if (hook === undefined) return '';
  const { driver, place, timeoutMs, onError, body, call, callTimeoutMs, path } = hook;
  const file = path === undefined ? '' : ` ${path}`;
  const limits = `${timeoutMs} ms, on error ${onError}, body ${body}`;
  return `${driver}${file}: ${place}; ${limits}${runs ? `; call ${call} (${callTimeoutMs} ms)` : ''}`;
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
}
