import { post } from 'interpose/plugin';
import { sign } from './asked.ts';
import * as hooks from './request-hooks.ts';

export const showRequest = post({ body: 'bytes' }, hooks.showRequest);
export const editHeaders = post(hooks.editHeaders);
export const editQuery = post(hooks.editQuery);
export const editBody = post({ body: 'bytes' }, hooks.editBody);
export const move = post(hooks.move);
export const answer = post(hooks.answer);
export const fourth = post((request) => sign(request, 'fourth'));
export const fifth = post((request) => sign(request, 'fifth'));
