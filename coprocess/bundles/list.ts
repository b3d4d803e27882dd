import { field, isObject } from './manifest.ts';
import { BundleError } from './problem.ts';

/** One bundle of a list: its folder within that of the list, and its `custom_middleware`. */
export interface ListedBundle {
  readonly name: string;
  readonly folder: string;
  readonly customMiddleware: Readonly<Record<string, unknown>>;
}

const lists = ['pre', 'post', 'post_key_auth', 'response'];

/** Names in a `custom_middleware_bundle` text. */
export function bundleNames(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  return names.filter((name) => name !== '');
}

/** Where a bundle of a list is unpacked: its name without ending, slashes made harmless. */
export function listedFolder(name: string): string {
  return name.replace(/\.[^./\\]*$/, '').replaceAll(/[/\\]/g, '__');
}

/**
 * The hooks of several bundles as one (spec/platform-contract §3.6): lists one after the other, one auth check at most, the first ID
 * extractor; all of one driver. Paths lead into each bundle's folder.
 *
 * @throws {BundleError}
 */
export function mergedMiddleware(bundles: readonly ListedBundle[]): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const { name, folder, customMiddleware } of bundles) {
    const driver = field(customMiddleware, 'driver') ?? '';
    merged.driver ??= driver;
    if (merged.driver !== driver) {
      throw new BundleError(
        `${name} has the driver ${JSON.stringify(driver)}, and those before it ${JSON.stringify(merged.driver)}`,
      );
    }
    for (const list of lists) {
      const hooks = field(customMiddleware, list) ?? [];
      if (!Array.isArray(hooks)) throw new BundleError(`"${list}" in the manifest of ${name} must be a list`);
      if (hooks.length > 0)
        merged[list] = [...((merged[list] as unknown[]) ?? []), ...hooks.map((hook) => rooted(hook, folder))];
    }
    const auth = field(customMiddleware, 'auth_check');
    if (isObject(auth) && (field(auth, 'name') ?? '') !== '') {
      if (merged.auth_check !== undefined) throw new BundleError(`${name} is the second with an auth_check`);
      merged.auth_check = rooted(auth, folder);
    }
    const extractor = field(customMiddleware, 'id_extractor');
    if (isObject(extractor) && (field(extractor, 'extract_from') ?? '') !== '') merged.id_extractor ??= extractor;
  }
  return merged;
}

function rooted(hook: unknown, folder: string): unknown {
  if (!isObject(hook)) return hook;
  const path = field(hook, 'path');
  return typeof path === 'string' && path !== '' ? { ...hook, path: `${folder}/${path}` } : hook;
}
