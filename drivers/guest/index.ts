export type { GuestAnswer, GuestCall } from './call.ts';
export { createGuest, type Guest, type GuestStatus } from './guest.ts';
export { createGuestDriver, type GuestDriverOptions } from './guest-driver.ts';
export { createGuests } from './guest-group.ts';
export { GuestHooks, instancesOf, loadMembers, notReady } from './guest-hooks.ts';
export { type AnswerMembers, toHookAnswer } from './hook-answer.ts';
export type { GuestLoaded } from './loaded.ts';
export type { GuestOptions } from './options.ts';
export { WarmGuests } from './warm-guests.ts';
