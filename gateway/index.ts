export type { Gateway } from './gateway.ts';
export { type OpenGatewayOptions, openGateway } from './open-gateway.ts';
export { type GatewayState, openState } from './state.ts';
