export { planOffline } from './chain/plan/offline.ts';
export type { Plan, PlannedStep } from './chain/plan/plan.ts';
export type { SampleRequest } from './chain/plan/sample.ts';
export { openGateway } from './open-gateway.ts';
export { type GatewayState, openState } from './state.ts';
