import { post } from 'interpose/plugin';
import * as hooks from './session-hooks.ts';

export const showSession = post(hooks.showSession);
