export { openGateway } from './open-gateway.ts';
export { type GatewayState, openState } from './state.ts';
