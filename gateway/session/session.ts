/**
 * A session, in the shape and with the names of its stored JSON (spec/platform-contract §6.1). A field that is absent has Go's zero
 * value. Fields we do not know ride along untouched. Times are unix seconds unless said.
 */
export interface Session {
  last_check?: number;
  allowance?: number;
  /** Requests per {@link per} seconds; 0 or less: no limit. */
  rate?: number;
  per?: number;
  throttle_interval?: number;
  throttle_retry_limit?: number;
  max_query_depth?: number;
  /** RFC 3339. */
  date_created?: string;
  /** 0 or less: never. */
  expires?: number;
  /** 0 or less: no quota. */
  quota_max?: number;
  quota_renews?: number;
  quota_remaining?: number;
  /** Length of a quota period, in seconds; 0: for ever. */
  quota_renewal_rate?: number;
  /** By API id; none: every API. */
  access_rights?: Record<string, AccessRight>;
  org_id?: string;
  oauth_client_id?: string;
  oauth_keys?: Record<string, string>;
  certificate?: string;
  mtls_static_certificate_bindings?: string[];
  basic_auth_data?: { password?: string; hash_type?: string };
  jwt_data?: { secret?: string };
  hmac_enabled?: boolean;
  enable_http_signature_validation?: boolean;
  hmac_string?: string;
  rsa_certificate_id?: string;
  is_inactive?: boolean;
  /** Deprecated form of {@link apply_policies}. */
  apply_policy_id?: string;
  apply_policies?: string[];
  data_expires?: number;
  monitor?: { trigger_limits?: number[] };
  enable_detail_recording?: boolean;
  enable_detailed_recording?: boolean;
  meta_data?: Record<string, unknown>;
  tags?: string[];
  alias?: string;
  last_updated?: string;
  /** Until when an ID extractor's hit spares the auth plugin. */
  id_extractor_deadline?: number;
  /** Seconds that the session stays in the store; 0 or less: as the API says. */
  session_lifetime?: number;
  post_expiry_action?: string;
  post_expiry_grace_period?: number;
  smoothing?: unknown;
}

/** The right to use one API. */
export interface AccessRight {
  api_name?: string;
  api_id?: string;
  versions?: string[];
  /** None: every path. */
  allowed_urls?: AllowedUrl[];
  /** Limits for this API in place of the session's. */
  limit?: Limit;
  /** Part of the names of this right's counters. */
  allowance_scope?: string;
  endpoints?: EndpointLimits[];
  restricted_types?: unknown;
  allowed_types?: unknown;
  field_access_rights?: unknown;
  disable_introspection?: boolean;
}

/** `url` is a regular expression, found anywhere in the path (listen path included). */
export interface AllowedUrl {
  url: string;
  methods: string[] | null;
}

export interface Limit {
  rate?: number;
  per?: number;
  smoothing?: unknown;
  throttle_interval?: number;
  throttle_retry_limit?: number;
  max_query_depth?: number;
  quota_max?: number;
  quota_renews?: number;
  quota_remaining?: number;
  quota_renewal_rate?: number;
}

export interface EndpointLimits {
  path?: string;
  methods?: { name?: string; limit?: { rate?: number; per?: number } }[];
}
