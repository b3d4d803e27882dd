import { allCases } from './all-drivers.ts';

allCases('lua-wasm');
