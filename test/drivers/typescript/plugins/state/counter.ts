/** Shared by two modules of one set. */
export const counter = { value: 0 };
