/** A mistake on the command line or in the configuration. */
export class UsageError extends Error {}
