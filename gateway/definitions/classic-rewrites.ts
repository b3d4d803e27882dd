import { canonicalName } from '../../contract/canonical.ts';
import type { EndpointRule, RewriteCondition, RewriteRule, RewriteTrigger } from './api-version.ts';
import type { Fields } from './fields.ts';
import type { Templates } from './templates.ts';
import { compilePattern, type TextPattern } from './text-pattern.ts';

/** A URL rewrite with its triggers; undefined when its pattern is none. */
export function readRewrite(entry: Fields, rule: EndpointRule, templates: Templates): RewriteRule | undefined {
  const match = readPattern(entry, 'match_pattern');
  const to = entry.string('rewrite_to');
  const triggers = entry.objects('triggers').map((trigger) => readTrigger(trigger, match?.groupCount ?? 0, templates));
  if (to === '' && triggers.length === 0) {
    entry.report.invalid(entry.at('rewrite_to'), 'is missing', 'write the new path, with $1 for the first group');
  }
  if (match === undefined) return undefined;
  return { ...rule, match, to: templates.parse(to, entry.at('rewrite_to'), match.groupCount), triggers };
}

/** Where conditions look, by the name of their map. */
const sources = [
  ['header_matches', 'header'],
  ['query_val_matches', 'query'],
  ['path_part_matches', 'path'],
  ['session_meta_matches', 'session'],
  ['request_context_matches', 'context'],
] as const;

function readTrigger(trigger: Fields, groups: number, templates: Templates): RewriteTrigger {
  const on = trigger.string('on');
  if (on !== 'all' && on !== 'any') {
    trigger.report.invalid(trigger.at('on'), `must be "all" or "any", got "${on}"`, 'write one of them');
  }
  const options = trigger.object('options');
  const conditions: RewriteCondition[] = [];
  for (const [map, source] of sources) {
    for (const [key, fields] of options.objectMap(map)) {
      addCondition(conditions, source, source === 'header' ? canonicalName(key) : key, fields);
    }
  }
  const payload = options.object('payload_matches');
  if (payload.string('match_rx') !== '') addCondition(conditions, 'body', '', payload);
  if (conditions.length === 0) {
    trigger.report.invalid(
      options.path,
      'holds no condition, so the trigger would never fire',
      'add one, or take the trigger out',
    );
  }
  const to = templates.parse(trigger.string('rewrite_to'), trigger.at('rewrite_to'), groups);
  return { on: on === 'any' ? 'any' : 'all', conditions, to };
}

function addCondition(
  conditions: RewriteCondition[],
  source: RewriteCondition['source'],
  key: string,
  fields: Fields,
): void {
  const pattern = readPattern(fields, 'match_rx');
  if (pattern !== undefined) conditions.push({ source, key, pattern, negate: fields.boolean('reverse') });
}

function readPattern(fields: Fields, name: string): TextPattern | undefined {
  const text = fields.string(name);
  if (/\$tyk_(?:context|meta)\./.test(text)) {
    const cure = 'take it out, and decide in a post plugin';
    fields.report.feature(fields.at(name), 'pattern-variables', 'has a variable in a pattern', cure);
    return undefined;
  }
  try {
    return compilePattern(text);
  } catch (error) {
    fields.report.invalid(fields.at(name), (error as Error).message, 'write an RE2 expression');
    return undefined;
  }
}
