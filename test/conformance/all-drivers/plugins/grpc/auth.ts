import { SessionState } from '../../../../../proto/gen/coprocess_session_state.ts';
import { asked, requestOf, type ServerHook } from './plugin.ts';
import { answer } from './request.ts';

export const who: ServerHook = (object) => {
  const { set, code, token, session = {}, metadata = {} } = asked(object);
  Object.assign(requestOf(object).setHeaders, set);
  if (code !== undefined) return answer(object);
  if (token === undefined && Object.keys(session).length === 0 && Object.keys(metadata).length === 0) return;
  object.session = SessionState.fromJSON({ ...session, metadata });
  if (token !== undefined) object.metadata.token = token;
};
