export { type Listener, type ListenerLimits, openListener } from './listener.ts';
