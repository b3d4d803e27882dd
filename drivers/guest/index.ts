export type { GuestAnswer, GuestCall } from './call.ts';
export { createGuest, type Guest, type GuestStatus } from './guest.ts';
export { createGuestDriver, type GuestDriverOptions } from './guest-driver.ts';
export { GuestHooks, loadMembers, notReady } from './guest-hooks.ts';
export { type AnswerMembers, toHookAnswer } from './hook-answer.ts';
export type { GuestLoaded } from './loaded.ts';
export type { GuestOptions } from './options.ts';
