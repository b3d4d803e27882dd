import { pre, reply } from 'interpose/plugin';
import { counter } from './counter.ts';

export const first = pre(() => reply(200, String(++counter.value)));
