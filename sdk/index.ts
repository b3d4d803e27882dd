/** What plugin authors import: `import { pre, auth, response, reply, accept } from 'interpose/plugin'`. */
export { type Accepted, type AcceptOptions, accept } from './accept.ts';
export type { PluginContext, PluginLog, ResponseContext, SessionContext } from './context.ts';
export { auth, type Hook, type HookOptions, type Phase, post, postKeyAuth, pre, response } from './hook.ts';
export type {
  BodyKind,
  PluginRequest,
  PluginResponse,
  QueryParams,
  RequestHeaders,
  ResponseHeaders,
  SentRequest,
} from './message.ts';
export { type Reply, type ReplyHeaders, reply } from './reply.ts';
export type { AccessRight, Session } from './session.ts';
