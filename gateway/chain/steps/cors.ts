import type { HeaderPair } from '../../../contract/answer.ts';
import { canonicalName } from '../../../contract/canonical.ts';
import type { CorsRule } from '../../definitions/api.ts';
import { send } from '../../replies.ts';
import { ensureState, type Step } from '../hooks.ts';

/**
 * Cross-origin requests (Fetch standard, CORS protocol). Every OPTIONS request is answered here, preflight or not, unless the API wants
 * them passed on (recorded).
 */
export function corsStep(rule: CorsRule): Step {
  const origins = originTest(rule.allowedOrigins);
  const headersAllowed = new Set(rule.allowedHeaders.map((name) => name.toLowerCase()));
  const anyHeader = headersAllowed.has('*');
  const methods = new Set(rule.allowedMethods.map((method) => method.toUpperCase()));
  const anyOrigin = rule.allowedOrigins.includes('*');

  const allowOrigin = (origin: string): HeaderPair => ['Access-Control-Allow-Origin', anyOrigin ? '*' : origin];

  function preflight(origin: string, asked: string, wanted: string | undefined): HeaderPair[] {
    const vary: HeaderPair = ['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'];
    const names = (wanted ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase())
      .filter((name) => name !== '');
    const allowed =
      origins(origin) &&
      methods.has(asked.toUpperCase()) &&
      (anyHeader || names.every((name) => headersAllowed.has(name)));
    if (!allowed) return [vary];
    return [
      vary,
      allowOrigin(origin),
      ['Access-Control-Allow-Methods', asked.toUpperCase()],
      ...(names.length > 0 ? [['Access-Control-Allow-Headers', wanted ?? ''] as const] : []),
      ...(rule.allowCredentials ? [['Access-Control-Allow-Credentials', 'true'] as const] : []),
      ...(rule.maxAgeSeconds > 0 ? [['Access-Control-Max-Age', String(rule.maxAgeSeconds)] as const] : []),
    ];
  }

  return (exchange) => {
    const { headers, method } = ensureState(exchange);
    const origin = headers.get('Origin') ?? '';
    const asked = headers.get('Access-Control-Request-Method');
    if (method === 'OPTIONS' && asked !== undefined && asked !== '') {
      send(
        exchange.response,
        204,
        preflight(origin, asked, headers.get('Access-Control-Request-Headers')),
        Buffer.alloc(0),
      );
      return true;
    }
    const pairs: HeaderPair[] = [['Vary', 'Origin']];
    if (origin !== '' && origins(origin) && (method === 'OPTIONS' || methods.has(method))) {
      pairs.push(allowOrigin(origin));
      if (rule.exposedHeaders.length > 0) {
        pairs.push(['Access-Control-Expose-Headers', rule.exposedHeaders.map(canonicalName).join(', ')]);
      }
      if (rule.allowCredentials) pairs.push(['Access-Control-Allow-Credentials', 'true']);
    }
    if (method === 'OPTIONS') {
      send(exchange.response, 200, pairs, Buffer.alloc(0));
      return true;
    }
    exchange.responseHeaders = [...(exchange.responseHeaders ?? []), ...pairs];
    return false;
  };
}

/** `*` stands for any origin, and inside of one for any text. */
function originTest(allowed: readonly string[]): (origin: string) => boolean {
  if (allowed.length === 0 || allowed.includes('*')) return () => true;
  const tests = allowed.map((one) => {
    const [front = '', back] = one.toLowerCase().split('*', 2);
    return (origin: string) =>
      back === undefined
        ? origin === front
        : origin.length >= one.length - 1 && origin.startsWith(front) && origin.endsWith(back);
  });
  return (origin) => tests.some((test) => test(origin.toLowerCase()));
}
