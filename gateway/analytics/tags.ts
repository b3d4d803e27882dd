import { fromByteString } from '../../contract/text.ts';
import type { Exchange } from '../exchange.ts';
import { policyIds } from '../session/index.ts';

/** The tags of a request's record, in the contract's order (spec/platform-contract §9.1). @param key as the record has it */
export function tagsOf(exchange: Exchange, key: string): string[] {
  const { api, caller, span } = exchange;
  const tags: string[] = [];
  if (caller !== undefined) {
    const { session } = caller;
    for (const id of policyIds(session)) tags.push(`pol-${id}`);
    const developer = session.meta_data?.tyk_developer_id;
    if (typeof developer === 'string' && developer !== '') tags.push(`dev-${developer}`);
    if (session.tags !== undefined) tags.push(...session.tags);
  }
  addHeaders(exchange, tags);
  tags.push(...api.tags);
  if (span !== undefined) tags.push(`trace-id-${span.traceId}`);
  if (key !== '') tags.push(`key-${key}`);
  if (api.orgId !== '') tags.push(`org-${api.orgId}`);
  tags.push(`api-${api.id}`);
  return tags;
}

function addHeaders({ api, state, request }: Exchange, tags: string[]): void {
  const { tagHeaders } = api.tracking;
  if (tagHeaders.length === 0) return;
  const lines = state?.headers.raw() ?? request.rawHeaders;
  for (const wanted of tagHeaders) {
    for (let i = 0; i + 1 < lines.length; i += 2) {
      const name = lines[i] as string;
      if (name.length === wanted.length && name.toLowerCase() === wanted) {
        tags.push(`${wanted}-${fromByteString(lines[i + 1] as string)}`);
      }
    }
  }
}
