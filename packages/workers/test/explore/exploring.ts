/** Exploring dispatch: core's frame, and a submitter and workers of a small lane, as the mill has them. */
export { AT, ensure, expectNoFault, random, within } from '../../../core/test/explore/exploring.ts';
