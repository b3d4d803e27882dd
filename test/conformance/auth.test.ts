// time limit: 300 s
import { conformance } from './cases.ts';

conformance(['auth', 'auth-hashed', 'auth-hashed-fn', 'auth-control'], false);
