export { type Coprocess, type CoprocessOptions, createCoprocess } from './coprocess.ts';
