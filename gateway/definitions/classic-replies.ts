import { canonicalName, isHeaderName, isHeaderValue } from '../../contract/canonical.ts';
import type { EndpointRule, FixedReply, VirtualRule } from './api-version.ts';
import type { Fields } from './fields.ts';

/** The answer of a `mock_response` entry. */
export function readMockReply(entry: Fields): FixedReply {
  return {
    status: readStatus(entry, 'code'),
    headers: readReplyHeaders(entry),
    body: Buffer.from(entry.string('body')),
  };
}

/** The answer of a list entry's action `reply`. */
export function readReplyAction(action: Fields): FixedReply {
  return {
    status: readStatus(action, 'code'),
    headers: readReplyHeaders(action),
    body: Buffer.from(action.string('data')),
  };
}

/** Statuses of final answers; 1xx are none. */
function readStatus(fields: Fields, name: string): number {
  const status = fields.integer(name);
  if (status >= 200 && status <= 999) return status;
  fields.report.invalid(fields.at(name), `is no status to answer with: ${status}`, 'write one, as 200');
  return 500;
}

function readReplyHeaders(fields: Fields): FixedReply['headers'] {
  return fields.stringMap('headers').map(([name, value]) => {
    const at = `${fields.at('headers')}.${name}`;
    if (!isHeaderName(name))
      fields.report.invalid(at, `is no header name: "${name}"`, 'write letters, digits and dashes');
    if (!isHeaderValue(value)) fields.report.invalid(at, 'holds a control character', 'take it out');
    return [canonicalName(name), value];
  });
}

/** A virtual endpoint, without its hook. `blobs`: its script may stand in the definition. */
export function readVirtual(entry: Fields, rule: EndpointRule, blobs: boolean): Omit<VirtualRule, 'hook'> {
  const functionName = entry.string('response_function_name');
  if (functionName === '') {
    entry.report.invalid(entry.at('response_function_name'), 'is missing', 'name the function that answers');
  }
  return {
    ...rule,
    functionName,
    script: readScript(entry, blobs),
    requireSession: entry.boolean('use_session'),
    proxyOnError: entry.boolean('proxy_on_error'),
  };
}

function readScript(entry: Fields, blobs: boolean): VirtualRule['script'] {
  const type = entry.string('function_source_type');
  const source = entry.string('function_source_uri');
  const at = entry.at('function_source_uri');
  if (source === '') entry.report.invalid(at, 'is missing', 'name the file, or give the script as base64');
  if (type === 'file') return { path: source };
  if (type !== 'blob') {
    entry.report.invalid(
      entry.at('function_source_type'),
      `must be "file" or "blob", got "${type}"`,
      'write one of them',
    );
  } else if (!blobs) {
    entry.report.invalid(
      entry.at('function_source_type'),
      'is "blob", and the configuration does not allow scripts in definitions (disable_virtual_path_blobs)',
      'put the script into a file, and write "file" and its path',
    );
  } else if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(source)) {
    entry.report.invalid(at, 'is not base64', 'encode the script as base64');
  }
  return { code: Buffer.from(source, 'base64').toString() };
}
