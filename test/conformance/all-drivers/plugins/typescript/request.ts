import { pre } from 'interpose/plugin';
import { sign } from './asked.ts';
import * as hooks from './request-hooks.ts';

export const showRequest = pre({ body: 'bytes' }, hooks.showRequest);
export const showText = pre({ body: 'text' }, hooks.showText);
export const editHeaders = pre(hooks.editHeaders);
export const editQuery = pre(hooks.editQuery);
export const editBody = pre({ body: 'bytes' }, hooks.editBody);
export const move = pre(hooks.move);
export const answer = pre(hooks.answer);
export const first = pre((request) => sign(request, 'first'));
export const second = pre((request) => sign(request, 'second'));
export const third = pre((request) => sign(request, 'third'));
