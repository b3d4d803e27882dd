import { pre } from 'interpose/plugin';
import * as hooks from './session-hooks.ts';

export const showSession = pre((request, context) =>
  hooks.showSession(request, { ...context, session: undefined, metadata: {} }),
);
