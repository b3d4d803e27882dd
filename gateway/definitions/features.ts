import { classicFields } from './classic-fields.ts';
import type { FieldTree } from './field-table.ts';
import { oasFields } from './oas-fields.ts';

/** Features that are found in values, not by a field of their own. */
const inValues = [
  'goplugin', // a driver, or a plugin file that ends in .so
  'header-transform', // a response processor
  'jwt', // security schemes of OpenAPI documents
  'pattern-variables', // of rewrites
  'secret-stores', // consul://, vault://, kv://
  'security-alternatives', // securityProcessingMode
  'webhooks', // event handlers
];

/** Every feature that we do not have, by the name that `definitions.ignoreFeatures` takes. */
export const featureNames: readonly string[] = [
  ...new Set([...inValues, ...namesIn(classicFields), ...namesIn(oasFields)]),
].sort((a, b) => (a < b ? -1 : 1));

function namesIn(tree: FieldTree): readonly string[] {
  return Object.values(tree).flatMap((field) => [
    ...(field.feature === undefined ? [] : [field.feature]),
    ...(field.below === undefined ? [] : namesIn(field.below)),
  ]);
}
