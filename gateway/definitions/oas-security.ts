import type { Fields, JsonObject } from './fields.ts';

/** Token authentication that a document asks for, as an entry of the Classic `auth_configs`. */
export interface TokenSecurity {
  readonly config: JsonObject;
  /** Where the document asks for it. */
  readonly path: string;
}

/**
 * What the security schemes of a document come to. A scheme counts when it is enabled in the extension, declared in
 * `components.securitySchemes`, and part of the document's first security requirement.
 */
export function readSecurity(document: Fields, authentication: Fields): TokenSecurity | undefined {
  if (!authentication.boolean('enabled')) return undefined;
  const requirements = document.objects('security');
  checkMode(authentication, requirements.length);
  const declared = document.object('components').object('securitySchemes');
  const schemes = authentication.object('securitySchemes');
  let token: TokenSecurity | undefined;
  for (const name of Object.keys(requirements[0]?.json ?? {})) {
    const scheme = schemes.object(name);
    if (!scheme.boolean('enabled')) continue;
    const declaration = declared.object(name);
    const type = declaration.string('type');
    if (type === 'apiKey') token = takeToken(token, name, scheme, declaration);
    else refuseScheme(type, scheme, declaration);
  }
  return token;
}

/** "Compliant" means that one requirement of several is enough. */
function checkMode(authentication: Fields, requirements: number): void {
  if (authentication.string('securityProcessingMode') !== 'compliant') return;
  const own = authentication.raw('security');
  if (requirements + (Array.isArray(own) ? own.length : 0) < 2) return;
  authentication.report.feature(
    authentication.at('securityProcessingMode'),
    'security-alternatives',
    'asks for alternatives between security requirements',
    'write one requirement, or decide in an auth plugin',
  );
}

function takeToken(
  other: TokenSecurity | undefined,
  name: string,
  scheme: Fields,
  declaration: Fields,
): TokenSecurity | undefined {
  if (other !== undefined) {
    scheme.report.invalid(
      scheme.path,
      'is the second API key of one requirement',
      'leave one, and take keys from several places in it',
    );
    return other;
  }
  if (scheme.boolean('enableClientCertificate')) {
    const cure = 'take it out and identify callers by key or plugin';
    scheme.report.feature(scheme.at('enableClientCertificate'), 'mutual-tls', 'asks for client certificates', cure);
  }
  if (scheme.object('signatureValidation').boolean('enabled')) {
    const at = scheme.at('signatureValidation');
    scheme.report.feature(at, 'key-signatures', 'asks for signed keys', 'check signatures in an auth plugin');
  }
  return { config: tokenConfig(name, scheme, declaration), path: scheme.path };
}

/** A key is taken from where the declaration says, and from where the extension says more. */
function tokenConfig(name: string, scheme: Fields, declaration: Fields): JsonObject {
  const place = declaration.string('in');
  const declared = declaration.string('name');
  const header = scheme.object('header');
  const query = scheme.object('query');
  const cookie = scheme.object('cookie');
  return {
    name,
    disable_header: place !== 'header' && !header.boolean('enabled'),
    auth_header_name: place === 'header' ? declared : header.string('name'),
    use_param: place === 'query' || query.boolean('enabled'),
    param_name: place === 'query' ? declared : query.string('name'),
    use_cookie: place === 'cookie' || cookie.boolean('enabled'),
    cookie_name: place === 'cookie' ? declared : cookie.string('name'),
  };
}

function refuseScheme(type: string, scheme: Fields, declaration: Fields): void {
  const cure = 'check credentials in an auth plugin';
  const kind = type === 'http' ? declaration.string('scheme').toLowerCase() : type;
  if (kind === 'bearer') scheme.report.feature(scheme.path, 'jwt', 'asks for JSON Web Tokens', cure);
  else if (kind === 'basic') scheme.report.feature(scheme.path, 'basic-auth', 'asks for passwords', cure);
  else if (kind === 'oauth2') scheme.report.feature(scheme.path, 'oauth', 'asks for OAuth', cure);
  else if (kind === 'openIdConnect') scheme.report.feature(scheme.path, 'openid', 'asks for OpenID Connect', cure);
  else {
    scheme.report.invalid(
      scheme.path,
      'is enabled, and components.securitySchemes does not declare it',
      'declare it with "type": "apiKey", or disable it',
    );
  }
}
