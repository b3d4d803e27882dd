import { postKeyAuth } from 'interpose/plugin';
import { sign } from './asked.ts';
import * as hooks from './request-hooks.ts';

export const editHeaders = postKeyAuth(hooks.editHeaders);
export const between = postKeyAuth((request) => sign(request, 'between'));
