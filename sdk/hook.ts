import type { Accepted } from './accept.ts';
import type { PluginContext, ResponseContext, SessionContext } from './context.ts';
import type { BodyKind, PluginRequest, PluginResponse } from './message.ts';
import type { Reply } from './reply.ts';

/** Where in a request's life a hook runs. */
export type Phase = 'pre' | 'auth' | 'postKeyAuth' | 'post' | 'response';

/** What a hook reads of its message's body. Without it the body streams past, and the hook does not see it. @default 'none' */
export interface HookOptions<Body extends BodyKind> {
  readonly body: Body;
}

/** An exported hook: what a definition names by module and export. Made by {@link pre} and its siblings. */
export interface Hook {
  readonly [hookMark]: typeof hookVersion;
  readonly phase: Phase;
  readonly body: BodyKind;
  /** Called by the host; its arguments are of the phase's types. */
  readonly run: (message: never, context: never) => unknown;
}

/** Every plugin is bundled with its own copy of this module, so hooks are known by this mark and not by a class. */
export const hookMark: unique symbol = Symbol.for('interpose.hook') as never;
export const hookVersion = 1;

// biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing lets the request go on.
type Outcome<Value> = Value | void | Promise<Value | void>;

type RequestHandler<Body extends BodyKind, Context> = (
  request: PluginRequest<Body>,
  context: Context,
) => Outcome<Reply>;
type AuthHandler<Body extends BodyKind> = (
  request: PluginRequest<Body>,
  context: PluginContext,
) => Accepted | Reply | Promise<Accepted | Reply>;
type ResponseHandler<Body extends BodyKind> = (
  response: PluginResponse<Body>,
  context: ResponseContext,
) => Outcome<undefined>;

/**
 * A hook before authentication. Change `request`, or return a {@link Reply} to answer in place of the upstream.
 *
 * @example
 * export const stamp = pre((request, { config }) => {
 *   request.headers.set('x-plan', String(config.plan));
 * });
 * export const censor = pre({ body: 'text' }, (request) => {
 *   request.body = request.body.replaceAll('darn', '****');
 * });
 */
export function pre(run: RequestHandler<'none', PluginContext>): Hook;
export function pre<Body extends BodyKind>(options: HookOptions<Body>, run: RequestHandler<Body, PluginContext>): Hook;
export function pre(...args: HookArguments): Hook {
  return hook('pre', args);
}

/**
 * The authentication hook: says who the caller is with `accept`, or answers with a {@link Reply}.
 *
 * @example
 * export const who = auth(async (request, { signal }) => {
 *   const user = await lookUp(request.headers.get('authorization'), signal);
 *   return user ? accept(user.id, { rate: 100, per: 1 }) : reply(403, 'who are you?');
 * });
 */
export function auth(run: AuthHandler<'none'>): Hook;
export function auth<Body extends BodyKind>(options: HookOptions<Body>, run: AuthHandler<Body>): Hook;
export function auth(...args: HookArguments): Hook {
  return hook('auth', args);
}

/** A hook right after authentication, before rights and limits are checked. It sees the caller's session. */
export function postKeyAuth(run: RequestHandler<'none', SessionContext>): Hook;
export function postKeyAuth<Body extends BodyKind>(
  options: HookOptions<Body>,
  run: RequestHandler<Body, SessionContext>,
): Hook;
export function postKeyAuth(...args: HookArguments): Hook {
  return hook('postKeyAuth', args);
}

/** The last hook before the upstream. It sees the caller's session, if there is one. */
export function post(run: RequestHandler<'none', SessionContext>): Hook;
export function post<Body extends BodyKind>(
  options: HookOptions<Body>,
  run: RequestHandler<Body, SessionContext>,
): Hook;
export function post(...args: HookArguments): Hook {
  return hook('post', args);
}

/**
 * A hook on the upstream's response. Change `response`; what it returns does not count.
 *
 * @example
 * export const mask = response({ body: 'text' }, (response) => {
 *   response.body = response.body.replaceAll(/\d{16}/g, '****');
 * });
 */
export function response(run: ResponseHandler<'none'>): Hook;
export function response<Body extends BodyKind>(options: HookOptions<Body>, run: ResponseHandler<Body>): Hook;
export function response(...args: HookArguments): Hook {
  return hook('response', args);
}

type Run = Hook['run'];
type HookArguments = [run: Run] | [options: HookOptions<BodyKind>, run: Run];

const bodyKinds: readonly BodyKind[] = ['none', 'text', 'bytes', 'json'];

function hook(phase: Phase, args: HookArguments): Hook {
  const [options, run] = args.length === 1 ? [{ body: 'none' as const }, args[0]] : args;
  if (typeof run !== 'function') throw new TypeError(`${phase}(options, run): "run" must be a function`);
  if (!bodyKinds.includes(options?.body)) {
    throw new TypeError(`${phase}(options, run): "body" must be one of ${bodyKinds.join(', ')}`);
  }
  const made: Hook = { [hookMark]: hookVersion, phase, body: options.body, run };
  return Object.freeze(made);
}
