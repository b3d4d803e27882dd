import { unescapeBytes } from '../../contract/url.ts';
import type { Exchange } from '../exchange.ts';
import { withoutListenPath } from '../object/target.ts';
import { ensureState } from './hooks.ts';

/** The request's path in the forms that endpoint rules are tried on: without the listen path, and whole; percent-decoded. */
export function endpointPaths(exchange: Exchange): readonly string[] {
  const path = ensureState(exchange).url.path;
  const whole = unescapeBytes(path);
  const short = unescapeBytes(withoutListenPath(exchange.api, path));
  return short === whole ? [whole] : [short, whole];
}

/** What endpoint rules compare with their method: the client's, unless a step has changed it. */
export function endpointMethod(exchange: Exchange): string {
  return ensureState(exchange).method;
}
