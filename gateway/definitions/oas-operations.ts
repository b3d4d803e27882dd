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

/** Operations with middleware, in the order of the document's paths. */
export function readOperations(document: Fields, extension: Fields): readonly Operation[] {
  const middleware = extension.object('middleware').object('operations');
  const ids = new Set(Object.keys(middleware.json));
  if (ids.size === 0) return [];
  const found: Operation[] = [];
  for (const [path, item] of document.objectMap('paths')) {
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
