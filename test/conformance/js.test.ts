// test-timeout: 300
import { conformance } from './cases.ts';

conformance(['js', 'js-virtual', 'js-config', 'js-off', 'js-head'], false);
