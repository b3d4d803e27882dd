import {
  type Field,
  type FieldTree,
  feature,
  harmless,
  hasEntries,
  honoured,
  listOf,
  section,
  switchedSection,
} from './field-table.ts';

const endpoint: FieldTree = {
  path: honoured('an unanchored RE2 expression; `{name}` is one segment'),
  method: honoured('empty: any'),
  disabled: honoured('as if it were not there'),
  ignore_case: honoured('upper and lower case match'),
};

const accessList: Field = listOf({
  ...endpoint,
  method_actions: honoured('by method; action `reply` answers here with `code`, `headers`, `data`'),
});

/** An extended path that we do not have. */
function missing(name: string, cure: string): Field {
  return feature(name, hasEntries, cure);
}

const extendedPaths: FieldTree = {
  ignored: accessList,
  white_list: accessList,
  black_list: accessList,
  mock_response: listOf({
    ...endpoint,
    code: honoured('status'),
    body: honoured(''),
    headers: honoured(''),
  }),
  transform_headers: listOf({
    ...endpoint,
    delete_headers: honoured(''),
    add_headers: honoured('values may hold variables'),
    act_on: harmless(''),
  }),
  transform_response_headers: listOf({
    ...endpoint,
    delete_headers: honoured(''),
    add_headers: honoured('values may hold variables'),
    act_on: harmless(''),
  }),
  hard_timeouts: listOf({
    ...endpoint,
    timeout: honoured('seconds'),
    duration: honoured('as `500ms`; counts before `timeout`'),
  }),
  url_rewrites: listOf({
    ...endpoint,
    match_pattern: honoured('tried on path and query, listen path included'),
    rewrite_to: honoured('with `$1` and variables; `tyk://name/...` goes to another API'),
    triggers: listOf({
      on: honoured('`all` or `any`'),
      options: honoured('`*_matches` with `match_rx` and `reverse`; `payload_matches`'),
      rewrite_to: honoured(''),
    }),
  }),
  virtual: listOf({
    ...endpoint,
    response_function_name: honoured('global JavaScript function'),
    function_source_type: honoured('`file` or `blob`'),
    function_source_uri: honoured('path, or base64'),
    use_session: honoured('the function gets the session'),
    proxy_on_error: honoured('ask the upstream when it fails'),
  }),
  size_limits: listOf({ ...endpoint, size_limit: honoured('bytes') }),
  method_transforms: listOf({ ...endpoint, to_method: honoured('') }),
  track_endpoints: listOf(endpoint, 'analytics records have the path of the endpoint, and `TrackPath`'),
  do_not_track_endpoints: listOf(endpoint, 'no analytics records'),
  internal: listOf(endpoint, 'reached by `tyk://` only'),
  go_plugin: listOf({
    ...endpoint,
    plugin_path: honoured('source file; `.so` is a Go plugin, which is refused'),
    func_name: honoured('function, export or hook name'),
    interpose: honoured('our extension, as in `custom_middleware`'),
  }),
  rate_limit: listOf({ ...endpoint, rate: honoured('requests of all callers together'), per: honoured('seconds') }),
  cache: harmless('acts only with `cache_options.enable_cache`, which is then refused'),
  advance_cache_config: harmless('acts only with `cache_options.enable_cache`, which is then refused'),
  transform: missing('body-transforms', 'change the body in a post plugin'),
  transform_response: missing('body-transforms', 'change the body in a response plugin'),
  transform_jq: missing('jq', 'change the body in a post plugin'),
  transform_jq_response: missing('jq', 'change the body in a response plugin'),
  circuit_breakers: missing('circuit-breakers', 'set `hard_timeouts`, or break circuits behind the gateway'),
  validate_json: missing('json-validation', 'check the body in a pre plugin'),
  validate_request: missing('request-validation', 'check the request in a pre plugin'),
  persist_graphql: missing('graphql', 'proxy GraphQL as plain HTTP'),
};

/** Every field of a version of a Classic definition. */
export const versionFields: FieldTree = {
  name: honoured('in access rights of keys'),
  expires: honoured('`YYYY-MM-DD HH:MM`, UTC; afterwards 403; `-1`: never'),
  paths: section({
    ignored: honoured('without `use_extended_paths`'),
    white_list: honoured('without `use_extended_paths`'),
    black_list: honoured('without `use_extended_paths`'),
  }),
  use_extended_paths: honoured('`extended_paths` count, else `paths`'),
  extended_paths: switchedSection('use_extended_paths', extendedPaths),
  global_headers: honoured('set on requests; values may hold variables'),
  global_headers_remove: honoured('taken off requests'),
  global_headers_disabled: honoured('both are as if they were not there'),
  global_response_headers: honoured('set on responses'),
  global_response_headers_remove: honoured('taken off responses'),
  global_response_headers_disabled: honoured('both are as if they were not there'),
  ignore_endpoint_case: honoured('endpoint paths match whatever their case'),
  global_size_limit: honoured('bytes; 0: none'),
  global_size_limit_disabled: honoured('as if it were not there'),
  global_enforce_timeout: honoured('as `1m30s`: longest wait for the upstream'),
  global_enforce_timeout_disabled: honoured('as if it were not there'),
  override_target: honoured('instead of `proxy.target_url`'),
};
