export { type Listener, openListener } from './listener.ts';
