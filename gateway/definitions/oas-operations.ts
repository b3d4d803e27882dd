import type { Fields } from './fields.ts';

/** An operation of the document for which the extension says something. */
export interface Operation {
  readonly id: string;
  /** As in the document, with `{name}` segments. */
  readonly path: string;
  /** Upper case. */
  readonly method: string;
  /** Its middleware. */
  readonly fields: Fields;
  /** The operation in the document. */
  readonly document: Fields;
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** Operations with middleware; those of the more exact paths first, for an endpoint's path matches anywhere in a request's. */
export function readOperations(document: Fields, extension: Fields): readonly Operation[] {
  const middleware = extension.object('middleware').object('operations');
  const ids = new Set(Object.keys(middleware.json));
  if (ids.size === 0) return [];
  const found: Operation[] = [];
  for (const [path, item] of [...document.objectMap('paths')].sort(([a], [b]) => exactFirst(a, b))) {
    for (const method of methods) {
      if (!item.has(method)) continue;
      const operation = item.object(method);
      const id = operation.string('operationId');
      if (!ids.has(id)) continue;
      const fields = middleware.object(id);
      found.push({ id, path, method: method.toUpperCase(), fields, document: operation });
    }
  }
  for (const { id } of found) ids.delete(id);
  for (const id of ids) middleware.report.warn(middleware.at(id), 'no operation in `paths` has this operationId');
  return found;
}

/** More segments first, then more text, of which parameters do not count; one without parameters before its like. */
function exactFirst(a: string, b: string): number {
  const [plainA, plainB] = [a.replace(/\{[^}]+\}/g, ''), b.replace(/\{[^}]+\}/g, '')];
  if (plainA === plainB) return a.length - b.length;
  const segments = plainB.split('/').length - plainA.split('/').length;
  if (segments !== 0) return segments;
  return plainB.length - plainA.length || (plainA < plainB ? -1 : 1);
}
