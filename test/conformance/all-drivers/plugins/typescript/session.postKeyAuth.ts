import { postKeyAuth } from 'interpose/plugin';
import * as hooks from './session-hooks.ts';

export const showSession = postKeyAuth(hooks.showSession);
