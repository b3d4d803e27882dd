import type { HeaderList } from './header-list.ts';

/** An upstream's response on its way through the response hooks. */
export interface ResponseState {
  status: number;
  headers: HeaderList;
  body: Buffer;
}
