import { pre, reply } from 'interpose/plugin';
import { counter } from './counter.ts';

export const second = pre(() => reply(200, String(++counter.value)));
